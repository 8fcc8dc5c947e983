// Your model on a page: computes what `stacked_nn.bridge.to_json` wrote, operation by operation.
import { bars, best, doubles, drawing, logSoftmax, make, mounter, percent, sum } from "./kit.js";

// ---- arrays: { shape, data }, with numpy's rules for shapes ----
const size = (shape) => shape.reduce((a, b) => a * b, 1);
const array = (shape, data) => ({ shape, data });

/** Entry by entry; an axis of length 1 is repeated */
const each = (f) => (...arrays) => {
  const rank = Math.max(...arrays.map(({ shape }) => shape.length));
  const shapes = arrays.map(({ shape }) => [...Array(rank - shape.length).fill(1), ...shape]);
  const shape = shapes[0].map((_, axis) => Math.max(...shapes.map((s) => s[axis])));
  const entry = ({ data }, own, i) => {
    let at = 0, step = 1;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const k = i % shape[axis];
      i = (i - k) / shape[axis];
      if (own[axis] > 1) at += k * step;
      step *= own[axis];
    }
    return data[at];
  };
  const at = (i) => f(...arrays.map((a, k) => entry(a, shapes[k], i)));
  return array(shape, Float64Array.from({ length: size(shape) }, (_, i) => at(i)));
};

/** Row by row: `f` makes an array of a row; with `drop` a number, and the last axis goes */
const rows = (f, drop = false) => ({ shape, data }, ...more) => {
  const n = shape.at(-1), lead = shape.slice(0, -1);
  const row = (i) => Array.from(data.subarray(i * n, (i + 1) * n));
  const made = Array.from({ length: size(lead) }, (_, i) => f(row(i), ...more));
  return array(drop ? lead : [...lead, made[0].length], Float64Array.from(made.flat()));
};

/** The last two axes are matrices, those before them a list of matrices (or one for all) */
function matmul(a, b) {
  const [n, k] = a.shape.slice(-2), m = b.shape.at(-1);
  const leads = [a, b].map(({ shape }) => shape.slice(0, -2)), sizes = leads.map(size);
  const lead = leads.find((l) => size(l) > 1) ?? leads.find((l) => l.length) ?? [];
  const out = new Float64Array(size(lead) * n * m);
  for (let l = 0; l < size(lead); l++) {
    const [A, B] = [sizes[0] > 1 ? l * n * k : 0, sizes[1] > 1 ? l * k * m : 0];
    for (let i = 0; i < n; i++) for (let j = 0; j < k; j++) {
      const v = a.data[A + i * k + j];
      for (let c = 0; c < m; c++) out[(l * n + i) * m + c] += v * b.data[B + j * m + c];
    }
  }
  return array([...lead, n, m], out);
}

function concat(a, b) {
  const [n, m] = [a, b].map(({ shape }) => shape.at(-1)), lead = a.shape.slice(0, -1);
  const part = ({ data }, i, k) => data.subarray(i * k, (i + 1) * k);
  const made = Array.from({ length: size(lead) }, (_, i) => [...part(a, i, n), ...part(b, i, m)]);
  return array([...lead, n + m], Float64Array.from(made.flat()));
}

const reshape = ({ data }, shape) =>
  array(shape.map((n) => (n < 0 ? -data.length / size(shape) : n)), data);

// the operations of ONNX that a model is made of
const operations = {
  Add: each((a, b) => a + b), Sub: each((a, b) => a - b),
  Mul: each((a, b) => a * b), Div: each((a, b) => a / b),
  Relu: each((a) => Math.max(a, 0)), Sqrt: each(Math.sqrt),
  Exp: each(Math.exp), Log: each(Math.log),
  Equal: each((a, b) => a === b), Where: each((yes, a, b) => (yes ? a : b)),
  MatMul: matmul, Concat: concat, Reshape: reshape,
  ReduceSum: rows(sum, true), LogSoftmax: rows(logSoftmax), ArgMax: rows((row) => [best(row)]),
  TopK: rows((row) => row.sort((a, b) => a - b)),
  Slice: rows((row, [from], [to]) => row.slice(from, to)),
};

/** A function that makes of rows of numbers {opinion: a row of probabilities for each} */
export function unpack({ n_features, nodes, constants, outputs }) {
  const mapped = (object, f) =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, f(value)]));
  const known = mapped(constants, ({ shape, data }) => array(shape, doubles(data)));
  return (given) => {
    const X = array([given.length, n_features], Float64Array.from(given.flat()));
    const values = { ...known, X };
    for (const [kind, output, inputs, numbers] of nodes)
      values[output] = operations[kind](...inputs.map((name) => values[name]), ...numbers);
    return mapped(outputs, (output) => {
      const { shape: [n, k], data } = values[output];
      const row = (i) => Array.from(data.subarray(i * k, (i + 1) * k), Math.exp);
      return Array.from({ length: n }, (_, i) => row(i));
    });
  };
}

