// Everything the pages do in the browser; without it they still read well. A classic script, so
// that it runs from the disk too.
"use strict";
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const makeButton = (textContent, className = "") =>
  make("button", { type: "button", className, textContent });
const onDisk = location.protocol === "file:";
const here = document.documentElement.dataset.page;

// ---- what the browser remembers, for this site; where it refuses, until the page is left ----
const memory = {};
const store = {
  name: (key) => `stacked_nn:${key}:${location.pathname.replace(/[^/]*$/, "")}`,
  read(key, fallback) {
    try {
      return JSON.parse(localStorage.getItem(store.name(key))) ?? memory[key] ?? fallback;
    } catch {
      return memory[key] ?? fallback;
    }
  },
  write(key, value) {
    memory[key] = value;
    try {
      localStorage.setItem(store.name(key), JSON.stringify(value));
    } catch {
      /* private window */
    }
  },
};
// page -> {read, answers: {key of the question: {value, right}}}; what is stored may be of any
// age, so only what fits is taken
const isObject = (x) => typeof x === "object" && x !== null && !Array.isArray(x);
function readProgress() {
  const stored = store.read("progress", {}),
    pages = Object.entries(isObject(stored) ? stored : {}).filter(([, page]) => isObject(page));
  const fits = ([, a]) => isObject(a) && typeof a.value === "string";
  const answers = (page) =>
    Object.entries(isObject(page.answers) ? page.answers : {}).filter(fits);
  return Object.fromEntries(
    pages.map(([name, page]) => [
      name,
      { read: page.read === true, answers: Object.fromEntries(answers(page)) },
    ]),
  );
}
let progress = readProgress();
function remember(change) {
  progress = readProgress(); // another tab may have written
  const page = progress[here] ?? { read: false, answers: {} };
  progress[here] = { ...page, ...change, answers: { ...page.answers, ...change.answers } };
  store.write("progress", progress);
  showProgress();
}

// ---- colours: the system's, until the reader picks the other ones ----
function setUpTheme() {
  const button = $("#theme"),
    root = document.documentElement,
    system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const show = () => button.setAttribute("aria-pressed", isDark());
  button.onclick = () => {
    const dark = !isDark();
    root.dataset.theme = dark === system.matches ? "" : dark ? "dark" : "light";
    try {
      localStorage.setItem("stacked_nn:theme", root.dataset.theme);
    } catch {
      /* only for this page */
    }
    show();
  };
  system.onchange = show;
  addEventListener("pageshow", () => {
    try {
      root.dataset.theme = localStorage.getItem("stacked_nn:theme") ?? root.dataset.theme ?? "";
    } catch {
      /* only for this page */
    }
    show();
  });
  show();
}

// ---- reading ----
function addAnchors() {
  for (const heading of $$("article :is(h2, h3, h4)[id]"))
    heading.append(
      make("a", {
        className: "anchor",
        href: "#" + heading.id,
        textContent: "#",
        ariaLabel: "Link to " + heading.textContent,
      }),
    );
}

function addCopyButtons() {
  if (!navigator.clipboard) return;
  for (const code of $$("div.sourceCode")) {
    const button = makeButton("Copy", "copy");
    button.onclick = async () => {
      await navigator.clipboard.writeText($("code", code).textContent);
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = "Copy";
      }, 1500);
    };
    code.append(button);
  }
}

function makeScrollersReachable() {
  const marks = { tabindex: "0", role: "group", "aria-label": "Scrolls sideways" };
  const check = new ResizeObserver((boxes) => {
    for (const { target: box } of boxes)
      for (const [name, value] of Object.entries(marks))
        if (box.scrollWidth > box.clientWidth) box.setAttribute(name, value);
        else box.removeAttribute(name);
  });
  $$(".scroll, pre").forEach((box) => check.observe(box));
}

function followHeadings() {
  const links = new Map($$("#toc a").map((a) => [a.hash.slice(1), a]));
  const targets = [...links.keys()]
    .map((id) => document.getElementById(decodeURIComponent(id)))
    .filter(Boolean);
  const update = () => {
    const passed = targets.filter((t) => t.getBoundingClientRect().top < 120);
    links.forEach((a) => a.removeAttribute("aria-current"));
    if (passed.length) links.get(passed.at(-1).id)?.setAttribute("aria-current", "location");
  };
  addEventListener("scroll", update, { passive: true });
  update();
  $("#toc")?.addEventListener("click", (event) => {
    if (event.target.closest("a") && $("#toc").matches(":popover-open")) $("#toc").hidePopover();
  });
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  target?.closest(".later")?.classList.remove("later");
  for (let box = target?.closest("details"); box; box = box.parentElement.closest("details"))
    box.open = true;
}

