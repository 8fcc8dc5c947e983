// Draw a digit and see everything that the course computes from it: two views, two networks,
// their product.
import {
  bars, best, doubles, drawing, fit, floats, images, logSoftmax, make, mounter, percent, picture,
  plot, poolLogs, slider, sum, tray,
} from "./kit.js";

// ---- the numbers, as in stacked_nn.features, .mlp and .combine ----

/** What Python packed: prototypes, two networks with the scale of their views, prior, images */
export function unpack({ prototypes, views, prior, digits, labels }) {
  const m = Array.from(doubles(prototypes)), pixels = m.length / 10;
  return {
    prototypes: Array.from({ length: 10 }, (_, c) => m.slice(c * pixels, (c + 1) * pixels)),
    views: views.map(({ mean, scale, sizes, weights }) => {
      const all = floats(weights);
      let at = 0;
      const layers = sizes.slice(1).map((n, i) => ({
        W: all.subarray(at, at += sizes[i] * n), b: all.subarray(at, at += n) }));
      return { mean: doubles(mean), scale: doubles(scale), layers };
    }),
    prior: Array.from(doubles(prior)),
    digits: images(digits, pixels), labels: Array.from(labels, Number),
  };
}

const dot = (a, b) => {
  let s = 0;
  for (let i = 0; i < a.length; i++) s += a[i] * b[i];
  return s;
};
const norm = (a) => Math.sqrt(dot(a, a));

function logits({ mean, scale, layers }, view) {
  return layers.reduce((a, { W, b }, depth) => Array.from(b, (z, k) => {
    a.forEach((v, j) => { z += v * W[j * b.length + k]; });
    return depth < layers.length - 1 ? Math.max(z, 0) : z;
  }), view.map((v, c) => (v - mean[c]) / scale[c]));
}

/** Everything about one image */
export function look(model, image, exponents = [1, 1]) {
  const apart = (m, slope) => norm(m.map((ink, i) => image[i] - slope * ink));
  const slopes = model.prototypes.map((m) => dot(m, image) / (dot(m, m) || 1));
  const free = image.length - 1;
  const spreads = model.prototypes.map((m, c) => apart(m, slopes[c]) / Math.sqrt(free));
  const distances = model.prototypes.map((m) => apart(m, 1));
  const logs = [slopes, spreads].map((view, i) => logSoftmax(logits(model.views[i], view)));
  const combined = poolLogs(logs, exponents, model.prior);
  const probabilities = [...logs, combined].map((log) => log.map(Math.exp));
  return { slopes, spreads, distances, probabilities };
}

// ---- the page ----
const names = ["Weight", "Bias", "Combined"], colours = ["weight", "bias", "combined"];
const classes = [..."0123456789"];
const list = (values, say) => values.map((v, c) => `${c}: ${say(v)}`).join(", ");

