// Two switches, "multiply when asked" and "multiply when taught": where the product travels, and
// what four stored runs answer.
import { doubles, fit, make, mounter, percent, plot, shape } from "./kit.js";

/** The run that belongs to the two switches */
export const chosen = (asked, taught) =>
  (asked ? (taught ? "both" : "asked") : taught ? "taught" : "neither");

/** What has changed from one run to another, in words */
export function compare(runs, from, to) {
  const [a, b] = [runs[from], runs[to]], [before, after] = [a, b].map((r) => percent(r.accuracy));
  const moved = a.loss.filter((v, i) => v !== b.loss[i]).length, n = a.loss.length;
  const loss = moved ? `The loss curve has moved: ${moved} of ${n} epochs differ.`
    : `The loss curve has not moved: all ${n} epochs are the same, to the last bit.`;
  const accuracy = a.accuracy === b.accuracy ? `The accuracy is the same, ${after}.`
    : `The accuracy goes from ${before} to ${after}.`;
  return { loss, accuracy };
}

const about = {
  neither: "Bias is taught alone, and answers alone.",
  asked: "Bias is taught alone. The answer is the product.",
  taught: "Bias is taught through the product, and then answers alone.",
  both: "Bias is taught through the product, and the answer is the product.",
};

/** Where the product travels, in words */
const travels = {
  neither: "nowhere",
  asked: "to the answer only",
  taught: "to the measure, and with the update back to the weights",
  both: "to the answer, and to the measure and with the update back to the weights",
};

/** The arrows: [path through named points, the switch that sends the product along it] */
const arrows = [
  ["inputs bias"], ["weights bias"], ["bias atAsked"], ["bias atTaught"],
  ["weight atAsked", "asked", "into"], ["weight atTaught", "taught", "into"],
  ["atAsked answer", "asked"], ["atTaught measure", "taught"],
  ["measure below corner weights", "taught"],
];

let drawn = 0;      // diagrams, of which each has an arrowhead of its own