// ---- the engineering: folded away, or all of it open; solutions stay closed ----
function setUpAllCode() {
  const folds = $$("details.code-fold").filter(
    (fold) => !$("summary", fold).textContent.startsWith("Solution"),
  );
  if (!folds.length || !$(".head .tools")) return;
  const first = folds.map((fold) => fold.open);
  const button = makeButton("All code", "all-code");
  const show = (all) => {
    button.setAttribute("aria-pressed", all);
    folds.forEach((fold, i) => (fold.open = all || first[i]));
  };
  button.onclick = () => {
    const all = button.getAttribute("aria-pressed") !== "true";
    store.write("all-code", all);
    show(all);
  };
  $(".head .tools").append(button);
  show(store.read("all-code", false) === true);
}

// ---- print: what is folded is opened, and closed again ----
function setUpPrint() {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = $$("details:not([open])");
    opened.forEach((fold) => (fold.open = true));
  });
  addEventListener("afterprint", () => opened.forEach((fold) => (fold.open = false)));
}

// ---- words of the glossary: their meaning beside the link, on hover and focus ----
function setUpTerms() {
  const tip = make("div", { id: "meaning", popover: "manual" });
  tip.setAttribute("role", "tooltip");
  let timer, link;
  const hide = () => {
    clearTimeout(timer);
    if (tip.matches(":popover-open")) tip.hidePopover();
    link?.removeAttribute("aria-describedby");
    link = undefined;
  };
  const show = (a) => {
    hide();
    link = a;
    link.setAttribute("aria-describedby", tip.id);
    tip.textContent = link.dataset.meaning;
    tip.showPopover();
    const at = link.getClientRects()[0],
      box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.width - 8))}px`;
    const fits = at.bottom + box.height + 8 < innerHeight;
    tip.style.top = `${fits ? at.bottom + 4 : at.top - box.height - 4}px`;
  };
  const later = (f, ms) => {
    clearTimeout(timer);
    timer = setTimeout(f, ms);
  };
  for (const a of $$("a[data-meaning]")) {
    a.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") later(() => show(a), 250);
    });
    a.addEventListener("pointerleave", () => later(hide, 200));
    a.addEventListener("focus", () => a.matches(":focus-visible") && show(a));
    a.addEventListener("blur", hide);
  }
  tip.onpointerenter = () => clearTimeout(timer);
  tip.onpointerleave = () => later(hide, 200);
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("scroll", () => tip.matches(":popover-open") && hide(), { passive: true });
  document.body.append(tip);
}

// ---- quizzes ----
// A question has choices, each of which answers with its own explanation, or asks for a number.
// Both hand a function to `keep`, which calls it with the stored answer; it says whether the
// answer is right.
function setUpQuiz(quiz) {
  const reply = make("div", { className: "reply" });
  reply.setAttribute("role", "status");
  const again = makeButton("Clear answer", "again");
  const ask = quiz.dataset.answer === undefined ? choices : number;
  const { show, first, fits } = ask(quiz, reply, (value) => {
    const right = update(value);
    const answer = value === undefined ? undefined : { value, right };
    remember({ answers: { [quiz.dataset.key]: answer } });
  });
  const release = quiz.classList.contains("predict") ? hold(quiz) : () => {};
  function update(value) {
    const { nodes = [], state = "" } = value === undefined ? {} : show(value);
    if (value === undefined) show();
    else release();
    reply.replaceChildren(...nodes.map((node) => node.cloneNode(true)));
    reply.dataset.state = state;
    again.hidden = value === undefined;
    return state === "right";
  }
  again.onclick = () => {
    update();
    remember({ answers: { [quiz.dataset.key]: undefined } });
    first.focus();
  };
  $("details", quiz).classList.add("on-paper");
  $("details", quiz).before(reply, again);
  return () => {
    const value = progress[here]?.answers[quiz.dataset.key]?.value;
    update(value !== undefined && fits(value) ? value : undefined);
  };
}

function takeLetter(item) {
  const text = document.createTreeWalker(item, NodeFilter.SHOW_TEXT).nextNode();
  const [all, letter] = /^\s*([A-E])\.\s*/.exec(text.data);
  text.data = text.data.slice(all.length);
  return letter;
}

function choices(quiz, reply, pick) {
  const list = $("ul, ol", quiz),
    why = Object.fromEntries($$("details li", quiz).map((item) => [takeLetter(item), item]));
  const isRight = (letter) => /^\W*Right\b/.test(why[letter].textContent);
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", "Choices");
  const buttons = $$("li", list).map((choice) => {
    $$("a", choice).forEach((a) => a.replaceWith(...a.childNodes)); // no link inside a button
    choice.setAttribute("role", "presentation");
    const button = makeButton("");
    button.dataset.letter = takeLetter(choice);
    button.onclick = () => pick(button.dataset.letter);
    button.append(...choice.childNodes);
    choice.append(button);
    return button;
  });
  if (!quiz.classList.contains("predict")) {
    for (let i = buttons.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [buttons[i], buttons[j]] = [buttons[j], buttons[i]];
    }
    list.replaceChildren(...buttons.map((button) => button.parentElement));
    const answers = buttons.map((button) => why[button.dataset.letter]);
    answers[0].parentElement.append(...answers); // in the same order
  }
  buttons.forEach((button, i) => button.prepend(`${"ABCDE"[i]}. `));
  return {
    first: buttons[0],
    fits: (letter) => letter in why,
    show(letter) {
      const state = letter && (isRight(letter) ? "right" : "wrong");
      for (const button of buttons) {
        const chosen = button.dataset.letter === letter;
        button.setAttribute("aria-pressed", chosen);
        button.dataset.state = chosen ? state : "";
      }
      return { nodes: letter ? [...why[letter].childNodes] : [], state };
    },
  };
}

function number(quiz, reply, pick) {
  const input = make("input", { type: "text", inputMode: "decimal", ariaLabel: "Your number" });
  const form = make(
    "form",
    { className: "number" },
    input,
    make("button", { type: "submit", textContent: "Check" }),
  );
  const why = [...$("details", quiz).childNodes].filter((node) => node.nodeName !== "SUMMARY");
  const { answer, tolerance = 1e-9 } = quiz.dataset;
  const read = (text) => {
    const thousands = /^[-+]?\d{1,3}(,\d{3})+$/.test(text.trim()) && Math.abs(answer) >= 1000;
    const point = thousands ? text.replaceAll(",", "") : text.replace(",", ".");
    const plain = point.trim().replace("\u2212", "-");
    const value = Number(plain.replace(/\s*%$/, ""));
    return plain === "" ? NaN : plain.endsWith("%") ? value / 100 : value;
  };
  const isRight = (text) => Math.abs(read(text) - Number(answer)) <= Number(tolerance);
  form.onsubmit = (event) => {
    event.preventDefault();
    pick(input.value);
  };
  const right = () => [make("p", {}, make("strong", { textContent: "Right." })), ...why];
  const wrong = (text) => {
    const isNumber = !Number.isNaN(read(text));
    const textContent = isNumber ? "No, not this one." : "Please write a number, such as 0.5.";
    const title = make("summary", { textContent: "Show the answer" });
    const copies = why.map((node) => node.cloneNode(true));
    return [make("p", { textContent }), make("details", {}, title, ...copies)];
  };
  $("details", quiz).before(form);
  return {
    first: input,
    fits: () => true,
    show(text) {
      input.value = text ?? "";
      const state = text === undefined ? "" : isRight(text) ? "right" : "wrong";
      input.dataset.state = state;
      return { nodes: state ? { right, wrong }[state](text) : [], state };
    },
  };
}

// What stands behind a prediction waits until there is one: the outputs of the cells behind it,
// and all that is said of them, up to the next heading, question or widget; the last paragraph
// before a question belongs to that question
function hold(quiz) {
  const held = [];
  const isEnd = (next) =>
    next.matches("section, h2, h3, .quiz, .snn, .widget") || $(".snn, .widget", next);
  let part = quiz.nextElementSibling,
    name = "held";
  for (; part && !isEnd(part); part = part.nextElementSibling) {
    if (!part.matches(".cell")) name = "later";
    part.classList.add(name);
    held.push(part);
  }
  if (!held[0]?.matches(".cell")) {
    held.forEach((other) => other.classList.remove("later"));
    return () => {};
  }
  if (part?.matches(".quiz") && held.at(-1).matches("p")) held.pop().classList.remove("later");
  const button = makeButton("Show the result", "release");
  const release = () => {
    held.forEach((other) => other.classList.remove("held", "later"));
    button.remove();
  };
  button.onclick = release;
  held[0].append(button);
  return release;
}

// ---- progress in the sidebar ----
const pageOf = (link) => link.getAttribute("href").split("/").pop();

function showProgress() {
  const links = $$("#menu a"),
    lessons = links.filter((link) => $(".lesson", link));
  let read = 0;
  for (const link of links) {
    const page = progress[pageOf(link)] ?? { answers: {} };
    const keys = (link.dataset.quizzes ?? "").split(" ").filter(Boolean);
    const isDone = keys.length > 0 && keys.every((key) => page.answers[key]?.right === true);
    const state = page.read ? (isDone ? "quiz done" : "read") : "";
    read += Boolean(page.read && lessons.includes(link));
    $(".state", link)?.remove();
    if (state)
      link.append(
        make(
          "span",
          { className: "state", title: state },
          make("span", { className: "hidden", textContent: ` (${state})` }),
        ),
      );
    link.dataset.state = state;
  }
  $("#progress span").textContent = `${read} of ${lessons.length} lessons read`;
}

function setUpProgress() {
  const showQuizzes = $$(".quiz").map(setUpQuiz);
  const showAll = () => {
    showProgress();
    showQuizzes.forEach((show) => show());
  };
  const readAgain = () => {
    progress = readProgress();
    showAll();
  };
  $("#progress button").onclick = () => {
    progress = {};
    store.write("progress", progress);
    showAll();
  };
  addEventListener("storage", readAgain);
  addEventListener("pageshow", (event) => event.persisted && readAgain());
  const end = new IntersectionObserver(([entry]) => {
    if (entry.isIntersecting && !progress[here]?.read) remember({ read: true });
  });
  if ($(".turn")) end.observe($(".turn"));
  showAll();
}

// ---- search ----
// Japanese puts no spaces between words, so it has an index of its own, which was cut into words
const JAPANESE = /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u;

function setUpSearch() {
  const dialog = $("#search"),
    input = $("input[type=search]", dialog),
    key = $("input[type=checkbox]", dialog),
    status = $("[role=status]", dialog),
    list = $("ol", dialog);
  const loading = {};
  let latest = 0,
    attempt = 0;
  const load = (index) => {
    const again = attempt ? `?again=${attempt}` : "";
    loading[index] ??= import(`./${index}/pagefind.js${again}`).catch((error) => {
      delete loading[index]; // a failed import is remembered by its address
      attempt += 1;
      throw error;
    });
    return loading[index];
  };
  const open = () => {
    dialog.showModal();
    input.select();
    if (onDisk)
      status.textContent =
        "Search needs a server: run “make serve” and open the address that it prints.";
    else search();
  };
  const link = (url, title, excerpt) => {
    const a = make("a", { href: url.replace(/^.*\//, "") });
    a.append(make("strong", { textContent: title }));
    if (excerpt) a.append(make("span", { innerHTML: excerpt }));
    return a;
  };
  const show = (words, count, pages) => {
    status.textContent = count
      ? `${count} ${count === 1 ? "page" : "pages"}`
      : `Nothing found for “${words}”`;
    list.replaceChildren(
      ...pages.map((page) => {
        const sections = page.sub_results.filter((s) => s.url.includes("#")).slice(0, 3);
        return make(
          "li",
          {},
          link(page.url, page.meta.title, sections.length ? "" : page.excerpt),
          make("ul", {}, ...sections.map((s) => make("li", {}, link(s.url, s.title, s.excerpt)))),
        );
      }),
    );
  };
  async function search() {
    const mine = ++latest,
      words = input.value.trim();
    if (onDisk) return;
    if (!words) list.replaceChildren();
    status.textContent = words ? "Searching …" : "";
    try {
      const index = await load(JAPANESE.test(words) ? "pagefind-ja" : "pagefind");
      const { results } = await index.search(words || null);
      if (!words) return;
      const pages = await Promise.all(results.slice(0, 8).map((r) => r.data()));
      if (mine === latest) show(words, results.length, pages);
    } catch {
      if (mine !== latest) return;
      list.replaceChildren();
      status.textContent = words
        ? "The search could not be loaded. Check the connection, then type again."
        : "";
    }
  }
  input.oninput = search;
  $("#search-button").onclick = open;
  dialog.onclick = (event) => {
    if (event.target === dialog || event.target.closest("a")) dialog.close();
  };
  $("form", dialog).onsubmit = (event) => {
    if (event.submitter?.matches("button") && document.activeElement === event.submitter) return;
    event.preventDefault();
    $("a", list)?.click();
  };
  dialog.onkeydown = (event) => {
    if (event.key === "Escape") dialog.close(); // else the first press only empties the field
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const stops = [input, ...$$("a", list)],
      i = stops.indexOf(document.activeElement);
    stops[Math.min(stops.length - 1, Math.max(0, i + step))].focus();
    event.preventDefault();
  };
  const announce = () => {
    $("#search-button kbd").hidden = !key.checked;
    $("#search-button").toggleAttribute("aria-keyshortcuts", key.checked);
    if (key.checked) $("#search-button").setAttribute("aria-keyshortcuts", "/");
  };
  key.checked = store.read("slash", true) !== false;
  key.onchange = () => {
    store.write("slash", key.checked);
    announce();
  };
  announce();
  addEventListener("keydown", (event) => {
    const { target, ctrlKey, metaKey, altKey } = event;
    if (!key.checked || event.key !== "/" || ctrlKey || metaKey || altKey) return;
    if (dialog.open || target.closest("input, textarea, select, [contenteditable], .snn")) return;
    event.preventDefault();
    open();
  });
}

setUpTheme();
addAnchors();
setUpAllCode();
setUpPrint();
addCopyButtons();
makeScrollersReachable();
followHeadings();
setUpProgress();
setUpTerms();
setUpSearch();
openTarget();
addEventListener("hashchange", openTarget);
