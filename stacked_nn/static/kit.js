// What the widgets share. A page imports this file; Jupyter gets it written into each widget's
// module (see `stacked_nn.widgets`).

/** An element with properties (or, where it has no such property, attributes) and children */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (name in element) element[name] = value; else element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function shape(tag, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

/** Turns anywidget's `render` into a `mount` for a plain page, with data instead of the model */
export const mounter = (render) => (element, data) => {
  element.replaceChildren();
  const set = (key, value) => { data[key] = value; };
  const model = { get: (key) => data[key], set, on() {}, save_changes() {} };
  render({ el: element, model });
};

const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
export const floats = (base64) => new Float32Array(bytes(base64).buffer);
export const doubles = (base64) => new Float64Array(bytes(base64).buffer);
export const signed = (base64) => new Int8Array(bytes(base64).buffer);

/** Images of `n` pixels from a text with one letter a pixel, "0" (paper) to "g" (16/16 of ink) */
export function images(text, n) {
  const ink = Array.from(text, (c) => parseInt(c, 17) / 16);
  return Array.from({ length: ink.length / n }, (_, i) => ink.slice(i * n, (i + 1) * n));
}

export const sum = (values) => values.reduce((a, b) => a + b, 0);
export const best = (values) => values.indexOf(Math.max(...values));
export const percent = (p) =>
  (p > 0.9995 && p < 1 ? "> 99.9" : p > 0 && p < 0.0005 ? "< 0.1" : (100 * p).toFixed(1)) + " %";

export const logSoftmax = (logits) => {
  const top = Math.max(...logits);
  const total = Math.log(sum(logits.map((z) => Math.exp(z - top))));
  return logits.map((z) => z - top - total);
};

/** A product with exponents, `stacked_nn.combine.pool_logs`: log-probabilities in and out */
export function poolLogs(logs, exponents = logs.map(() => 1), prior = logs[0].map(() => 0)) {
  const z = prior.map((base, c) =>
    sum(logs.map((log, m) => (exponents[m] ? exponents[m] * (log[c] - base) : 0))) + base);
  return logSoftmax(Math.max(...z) > -Infinity ? z : prior);
}

/** A small picture of an image: dark ink on the paper of the stylesheet */
export function picture(image, properties = {}) {
  const side = Math.sqrt(image.length), size = { width: side, height: side };
  const canvas = make("canvas", { ...size, className: "sheet", ...properties });
  const context = canvas.getContext("2d");
  image.forEach((ink, i) => {
    context.fillStyle = `rgb(26 28 32 / ${ink})`;
    context.fillRect(i % side, Math.floor(i / side), 1, 1);
  });
  return canvas;
}

/** Columns over `labels`: `show(heights from 0 to 1, index to stress, words to be read aloud)` */
export function bars(labels, colour, { down = false, axis = true } = {}) {
  const columns = labels.map((label) =>
    make("span", {}, make("i"), ...axis ? [make("b", { textContent: label })] : []));
  const el = make("div", { className: `bars ${down ? "down" : ""}`, role: "img" }, ...columns);
  el.style.setProperty("--colour", `var(--${colour})`);
  const show = (heights, stress, words) => {
    heights.forEach((h, i) => {
      columns[i].style.setProperty("--height", `${100 * Math.min(1, Math.max(0, h))}%`);
      columns[i].classList.toggle("best", i === stress);
    });
    el.ariaLabel = words;
  };
  return { el, show };
}

/** A labelled slider: `el`, its `input`, and `value` read or set */
export function slider(label, { min = 0, max, step = 1, value, say = String }, changed) {
  const out = make("output");
  const input = make("input", { type: "range", min, max, step, value, ariaLabel: label });
  const show = () => {
    out.textContent = say(input.valueAsNumber);
    input.setAttribute("aria-valuetext", out.textContent);
  };
  input.oninput = () => { show(); changed(input.valueAsNumber); };
  show();
  return {
    el: make("label", { className: "slider" }, make("span", { textContent: label }), input, out),
    input,
    get value() { return input.valueAsNumber; },
    set value(v) { input.value = v; input.oninput(); },
  };
}

/** Calls `draw(width)` now and whenever the width of `box` changes */
export function fit(box, draw) {
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (Math.abs(contentRect.width - width) >= 1) draw(width = contentRect.width);
  }).observe(box);
}

