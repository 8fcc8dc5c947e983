// A price and a threshold: what escapes, what is rejected in vain, what it costs, what passes.
import { fit, images, make, mounter, percent, picture, plot, slider } from "./kit.js";

/** Escapes, overkill and cost per 1,000 parts at threshold number `i` */
export function outcome({ escapes, overkill }, { good, bad }, i, price) {
  const missed = escapes[i], vain = overkill[i];
  return { escapes: missed / bad, overkill: vain / good,
    cost: 1000 * (price * missed + vain) / (good + bad) };
}

/** The number of the cheapest threshold, known only in hindsight */
export function cheapest(curve, counts, price) {
  const costs = curve.escapes.map((_, i) => outcome(curve, counts, i, price).cost);
  return costs.indexOf(Math.min(...costs));
}

const short = (p) => (p < 0.1 ? `${(100 * p).toPrecision(2)} %` : `${(100 * p).toFixed(0)} %`);
const capital = (text) => text[0].toUpperCase() + text.slice(1);

function render({ model, el }) {
  const { thresholds, prices, counts, curves, pictures } = model.get("data");
  const kinds = Object.keys(curves), ways = Object.keys(curves[kinds[0]]);
  const logit = thresholds.map((t) => Math.log(t / (1 - t)));
  const cells = images(pictures.images, pictures.side ** 2);
  const fair = (price) => {
    const away = thresholds.map((t) => Math.abs(t - 1 / (1 + price)));
    return away.indexOf(Math.min(...away));
  };
  let kind = kinds[0], way = ways[0], width = 0;

  const chart = make("div"), readout = make("p", { className: "readout", role: "status" });
  const score = make("tbody"), passed = make("ul"), rejected = make("ul");
  const titles = [make("p", { className: "heading" }), make("p", { className: "heading" })];
  const choose = (label, names, pick, chosen) => {
    const buttons = names.map((name) => make("button", { type: "button",
      textContent: capital(name), onclick: () => { pick(name); press(); show(); } }));
    const press = () => buttons.forEach((b, i) => { b.ariaPressed = names[i] === chosen(); });
    press();
    return make("div", { className: "tools", role: "group", ariaLabel: label }, ...buttons);
  };
  const priced = slider("Price", { max: prices.length - 1, value: prices.indexOf(10),
    say: (i) => `${prices[i]} to 1` }, () => show());
  const cut = slider("Threshold", { max: thresholds.length - 1, value: fair(1),
    say: (i) => short(thresholds[i]) }, () => show());
  const price = () => prices[priced.value], curve = () => curves[kind][way];
  const set = (textContent, where) =>
    make("button", { type: "button", textContent, onclick: () => { cut.value = where(); } });

  function showChart() {
    const costs = thresholds.map((_, i) => outcome(curve(), counts, i, price()).cost);
    const all = counts.good + counts.bad, nothing = 1000 * counts.good / all;
    const top = Math.max(1.6 * nothing, 1.05 * costs[cut.value]);
    const marks = [0.01, 0.05, 0.2, 0.5, 0.8, 0.95].map((t) =>
      [Math.log(t / (1 - t)), `${100 * t} %`]);

    const { svg, X, Y, box, add, line } = plot(width, 240, [logit[0], logit.at(-1)], [0, top], {
      xlabel: "threshold: reject above", ylabel: "cost per 1,000", xmarks: marks,
      label: `Cost over the threshold; now ${Math.round(costs[cut.value])} per 1,000` });
    const y = Y(nothing);
    add("line", { class: "nothing", x1: box.left, x2: box.right, y1: y, y2: y });
    add("text", { x: box.right, y: y - 5, "text-anchor": "end" }, "reject everything");
    const seen = costs.flatMap((c, i) => (c <= top ? [i] : []));
    line(seen.map((i) => logit[i]), seen.map((i) => costs[i]), { class: "curve now" });
    const i = cut.value, here = X(logit[i]);
    add("line", { class: "cursor", x1: here, x2: here, y1: box.top, y2: box.bottom });
    add("circle", { class: "dot now", cx: here, cy: Y(costs[i]), r: 5 });
    svg.classList.add("pickable");
    svg.onclick = ({ clientX }) => {
      const x = clientX - svg.getBoundingClientRect().left;
      const away = logit.map((z) => Math.abs(X(z) - x));
      cut.value = away.indexOf(Math.min(...away));
    };
    chart.replaceChildren(svg);
  }
  function showCells() {
    const parts = [[], []];
    pictures.scores[way].map((p, i) => [p, i]).sort(([a], [b]) => a - b).forEach(([p, i]) => {
      const bad = pictures.labels[i] === 1, out = p > thresholds[cut.value];
      const words = `${bad ? "defective" : "good"}, ${short(p)}`;
      parts[+out].push(make("li", { className: bad ? "bad" : "" },
        picture(cells[i], { role: "img", ariaLabel: words, title: words }),
        make("small", { textContent: bad ? "✗" : "", ariaHidden: "true" })));
    });
    const n = parts.map((list) => list.length);
    const bad = parts.map((list) => list.filter((item) => item.className).length);
    titles[0].textContent = `Pass: ${n[0]}, of them ${bad[0]} defective`;
    titles[1].textContent = `Rejected: ${n[1]}, of them ${n[1] - bad[1]} good`;
    [passed, rejected].forEach((list, i) => {
      list.replaceChildren(...parts[i]);
      list.ariaLabel = titles[i].textContent;
    });
  }
  function show() {
    const now = outcome(curve(), counts, cut.value, price());
    const least = outcome(curve(), counts, cheapest(curve(), counts, price()), price());
    const nothing = 1000 * counts.good / (counts.good + counts.bad);
    const rows = {
      "Escapes (defective, pass)": percent(now.escapes),
      "Overkill (good, rejected)": percent(now.overkill),
      "Cost per 1,000": now.cost.toFixed(0),
      "Best step of the slider, in hindsight": least.cost.toFixed(0),
      "Reject everything": nothing.toFixed(0),
    };
    score.replaceChildren(...Object.entries(rows).map(([name, value]) =>
      make("tr", {}, make("th", { scope: "row", textContent: name }),
        make("td", { textContent: value }))));
    const dearer = Math.round(now.cost) > Math.round(nothing);
    const verdict = dearer ? "dearer than rejecting everything"
      : now.cost > 1.02 * least.cost ? "cheaper than rejecting everything, but not the best"
        : "about the best that these scores allow";
    readout.textContent = `${now.cost.toFixed(0)} per 1,000: ${verdict}.`;
    if (width) showChart();
    showCells();
  }

  const table = make("table", {},
    make("caption", { className: "hidden", textContent: "What happens" }), score);
  el.append(make("div", { className: "snn operating" }, make("div", { className: "body" },
    make("div", { className: "controls" },
      choose("Held out", kinds, (name) => { kind = name; }, () => kind),
      choose("Way to combine", ways, (name) => { way = name; }, () => way),
      priced.el, cut.el,
      make("div", { className: "tools" },
        set("Threshold 1 / (1 + price)", () => fair(price())),
        set("Best in hindsight", () => cheapest(curve(), counts, price()))),
      readout, table),
    chart,
    make("div", { className: "cells wide" },
      make("p", { className: "quiet", ariaHidden: "true" },     // each picture says it in words
        make("b", { textContent: "✗" }), " in a frame: a defective part"),
      titles[0], passed, titles[1], rejected,
      make("p", { className: "quiet", textContent: pictures.words })))));
  fit(chart, (w) => { width = w; showChart(); });
  show();
}

export default { render };
export const mount = mounter(render);
