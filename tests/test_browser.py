"""The built site in a real browser: quiet, usable by keyboard, legible in every width and scheme

Without a browser these tests are skipped; where `CI` is set they fail (see `conftest.py`).
"""

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from cells import page_name
from conftest import DOCS, LESSONS, PAGES, SIDEBAR

WIDTHS = 320, 360, 820, 1400
WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll('main *, header *, footer *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1
                 && !e.parentElement.closest('.scroll, pre'))
    .map(e => e.tagName + '.' + e.className).slice(0, 3)"""
each_page = pytest.mark.parametrize("page", PAGES)
each_scheme = pytest.mark.parametrize("scheme", ["light", "dark"])


def first_page_with(selector):
    return next(
        p
        for p in SIDEBAR
        if BeautifulSoup((DOCS / p).read_text(encoding="utf-8"), "html5lib").select(selector)
    )


# ---- every page ----


@each_scheme
@each_page
def test_page_fits_every_width(tab, page, scheme):
    t = tab(page, color_scheme=scheme)
    wide = []
    for width in WIDTHS:
        t.set_viewport_size({"width": width, "height": 900})
        over = t.evaluate(WIDE)
        if over or t.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(f"{width} px: {over}")
    assert not wide, f"{page} is wider than the window at {wide}"


@each_scheme
@each_page
def test_axe_finds_nothing(tab, page, scheme):
    t = tab(page, color_scheme=scheme)
    t.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    found = Axe().run(t).response["violations"]
    assert not found, f"{page}, {scheme}: " + "; ".join(
        f"{v['id']} ({v['help']}) at {[n['target'] for n in v['nodes'][:4]]}" for v in found
    )


@each_page
def test_pictures_load(tab, page):
    t = tab(page)
    t.evaluate("document.querySelectorAll('img').forEach(i => { i.loading = 'eager'; })")
    t.wait_for_load_state("networkidle")
    broken = t.evaluate(
        "[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
    )
    assert not broken, f"{page}: {broken} do not load"


# where the first thing to see or play with stands, and what of the height is open code
SHAPE = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)].filter(e => e.offsetHeight);
  const code = all('article div.sourceCode').filter(e => !e.closest('details:not([open])'));
  const sum = code.reduce((s, e) => s + e.offsetHeight, 0);
  const [first] = all('article :is(figure, .widget, .quiz.predict)');
  return {first: first.getBoundingClientRect().top,
          code: sum / document.querySelector('article').offsetHeight};
}"""


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_a_lesson_is_no_manual(tab, path):
    t = tab(page_name(path))
    t.set_viewport_size({"width": 1400, "height": 900})
    t.locator("article :is(figure, .widget, .quiz.predict)").first.wait_for()
    shape = t.evaluate(SHAPE)
    assert shape["first"] < 1500, "nothing to see or play with in the first 1,500 px"
    assert shape["code"] < 0.3, "code is more than three tenths of the page"


SCROLLERS = """() => [...document.querySelectorAll('main :is(.scroll, pre)')]
  .filter(e => e.scrollWidth > e.clientWidth && e.checkVisibility())
  .map(e => ({words: e.innerText.slice(0, 40), stop: e.tabIndex, name: e.ariaLabel,
              shade: getComputedStyle(e).backgroundImage.includes('gradient')}))"""


def test_what_scrolls_sideways_shows_it_and_takes_the_keyboard(tab):
    page = first_page_with(".dataframe")
    t = tab(page, width=390)
    t.wait_for_timeout(200)
    found = t.evaluate(SCROLLERS)
    bad = [s for s in found if s["stop"] < 0 or not s["name"] or not s["shade"]]
    assert found and not bad, f"{page}: {bad[:3]}"
    t.set_viewport_size({"width": 3000, "height": 900})
    t.wait_for_timeout(200)
    left = t.locator("main .scroll[tabindex]").count()
    assert not left, f"{page}: {left} stops of the keyboard at boxes that do not scroll"


SMALL = """least => [...document.querySelectorAll(
    'main :is(button, summary, select, input, .tools a), header button')].filter(e => {
  const box = (e.closest('label') ?? e).getBoundingClientRect();
  return box.height && (e.matches('button') && box.width < 24 || box.height <
    (e.matches('summary, .quiz li > button, .snn :is(button, select, input)') ? least : 24));
}).map(e => e.textContent || e.ariaLabel)"""


@pytest.mark.parametrize("selector", [".quiz", ".snn, .widget"])
def test_fingers_find_what_they_press(tab, selector):
    "44 px for what is pressed often, and 24 px at least (WCAG 2.5.8)"
    page = first_page_with(selector)
    t = tab(page, width=390, has_touch=True, is_mobile=True)
    if selector != ".quiz":
        t.locator(".snn button").first.wait_for()
    t.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    small = t.evaluate(SMALL, 43.5)
    assert not small, f"{page}: too small for a finger are {small[:5]}"