function diagram(width, on) {
  const height = 292, size = Math.min(width, 520), x = (part) => (width - size) / 2 + part * size;
  const svg = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
  const points = {        // middle, half width, half height
    inputs: [x(0.1), 96, 29, 14], weights: [x(0.1), 184, 29, 14],
    bias: [x(0.36), 140, 25, 16], weight: [x(0.63), 140, 31, 16],
    atAsked: [x(0.63), 48, 13, 13], atTaught: [x(0.63), 232, 13, 13],
    answer: [x(0.89), 48, 32, 14], measure: [x(0.89), 232, 33, 14],
    below: [x(0.89), 278, 0, 0], corner: [x(0.1), 278, 0, 0],
  };
  // where the straight line from the middle of a box to `to` leaves the box, and a gap more
  const edge = (from, to, gap) => {
    const [fx, fy, w, h] = points[from], [tx, ty] = points[to], dx = tx - fx, dy = ty - fy;
    const part = Math.min((w + gap) / Math.abs(dx || 1e-9), (h + gap) / Math.abs(dy || 1e-9));
    return w ? [fx + dx * part, fy + dy * part] : [fx, fy];
  };
  const head = shape("marker", { id: `snn-head-${++drawn}`, viewBox: "0 0 8 8", refX: 6, refY: 4,
    markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto" });
  head.append(shape("path", { d: "M0 0 8 4 0 8z", fill: "context-stroke" }));
  svg.append(head);
  for (const [path, by, into] of arrows) {
    const names = path.split(" "), last = names.length - 1;
    const line = names.map((name, i) =>
      (i === last ? edge(name, names[i - 1], 3) : edge(name, names[i + 1], 1)));
    const state = by && on[by] ? "lit" : into ? "cut" : "";
    svg.append(shape("polyline", { class: `way ${state}`, "data-way": path,
      points: line.map((p) => p.join()).join(" "), "marker-end": `url(#${head.id})` }));
  }
  const text = (name, x, y, words) =>
    shape("text", { class: name, x, y, "text-anchor": "middle" }, words);
  for (const words of ["inputs", "weights", "Bias", "Weight", "answer", "measure"]) {
    const name = words.toLowerCase(), [cx, cy, w, h] = points[name];
    svg.append(shape("rect", { class: `box ${name}`, x: cx - w, y: cy - h,
      width: 2 * w, height: 2 * h, rx: 5 }), text(`in ${name}`, cx, cy + 4, words));
  }
  const gates = [["atAsked", on.asked], ["atTaught", on.taught]].map(([name, lit]) => {
    const [cx, cy] = points[name], gate = shape("g", { class: `gate ${lit ? "lit" : ""}` });
    gate.append(shape("circle", { cx, cy, r: 13 }), text("", cx, cy + 6, lit ? "×" : ""));
    svg.append(gate);
    return gate;
  });
  const note = (name, dy, words) =>
    svg.append(text("note", points[name][0], points[name][1] + dy, words));
  note("atAsked", -22, "asked");
  note("atTaught", 29, "taught");
  note("answer", 30, "accuracy");
  note("measure", -22, "loss");
  svg.append(text("note", x(0.32), 272, "update"));
  return { svg, gates };
}

function render({ model, el }) {
  const stored = model.get("data"), on = { asked: false, taught: false };
  const runs = {}, logs = {};
  for (const [name, { loss, accuracy }] of Object.entries(stored)) {
    runs[name] = { loss: [...doubles(loss)], accuracy };
    logs[name] = runs[name].loss.map(Math.log10);
  }
  const all = Object.values(logs).flat();
  const low = Math.floor(Math.min(...all)), high = Math.ceil(Math.max(...all));
  const ymarks = Array.from({ length: high - low + 1 }, (_, i) =>
    [low + i, String(Number((10 ** (low + i)).toPrecision(1)))]);
  const picture = make("div", { className: "way-map" }), chart = make("div"), widths = {};
  let now = "neither", before = null;

  const says = { about: make("p", { className: "about" }), loss: make("p"), accuracy: make("p") };
  const readout =
    make("div", { className: "readout", role: "status" }, ...Object.values(says));
  const score = make("strong");

  function draw() {
    if (widths.map) {
      const { svg, gates } = diagram(widths.map, on);
      svg.setAttribute("aria-label", `Diagram of training. The product travels ${travels[now]}.`);
      gates.forEach((gate, i) => { gate.onclick = () => boxes[i].click(); });
      picture.replaceChildren(svg);
    }
    if (!widths.chart) return;
    const { loss } = runs[now], epochs = loss.map((_, i) => i + 1);
    const [first, end] = [loss[0], loss.at(-1)].map((v) => v.toPrecision(2));
    const { svg, line } = plot(widths.chart, 232, [1, epochs.length], [low, high], {
      xlabel: "epoch", ylabel: "", ymarks, label: "Training loss of what is taught: "
        + `${first} after the first epoch, ${end} after the last` });
    if (before) line(epochs, logs[before], { class: "curve before" });
    const style = `--colour: var(--${on.taught ? "series" : "bias"})`;
    line(epochs, logs[now], { class: "curve now", style });
    chart.replaceChildren(svg);
  }
  function show() {
    const change = before && compare(runs, before, now);
    says.about.textContent = about[now];
    says.loss.textContent = change ? change.loss : "Turn a switch.";
    says.accuracy.textContent = change ? change.accuracy : "";
    score.textContent = percent(runs[now].accuracy);
    draw();
  }
  const boxes = ["asked", "taught"].map((name) => {
    const input = make("input", { type: "checkbox" });
    input.setAttribute("role", "switch");
    input.onchange = () => {
      before = now;
      on[name] = input.checked;
      now = chosen(on.asked, on.taught);
      show();
    };
    return input;
  });
  const labels = ["multiply when asked", "multiply when taught"].map((textContent, i) =>
    make("label", { className: "switch" }, boxes[i], make("span", { textContent })));

  el.append(make("div", { className: "snn switchboard" }, make("div", { className: "body" },
    make("div", { className: "switches", role: "group", ariaLabel: "Switches" }, ...labels),
    readout, picture,
    make("div", {}, make("div", { className: "title" },
      make("span", { textContent: "Training loss (nats)" }),
      make("small", { textContent: "thick grey: before the last switch" })), chart,
    make("p", { className: "score" }, "Accuracy on new images: ", score)))));
  fit(picture, (width) => { widths.map = width; draw(); });
  fit(chart, (width) => { widths.chart = width; draw(); });
  show();
}

export default { render };
export const mount = mounter(render);
