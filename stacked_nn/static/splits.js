// A difference between two methods that fills split by split, its two intervals,
// and the hunt for a lucky seed.
import { fit, make, mounter, plot, shape, sum } from "./kit.js";

/** log Γ(x) for x > 0: Stirling's series, once x is large enough */
function logGamma(x) {
  let shift = 0;
  while (x < 12) shift += Math.log(x++);
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2
    + 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - 1 / (1680 * x ** 7) - shift;
}

/** The regularized incomplete beta function, by its continued fraction */
function beta(x, a, b) {
  if (x <= 0) return 0;
  if (x > (a + 1) / (a + b + 2)) return x >= 1 ? 1 : 1 - beta(1 - x, b, a);
  let c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), h = d;
  const turn = (part) => { d = 1 / (1 + part * d); c = 1 + part / c; h *= c * d; return c * d; };
  for (let m = 1; m < 500; m++) {
    turn(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)));
    const last = turn(-(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)));
    if (Math.abs(last - 1) < 1e-15) break;
  }
  const front = logGamma(a + b) - logGamma(a) - logGamma(b);
  return h / a * Math.exp(front + a * Math.log(x) + b * Math.log1p(-x));
}

/** How often |T| of Student's t is at least `t` */
export const tail = (t, df) => beta(df / (df + t * t), df / 2, 0.5);

/** The t that |T| exceeds with probability `p` */
export function quantile(p, df) {
  let low = 0, high = 1;
  while (tail(high, df) > p) high *= 2;
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (tail(middle, df) > p) low = middle; else high = middle;
  }
  return (low + high) / 2;
}

/** Mean, half width of the 95 % interval and p-value; `share` is n_test / n_train, or 0 for
    the textbook. As `corrected_interval` does: equal numbers have no spread to judge by. */
export function interval(d, share) {
  const k = d.length, mean = sum(d) / k;
  if (k < 2) return { mean, half: NaN, p: NaN };
  if (d.every((v) => Math.abs(v - d[0]) < 1e-12)) return { mean, half: 0, p: NaN };
  const variance = sum(d.map((v) => (v - mean) ** 2)) / (k - 1);
  const se = Math.sqrt((1 / k + share) * variance);
  return { mean, half: quantile(0.05, k - 1) * se, p: tail(mean / se, k - 1) };
}

/** McNemar's exact p-value: a fair coin, thrown once for each row that only one got right */
export function mcnemar(fixed, broken) {
  const n = fixed + broken, few = Math.min(fixed, broken);
  let term = 0.5 ** n, total = 0;
  for (let i = 0; i <= few; i++) { total += term; term *= (n - i) / (i + 1); }
  return Math.min(1, 2 * total);
}