// ---- the page ----

/** Rows of numbers from a text, a row a line; an `Error` that says which line is wrong */
export function parse(text, n) {
  const lines = text.split("\n").map((line) => line.split(/[\s,;]+/).filter(Boolean));
  return lines.flatMap((words, i) => {
    if (!words.length) return [];
    const numbers = words.map(Number), wrong = words.find((_, k) => !Number.isFinite(numbers[k]));
    if (wrong !== undefined) throw new Error(`Line ${i + 1}: “${wrong}” is not a number.`);
    if (words.length === n) return [numbers];
    throw new Error(`Line ${i + 1} has ${words.length} numbers; expected ${n}.`);
  });
}

const hues = ["weight", "bias", "combined"];
const hue = (name, k) => (hues.includes(name) ? name : hues[k % 2]);

function table(head, body) {
  const cell = (value) => (typeof value === "number"
    ? make("data", { value, textContent: percent(value) }) : value);
  const row = ([first, ...values]) => make("tr", {},
    make("th", { scope: "row", textContent: first }),
    ...values.map((value) => make("td", {}, cell(value))));
  const heads = head.map((word) => make("th", { scope: "col", textContent: word }));
  const box = { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Probabilities" };
  return make("div", box, make("table", {},
    make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body.map(row))));
}

function render({ model, el }) {
  const { model: net, ink } = model.get("data"), n = net.n_features, predict = unpack(net);
  const classes = net.classes.map(String), names = Object.keys(net.outputs);
  const short = classes.length <= 20 && Math.max(...classes.map((c) => c.length)) <= 3;
  const text = make("textarea", { rows: 6, spellcheck: false });
  const file = make("input", { type: "file", accept: ".csv,.txt,.tsv,text/*" });
  const answer = make("p", { className: "result", role: "status" }), out = make("div");
  const paper = n === 64 ? drawing((image) => {
    text.value = image.map((v) => +(ink * v).toFixed(4)).join(" ");
    show();
  }) : null;

  function say(words, wrong = false) {
    answer.textContent = words;
    answer.classList.toggle("wrong", wrong);
  }

  function show() {
    out.replaceChildren();
    let given;
    try { given = parse(text.value, n); } catch (error) { return say(error.message, true); }
    if (!given.length) return say(`${paper ? "Draw something, or paste" : "Paste"} numbers.`);
    const opinions = predict(given), p = opinions.combined;
    const unsure = p.findIndex((row) => row.some(Number.isNaN));
    if (unsure >= 0)
      return say(`Row ${unsure + 1}: the model has no answer to these numbers.`, true);
    if (given.length > 1) {
      say(`${given.length} rows.`);
      const body = p.map((row, i) => [String(i + 1), classes[best(row)], ...row]);
      return out.append(table(["row", "answer", ...classes], body));
    }
    if (paper) paper.show(given[0].map((v) => Math.min(1, Math.max(0, v / ink))));
    say(`${classes[best(p[0])]}, ${percent(Math.max(...p[0]))}`);
    if (short) names.forEach((name, k) => {
      const chart = bars(classes, hue(name, k)), row = opinions[name][0];
      const words = classes.map((c, i) => `${c}: ${percent(row[i])}`).join(", ");
      chart.show(row, best(row), `${name}: ${words}`);
      const title = make("span", { textContent: name, className: hue(name, k) });
      out.append(make("div", { className: "title" }, title), chart.el);
    });
    const body = classes.map((c, i) => [c, ...names.map((name) => opinions[name][0][i])]);
    out.append(table(["class", ...names], body));
  }

  text.oninput = show;
  file.onchange = async () => { text.value = await file.files[0].text(); show(); };
  const field = (words, input) =>
    make("label", { className: "numbers" }, make("span", { textContent: words }), input);
  el.append(make("div", { className: "snn bridge" }, make("div", { className: "body" },
    ...paper ? [make("div", { className: "left" }, ...paper.els)] : [],
    make("div", { className: "right" }, answer, out),
    make("div", { className: "below" },
      field(`Numbers, ${n} a row`, text), field("or a file of them", file)))));
  if (paper) paper.show(Array(64).fill(0));
  show();
}

export default { render };
export const mount = mounter(render);
