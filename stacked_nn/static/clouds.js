// How clouds of images separate while a network learns a distance, epoch by epoch.
import {
  best, fit, floats, images, make, mounter, percent, picture, shape, slider, sum,
} from "./kit.js";

/** The prototype nearest to each point; both are [x, y, x, y, ...] */
export function nearest(points, prototypes) {
  return Array.from({ length: points.length / 2 }, (_, i) => best(
    Array.from({ length: prototypes.length / 2 }, (_, c) => -Math.hypot(
      points[2 * i] - prototypes[2 * c], points[2 * i + 1] - prototypes[2 * c + 1]))));
}

/** The places `t` of the way from one frame to the next */
export const between = (from, to, t) => from.map((v, i) => v + t * (to[i] - v));

const steps = 12, pause = 60;       // between two frames, and milliseconds for each

function render({ model, el }) {
  const data = model.get("data"), { epochs, margin, names } = data;
  const truth = data.labels, n = truth.length, frames = epochs.length;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const numbers = { points: floats(data.points), prototypes: floats(data.prototypes) };
  const frame = (kind, k) => {
    const size = numbers[kind].length / frames;
    return Array.from(numbers[kind].subarray(k * size, (k + 1) * size));
  };
  const all = epochs.map((_, k) => ({ points: frame("points", k),
    prototypes: frame("prototypes", k) }));
  for (const f of all) {
    f.answers = nearest(f.points, f.prototypes);
    f.frame = [0, 1].flatMap((odd) => {        // middle and half length, across and up
      const v = [...f.points, ...f.prototypes].filter((_, i) => i % 2 === odd);
      const [least, most] = [Math.min(...v), Math.max(...v)];
      return [(least + most) / 2, (most - least) / 2 || 1];
    });
  }
  const tiles = images(data.digits, 64).map((image) => picture(image, { ariaHidden: "true" }));

  const plane = shape("svg", { class: "plane", role: "img" });
  const boxes = shape("path", { class: "wrong" });
  const signs = truth.map((c) => shape("text", { class: `sign k${c % 10}` }, names[c]));
  const rings = names.map((name, c) => {
    const ring = shape("g", { class: `ring k${c % 10}` });
    ring.append(shape("circle", { r: 13 }), shape("text", { y: 5 }, name));
    return ring;
  });
  const ruler = shape("path", { class: "ruler" }), measure = shape("text", { x: 8 });
  plane.append(...signs, boxes, ...rings, ruler, measure);
  const readout = make("p", { className: "readout", role: "status" });
  const image = make("span", { className: "image" });
  const words = make("small", { textContent: "Point at a sign to see its image." });
  let at = 0, part = 0, timer, width = 0, place = [];

  const wrong = (i) => all[at].answers[i] !== truth[i];
  function draw() {
    if (!width) return;
    const height = Math.round(Math.min(width, 520));
    const f = all[at], g = all[Math.min(at + 1, frames - 1)];
    const [x0, dx, y0, dy] = between(f.frame, g.frame, part);
    const unit = Math.min((width - 36) / dx, (height - 36) / dy) / 2;
    const X = (x) => width / 2 + unit * (x - x0), Y = (y) => height / 2 - unit * (y - y0);
    const points = between(f.points, g.points, part);
    const centres = between(f.prototypes, g.prototypes, part);
    plane.setAttribute("viewBox", `0 0 ${width} ${height}`);
    place = truth.map((_, i) => [X(points[2 * i]), Y(points[2 * i + 1])]);
    place.forEach(([x, y], i) => {
      signs[i].setAttribute("x", x.toFixed(1));
      signs[i].setAttribute("y", (y + 4).toFixed(1));
    });
    boxes.setAttribute("d", place.map(([x, y], i) =>
      (wrong(i) ? `M${(x - 7).toFixed(1)} ${(y - 8).toFixed(1)}h14v16h-14z` : "")).join(""));
    rings.forEach((ring, c) => ring.setAttribute("transform",
      `translate(${X(centres[2 * c])} ${Y(centres[2 * c + 1])})`));
    const long = margin * unit, fits = long < width - 16;
    ruler.setAttribute("d", `M8 ${height - 12}v8m0 -4h${fits ? `${long}m0 -4v8` : width - 8}`);
    measure.setAttribute("y", height - 18);
    measure.textContent = fits ? "margin" : `margin: ${(long / width).toFixed(1)} × this width →`;
  }
  function show() {
    const errors = sum(truth.map((_, i) => Number(wrong(i))));
    readout.ariaLive = timer ? "off" : "polite";
    readout.textContent = `Epoch ${epochs[at]}: the nearest ring is right for ${n - errors} `
      + `of ${n} images, ${percent(1 - errors / n)}`;
    plane.ariaLabel = `Places of ${n} images after ${epochs[at]} epochs; nearest ring wrong: `
      + names.map((name, c) => `${sum(truth.map((t, i) => Number(t === c && wrong(i))))} of `
        + `${sum(truth.map((t) => Number(t === c)))} of ${name}`).join(", ");
    draw();
  }
  plane.onpointermove = plane.onpointerdown = (event) => {
    const box = plane.getBoundingClientRect();
    const far = place.map(([x, y]) =>
      Math.hypot(x - event.clientX + box.left, y - event.clientY + box.top));
    const i = best(far.map((v) => -v));
    if (far[i] > 14) return;
    image.replaceChildren(tiles[i]);
    words.textContent = `Test image ${i}, a ${names[truth[i]]}, nearest to the ring of `
      + `${names[all[at].answers[i]]}.`;
  };

  const epoch = slider("Epoch", { max: frames - 1, value: 0, say: (i) => String(epochs[i]) },
    (i) => { at = i; part = 0; show(); });
  const play = make("button", { type: "button", textContent: "Play" });
  const stop = () => { clearInterval(timer); timer = null; play.textContent = "Play"; };
  epoch.input.addEventListener("pointerdown", stop);
  epoch.input.addEventListener("keydown", stop);
  play.onclick = () => {
    if (timer) { stop(); part = 0; return show(); }
    if (at === frames - 1) epoch.value = 0;
    play.textContent = "Pause";
    const jump = still.matches ? steps : 1;
    timer = setInterval(() => {
      if (at === frames - 1 || !el.isConnected) { stop(); return show(); }
      part += jump / steps;
      if (part > 0.999) epoch.value = at + 1; else draw();
    }, pause * jump);
  };

  el.append(make("div", { className: "snn clouds" }, make("div", { className: "body" },
    make("div", { className: "play" }, play, epoch.el), readout, plane,
    make("div", { className: "note" }, image, words))));
  fit(plane.parentElement, (w) => { width = w; draw(); });
  show();
}

export default { render };
export const mount = mounter(render);
