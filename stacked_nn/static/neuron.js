// One or two neurons on a cloud of points: drag weights and biases, and see the boundary bend.
import { fit, make, mounter, plot, slider, sum } from "./kit.js";

const ends = [-2.4, 2.4];
const round = (v) => Math.min(3, Math.max(-3, Math.round(20 * v) / 20));   // as the sliders do

/** The score of a point: `units` are [w1, w2, b], `out` a weight for each of them and a bias */
export function score({ units, out, bend }, x) {
  const z = units.map((unit) => height(unit, x));
  return sum(z.map((v, i) => out[i] * (bend ? Math.max(0, v) : v))) + out[units.length];
}

const isRight = (net, x, label) => (score(net, x) > 0) === (label === 1);
const height = ([w1, w2, b], [x, y]) => w1 * x + w2 * y + b;

/** For each corner of a polygon: its height on a plane, and where the edge after it is at 0 */
function crossings(polygon, plane) {
  return polygon.map((p, i) => {
    const q = polygon[(i + 1) % polygon.length], a = height(plane, p), b = height(plane, q);
    const t = a / (a - b), cut = [p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])];
    return { p, a, cuts: (a > 0) === (b > 0) ? [] : [cut] };
  });
}

/** The part of a polygon where a plane is above 0 */
const above = (polygon, plane) =>
  crossings(polygon, plane).flatMap(({ p, a, cuts }) => (a > 0 ? [p, ...cuts] : cuts));

/** Where a plane has the given height inside of a polygon: two points, or none */
function contour(polygon, [w1, w2, b], level) {
  const points = crossings(polygon, [w1, w2, b - level]).flatMap(({ cuts }) => cuts);
  return points.length === 2 ? points : null;
}

/** The lines of the neurons cut the sheet into pieces; on each, the score is a plane */
export function pieces({ units, out, bend }, square) {
  let parts = [[square, []]];
  if (bend) for (const [i, unit] of units.entries())
    parts = parts.flatMap(([polygon, on]) => [
      [above(polygon, unit), [...on, i]], [above(polygon, unit.map((v) => -v)), on]]);
  return parts.filter(([polygon]) => polygon.length > 2).map(([polygon, on]) => {
    const used = bend ? on : units.map((_, i) => i);
    const plane = [0, 1, 2].map((k) => sum(used.map((i) => out[i] * units[i][k])));
    return { polygon, plane: [plane[0], plane[1], plane[2] + out[units.length]] };
  });
}

const number = (v) => v.toFixed(2).replace("-", "−");
const term = (v, name) => `${v < 0 ? "−" : "+"} ${Math.abs(v).toFixed(2)}${name}`;

