// Everything the pages do in the browser; without it they still read well. A classic script, so that it runs from the disk too.
"use strict";
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const onDisk = location.protocol === "file:";
const here = document.documentElement.dataset.page;

// ---- what the browser remembers ----
const store = {
  read(key, fallback) {
    try {
      return JSON.parse(localStorage.getItem(key)) ?? fallback;
    } catch {
      return fallback;
    }
  },
  write(key, value) {
    try {
      localStorage.setItem(key, JSON.stringify(value));
    } catch {
      /* private window: forget */
    }
  },
};
let progress = store.read("stacked_nn:progress", {}); // page -> {read: true, answers: {quiz: choice}, right: number of quizzes}
function remember(change) {
  progress = store.read("stacked_nn:progress", {}); // another tab may have written
  progress[here] = { ...progress[here], ...change };
  store.write("stacked_nn:progress", progress);
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
    const button = make("button", { type: "button", className: "copy", textContent: "Copy" });
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
  const check = new ResizeObserver((boxes) => {
    for (const { target: box } of boxes)
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
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
  const button = make("button", { type: "button", className: "all-code", textContent: "All code" });
  const show = (all) => {
    button.setAttribute("aria-pressed", all);
    folds.forEach((fold, i) => (fold.open = all || first[i]));
  };
  button.onclick = () => {
    const all = button.getAttribute("aria-pressed") !== "true";
    store.write("stacked_nn:all-code", all);
    show(all);
  };
  $(".head .tools").append(button);
  show(store.read("stacked_nn:all-code", false) === true);
}

// ---- quizzes: the choices become buttons, each answers with its own explanation ----
function setUpQuiz(quiz, number) {
  const answer = $("details", quiz),
    list = $("ul, ol", quiz);
  const why = $$("li", answer);
  const buttons = $$("li", list).map((choice, i) => {
    $$("a", choice).forEach((a) => a.replaceWith(...a.childNodes)); // no link inside a button
    const button = make("button", { type: "button" }, ...choice.childNodes);
    button.onclick = () => {
      pick(i);
      save(i);
    };
    choice.append(button);
    return button;
  });
  const isRight = (i) => /^\W*([A-Z]\.)?\s*Right\b/.test(why[i].textContent);
  const reply = make("div", { className: "reply" });
  reply.setAttribute("role", "status");
  const again = make("button", {
    type: "button",
    className: "again",
    textContent: "Clear answer",
    hidden: true,
  });
  again.onclick = () => {
    pick();
    save();
    buttons[0].focus();
  };
  answer.replaceWith(reply, again);
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", "Choices");
  $$("li", list).forEach((li) => li.setAttribute("role", "presentation"));

  function pick(chosen) {
    buttons.forEach((b, i) => {
      b.setAttribute("aria-pressed", i === chosen);
      b.dataset.state = i !== chosen ? "" : isRight(i) ? "right" : "wrong";
    });
    again.hidden = chosen === undefined;
    reply.replaceChildren(
      ...(chosen === undefined
        ? []
        : [...why[chosen].childNodes].map((node) => node.cloneNode(true))),
    );
    reply.dataset.state = chosen === undefined ? "" : isRight(chosen) ? "right" : "wrong";
  }
  function save(chosen) {
    const answers = { ...progress[here]?.answers, [number]: chosen };
    remember({
      answers,
      right: { ...progress[here]?.right, [number]: chosen !== undefined && isRight(chosen) },
    });
  }
  return () => {
    const stored = progress[here]?.answers?.[number]; // of an older page, perhaps
    pick(buttons[stored] ? stored : undefined);
  };
}

// ---- progress in the sidebar ----
function showProgress() {
  const links = $$("#menu a"),
    lessons = links.filter((link) => $(".lesson", link));
  let read = 0;
  for (const link of links) {
    const page = progress[link.getAttribute("href")] ?? {};
    const right = Object.values(page.right ?? {}).filter(Boolean).length,
      all = Number(link.dataset.quizzes);
    const state = page.read ? (all && right >= all ? "quiz done" : "read") : "";
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
  $("#progress button").onclick = () => {
    progress = {};
    store.write("stacked_nn:progress", progress);
    showAll();
  };
  addEventListener("storage", () => {
    progress = store.read("stacked_nn:progress", {});
    showAll();
  });
  const end = new IntersectionObserver(([entry]) => {
    if (entry.isIntersecting && !progress[here]?.read) remember({ read: true });
  });
  if ($(".turn")) end.observe($(".turn"));
  showAll();
}

// ---- search ----
function setUpSearch() {
  const dialog = $("#search"),
    input = $("input", dialog),
    status = $("[role=status]", dialog),
    list = $("ol", dialog);
  let pagefind,
    latest = 0;
  const open = async () => {
    dialog.showModal();
    input.select();
    if (onDisk) {
      status.textContent =
        "Search needs a server: run “make serve” and open the address that it prints.";
      return;
    }
    pagefind ??= import("./pagefind/pagefind.js");
    (await pagefind).init();
  };
  const link = (url, title, excerpt) => {
    const a = make("a", { href: url.replace(/^.*\//, "") });
    a.append(make("strong", { textContent: title }));
    if (excerpt) a.append(make("span", { innerHTML: excerpt }));
    return a;
  };
  const search = async () => {
    const mine = ++latest,
      words = input.value.trim();
    if (!words || onDisk) {
      list.replaceChildren();
      status.textContent = onDisk ? status.textContent : "";
      return;
    }
    const { results } = await (await pagefind).search(words);
    const pages = await Promise.all(results.slice(0, 8).map((r) => r.data()));
    if (mine !== latest) return;
    status.textContent = results.length
      ? `${results.length} ${results.length === 1 ? "page" : "pages"}`
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
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    open();
  });
}

setUpTheme();
addAnchors();
setUpAllCode();
addCopyButtons();
makeScrollersReachable();
followHeadings();
setUpProgress();
setUpSearch();
openTarget();
addEventListener("hashchange", openTarget);
