// From independent views to identical ones: two curves for each way to combine them, and the two
// views at the dial.
import { curves, fit, make, mounter, percent, plot, shape, slider } from "./kit.js";

/** What a curve is called, its colour, its dashes */
const looks = [
  [/product/i, "product"], [/mean/i, "mean", "7 3"], [/bayes|exact/i, "bayes", "2 3"],
  [/weight/i, "weight", "9 3 2 3"], [/bias/i, "bias", "9 3 2 3"], [/./, "other", "4 4"],
];
const inks = ["weight", "bias", "combined", "mean", "ink-w", "other"];

function render({ model, el }) {
  const { dial, series, samples } = model.get("data"), names = Object.keys(series);
  const xlabel = "correlation of the views, given the class";
  const styles = names.map((name) => looks.find(([pattern]) => pattern.test(name)));
  const range = (all, pad) => {
    const low = Math.min(...all), high = Math.max(...all), more = pad * (high - low);
    return { low: Math.max(0, low - more), high: high + more };
  };
  const chart = (what, factor, ylabel, label) => {
    const box = make("div"), lines = names.map((name, k) => ({
      ys: series[name][what].map((v) => factor * v), colour: styles[k][1], dash: styles[k][2] }));
    const line = curves(box, { x: dial, lines, ...range(lines.flatMap(({ ys }) => ys), 0.08),
      height: 230, xlabel, ylabel, label, pick: (i) => { knob.value = i; } });
    return { box, line };
  };
  const accuracy = chart("accuracy", 100, "accuracy (%)", "Accuracy along the dial");
  const loss = chart("log_loss", 1, "log loss (nats)", "Log loss along the dial");

  const cells = names.map(() => [make("td"), make("td")]);
  const heading = (textContent) => make("th", { scope: "col", textContent });
  const swatch = ([, colour, dash]) => {
    const svg = shape("svg", { width: 34, height: 8, "aria-hidden": true });
    svg.append(shape("line", { x1: 0, x2: 34, y1: 4, y2: 4, class: "curve",
      style: `--colour: var(--${colour})`, "stroke-dasharray": dash ?? "" }));
    return svg;
  };
  const table = make("table", {},
    make("thead", {}, make("tr", {}, ...["at the dial", "accuracy", "log loss"].map(heading))),
    make("tbody", {}, ...names.map((name, k) =>
      make("tr", {}, make("th", { scope: "row" }, swatch(styles[k]), name), ...cells[k]))));

  const scatter = make("div");
  const span = (view) => {
    const all = samples.flatMap((s) => s[view]);
    return [Math.min(...all), range(all, 0.03).high];
  };
  const wide = span("w"), tall = span("b");
  let at = 0, width = 0;
  function showScatter() {
    const { w, b, y } = samples[at];
    const { svg, X, Y, add } = plot(width, Math.min(width, 380), wide, tall, {
      xlabel: "view w", ylabel: "view b",
      label: `The two views of ${w.length} samples at the dial, each drawn as its class` });
    y.forEach((c, i) => add("text", { class: "mark", x: X(w[i]), y: Y(b[i]) + 4,
      style: `fill: var(--${inks[c % inks.length]})` }, c));
    scatter.replaceChildren(svg);
  }
  function show(i) {
    at = i;
    accuracy.line.at(i); loss.line.at(i);
    names.forEach((name, k) => {
      cells[k][0].textContent = percent(series[name].accuracy[i]);
      cells[k][1].textContent = series[name].log_loss[i].toFixed(3);
    });
    if (width) showScatter();
  }
  const knob = slider("independent",
    { max: dial.length - 1, value: 0, say: (i) => dial[i].toFixed(2) }, show);
  knob.el.insertBefore(make("span", { textContent: "identical" }), knob.el.lastChild);
  knob.input.ariaLabel = `Dial: ${xlabel}`;

  const textContent = `The cloud shows ${samples[0].w.length} samples at the dial, each drawn as `
    + "its class. The closer it lies to a line, the less the second view adds. Press a curve to "
    + "move the dial there.";
  el.append(make("div", { className: "snn dial" }, make("div", { className: "body" },
    make("div", { className: "wide" }, knob.el), accuracy.box, loss.box, scatter,
    make("div", {}, table, make("p", { className: "quiet", textContent })))));
  fit(scatter, (w) => { width = w; showScatter(); });
  show(0);
}

export default { render };
export const mount = mounter(render);