const minus = (text) => text.replace("-", "−");
const points = (d) => (d < 0 ? "" : "+") + minus((100 * d).toFixed(2));
const chance = (p) => (p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(p < 0.1 ? 3 : 2)}`);
const tally = (d) => `${d.filter((v) => v > 0).length} ahead, `
  + `${d.filter((v) => v === 0).length} level, ${d.filter((v) => v < 0).length} behind`;
/** How high each block lies on those of the same value before it */
const levels = (d) => d.map((v, i) =>
  d.slice(0, i + 1).filter((other) => Math.abs(other - v) < 1e-9).length);
const colours = { product: "combined", Weight: "weight", Bias: "bias" };

function render({ model, el }) {
  const { pairs, n_train, n_test, mode } = model.get("data"), hunt = mode === "hunt";
  const all = pairs.map(({ fixed, broken }) => fixed.map((f, i) => (f - broken[i]) / n_test));
  const ends = [Math.min(0, ...all.flat()), Math.max(0, ...all.flat())].map((v) => 100 * v);
  const top = Math.max(...all.flatMap(levels));
  const chart = make("div"), printed = make("p"), seen = make("p");
  const readout = make("p", { className: "readout", role: "status" });
  let at = 0, count = 0, width = 0;

  const now = () => all[at].slice(0, count);
  const p = (i) => mcnemar(pairs[at].fixed[i], pairs[at].broken[i]);
  /** The seed one would show: a lead with the smallest p */
  const lucky = () => now().reduce((top, d, i) =>
    (d > 0 && (top < 0 || p(i) < p(top) || (p(i) === p(top) && d > all[at][top])) ? i : top), -1);
  const style = () => `--colour: var(--${colours[pairs[at].names[0]] ?? "quiet-w"})`;

  function histogram() {
    const unit = 100 / n_test, room = 1.5 * unit;
    const { svg, X, Y, box, add } = plot(width, 240, [ends[0] - room, ends[1] + room], [0, top], {
      xlabel: "difference (percentage points)", ylabel: "splits",
      label: `Differences of ${count} splits: ${tally(now())}` });
    const side = X(unit) - X(0), high = Y(0) - Y(1);
    levels(now()).forEach((level, i) => {
      add("rect", { class: `split ${i === count - 1 ? "newest" : ""}`, style: style(),
        x: X(100 * all[at][i]) - side / 2 + 0.5, y: Y(level) + 0.5,
        width: side - 1, height: high - 1 });
    });
    add("line", { class: "cursor", x1: X(0), x2: X(0), y1: box.top, y2: box.bottom });
    if (count) {
      const x = X(100 * sum(now()) / count);
      add("path", { class: "mean", d: `M${x} ${box.bottom}l-6 9h12z` });
    }
    return [svg, ...mode === "intervals" ? [bars(X, box)] : []];
  }
  function bars(X, box) {
    const svg = shape("svg", { width, height: 96, viewBox: `0 0 ${width} 96`, role: "img",
      "aria-label": "The two intervals, drawn under the differences" });
    const add = (tag, attributes, text) => svg.append(shape(tag, attributes, text));
    const inside = (x) => Math.min(box.right, Math.max(box.left, x));
    [["textbook", 0], ["corrected", n_test / n_train]].forEach(([name, share], row) => {
      const { mean, half, p } = interval(now(), share), y = 32 + 48 * row;
      const [left, right] = [X(100 * (mean - half)), X(100 * (mean + half))];
      const numbers = `${points(mean)} ± ${(100 * half).toFixed(2)}`;
      const words = count < 2 ? "needs two splits" : numbers + (p >= 0 ? `, ${chance(p)}` : "");
      add("line", { class: "cursor", x1: X(0), x2: X(0), y1: y - 9, y2: y + 12 });
      add("text", { class: `words ${name}`, x: box.left, y: y - 14 }, `${name}: ${words}`);
      if (count < 2) return;
      add("line", { class: `reach ${name}`, x1: inside(left), x2: inside(right), y1: y, y2: y });
      for (const x of [left, right])
        if (x === inside(x))
          add("line", { class: `reach ${name}`, x1: x, x2: x, y1: y - 6, y2: y + 6 });
      add("circle", { class: `middle ${name}`, cx: X(100 * mean), cy: y, r: 4.5 });
    });
    return svg;
  }
  function tries() {
    const n = all[at].length, best = lucky();
    const { svg, X, Y, box, add } = plot(width, 240, [-1, n], [ends[0] - 0.2, ends[1] + 0.2], {
      xlabel: "seed", ylabel: "difference (points)",
      label: `Differences with ${count} seeds: ${tally(now())}` });
    add("line", { class: "cursor", x1: box.left, x2: box.right, y1: Y(0), y2: Y(0) });
    now().forEach((d, i) => add("circle", {
      class: `try ${i === best ? "best" : ""}`, style: style(),
      cx: X(i), cy: Y(100 * d), r: i === best ? 6 : 4 }));
    return [svg];
  }
  function draw() {
    if (width) chart.replaceChildren(...hunt ? tries() : histogram());
  }
  function report(d) {
    const best = lucky(), [a, b] = pairs[at].names;
    const { mean, half } = interval(d, n_test / n_train);
    const lead = best < 0 ? "" : (100 * d[best]).toFixed(2);
    printed.textContent = best < 0 ? "Nothing yet."
      : `“${a} beats ${b} by ${lead} points (seed ${best}, ${chance(p(best))}).”`;
    const average = `on average ${points(mean)} ± ${(100 * half).toFixed(2)} points (corrected)`;
    seen.textContent = count < 1 ? "Nothing yet." : count < 2 ? `1 seed: ${tally(d)}.`
      : `${count} seeds: ${tally(d)}; ${average}.`;
  }
  function show() {
    const d = now(), [a, b] = pairs[at].names, last = count - 1;
    const name = hunt ? `Seed ${last}` : `Split ${count}`;
    const { fixed, broken } = pairs[at];
    readout.textContent = !count ? `No ${hunt ? "seed" : "split"} yet.`
      : `${name}: ${points(d[last])} points (${fixed[last]} fixed, ${broken[last]} broken`
        + `${hunt ? `, ${chance(p(last))}` : ""}).`;
    if (hunt) report(d);
    else seen.textContent = count
      ? `Up to now ${tally(d)}; mean ${points(sum(d) / count)} points.`
      : `One block is one split: ${a} minus ${b}, on ${n_test} new images.`;
    one.disabled = ten.disabled = count === all[at].length;
    draw();
  }
  const button = (textContent, onclick) =>
    make("button", { type: "button", textContent, onclick });
  const more = (k) => () => { count = Math.min(all[at].length, count + k); show(); };
  const restart = () => { count = 0; show(); };
  const one = button(hunt ? "Another seed" : "Another split", more(1));
  const ten = button("Ten more", more(10));
  const choice = make("select",
    { onchange: () => { at = choice.selectedIndex; restart(); } },
    ...pairs.map(({ names: [a, b] }) => make("option", { textContent: `${a} minus ${b}` })));
  const card = (textContent, words) =>
    make("div", {}, make("div", { className: "title", textContent }), words);
  const again = button("Start again", restart);
  const parts = [make("div", { className: "tools" }, one, ten, again), readout, chart];
  if (pairs.length > 1)
    parts.unshift(make("label", { className: "choice" }, "Compare ", choice));
  parts.push(hunt ? make("div", { className: "reports" },
    card("What you could print", printed), card("What you have seen", seen)) : seen);

  el.append(make("div", { className: "snn splits" },
    make("div", { className: "body" }, ...parts)));
  fit(chart, (w) => { width = w; draw(); });
  show();
}

export default { render };
export const mount = mounter(render);