# ---- keyboard ----

FOCUS = """() => {
  const e = document.activeElement, s = getComputedStyle(e), box = e.getBoundingClientRect();
  return {name: e.id || e.className || e.textContent.trim().slice(0, 30) || e.tagName,
          tag: e.tagName, zone: ['#menu', '#toc', '.quiz'].find(zone => e.closest(zone)),
          ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2,
          seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight};
}"""


def test_keyboard_reaches_everything_with_visible_focus(tab):
    page = first_page_with(".quiz")
    t = tab(page, reduced_motion="reduce")
    stops = []
    for _ in range(400):
        t.keyboard.press("Tab")
        stop = t.evaluate(FOCUS)
        if stop["tag"] == "BODY":
            break
        stops.append(stop)
    invisible = [s["name"] for s in stops if not (s["ring"] and s["seen"])]
    assert not invisible, f"{page}: no visible focus on {invisible[:5]}"
    assert stops[0]["name"] == "skip", (
        f"{page}: the first stop is {stops[0]['name']}, not the link to the text"
    )
    names, zones = {s["name"] for s in stops}, {s["zone"] for s in stops}
    for what, there in {
        "search": "search-button" in names,
        "theme": "theme" in names,
        "sidebar": "#menu" in zones,
        "contents": "#toc" in zones,
        "quiz": ".quiz" in zones,
    }.items():
        assert there, f"{page}: Tab never reaches the {what}"


def test_skip_link_goes_to_the_text(tab):
    t = tab(SIDEBAR[0])
    t.keyboard.press("Tab")
    t.keyboard.press("Enter")
    assert t.evaluate("document.activeElement.id") == "content"


def test_menu_opens_and_closes_on_a_phone(tab):
    t = tab(SIDEBAR[1], width=360)
    assert not t.locator("#menu").is_visible()
    t.get_by_role("button", name="Menu").press("Enter")
    assert t.locator("#menu a").first.is_visible()
    t.keyboard.press("Escape")
    assert not t.locator("#menu").is_visible()
    t.get_by_role("button", name="Contents").click()
    t.locator("#toc a").last.click()
    assert not t.locator("#toc").is_visible() and "#" in t.url


# ---- search ----


def test_search_finds_a_section_and_jumps_there(tab):
    page = SIDEBAR[-1]
    heading = BeautifulSoup((DOCS / page).read_text(encoding="utf-8"), "html5lib").select_one(
        "article h2"
    )
    t = tab(SIDEBAR[0])
    t.keyboard.press("/")
    t.locator("#search input[type=search]").fill(heading.text)
    link = t.locator(f'#search a[href="{page}#{heading["id"]}"]')
    link.wait_for(timeout=10_000)
    t.keyboard.press("ArrowDown")
    assert t.evaluate("document.activeElement.closest('#search ol') !== null"), (
        "the arrow key does not reach the results"
    )
    link.click()
    t.wait_for_url(f"**/{page}#{heading['id']}")
    top = t.locator(f'[id="{heading["id"]}"]').bounding_box()["y"]
    assert 0 <= top < 900, f"{page}#{heading['id']} is at {top} px, outside the window"


def test_search_says_when_it_finds_nothing(tab):
    t = tab(SIDEBAR[0])
    t.get_by_role("button", name="Search").click()
    t.locator("#search input[type=search]").fill("龘")
    t.get_by_text("Nothing found for").wait_for(timeout=10_000)
    t.keyboard.press("Escape")
    assert not t.locator("#search").is_visible()


# ---- colours ----


@each_scheme
def test_theme_follows_the_system_then_the_reader(tab, scheme):
    t = tab(SIDEBAR[0], color_scheme=scheme)
    paper = "getComputedStyle(document.body).backgroundColor"
    system = t.evaluate(paper)
    t.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    other = t.evaluate(paper)
    assert system != other, "the page does not follow the system"
    t.emulate_media(color_scheme=scheme)
    t.locator("#theme").click()
    assert t.evaluate(paper) == other, "the button does not change the colours"
    t.reload()
    assert t.evaluate(paper) == other, "the choice is forgotten"
    t.locator("#theme").click()
    assert t.evaluate(paper) == system
    assert t.evaluate("localStorage.getItem('stacked_nn:theme')") == "", (
        "a choice that equals the system's should follow it again"
    )


# ---- quizzes and progress ----


