// Your model on a page: computes what `stacked_nn.bridge.to_json` wrote, operation by operation.
import { bars, best, doubles, drawing, logSoftmax, make, mounter, percent, sum } from "./kit.js";

// ---- arrays: { shape, data }, with numpy's rules for shapes ----
const size = (shape) => shape.reduce((a, b) => a * b, 1);
const array = (shape, data) => ({ shape, data });

/** Entry by entry; an axis of length 1 is repeated */
const each =
  (f) =>
  (...arrays) => {
    const rank = Math.max(...arrays.map(({ shape }) => shape.length));
    const shapes = arrays.map(({ shape }) => [...Array(rank - shape.length).fill(1), ...shape]);
    const shape = shapes[0].map((_, axis) => Math.max(...shapes.map((s) => s[axis])));
    const entry = ({ data }, own, i) => {
      let at = 0,
        step = 1;
      for (let axis = rank - 1; axis >= 0; axis--) {
        const k = i % shape[axis];
        i = (i - k) / shape[axis];
        if (own[axis] > 1) at += k * step;
        step *= own[axis];
      }
      return data[at];
    };
    return array(
      shape,
      Float64Array.from({ length: size(shape) }, (_, i) =>
        f(...arrays.map((a, k) => entry(a, shapes[k], i))),
      ),
    );
  };

/** Row by row: `f` makes an array of a row; with `drop` a number, and the last axis goes */
const rows =
  (f, drop = false) =>
  ({ shape, data }, ...more) => {
    const n = shape.at(-1),
      lead = shape.slice(0, -1);
    const made = Array.from({ length: size(lead) }, (_, i) =>
      f(Array.from(data.subarray(i * n, (i + 1) * n)), ...more),
    );
    return array(drop ? lead : [...lead, made[0].length], Float64Array.from(made.flat()));
  };

/** The last two axes are matrices, those before them a list of matrices (or one for all) */
function matmul(a, b) {
  const [n, k] = a.shape.slice(-2),
    m = b.shape.at(-1),
    lists = [a, b].map(({ shape }) => shape.slice(0, -2));
  const lead = lists.find((list) => size(list) > 1) ?? lists.find((list) => list.length) ?? [];
  const out = new Float64Array(size(lead) * n * m);
  for (let l = 0; l < size(lead); l++) {
    const A = size(lists[0]) > 1 ? l * n * k : 0,
      B = size(lists[1]) > 1 ? l * k * m : 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < k; j++) {
        const v = a.data[A + i * k + j];
        for (let c = 0; c < m; c++) out[l * n * m + i * m + c] += v * b.data[B + j * m + c];
      }
  }
  return array([...lead, n, m], out);
}

function concat(a, b) {
  const [n, m] = [a, b].map(({ shape }) => shape.at(-1)),
    part = ({ data }, i, k) => data.subarray(i * k, (i + 1) * k);
  const made = Array.from({ length: a.data.length / n }, (_, i) => [
    ...part(a, i, n),
    ...part(b, i, m),
  ]);
  return array([...a.shape.slice(0, -1), n + m], Float64Array.from(made.flat()));
}

const reshape = ({ data }, shape) =>
  array(
    shape.map((n) => (n < 0 ? -data.length / size(shape) : n)),
    data,
  );

// the operations of ONNX that a model is made of
const operations = {
  Add: each((a, b) => a + b),
  Sub: each((a, b) => a - b),
  Mul: each((a, b) => a * b),
  Div: each((a, b) => a / b),
  Relu: each((a) => Math.max(a, 0)),
  Sqrt: each(Math.sqrt),
  Exp: each(Math.exp),
  Log: each(Math.log),
  Equal: each((a, b) => a === b),
  Where: each((yes, a, b) => (yes ? a : b)),
  MatMul: matmul,
  Concat: concat,
  Reshape: reshape,
  ReduceSum: rows(sum, true),
  LogSoftmax: rows(logSoftmax),
  ArgMax: rows((row) => [best(row)]),
  TopK: rows((row) => row.sort((a, b) => a - b)),
  Slice: rows((row, [from], [to]) => row.slice(from, to)),
};

/** A function that makes of rows of numbers {opinion: a row of probabilities for each} */
export function unpack({ n_features, nodes, constants, outputs }) {
  const known = Object.fromEntries(
    Object.entries(constants).map(([name, { shape, data }]) => [
      name,
      array(shape, doubles(data)),
    ]),
  );
  return (given) => {
    const values = {
      ...known,
      X: array([given.length, n_features], Float64Array.from(given.flat())),
    };
    for (const [kind, output, inputs, numbers] of nodes)
      values[output] = operations[kind](...inputs.map((name) => values[name]), ...numbers);
    const table = ({ shape: [n, k], data }) =>
      Array.from({ length: n }, (_, i) =>
        Array.from(data.subarray(i * k, (i + 1) * k), Math.exp),
      );
    return Object.fromEntries(
      Object.entries(outputs).map(([name, output]) => [name, table(values[output])]),
    );
  };
}

// ---- the page ----

