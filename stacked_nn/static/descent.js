// A ball on the loss of one neuron with one weight: gradient descent at a rate to choose.
import { fit, make, mounter, plot, slider, sum } from "./kit.js";

const mean = (values) => sum(values) / values.length;

/** The neuron's mean surprise, and the parabola that fits it at its lowest point */
export function landscapes({ x, y, lowest, loss, curvature }) {
  const side = y.map((label) => 2 * label - 1);
  return {
    neuron: {
      height: (w) => mean(x.map((v, i) => {
        const z = side[i] * w * v;      // the lead of the right answer
        return Math.max(0, -z) + Math.log1p(Math.exp(-Math.abs(z)));
      })),
      slope: (w) => mean(x.map((v, i) => -side[i] * v / (1 + Math.exp(side[i] * w * v)))),
    },
    parabola: {
      height: (w) => loss + curvature / 2 * (w - lowest) ** 2,
      slope: (w) => curvature * (w - lowest),
    },
  };
}

/** Where the ball is after 0, 1, ... steps */
export function walk({ slope }, start, rate, steps) {
  const path = [start];
  while (path.length <= steps) path.push(path.at(-1) - rate * slope(path.at(-1)));
  return path;
}

const rates = Array.from({ length: 41 }, (_, i) => 0.1 * 100 ** (i / 40))
  .map((rate) => Number(rate.toPrecision(2)));      // what is shown is what is used
const names = { neuron: "The neuron", parabola: "A parabola" };
const most = 60, blue = "--colour: var(--weight)";

function render({ model, el }) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const data = model.get("data"), { lowest, start } = data, lands = landscapes(data);
  const span = 1.5 * Math.abs(start - lowest), [left, right] = [lowest - span, lowest + span];
  const grid = Array.from({ length: 161 }, (_, i) => left + (right - left) * i / 160);
  const valley = make("div"), history = make("div");
  const readout = make("p", { className: "readout", role: "status" });
  let kind = "neuron", path = [start], timer, widths = [0, 0];

  const at = () => path.at(-1), land = () => lands[kind];
  const away = () => Math.abs(at() - lowest);
  const arrived = () => away() < 0.01, gone = () => away() > 50 * span;
  const number = (v, digits = 3) => {
    const text = Math.abs(v) >= 1000 ? v.toExponential(1) : v.toFixed(digits);
    return text.replace("-", "−");
  };

  function showValley(width) {
    const { height, slope } = land(), w = at();
    const top = 1.04 * Math.max(height(left), height(right));
    const inside = w >= left && w <= right && height(w) <= top;
    const { svg, X, Y, box, add, line } = plot(width, 270, [left, right], [0, top], {
      xlabel: "weight w", ylabel: "loss (nats)",
      label: `Loss over the weight, with the ball at w = ${number(w)}, `
        + `${inside ? "in" : "outside"} the picture` });
    line(grid, grid.map(height), { class: "curve", style: "--colour: var(--quiet-w)" });
    const seen = path.filter((v) => v >= left && v <= right && height(v) <= top);
    if (seen.length === path.length) line(path, path.map(height), { class: "trail" });
    for (const v of seen.slice(0, -1))
      add("circle", { class: "past", cx: X(v), cy: Y(height(v)), r: 3 });
    if (inside) {
      // as long in pixels everywhere
      const steep = slope(w) * (Y(1) - Y(0)) / (X(1) - X(0)), dx = 46 / Math.hypot(1, steep);
      add("line", { class: "tangent", x1: X(w) - dx, x2: X(w) + dx,
        y1: Y(height(w)) - dx * steep, y2: Y(height(w)) + dx * steep });
      add("circle", { class: "dot", cx: X(w), cy: Y(height(w)), r: 7, style: blue });
    } else {
      const far = w > lowest;
      add("text", { class: "away", x: far ? box.right : box.left + 4, y: box.top + 12,
        "text-anchor": far ? "end" : "start" },
        far ? "the ball is out there →" : "← the ball is out there");
    }
    valley.replaceChildren(svg);
  }
  function showHistory(width) {
    const heights = path.map(land().height), top = Math.max(1, ...heights);
    const steps = Math.max(10, path.length - 1), marks = path.length > 1 ? 2.5 : 4;
    const { svg, X, Y, add, line } = plot(width, 270, [0, steps], [0, 1.04 * top], {
      xlabel: "step", ylabel: "loss (nats)",
      label: `Loss after each of ${path.length - 1} steps` });
    line(path.map((_, i) => i), heights, { class: "curve", style: blue });
    heights.forEach((h, i) =>
      add("circle", { class: "dot", cx: X(i), cy: Y(h), r: marks, style: blue }));
    history.replaceChildren(svg);
  }
  function show() {
    const steps = path.length - 1;
    const end = arrived() ? " At the bottom." : gone() ? " Gone."
      : steps >= most && !timer ? " Still not at the bottom." : "";
    readout.ariaLive = timer ? "off" : "polite";
    const loss = number(land().height(at())), slope = number(land().slope(at()));
    readout.textContent = `Step ${steps}: w = ${number(at(), 2)}, `
      + `loss ${loss}, slope ${slope}.${end}`;
    step.disabled = gone();
    if (widths[0]) showValley(widths[0]);
    if (widths[1]) showHistory(widths[1]);
  }
  const stop = () => { clearInterval(timer); timer = null; run.textContent = "Run"; };
  const move = () => { path = [...path, ...walk(land(), at(), rates[rate.value], 1).slice(1)]; };
  const reset = () => { stop(); path = [start]; show(); };

  const rate = slider("Learning rate",
    { max: rates.length - 1, value: 6, say: (i) => rates[i].toPrecision(2) }, () => {});
  const button = (textContent, onclick) =>
    make("button", { type: "button", textContent, onclick });
  const step = button("Step", () => { stop(); move(); show(); });
  const run = button("Run", () => {
    if (timer) { stop(); return show(); }
    if (arrived() || gone() || path.length > most) path = [start];
    const over = () => arrived() || gone() || path.length > most || !el.isConnected;
    if (still.matches) { while (!over()) move(); return show(); }
    run.textContent = "Pause";
    timer = setInterval(() => {
      move();
      if (over()) stop();
      show();
    }, 180);
    show();
  });
  const kinds = Object.keys(names).map((name) => button(names[name], () => {
    kind = name;
    kinds.forEach((b, i) => b.setAttribute("aria-pressed", Object.keys(names)[i] === kind));
    reset();
  }));
  kinds.forEach((b, i) => b.setAttribute("aria-pressed", i === 0));

  el.append(make("div", { className: "snn descent" }, make("div", { className: "body" },
    make("div", { className: "wide" },
      make("div", { className: "tools", role: "group", ariaLabel: "Landscape" }, ...kinds),
      rate.el,
      make("div", { className: "tools" }, step, run, button("Reset", reset)), readout),
    valley, history)));
  fit(valley, (width) => { widths[0] = width; showValley(width); });
  fit(history, (width) => { widths[1] = width; showHistory(width); });
  show();
}

export default { render };
export const mount = mounter(render);
