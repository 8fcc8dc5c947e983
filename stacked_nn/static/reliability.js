// Two exponents, and the reliability diagram of the product that they make.
import { best, fit, make, mounter, percent, plot, poolLogs, slider, sum } from "./kit.js";

/** Rows of log-probabilities from hundredths in base64, two bytes each */
export function rows(text, width) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 2 / width }, (_, i) =>
    Array.from({ length: width }, (_, c) => view.getInt16(2 * (i * width + c), true) / 100));
}

/** Bins of confidence and four scores of a product with exponents */
export function judge(experts, labels, exponents, bins = 10) {
  const zeros = () => Array(bins).fill(0), n = zeros(), sure = zeros(), kept = zeros();
  let loss = 0;
  labels.forEach((label, i) => {
    const logs = poolLogs(experts.map((expert) => expert[i]), exponents);
    const first = best(logs), p = Math.exp(logs[first]);
    const bin = Math.min(bins - 1, Math.floor(p * bins));
    n[bin] += 1; sure[bin] += p; kept[bin] += first === label;
    loss -= logs[label];
  });
  const all = labels.length, gaps = n.map((_, k) => Math.abs(kept[k] - sure[k]));
  return { n, loss: loss / all, ece: sum(gaps) / all, accuracy: sum(kept) / all,
    confidence: sum(sure) / all,
    sure: n.map((count, k) => count && sure[k] / count),
    kept: n.map((count, k) => count && kept[k] / count) };
}

const tenths = Array.from({ length: 6 }, (_, k) => [k / 5, (k / 5).toFixed(1)]);
const green = "--colour: var(--combined)";

function words({ confidence, accuracy }) {
  const shown = (p) => Math.round(1000 * p);      // the gap of the numbers as they are shown
  const gap = (shown(confidence) - shown(accuracy)) / 10, points = Math.abs(gap).toFixed(1);
  const verdict = gap === 0 ? "just what it keeps"
    : `${points} points ${gap > 0 ? "more than it keeps: overconfident" : "less than it keeps"}`;
  return `On average it promises ${percent(confidence)} and is right in `
    + `${percent(accuracy)}: ${verdict}.`;
}

function render({ model, el }) {
  const data = model.get("data"), labels = Array.from(data.labels, (c) => parseInt(c, 36));
  const experts = data.logs.map((text) => rows(text, data.classes));
  const plain = judge(experts, labels, [1, 1]), top = labels.length;
  const diagram = make("div"), counts = make("div");
  const readout = make("p", { className: "readout", role: "status" });
  let now = plain, widths = [0, 0];

  function showDiagram(width) {
    const { svg, X, Y, add, line } = plot(width, Math.min(width, 330), [0, 1], [0, 1], {
      xlabel: "confidence in the first choice", ylabel: "share that was right",
      label: `Reliability diagram. ${now.n.map((n, k) => n && `Promised ${percent(now.sure[k])}, `
        + `kept ${percent(now.kept[k])}, ${n} images`).filter(Boolean).join("; ")}`,
      xmarks: tenths, ymarks: tenths });
    line([0, 1], [0, 1], { class: "promise" });
    const filled = (r) => r.n.flatMap((n, k) => (n ? [k] : []));
    const curve = (r, attributes) =>
      line(filled(r).map((k) => r.sure[k]), filled(r).map((k) => r.kept[k]), attributes);
    if (now !== plain) curve(plain, { class: "before" });
    curve(now, { class: "curve", style: green });
    for (const k of filled(now)) {
      const [x, y] = [now.sure[k], now.kept[k]];
      add("line", { class: "gap", x1: X(x), x2: X(x), y1: Y(x), y2: Y(y) });
      add("circle", { class: "dot", cx: X(x), cy: Y(y), style: green,
        r: 3 + 6 * Math.sqrt(now.n[k] / top) });
    }
    diagram.replaceChildren(svg);
  }
  function showCounts(width) {
    const { svg, X, Y, add } = plot(width, 120, [0, 1], [0, 1.25 * top], {
      xlabel: "confidence in the first choice", ylabel: "images",
      label: `Images in each bin of confidence: ${now.n.join(", ")}`,
      xmarks: tenths, ymarks: [[0, "0"]] });
    now.n.forEach((n, k) => {
      const [left, right] = [X(k / 10) + 1, X((k + 1) / 10) - 1];
      add("rect", { class: "count", x: left, width: right - left, y: Y(n), height: Y(0) - Y(n) });
      if (n) add("text", { x: (left + right) / 2, y: Y(n) - 3, "text-anchor": "middle" }, n);
    });
    counts.replaceChildren(svg);
  }

  const scores = [["log loss", ({ loss }) => loss.toFixed(3)], ["ECE", ({ ece }) => percent(ece)],
    ["accuracy", ({ accuracy }) => percent(accuracy)]];
  const cells = scores.map(() => make("td"));
  const head = (scope, textContent) => make("th", { scope, textContent });
  const table = make("table", {},
    make("thead", {}, make("tr", {}, ...["score", "product", "now"].map((t) => head("col", t)))),
    make("tbody", {}, ...scores.map(([name, score], k) => make("tr", {}, head("row", name),
      make("td", { textContent: score(plain) }), cells[k]))));

  const value = (knob) => knob.value / 100;
  function show() {
    const exponents = knobs.map(value);
    now = exponents.every((a) => a === 1) ? plain : judge(experts, labels, exponents);
    scores.forEach(([, score], k) => { cells[k].textContent = score(now); });
    readout.textContent = words(now);
    for (const { button, at } of presets)
      button.setAttribute("aria-pressed",
        at.every((a, m) => Math.round(100 * a) === knobs[m].value));
    if (widths[0]) showDiagram(widths[0]);
    if (widths[1]) showCounts(widths[1]);
  }
  const knobs = ["Weight", "Bias"].map((name) => {
    const knob = slider(name,
      { max: 150, value: 100, say: (v) => (v / 100).toFixed(2) }, () => show());
    knob.input.ariaLabel = `Exponent of ${name}`;
    knob.el.firstChild.className = name.toLowerCase();
    return knob;
  });
  const presets = [["Reset", [1, 1]], ["Half each", [0.5, 0.5]], ["Fitted", data.fitted]]
    .map(([textContent, at]) => ({ at, button: make("button", { type: "button", textContent,
      onclick: () => at.forEach((a, m) => { knobs[m].value = Math.round(100 * a); }) }) }));

  el.append(make("div", { className: "snn reliability" }, make("div", { className: "body" },
    make("div", { className: "controls" },
      make("p", { textContent: "Exponents" }), ...knobs.map((knob) => knob.el),
      make("div", { className: "tools", role: "group", ariaLabel: "Exponents" },
        ...presets.map(({ button }) => button)), readout, table,
      make("p", { className: "quiet", textContent: `${top} test images. A large dot stands for `
        + "many images; the thin line at it is the gap between promise and fact. "
        + "Grey: the product as it was." })),
    make("div", { className: "pictures" }, diagram, counts))));
  fit(diagram, (width) => { widths[0] = width; showDiagram(width); });
  fit(counts, (width) => { widths[1] = width; showCounts(width); });
  show();
}

export default { render };
export const mount = mounter(render);