/** Rows of numbers from a text, a row a line; an `Error` that says which line is wrong */
export function parse(text, n) {
  const lines = text.split("\n").map((line) => line.split(/[\s,;]+/).filter(Boolean));
  return lines.flatMap((words, i) => {
    if (!words.length) return [];
    const numbers = words.map(Number),
      wrong = words[numbers.findIndex((v) => !Number.isFinite(v))];
    if (wrong !== undefined) throw new Error(`Line ${i + 1}: “${wrong}” is not a number.`);
    if (words.length !== n)
      throw new Error(`Line ${i + 1} has ${words.length} numbers; expected ${n}.`);
    return [numbers];
  });
}

const hue = (name, k) =>
  ["weight", "bias", "combined"].includes(name) ? name : ["weight", "bias"][k % 2];

function table(head, body) {
  const cell = (value) =>
    typeof value === "number" ? make("data", { value, textContent: percent(value) }) : value;
  return make(
    "div",
    { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Probabilities" },
    make(
      "table",
      {},
      make(
        "thead",
        {},
        make("tr", {}, ...head.map((word) => make("th", { scope: "col", textContent: word }))),
      ),
      make(
        "tbody",
        {},
        ...body.map(([first, ...values]) =>
          make(
            "tr",
            {},
            make("th", { scope: "row", textContent: first }),
            ...values.map((value) => make("td", {}, cell(value))),
          ),
        ),
      ),
    ),
  );
}

function render({ model, el }) {
  const { model: net, ink } = model.get("data"),
    predict = unpack(net),
    classes = net.classes.map(String),
    n = net.n_features;
  const names = Object.keys(net.outputs),
    short = classes.length <= 20 && Math.max(...classes.map((c) => c.length)) <= 3;
  const text = make("textarea", {
    rows: 6,
    spellcheck: false,
    placeholder: `${n} numbers, with spaces or commas between them`,
  });
  const file = make("input", { type: "file", accept: ".csv,.txt,.tsv,text/*" });
  const answer = make("p", { className: "result", role: "status" }),
    out = make("div");
  const paper =
    n === 64 ? drawing((image) => write([image.map((v) => +(ink * v).toFixed(4))])) : null;
  const write = (given) => {
    text.value = given.map((row) => row.join(" ")).join("\n");
    show();
  };

  function show() {
    let given,
      wrong = "";
    try {
      given = parse(text.value, n);
    } catch (error) {
      given = [];
      wrong = error.message;
    }
    const opinions = given.length ? predict(given) : null;
    answer.classList.toggle("wrong", wrong !== "");
    answer.textContent =
      wrong || (opinions ? "" : `${paper ? "Draw something, or paste" : "Paste"} numbers.`);
    out.replaceChildren();
    if (!opinions) return;
    const likely = (name, i) => best(opinions[name][i]);
    const unsure = given.findIndex((_, i) => opinions.combined[i].some(Number.isNaN));
    if (unsure >= 0) {
      answer.textContent = `Row ${unsure + 1}: the model has no answer to these numbers.`;
      return;
    }
    if (paper && given.length === 1)
      paper.show(given[0].map((v) => Math.min(1, Math.max(0, v / ink))));
    if (given.length > 1) {
      answer.textContent = `${given.length} rows.`;
      out.append(
        table(
          ["row", "answer", ...classes],
          given.map((_, i) => [
            String(i + 1),
            classes[likely("combined", i)],
            ...opinions.combined[i],
          ]),
        ),
      );
      return;
    }
    const sure = percent(Math.max(...opinions.combined[0]));
    answer.textContent = `${classes[likely("combined", 0)]}, ${sure}`;
    if (short)
      names.forEach((name, k) => {
        const chart = bars(classes, hue(name, k)),
          p = opinions[name][0];
        chart.show(
          p,
          best(p),
          `${name}: ${classes.map((c, i) => `${c}: ${percent(p[i])}`).join(", ")}`,
        );
        out.append(
          make(
            "div",
            { className: "title" },
            make("span", { textContent: name, className: hue(name, k) }),
          ),
          chart.el,
        );
      });
    out.append(
      table(
        ["class", ...names],
        classes.map((c, i) => [c, ...names.map((name) => opinions[name][0][i])]),
      ),
    );
  }

  text.oninput = show;
  file.onchange = async () => {
    text.value = await file.files[0].text();
    show();
  };
  el.append(
    make(
      "div",
      { className: "snn bridge" },
      make(
        "div",
        { className: "body" },
        ...(paper ? [make("div", { className: "left" }, ...paper.els)] : []),
        make("div", { className: "right" }, answer, out),
        make(
          "div",
          { className: "below" },
          make(
            "label",
            { className: "numbers" },
            make("span", { textContent: `Numbers, ${n} a row` }),
            text,
          ),
          make(
            "label",
            { className: "numbers" },
            make("span", { textContent: "or a file of them" }),
            file,
          ),
        ),
      ),
    ),
  );
  if (paper) paper.show(Array(64).fill(0));
  show();
}

export default { render };
export const mount = mounter(render);
