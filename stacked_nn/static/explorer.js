// Two opinions to drag, and what becomes of them: product, geometric mean, mean, vote, and the
// product as a sum of logarithms.
import { bars, best, make, mounter, percent, poolLogs, sum } from "./kit.js";

/** The four ways of `stacked_nn.combine.pool`, for two opinions */
export function pools(p, q) {
  const logs = [p, q].map((r) => r.map(Math.log)), votes = [best(p), best(q)];
  return {
    product: poolLogs(logs).map(Math.exp),
    geometric: poolLogs(logs, [0.5, 0.5]).map(Math.exp),
    mean: p.map((v, k) => (v + q[k]) / 2),
    vote: p.map((_, k) => votes.filter((v) => v === k).length / 2),
  };
}

/** `p` with `value` for class k, the others scaled to leave a sum of 1 */
export function change(p, k, value) {
  const v = Math.min(1, Math.max(0, value)), rest = sum(p) - p[k];
  const share = (old) => (rest > 1e-12 ? old * (1 - v) / rest : (1 - v) / (p.length - 1));
  return p.map((old, i) => (i === k ? v : share(old)));
}

const what = {
  product: ["Product", "all must agree"], geometric: ["Geometric mean", "same winner, less sure"],
  mean: ["Mean", "one sure voice is enough"], vote: ["Vote", "counts first choices"],
};

/** How far a key moves a bar */
const keys = { ArrowUp: 0.01, ArrowRight: 0.01, ArrowDown: -0.01, ArrowLeft: -0.01,
  PageUp: 0.1, PageDown: -0.1, Home: -1, End: 1 };

function render({ model, el }) {
  const { classes, presets } = model.get("data");
  const opinions = [], names = ["Weight", "Bias"], colours = ["weight", "bias"];

  // two charts whose columns are sliders
  const columns = names.map((name, e) => classes.map((label, k) => {
    const handle = make("div", { className: "handle", role: "slider", tabIndex: 0,
      ariaLabel: `${name}: probability of ${label}`,
      ariaOrientation: "vertical", ariaValueMin: 0, ariaValueMax: 100 }, make("i"));
    const set = (value) => { opinions[e] = change(opinions[e], k, value); show(); };
    handle.onkeydown = (event) => {
      const step = keys[event.key];
      if (!step) return;
      event.preventDefault();
      set(opinions[e][k] + step);
    };
    handle.onpointerdown = (event) => {
      if (event.button) return;
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      handle.onpointermove(event);
    };
    handle.onpointermove = (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = handle.getBoundingClientRect();
      set(Math.round(100 * (box.bottom - event.clientY) / box.height) / 100);
    };
    return { handle, number: make("small") };
  }));
  const small = (textContent) => make("small", { textContent });
  const title = (...children) => make("div", { className: "title" }, ...children);
  const charts = names.map((name, e) =>
    make("div", { className: "opinion", role: "group", ariaLabel: name },
      title(make("span", { textContent: name, className: colours[e] }), small("drag the bars")),
      make("div", { className: "drag" }, ...columns[e].map(({ handle, number }, k) => {
        handle.style.setProperty("--colour", `var(--${colours[e]})`);
        return make("div", {}, number, handle, make("b", { textContent: classes[k] }));
      }))));

  // logarithms: what each expert takes off; the shortest bar wins
  const sums = classes.map((label) => {
    const parts = [make("i"), make("i")];
    const cells = ["part", "part", ""].map((className) => make("td", { className }));
    const lengths = make("td", { className: "lengths", ariaHidden: true },
      make("div", {}, ...parts));
    const head = make("th", { scope: "row", textContent: label });
    return { row: make("tr", {}, head, lengths, ...cells), parts, cells };
  });
  const column = (textContent, className = "") =>
    make("th", { scope: "col", textContent, className });
  const head = make("tr", {}, column("class"), make("td"), column("ln Weight", "part"),
    column("ln Bias", "part"), column("sum"));
  const table = make("table", {}, make("thead", {}, head),
    make("tbody", {}, ...sums.map(({ row }) => row)));

  const results = Object.entries(what).map(([how, [name, note]]) => {
    const chart = bars(classes, how === "product" ? "combined" : "other"), says = make("strong");
    const box = make("div", { className: "result" }, title(name), says, chart.el, small(note));
    return { how, name, chart, says, box };
  });
  const buttons = Object.entries(presets).map(([name, pair]) => {
    const button = make("button", { type: "button", textContent: name });
    button.onclick = () => { pair.forEach((p, e) => { opinions[e] = [...p]; }); show(name); };
    return button;
  });
  const spoken = make("p", { className: "hidden", role: "status" });
  let speech;

  const short = (v) => (v > 0.9995 && v < 1 ? "≈100 %" : v > 0 && v < 0.0005 ? "≈0 %"
    : `${Number((100 * v).toFixed(1))} %`);
  const minus = (v) => (v === -Infinity ? "−∞" : v > -0.005 ? "0" : `−${(-v).toFixed(2)}`);
  function show(preset) {
    buttons.forEach((b) => { b.ariaPressed = b.textContent === preset; });
    opinions.forEach((p, e) => p.forEach((v, k) => {
      const { handle, number } = columns[e][k];
      handle.style.setProperty("--height", `${100 * v}%`);
      handle.ariaValueNow = (100 * v).toFixed(1);
      handle.ariaValueText = percent(v);
      number.textContent = short(v);
      handle.classList.toggle("best", k === best(p));
    }));
    const logs = opinions.map((p) => p.map(Math.log));
    const total = logs[0].map((v, k) => v + logs[1][k]), winner = best(total);
    const finite = total.filter((v) => v > -Infinity);
    const most = Math.max(6, ...finite.map((v) => -v));
    const scale = most * (finite.length < total.length ? 1.15 : 1);     // nats
    sums.forEach(({ row, parts, cells }, k) => {
      let left = 1;
      parts.forEach((part, e) => {
        const share = Math.min(left, -logs[e][k] / scale);
        left -= share;
        part.style.width = `${100 * share}%`;
      });
      row.classList.toggle("off", total[k] === -Infinity);
      [logs[0][k], logs[1][k], total[k]].forEach((v, i) => { cells[i].textContent = minus(v); });
      row.classList.toggle("best", k === winner && total[k] > -Infinity);
    });
    const all = pools(...opinions);
    results.forEach(({ how, name, chart, says }) => {
      const p = all[how], top = Math.max(...p);
      const first = classes.filter((_, k) => p[k] > top - 1e-9), one = first.length === 1;
      const words = p.map((v, k) => `${classes[k]} ${percent(v)}`).join(", ");
      chart.show(p, one ? best(p) : -1, `${name}: ${words}`);
      says.textContent = one ? `${first[0]}, ${percent(top)}`
        : first.length === classes.length ? "no idea" : first.join(" or ");
    });
    clearTimeout(speech);
    speech = setTimeout(() => {
      const words = results.map(({ name, says }) => `${name}: ${says.textContent}`);
      spoken.textContent = words.join("; ");
    }, 700);
  }

  el.append(make("div", { className: "snn explorer" }, make("div", { className: "body" },
    make("div", { className: "tools", role: "group", ariaLabel: "Examples" }, ...buttons),
    make("div", { className: "pair" }, ...charts),
    make("div", { className: "logs" },
      title(make("span", { textContent: "In logarithms the product is a sum" }),
        small("shortest bar wins")), table),
    make("div", { className: "results" }, ...results.map(({ box }) => box)), spoken)));
  buttons[0].click();
}

export default { render };
export const mount = mounter(render);
