// Training, frame by frame: the loss, the test digits that are still wrong, and the weights of the first layer.
import { curves, fit, images, make, mounter, percent, picture, signed, slider } from "./kit.js";

function render({ model, el }) {
  const { epochs, loss, predictions, labels, digits, n_in, n_hidden, weights } = model.get("data");
  const n = labels.length, truth = [...labels], tiles = images(digits, digits.length / n).map((image) => picture(image));
  const W = signed(weights), size = n_in * n_hidden, frames = epochs.length;
  const byDigit = [..."0123456789"].map((c) => truth.flatMap((label, i) => (label === c ? [i] : [])));
  const wrong = (frame, i) => predictions[frame][i] !== truth[i];

  // hidden units in the order of the input that they follow in the end
  const end = W.subarray((frames - 1) * size), follows = (unit) => {
    let top = 0;
    for (let j = 1; j < n_in; j++) if (Math.abs(end[j * n_hidden + unit]) > Math.abs(end[top * n_hidden + unit])) top = j;
    return top;
  };
  const order = Array.from({ length: n_hidden }, (_, unit) => unit).sort((a, b) => follows(a) - follows(b) || a - b);

  const readout = make("p", { className: "readout" }), chart = make("div"), caption = make("small", { textContent: "Point at a digit to see what it is taken for." });
  const sheet = make("canvas", { className: "sheet", width: n_hidden, height: n_in, role: "img" });
  const wall = make("canvas", { className: "sheet", role: "img" }), rows = make("ol", { ariaHidden: true }, ...byDigit.map((_, c) => make("li", { textContent: c })));
  let at = 0, timer, place = [];

  function showWeights() {
    const context = sheet.getContext("2d");
    context.clearRect(0, 0, n_hidden, n_in);
    order.forEach((unit, column) => {
      for (let j = 0; j < n_in; j++) {
        const w = W[at * size + j * n_hidden + unit], strength = Math.sqrt(Math.abs(w) / 127);   // so that small ones show
        context.fillStyle = `rgb(${w > 0 ? "179 88 6" : "84 39 136"} / ${strength})`;
        context.fillRect(column, j, 1, 1);
      }
    });
  }

  function layOut(width) {
    const most = Math.max(...byDigit.map((d) => d.length)), perDigit = width < 520 ? 2 : 1, columns = Math.ceil(most / perDigit), tile = width / columns;
    place = byDigit.flatMap((digit, c) => digit.map((i, k) => ({ i, x: k % columns * tile, y: (c * perDigit + Math.floor(k / columns)) * tile, tile })));
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
  wall.onpointermove = (event) => {
    const box = wall.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const hit = place.find((p) => x >= p.x && x < p.x + p.tile && y >= p.y && y < p.y + p.tile);
    if (hit) caption.textContent = `Test image ${hit.i}, a ${truth[hit.i]}, taken for a ${predictions[at][hit.i]}.`;
  };

  function show(frame) {
    at = frame;
    const errors = truth.filter((_, i) => wrong(at, i)).length;
    readout.textContent = `Epoch ${epochs[at]}: loss ${loss[at].toFixed(3)}, ${errors} of ${n} test digits wrong, accuracy ${percent(1 - errors / n)}`;
    line.at(at);
    showWeights();
    showWall();
    wall.ariaLabel = "Wrong test digits: " + byDigit.map((d, c) => `${d.filter((i) => wrong(at, i)).length} of ${d.length} ${c}s`).join(", ");
    sheet.ariaLabel = `First-layer weights in epoch ${epochs[at]}, ${n_in} inputs by ${n_hidden} hidden units; the largest is ${Math.round(100 * Math.max(...W.subarray(at * size, (at + 1) * size).map(Math.abs)) / 127)} % of the largest of all epochs`;
  }

  const line = curves(chart, { x: epochs, lines: [{ ys: loss, colour: "weight" }], low: 0, high: Math.ceil(10 * Math.max(...loss)) / 10, height: 235,
    xlabel: "epoch", ylabel: "loss (nats)", label: "Training loss over the epochs", pick: (i) => { stop(); epoch.value = i; } });
  const epoch = slider("Epoch", { max: frames - 1, value: 0, say: (i) => String(epochs[i]) }, show);
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

  el.append(make("div", { className: "snn replay" }, make("div", { className: "body" },
    make("div", { className: "play" }, play, epoch.el), readout, chart,
    make("div", { className: "weights" }, make("div", { className: "title" }, make("span", { textContent: "Weights of the first layer" }), make("small", { textContent: "orange +, purple −, darker is larger" })),
      make("div", { className: "axis" }, make("ol", { ariaHidden: true }, ...Array.from({ length: n_in }, (_, j) => make("li", { textContent: j }))), sheet),
      make("small", { textContent: "Rows: inputs. Columns: hidden units, sorted by the input that they follow most in the end." })),
    make("div", { className: "wall" }, make("div", { className: "title" }, make("span", { textContent: "The test digits; those that are wrong are lit" })),
      make("div", { className: "axis" }, rows, wall), caption))));
  fit(wall, layOut);
  show(0);
}

export default { render };
export const mount = mounter(render);
