// Training, frame by frame: the loss, the test digits that are still wrong, and the weights of
// the first layer.
import {
  best, curves, fit, images, make, mounter, percent, picture, signed, slider,
} from "./kit.js";

function render({ model, el }) {
  const data = model.get("data"), { epochs, loss, predictions, labels, n_in, n_hidden } = data;
  const n = labels.length, truth = [...labels];
  const tiles = images(data.digits, data.digits.length / n).map((image) => picture(image));
  const W = signed(data.weights), size = n_in * n_hidden, frames = epochs.length;
  const byDigit = [..."0123456789"].map((c) =>
    truth.flatMap((label, i) => (label === c ? [i] : [])));
  const wrong = (frame, i) => predictions[frame][i] !== truth[i];

  // hidden units in the order of the input that they follow in the end
  const end = W.subarray((frames - 1) * size), inputs = Array.from({ length: n_in }, (_, j) => j);
  const follows = (unit) => best(inputs.map((j) => Math.abs(end[j * n_hidden + unit])));
  const order = Array.from({ length: n_hidden }, (_, unit) => unit)
    .sort((a, b) => follows(a) - follows(b) || a - b);

  const small = (textContent) => make("small", { textContent });
  const names = (list) =>
    make("ol", { ariaHidden: true }, ...list.map((textContent) => make("li", { textContent })));
  const readout = make("p", { className: "readout" }), chart = make("div");
  const caption = small("Point at a digit, or tap it, to see what it is taken for.");
  const canvas = (size) => make("canvas", { className: "sheet", role: "img", ...size });
  const sheet = canvas({ width: n_hidden, height: n_in }), wall = canvas();
  let at = 0, timer, place = [];

  function showWeights() {
    const context = sheet.getContext("2d");
    context.clearRect(0, 0, n_hidden, n_in);
    order.forEach((unit, column) => {
      for (let j = 0; j < n_in; j++) {
        const w = W[at * size + j * n_hidden + unit];
        const strength = Math.sqrt(Math.abs(w) / 127);      // so that small ones show
        context.fillStyle = `rgb(${w > 0 ? "179 88 6" : "84 39 136"} / ${strength})`;
        context.fillRect(column, j, 1, 1);
      }
    });
  }

  function layOut(width) {
    const most = Math.max(...byDigit.map((d) => d.length)), perDigit = width < 520 ? 2 : 1;
    const columns = Math.ceil(most / perDigit), tile = width / columns;
    place = byDigit.flatMap((digit, c) => digit.map((i, k) => ({
      i, x: k % columns * tile, y: (c * perDigit + Math.floor(k / columns)) * tile, tile })));
    const scale = devicePixelRatio || 1, height = 10 * perDigit * tile;
    Object.assign(wall, { width: width * scale, height: height * scale });
    wall.style.height = `${height}px`;
    wall.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
    showWall();
  }

  function showWall() {
    const context = wall.getContext("2d");
    context.clearRect(0, 0, wall.width, wall.height);
    context.imageSmoothingEnabled = false;
    for (const { i, x, y, tile } of place) {
      const bad = wrong(at, i);
      context.fillStyle = "#f0883e";
      if (bad) context.fillRect(x + 0.5, y + 0.5, tile - 1, tile - 1);
      context.globalAlpha = bad ? 1 : 0.35;
      context.drawImage(tiles[i], x + 1, y + 1, tile - 2, tile - 2);
      context.globalAlpha = 1;
    }
  }
  wall.onpointermove = wall.onpointerdown = (event) => {
    const { left, top } = wall.getBoundingClientRect();
    const x = event.clientX - left, y = event.clientY - top;
    const hit = place.find((p) => x >= p.x && x < p.x + p.tile && y >= p.y && y < p.y + p.tile);
    if (!hit) return;
    const taken = predictions[at][hit.i];
    caption.textContent = `Test image ${hit.i}, a ${truth[hit.i]}, taken for a ${taken}.`;
  };

  function show(frame) {
    at = frame;
    const errors = (list) => list.filter((i) => wrong(at, i)).length;
    const all = errors(truth.map((_, i) => i));
    readout.textContent = `Epoch ${epochs[at]}: loss ${loss[at].toFixed(3)}, `
      + `${all} of ${n} test digits wrong, accuracy ${percent(1 - all / n)}`;
    line.at(at);
    showWeights();
    showWall();
    wall.ariaLabel = "Wrong test digits: "
      + byDigit.map((d, c) => `${errors(d)} of ${d.length} ${c}s`).join(", ");
    const largest = Math.max(...W.subarray(at * size, (at + 1) * size).map(Math.abs));
    sheet.ariaLabel = `First-layer weights in epoch ${epochs[at]}, ${n_in} inputs by ${n_hidden} `
      + `hidden units; the largest is ${Math.round(100 * largest / 127)} % of that of all epochs`;
  }

  const line = curves(chart, { x: epochs, lines: [{ ys: loss, colour: "weight" }],
    low: 0, high: Math.ceil(10 * Math.max(...loss)) / 10, height: 235,
    xlabel: "epoch", ylabel: "loss (nats)", label: "Training loss over the epochs",
    pick: (i) => { stop(); epoch.value = i; } });
  const say = (i) => String(epochs[i]);
  const epoch = slider("Epoch", { max: frames - 1, value: 0, say }, show);
  epoch.input.addEventListener("pointerdown", () => stop());
  const play = make("button", { type: "button", textContent: "Play" });
  const stop = () => { clearInterval(timer); timer = null; play.textContent = "Play"; };
  play.onclick = () => {
    if (timer) return stop();
    if (at === frames - 1) epoch.value = 0;
    play.textContent = "Pause";
    timer = setInterval(() => {
      if (at < frames - 1 && el.isConnected) epoch.value = at + 1; else stop();
    }, 120);
  };

  const title = (textContent, ...more) =>
    make("div", { className: "title" }, make("span", { textContent }), ...more);
  el.append(make("div", { className: "snn replay" }, make("div", { className: "body" },
    make("div", { className: "play" }, play, epoch.el), readout, chart,
    make("div", { className: "weights" },
      title("Weights of the first layer", small("orange +, purple −, darker is larger")),
      make("div", { className: "axis" }, names(inputs), sheet),
      small("Rows: inputs. Columns: hidden units, sorted by the input that they follow most in "
        + "the end.")),
    make("div", { className: "wall" },
      title("The test digits; those that are wrong are lit"),
      make("div", { className: "axis" }, names(byDigit.map((_, c) => c)), wall), caption))));
  fit(wall, layOut);
  show(0);
}

export default { render };
export const mount = mounter(render);