function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), marks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    marks.push([i * step, (i * step).toFixed(digits)]);
  return marks;
}

/** An SVG with two axes: `X` and `Y` turn data into pixels, `add` draws */
export function plot(width, height, [left, right], [low, high],
    { xlabel, ylabel, label, xmarks, ymarks }) {
  const viewBox = `0 0 ${width} ${height}`;
  const svg = shape("svg", { width, height, viewBox, role: "img", "aria-label": label });
  const rows = ymarks ?? ticks(low, high, Math.max(2, height / 55));
  const start = Math.max(46, 22 + 8 * Math.max(...rows.map(([, text]) => text.length)));
  const end = Math.max(start + 20, width - 10);      // a box that has no width yet
  const box = { left: start, right: end, top: 10, bottom: height - 40 };
  const X = (x) => box.left + (x - left) / (right - left) * (box.right - box.left);
  const Y = (y) => box.bottom - (y - low) / (high - low) * (box.bottom - box.top);
  const add = (tag, attributes, text) => svg.appendChild(shape(tag, attributes, text));
  for (const [value, text] of xmarks ?? ticks(left, right, Math.max(2, width / 70))) {
    const x = X(value);
    add("line", { class: "tick", x1: x, x2: x, y1: box.bottom, y2: box.bottom + 4 });
    add("text", { x, y: box.bottom + 17, "text-anchor": "middle" }, text);
  }
  for (const [value, text] of rows) {
    add("line", { class: "rule", x1: box.left, x2: box.right, y1: Y(value), y2: Y(value) });
    add("text", { x: box.left - 7, y: Y(value) + 4, "text-anchor": "end" }, text);
  }
  add("line", { class: "tick", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom });
  const [middle, centre] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  const name = { class: "name", "text-anchor": "middle" };
  add("text", { ...name, x: middle, y: height - 5 }, xlabel);
  add("text", { ...name, transform: `translate(12 ${centre}) rotate(-90)` }, ylabel);
  const line = (xs, ys, attributes) =>
    add("polyline", { points: xs.map((x, i) => `${X(x)},${Y(ys[i])}`).join(" "), ...attributes });
  return { svg, X, Y, box, add, line };
}

/** Curves over `x` with a movable cursor: `at(i)` moves it, `pick(i)` hears of a click at x[i] */
export function curves(box, { x, lines, low, high, height, xlabel, ylabel, label, pick }) {
  let index = 0, move = () => {};
  fit(box, (width) => {
    const { svg, X, Y, box: frame, add, line } =
      plot(width, height, [x[0], x.at(-1)], [low, high], { xlabel, ylabel, label });
    const style = lines.map(({ colour }) => `--colour: var(--${colour})`);
    lines.forEach(({ ys, dash }, k) =>
      line(x, ys, { class: "curve", style: style[k], "stroke-dasharray": dash ?? "" }));
    const cursor = add("line", { class: "cursor", y1: frame.top, y2: frame.bottom });
    const dots = style.map((style) => add("circle", { class: "dot", r: 4.5, style }));
    move = () => {
      const here = X(x[index]);
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, here);
      dots.forEach((dot, k) => {
        dot.setAttribute("cx", here);
        dot.setAttribute("cy", Y(lines[k].ys[index]));
      });
    };
    svg.onclick = (event) => {
      const at = event.clientX - svg.getBoundingClientRect().left;
      pick(best(x.map((v) => -Math.abs(X(v) - at))));
    };
    svg.classList.add("pickable");
    box.replaceChildren(svg);
    move();
  });
  return { at(i) { index = i; move(); } };
}

/** Buttons side by side */
export const tray = (...children) => make("div", { className: "tools" }, ...children);

// ---- changes of an 8x8 image ----
const at = (image, row, column) =>
  (row < 0 || row > 7 || column < 0 || column > 7 ? 0 : image[8 * row + column]);
const remade = (f) => (image) => image.map((_, i) => f(image, Math.floor(i / 8), i % 8));
const blur = [-1, 0, 1].flatMap((r) => [-1, 0, 1].map((c) =>
  [r, c, (2 - Math.abs(r)) * (2 - Math.abs(c)) / 16]));