function render({ model, el }) {
  const { points, labels, start } = model.get("data");
  const state = { two: false, bend: true };
  const single = () => ({ ...state, units: state.units.slice(0, 1), out: [1, 0] });
  const net = () => (state.two ? state : single());
  const correct = () => sum(points.map((x, i) => Number(isRight(net(), x, labels[i]))));
  const best = { one: 0, two: 0 };
  let size = 0, anchors;

  const knob = (name, label, array, i) => {
    const options = { min: -3, max: 3, step: 0.05, value: array()[i], say: number };
    const s = slider(name, options, (v) => { array()[i] = v; show(); });
    s.input.ariaLabel = label;
    const out = s.el.querySelector("output");
    s.read = () => {
      s.input.value = array()[i];
      out.textContent = number(array()[i]);
      s.input.setAttribute("aria-valuetext", out.textContent);
    };
    return s;
  };
  const restart = () => {
    const units = start.units.map((unit) => [...unit]);
    Object.assign(state, { bend: true, units, out: [...start.out] });
    anchors = [[0, 0], [0, 0]];
  };
  restart();
  const sub = "₁₂";
  const knobs = [0, 1].map((i) => ["w₁", "w₂", "b"].map((name, k) =>
    knob(name, `${name} of neuron ${i + 1}`, () => state.units[i], k)));
  const outs = ["v₁", "v₂", "c"].map((name, k) =>
    knob(name, `${name} of the answer`, () => state.out, k));
  const group = (title, list) => {
    const formula = make("p", { className: "formula" });
    const head = make("div", { className: "title" }, make("span", { textContent: title }));
    return { formula, el: make("div", { className: "unit", role: "group", ariaLabel: title },
      head, ...list.map((s) => s.el), formula) };
  };
  const groups = knobs.map((list, i) => group(`Neuron ${i + 1}`, list));
  const answer = group("The answer", outs);

  const button = (textContent, act) =>
    make("button", { type: "button", textContent, onclick: () => { act(); show(); } });
  const modes = ["One neuron", "Two neurons"].map((text, i) =>
    button(text, () => { state.two = i === 1; }));
  const bend = button("Bend (ReLU)", () => { state.bend = !state.bend; });
  const again = button("Start again", restart);
  const picture = make("div"), sheet = make("div", { className: "plane" }, picture);
  const readout = make("p", { className: "readout" }), hint = make("p", { className: "quiet" });
  const controls = make("div", { className: "controls" });

  // the picture is drawn anew at each move; what a finger holds must stay
  const handles = [0, 1].map((i) => {
    const foot = make("span", { className: "handle", ariaHidden: true });
    const head = make("span", { className: "handle head", ariaHidden: true, textContent: i + 1 });
    const mark = { foot, head, at: null };
    sheet.append(foot, head);
    drag(foot, (p) => {
      anchors[i] = p;
      const [w1, w2] = state.units[i];
      state.units[i][2] = round(-(w1 * p[0] + w2 * p[1]));
    });
    drag(head, (p) => {
      const at = anchors[i] = mark.at, w = [0, 1].map((k) => round(2 * (p[k] - at[k])));
      state.units[i] = [...w, round(-(w[0] * at[0] + w[1] * at[1]))];
    });
    return mark;
  });

  function drag(handle, moved) {
    handle.onpointerdown = (event) => {
      if (event.button) return;
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
    };
    handle.onpointermove = (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = sheet.getBoundingClientRect(), { X, Y } = draw.scale, per = X(1) - X(0);
      const x = event.clientX - box.left, y = event.clientY - box.top;
      const p = [(x - X(0)) / per, (Y(0) - y) / per];
      moved(p.map((v) => Math.min(ends[1], Math.max(ends[0], v))));
      show();
    };
  }

  function draw() {
    const n = net(), right = correct(), [low, high] = ends;
    const { svg, X, Y, add } = plot(size, size + 22, ends, ends, { xlabel: "x₁", ylabel: "x₂",
      label: `${points.length} points, ${right} of them on the right side of the boundary` });
    draw.scale = { X, Y };
    const square = [[low, low], [high, low], [high, high], [low, high]];
    const path = (list) => list.map(([x, y]) => `${X(x)},${Y(y)}`).join(" ");
    for (const { polygon, plane } of pieces(n, square)) {
      const full = above(polygon, plane);
      if (full.length > 2) add("polygon", { class: "full", points: path(full) });
      for (let level = -12; level <= 12; level += 0.5) {
        const line = level ? contour(polygon, plane, level) : null;
        if (line) add("polyline", { class: "level", points: path(line) });
      }
      // between two pieces the plane may start at 0: nudge the level a little
      const edge = contour(polygon, plane, 1e-9);
      if (edge) add("polyline", { class: "edge", points: path(edge) });
    }
    points.forEach((x, i) => {
      const looks = [labels[i] ? "filled" : "", isRight(n, x, labels[i]) ? "" : "wrong"];
      add("circle", { class: `point ${looks.join(" ")}`, cx: X(x[0]), cy: Y(x[1]), r: 3.6 });
    });
    const seen = new Set();
    n.units.forEach((unit, i) => {
      const [w1, w2] = unit, length = w1 * w1 + w2 * w2, mark = handles[i];
      const ray = length && contour(square, unit, 0);
      if (!ray) return;
      const off = height(unit, anchors[i]) / length;
      let at = [anchors[i][0] - off * w1, anchors[i][1] - off * w2];
      if (Math.max(...at.map(Math.abs)) > high)
        at = [(ray[0][0] + ray[1][0]) / 2, (ray[0][1] + ray[1][1]) / 2];
      const tip = [at[0] + w1 / 2, at[1] + w2 / 2];
      for (const stroke of [ray, [at, tip]])
        add("polyline", { class: `own u${i}`, points: path(stroke) });
      mark.at = at;
      for (const [handle, [x, y]] of [[mark.foot, at], [mark.head, tip]]) {
        Object.assign(handle.style, { left: `${X(x)}px`, top: `${Y(y)}px` });
        seen.add(handle);
      }
    });
    for (const { foot, head } of handles)
      for (const handle of [foot, head]) handle.hidden = !seen.has(handle);
    picture.replaceChildren(svg);
  }

  function show() {
    const right = correct(), mode = state.two ? "two" : "one";
    best[mode] = Math.max(best[mode], right);
    modes.forEach((b, i) => b.setAttribute("aria-pressed", state.two === (i === 1)));
    bend.setAttribute("aria-pressed", state.bend);
    [...knobs.flat(), ...outs].forEach((s) => s.read());
    state.units.forEach(([w1, w2, b], i) => {
      const z = `${number(w1)} x₁ ${term(w2, " x₂")} ${term(b, "")}`;
      groups[i].formula.textContent = `a${sub[i]} = ${state.bend ? `max(0, ${z})` : z}`;
    });
    const [v1, v2, c] = state.out;
    answer.formula.textContent = `s = ${number(v1)} a₁ ${term(v2, " a₂")} ${term(c, "")}`;
    const share = (100 * right / points.length).toFixed(1);
    readout.textContent = `${right} of ${points.length} right (${share} %); your best with `
      + `${mode === "one" ? "one neuron" : "two"}: ${best[mode]}`;
    hint.textContent = `The shaded side, where ${state.two ? "s" : "a₁"} > 0, should hold all `
      + "full dots and no rings. Red: on the wrong side. Thin lines join places of equal height. "
      + "Drag a small circle to move its line, the number to turn it; or use the sliders.";
    const wanted = state.two ? [groups[0].el, groups[1].el, answer.el] : [groups[0].el];
    if (controls.children.length !== wanted.length) controls.replaceChildren(...wanted);
    if (size) draw();
  }

  const part = (className, ...children) => make("div", { className }, ...children);
  el.append(part("snn neuron", part("body",
    part("left", part("tools", ...modes), sheet, readout),
    part("right", controls, part("tools", bend, again), hint))));
  fit(sheet, (w) => { size = Math.min(w, 440); draw(); });
  show();
}

export default { render };
export const mount = mounter(render);