def test_quiz_answers_remembers_and_forgets(tab):
    page = first_page_with(".quiz")
    t = tab(page)
    quiz = t.locator(".quiz:not(.predict):not([data-answer])").first
    choices, reply = quiz.locator("li button"), quiz.locator(".reply")
    assert not quiz.locator("details").is_visible(), "the folded answer is still there"
    for i in range(choices.count()):
        choices.nth(i).press("Enter")
        assert choices.nth(i).get_attribute("aria-pressed") == "true"
        assert reply.inner_text().strip(), f"{page}: choice {i + 1} has no explanation"
    states = []
    for i in range(choices.count()):
        choices.nth(i).click()
        states.append(reply.get_attribute("data-state"))
    assert sorted(states) == ["right"] + ["wrong"] * (len(states) - 1), f"{page}: {states}"
    text = reply.inner_text()
    t.reload()
    assert reply.inner_text() == text, "the answer is forgotten after a reload"
    quiz.get_by_role("button", name="Clear answer").click()
    assert not reply.inner_text()
    t.reload()
    assert not reply.inner_text(), "a cleared answer comes back"


def solve(quiz):
    "Answers a question right, whichever of its two kinds it is"
    if answer := quiz.get_attribute("data-answer"):
        quiz.locator("input").fill(answer)
        quiz.locator("form button").click()
    for choice in quiz.locator("li button").all():
        choice.click()
        if quiz.locator(".reply").get_attribute("data-state") == "right":
            break
    assert quiz.locator(".reply").get_attribute("data-state") == "right"


def test_sidebar_shows_progress_and_resets(tab):
    page = first_page_with(".quiz")
    t = tab(page)
    mark = t.locator(f'#menu a[href="{page}"]')
    assert not mark.get_attribute("data-state")
    for quiz in t.locator(".quiz:not(.predict)").all():
        solve(quiz)
    t.locator(".turn").scroll_into_view_if_needed()
    t.wait_for_function(
        "page => document.querySelector(`#menu a[href='${page}']`).dataset.state === 'quiz done'",
        arg=page,
    )
    assert "1 of" in t.locator("#progress").inner_text()
    t.goto(t.url.replace(page, SIDEBAR[0]))
    assert mark.get_attribute("data-state") == "quiz done", (
        "another page does not show the progress"
    )
    t.get_by_role("button", name="Reset progress").click()
    assert not mark.get_attribute("data-state") and "0 of" in t.locator("#progress").inner_text()


# ---- reading ----


def test_copy_button_copies_the_code(tab):
    page = first_page_with("div.sourceCode")
    t = tab(page, permissions=["clipboard-read", "clipboard-write"])
    box = t.locator("div.sourceCode").first
    box.hover()
    box.get_by_role("button", name="Copy").click()
    assert (
        t.evaluate("navigator.clipboard.readText()").strip()
        == box.locator("code").inner_text().strip()
    )


def test_folded_target_opens(tab):
    page = first_page_with("details")
    t = tab(page)
    t.evaluate(
        "document.querySelector('article details:not([open]) > :last-child').id = 'inside';"
        "location.hash = 'inside'"
    )
    t.wait_for_function("document.getElementById('inside').closest('details').open")


def test_print_shows_only_the_text(tab):
    t = tab(SIDEBAR[1])
    t.emulate_media(media="print")
    assert [t.locator(s).is_visible() for s in ("h1", ".bar", "#menu", "#toc", ".turn")] == [
        True,
        False,
        False,
        False,
        False,
    ]


def test_page_reads_without_javascript(tab):
    page = first_page_with(".quiz")
    t = tab(page, java_script_enabled=False)
    assert t.locator("h1").is_visible() and t.locator("#menu a").first.is_visible()
    assert t.locator(".quiz details").first.is_visible(), f"{page}: no folded answer"
    assert (
        not t.locator("#search-button").is_visible() and not t.locator("#theme").is_visible()
    ), "a button that does nothing"


def test_page_works_from_the_disk(tab, docs):
    page = first_page_with(".quiz")
    t = tab(page, base=docs.resolve().as_uri() + "/")
    t.locator(".quiz li button").first.click()
    assert t.locator(".quiz .reply").first.inner_text()
    t.keyboard.press("/")
    assert "make serve" in t.locator("#search [role=status]").inner_text()


def test_404_page_looks_right_at_any_depth(tab, site):
    t = tab("deep/er/nothing.html")
    assert t.locator(".bar").evaluate("e => getComputedStyle(e).position") == "sticky", (
        "the stylesheet is missing"
    )
    t.get_by_role("link", name="the first page").click()
    assert t.url == site + "index.html"
    assert all("404" in p for p in t.problems), t.problems
    t.problems.clear()