const changes = {
  "←": ["Shift left", remade((x, r, c) => at(x, r, c + 1))],
  "↑": ["Shift up", remade((x, r, c) => at(x, r + 1, c))],
  "↓": ["Shift down", remade((x, r, c) => at(x, r - 1, c))],
  "→": ["Shift right", remade((x, r, c) => at(x, r, c - 1))],
  Blur: ["", remade((x, r, c) => sum(blur.map(([dr, dc, w]) => w * at(x, r + dr, c + dc))))],
  Invert: ["", (x) => x.map((ink) => 1 - ink)],
  Clear: ["", (x) => x.map(() => 0)],
};

/** Ink or erase with a soft round pen of about two pixels at (x, y), in pixels */
const stroke = (image, x, y, erase) => remade((old, r, c) => {
  const touch = Math.min(1, Math.max(0, 1.3 - Math.hypot(c + 0.5 - x, r + 0.5 - y)));
  return erase ? Math.min(at(old, r, c), 1 - touch) : Math.max(at(old, r, c), touch);
})(image);

/**
 * A sheet of 8x8 pixels to draw on, one stop for the keyboard, with its buttons: `els`.
 * `show(image)` inks it, and `changed(image)` hears of each stroke.
 */
export function drawing(changed) {
  let image = Array(64).fill(0);
  const cells = Array.from({ length: 64 }, () => make("div", { role: "gridcell", tabIndex: -1 }));
  const rows = Array.from({ length: 8 }, (_, r) =>
    make("div", { role: "row" }, ...cells.slice(8 * r, 8 * r + 8)));
  const sheet = make("div", { className: "sheet pad", role: "grid",
    ariaLabel: "Drawing, 8 by 8 pixels. Arrow keys move, Space inks, Delete erases." }, ...rows);
  const pen = make("button", { type: "button", textContent: "Erase", ariaPressed: false });
  pen.onclick = () => { pen.ariaPressed = !erasing(); };
  const erasing = () => pen.ariaPressed === "true";
  let cursor = 27;
  const point = (i) => { cells[cursor].tabIndex = -1; cells[cursor = i].tabIndex = 0; };
  point(cursor);
  sheet.onkeydown = (event) => {
    const r = Math.floor(cursor / 8), c = cursor % 8;
    const to = { ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], ArrowUp: [r - 1, c],
      ArrowDown: [r + 1, c], Home: [r, 0], End: [r, 7] }[event.key];
    const inks = [" ", "Enter"].includes(event.key);
    if (to) {
      const [row, column] = to.map((v) => Math.min(7, Math.max(0, v)));
      point(8 * row + column);
      cells[cursor].focus();
    } else if (inks || ["Delete", "Backspace"].includes(event.key))
      changed(stroke(image, c + 0.5, r + 0.5, !inks || erasing()));
    else return;
    event.preventDefault();
  };
  let last = null;
  sheet.onpointerdown = (event) => {
    if (event.button) return;
    event.preventDefault();
    sheet.setPointerCapture(event.pointerId);
    last = null;
    sheet.onpointermove(event);
    point(8 * Math.floor(last[1]) + Math.floor(last[0]));
    cells[cursor].focus({ preventScroll: true });
  };
  sheet.onpointermove = (event) => {
    if (!sheet.hasPointerCapture(event.pointerId)) return;
    const box = sheet.getBoundingClientRect();
    const to = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
      .map((part) => Math.min(7.99, Math.max(0, 8 * part)));
    const [x, y] = last ?? to, [dx, dy] = [to[0] - x, to[1] - y];
    const steps = last ? Math.ceil(3 * Math.hypot(dx, dy)) : 1;
    let next = image;
    for (let i = 1; i <= steps; i++)
      next = stroke(next, x + dx * i / steps, y + dy * i / steps, erasing());
    last = to;
    changed(next);
  };
  const tools = Object.entries(changes).map(([name, [title, change]]) => {
    const words = title ? { title, ariaLabel: title } : {};
    const button = make("button", { type: "button", textContent: name, ...words });
    button.onclick = () => changed(change(image));
    return button;
  });
  const show = (next) => {
    image = [...next];
    image.forEach((ink, i) => {
      cells[i].style.setProperty("--ink", ink.toFixed(3));
      const place = `row ${Math.floor(i / 8) + 1}, column ${i % 8 + 1}`;
      cells[i].ariaLabel = `${place}: ${Math.round(100 * ink)} % ink`;
    });
  };
  return { els: [sheet, tray(pen, ...tools.slice(4)), tray(...tools.slice(0, 4))], show };
}