function render({ model, el }) {
  const net = unpack(model.get("data"));
  const looks = net.digits.map((image) => look(net, image).probabilities.map(best));
  let image = [...model.get("image")], chosen = null, from = -1, results;

  const paper = drawing((next) => draw(next));

  // tools
  const wrong = (k) => (i) => looks[i][k] !== net.labels[i];
  const choices = {
    "any test digit": () => true,
    "Weight and Bias disagree": (i) => looks[i][0] !== looks[i][1],
    "the product helps": (i) => !wrong(2)(i) && (wrong(0)(i) || wrong(1)(i)),
    "the product is wrong": wrong(2),
    ...Object.fromEntries(classes.map((c) => [`a ${c}`, (i) => net.labels[i] === Number(c)])),
  };
  const which = make("select", { ariaLabel: "Which test digits" },
    ...Object.keys(choices).map((textContent) => make("option", { textContent })));
  const next = make("button", { type: "button", textContent: "Next" });
  next.onclick = () => {
    const fits = net.digits.map((_, i) => i).filter(choices[which.value]);
    from = fits.find((i) => i > from) ?? fits[0] ?? from;
    if (fits.length) draw(net.digits[from], `Test image ${from}, a ${net.labels[from]}.`);
    else origin.textContent = "There is none.";
  };
  which.onchange = () => { from = -1; next.onclick(); };
  const origin = make("p", { className: "quiet", role: "status" });

  // what comes out
  const answers = names.map((textContent, k) => make("div", { className: `answer ${colours[k]}` },
    make("span", { textContent }), make("strong"), make("small")));
  const spoken = make("p", { className: "hidden", role: "status" });
  const views = [bars(classes, "weight", { axis: false }),
    bars(classes, "bias", { down: true, axis: false })];
  const thumbs = net.prototypes.map((m, c) => {
    const button = make("button", { type: "button", className: "thumb", ariaPressed: false },
      picture(m), make("span", { ariaHidden: true }));
    button.onclick = () => { chosen = chosen === c ? null : c; show(); };
    return button;
  });
  const exponents = names.slice(0, 2).map((name) =>
    slider("exponent", { max: 2, step: 0.1, value: 1, say: (v) => v.toFixed(1) }, () => show()));
  exponents.forEach(({ input }, k) => { input.ariaLabel = `Exponent of ${names[k]}`; });
  const charts = colours.map((colour) => bars(classes, colour));
  const scatter = make("div", { className: "scatter" });
  const reading = make("p", { className: "quiet" });
  let width = 0;

  function show() {
    results = look(net, image, exponents.map((e) => e.value));
    const { slopes, spreads, distances, probabilities } = results;
    paper.show(image);
    const nearest = best(distances.map((d) => -d)), twoDigits = (v) => v.toFixed(2);
    const heights = (values) => values.map((v) => v / Math.max(...values, 1e-9));
    views[0].show(heights(slopes), best(slopes), `Sensitivity: ${list(slopes, twoDigits)}`);
    views[1].show(heights(spreads), best(spreads.map((s) => -s)),
      `Deviation: ${list(spreads, twoDigits)}`);
    probabilities.forEach((p, k) => {
      const winner = best(p);
      charts[k].show(p, winner, `${names[k]}: ${list(p, percent)}`);
      const undecided = Math.max(...p) - Math.min(...p) < 1e-9;
      answers[k].children[1].textContent = undecided ? "?" : winner;
      answers[k].children[2].textContent = percent(p[winner]);
    });
    thumbs.forEach((button, c) => {
      const distance = distances[c].toFixed(1);
      button.lastChild.textContent = distance;
      button.classList.toggle("best", c === nearest);
      const note = c === nearest ? ", the nearest" : "";
      button.ariaLabel = `Prototype ${c}, distance ${distance}${note}`;
      button.ariaPressed = c === chosen;
    });
    if (width) showScatter();
  }

  function showScatter() {
    const c = chosen ?? best(results.probabilities[2]), m = net.prototypes[c];
    const slope = results.slopes[c], spread = results.spreads[c], end = Math.max(...m);
    const words = `slope ${slope.toFixed(2)}, spread ${spread.toFixed(2)}`;
    const { svg, X, Y, add } = plot(width, Math.min(width, 260), [0, 1], [-0.2, 1.2], {
      xlabel: `ink in prototype ${c}`, ylabel: "ink in the drawing",
      label: `Pixels of the drawing against those of prototype ${c}: ${words}` });
    const along = Array.from({ length: 41 }, (_, k) => end * k / 40);
    const inFrame = (y) => Math.min(1.2, Math.max(-0.2, y));
    const edge = (dy) => along.map((x) => `${X(x)},${Y(inFrame(slope * x + dy))}`);
    const band = [...edge(spread), ...edge(-spread).reverse()];
    add("polygon", { class: "band", points: band.join(" ") });
    add("polyline", { class: "slope", points: edge(0).join(" ") });
    m.forEach((ink, i) => add("circle", { class: "pixel", cx: X(ink), cy: Y(image[i]), r: 3.5 }));
    scatter.replaceChildren(svg);
    const why = chosen === null ? "the combined answer" : "your choice";
    reading.textContent = `S${words.slice(1)}, against prototype ${c} (${why}).`;
  }

  let speech;
  function draw(pixels, words = "") {
    image = [...pixels];
    origin.textContent = words;
    show();
    model.set("image", image);
    model.save_changes();
    clearTimeout(speech);
    speech = setTimeout(() => {
      const digits = answers.map(({ children }) => children[1].textContent);
      spoken.textContent = names.map((name, k) => `${name}: ${digits[k]}`).join(", ");
    }, 700);
  }
  model.on("change:image", () => { image = [...model.get("image")]; show(); });

  const title = (textContent, className, extra) =>
    make("div", { className: "title" }, make("span", { textContent, className }), extra);
  const small = (textContent) => make("small", { textContent });
  const product = `Weight × Bias${net.prior.some(Boolean) ? " ÷ prior" : ""}, scaled`;
  const row = (k, extra) =>
    make("div", { className: "row" }, title(names[k], colours[k], extra), charts[k].el);
  el.append(make("div", { className: "snn playground" }, make("div", { className: "body" },
    make("div", { className: "answers" }, ...answers, spoken),
    make("div", { className: "left" }, ...paper.els, tray(which, next), origin),
    make("div", { className: "right" },
      title("Sensitivity", "weight", small("longest wins")), views[0].el,
      make("div", { className: "thumbs", role: "group",
        ariaLabel: "Prototypes and their distance; press one to see its pixels" }, ...thumbs),
      views[1].el, title("Deviation", "bias", small("shortest wins")),
      small("Under each prototype is its distance from your drawing, the nearest in bold. "
        + "Press one to see its pixels."),
      row(0, exponents[0].el), row(1, exponents[1].el), row(2, small(product))),
    make("div", { className: "below" }, scatter, reading))));
  fit(scatter, (w) => { width = w; showScatter(); });
  show();
}

export default { render };
export const mount = mounter(render);
