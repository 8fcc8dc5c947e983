"What a reader does on the site: predicts, answers, looks words up, searches, prints, comes back"

import json
import re

import pytest
from conftest import BROWSERS, SIDEBAR, served
from test_browser import first_page_with, solve

pytestmark = pytest.mark.parametrize("browser", BROWSERS, indirect=True)

KEY = "stacked_nn:progress:/stacked_nn/"
PROGRESS = f"JSON.parse(localStorage.getItem('{KEY}'))"


def quiz_page():
    return first_page_with(".quiz:not(.predict):not([data-answer])")


# ---- predictions ----


PAGE = """<!DOCTYPE html><html lang="en" data-page="x.html"><meta charset="utf-8"><title>x</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="style.css">
<script src="site.js" defer></script><body class="site">{}<main><article>{}</article></main>
<nav id="menu"></nav><p id="progress"><span></span><button>Reset</button></p>
<button id="theme">T</button><button id="search-button"><kbd>/</kbd></button>
<dialog id="search"><form><input type="search"><button>x</button></form><p role="status"></p>
<ol></ol><input type="checkbox"></dialog>"""
PREDICT = """<div class="quiz predict" data-key="k1"><p class="title">Predict</p>
<p>Up or down?</p><ul><li>A. Up.</li><li>B. Down.</li></ul><details><summary>Answer</summary>
<ul><li>A. No. Down.</li><li>B. <b>Right.</b> It falls.</li></ul></details></div>
<div class="cell"><div class="sourceCode"><pre><code>drop()</code></pre></div>
<div class="output"><pre>down</pre></div></div>
<div class="cell"><div class="output"><pre>and down</pre></div></div>
<p>It <em>falls</em>.</p><ul><li>Twice.</li></ul><h2 id="on">Further on</h2><p id="end">.</p>"""
RESULT = ".output, .cell ~ p:not(#end), .cell ~ ul"  # the outputs, and what reads them
NUMBER = """<div class="quiz" data-answer="0.69" data-tolerance="0.005" data-key="k2">
<p>How much?</p><details><summary>Answer</summary><p>0.69: two opinions agree.</p></details>
</div>"""


@pytest.fixture
def page(tab, docs, tmp_path):
    "`page(body)` opens a page of nothing but that body, the stylesheet and the script"
    for name in ("site.js", "style.css"):
        (tmp_path / name).write_text((docs / name).read_text(encoding="utf-8"), encoding="utf-8")
    with served(tmp_path) as address:

        def open_page(body, **options):
            (tmp_path / "x.html").write_text(PAGE.format("", body), encoding="utf-8")
            return tab("x.html", base=address, **options)

        yield open_page


def are_visible(t, selector):
    "How many of these parts can be seen"
    return sum(part.is_visible() for part in t.locator(selector).all())


def test_a_prediction_hides_the_result_until_it_is_made(page):
    t = page(PREDICT)
    assert are_visible(t, ".sourceCode, #on") == 2 and are_visible(t, RESULT) == 0
    t.get_by_role("button", name="B. Down.").click()
    assert are_visible(t, RESULT) == 4 and t.locator(".reply").inner_text() == "Right. It falls."
    t.reload()
    assert are_visible(t, RESULT) == 4, "a prediction that was made is forgotten"


def test_what_sets_up_the_next_question_does_not_wait_for_this_one(page):
    t = page(PREDICT.replace("<h2", f'<p id="set-up">Now twice.</p>{NUMBER}<h2'))
    assert are_visible(t, "#set-up") == 1 and are_visible(t, ".output, .cell ~ ul") == 0


def test_a_result_can_be_asked_for_without_a_prediction(page):
    t = page(PREDICT)
    t.get_by_role("button", name="Show the result").press("Enter")
    assert are_visible(t, RESULT) == 4 and not t.locator(".reply").inner_text()


def test_a_result_prints_and_shows_without_javascript(page, browser):
    if browser.browser_type.name == "firefox":
        pytest.skip("Playwright cannot make Firefox print, nor look as if")
    t = page(PREDICT)
    t.emulate_media(media="print")
    assert are_visible(t, RESULT) == 4 and are_visible(t, ".release") == 0
    assert are_visible(page(PREDICT, java_script_enabled=False), RESULT) == 4


# ---- numbers ----


@pytest.mark.parametrize("text", ["0.69", "0,69", " .692 ", "69 %", "69%", "+0.69", "6.9e-1"])
def test_a_right_number_is_right_as_people_write_it(page, text):
    t = page(NUMBER)
    t.locator(".quiz input").fill(text)
    t.locator(".quiz input").press("Enter")
    assert t.locator(".reply").inner_text().split() == "Right. 0.69: two opinions agree.".split()
    t.reload()
    assert t.locator(".quiz input").input_value() == text
    t.get_by_role("button", name="Clear answer").click()
    assert t.locator(".quiz input").input_value() == "" == t.locator(".reply").inner_text()


@pytest.mark.parametrize("text", ["3114", "3,114", "3114.0"])
def test_a_comma_may_part_the_thousands(page, text):
    t = page(NUMBER.replace("0.69", "3114"))
    t.locator(".quiz input").fill(text)
    t.locator(".quiz input").press("Enter")
    assert t.locator(".reply").inner_text().startswith("Right.")


@pytest.mark.parametrize("text", ["0.7", "-0.69", "69", "about", "", "0.6.9"])
def test_a_wrong_number_may_be_tried_again(page, text):
    t = page(NUMBER)
    t.locator(".quiz input").fill(text)
    t.get_by_role("button", name="Check").click()
    says = (
        "No, not" if re.fullmatch(r"-?[\d.]+", text) and text.count(".") < 2 else "write a number"
    )
    assert says in t.locator(".reply").inner_text()
    assert not t.locator(".reply details p").is_visible()
    t.get_by_text("Show the answer").click()
    assert t.locator(".reply details p").is_visible()


# ---- choices ----


def test_choices_are_shuffled_and_keep_their_explanation(tab):
    t, orders, replies = tab(quiz_page()), set(), set()
    for _ in range(8):
        quiz = t.locator(".quiz:not(.predict):not([data-answer])").first
        texts = quiz.locator("li button").all_inner_texts()
        orders.add(tuple(text[3:] for text in texts))
        assert [text[:3] for text in texts] == ["A. ", "B. ", "C. ", "D. ", "E. "][: len(texts)]
        solve(quiz)
        replies.add(quiz.locator(".reply").inner_text())
        t.reload()
        right = quiz.locator("[data-state=right]").first
        assert right.is_visible(), "the answer is lost when the order changes"
    assert len(orders) > 1 and len(replies) == 1


# ---- what is stored may be of any age ----


@pytest.mark.parametrize(
    "stored",
    [
        "not JSON",
        "null",
        "[1]",
        '{"PAGE": 3, "x.html": null}',
        '{"PAGE": {"read": "yes", "answers": [1, 2]}}',
        '{"PAGE": {"answers": {"0": 99}, "right": {"0": true}}}',
        '{"PAGE": {"answers": {"KEY": {"value": "Z", "right": true}}}}',
        '{"PAGE": {"answers": {"KEY": {"value": 7}}}}',
    ],
)
def test_stale_or_foreign_storage_does_no_harm(tab, stored):
    name = quiz_page()
    t = tab(name)
    key = t.locator(".quiz:not(.predict)").first.get_attribute("data-key")
    stored = stored.replace("PAGE", name).replace("KEY", key)
    t.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, stored])
    t.reload()
    assert not t.locator(".quiz [aria-pressed=true]").count()
    solve(t.locator(".quiz:not(.predict)").first)
    assert t.evaluate(PROGRESS)[name]["answers"][key]["right"] is True
    t.keyboard.press("/")
    assert t.locator("#search").is_visible(), "the script stopped before the search"


def test_progress_counts_the_questions_of_today(tab):
    name = quiz_page()
    t = tab(name)
    old = {
        name: {
            "read": True,
            "answers": {f"old{i}": {"value": "A", "right": True} for i in range(9)},
        }
    }
    t.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, json.dumps(old)])
    t.reload()
    assert t.locator(f'#menu a[href="{name}"]').get_attribute("data-state") == "read"


REFUSE = (
    "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no'); }})"
)


def test_refused_storage_keeps_marks_until_the_page_is_left(tab, site):
    name = quiz_page()
    t = tab(name)
    t.add_init_script(REFUSE)
    t.reload()
    t.locator(".turn").scroll_into_view_if_needed()
    mark = t.locator(f'#menu a[href="{name}"]')
    t.wait_for_function(
        "name => document.querySelector(`#menu a[href='${name}']`).dataset.state", arg=name
    )
    for quiz in t.locator(".quiz:not(.predict)").all():
        solve(quiz)
    assert mark.get_attribute("data-state") == "quiz done"


def test_back_shows_the_theme_and_answers_of_now(tab):
    name = quiz_page()
    t = tab(name, color_scheme="light")
    t.goto(t.url.replace(name, SIDEBAR[0]))
    t.locator("#theme").click()
    dark = t.evaluate("getComputedStyle(document.body).backgroundColor")
    t.evaluate("history.back()")  # Firefox keeps the page, so there is no load to wait for
    t.wait_for_function("name => location.pathname.endsWith(name)", arg=name)
    assert t.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    t.evaluate("document.documentElement.dataset.theme = ''; progress = {}")
    key = t.locator(".quiz:not(.predict)").first.get_attribute("data-key")
    stored = {name: {"read": True, "answers": {key: {"value": "A", "right": True}}}}
    t.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, json.dumps(stored)])
    t.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    assert t.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert t.locator(f'#menu a[href="{name}"]').get_attribute("data-state") == "read"


# ---- words ----


def test_a_word_of_the_glossary_explains_itself_on_focus_and_hover(tab):
    t = tab(first_page_with("article p a[data-meaning]"))
    tip, link = t.locator("#meaning"), t.locator("article p a[data-meaning]").first
    link.hover()
    tip.wait_for()
    assert tip.inner_text() == link.get_attribute("data-meaning")
    tip.hover()
    t.wait_for_timeout(400)
    assert tip.is_visible(), "it goes away under the pointer"
    t.keyboard.press("Escape")
    assert not tip.is_visible()
    t.evaluate("document.querySelector('article p a[data-meaning]').focus({focusVisible: true})")
    assert tip.is_visible() and link.get_attribute("aria-describedby") == "meaning"
    box = tip.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 1400
    t.keyboard.press("Tab")
    assert not tip.is_visible()


# ---- search ----


def test_slash_is_left_to_widgets_and_can_be_turned_off(tab):
    t = tab(first_page_with(".widget"))
    t.locator(".snn").first.wait_for()
    t.locator(".snn :is(button, input, [tabindex='0'])").first.focus()
    t.keyboard.press("/")
    assert not t.locator("#search").is_visible(), "the key is taken from a widget"
    button = t.locator("#search-button")
    assert button.get_attribute("aria-keyshortcuts") == "/"
    button.click()
    t.get_by_label("opens the search").uncheck()
    t.keyboard.press("Escape")
    t.keyboard.press("/")
    assert not t.locator("#search").is_visible()
    assert button.get_attribute("aria-keyshortcuts") is None
    t.reload()
    t.keyboard.press("/")
    assert not t.locator("#search").is_visible(), "the choice is forgotten"


@pytest.mark.parametrize("word", ["要約", "損失", "関数", "確率", "平均", "networks"])
def test_search_finds_words_inside_sentences(tab, word):
    t = tab(SIDEBAR[0])
    t.locator("#search-button").click()
    t.locator("#search input[type=search]").fill(word)
    t.locator("#search ol mark").first.wait_for()
    marked = "".join(t.locator("#search ol mark").all_inner_texts())
    assert word.rstrip("s") in marked, f"{word} finds {marked}"


def test_search_says_that_it_failed_and_recovers(tab):
    t = tab(SIDEBAR[0])
    t.context.route("**/pagefind/**", lambda route: route.abort())
    t.locator("#search-button").click()
    t.locator("#search input[type=search]").fill("prototype")
    t.get_by_text("could not be loaded").wait_for()
    t.context.unroute("**/pagefind/**")
    t.locator("#search input[type=search]").fill("prototypes")
    t.locator("#search ol a").first.wait_for()
    assert all("ERR_FAILED" in p or "fetch" in p for p in t.problems), t.problems
    t.problems.clear()


def test_search_says_that_it_is_at_work(tab):
    t = tab(SIDEBAR[0])
    held = []
    t.context.route("**/pagefind/pagefind.js", lambda route: held.append(route))
    t.locator("#search-button").click()
    t.locator("#search input[type=search]").fill("prototype")
    t.get_by_text("Searching").wait_for()
    held[0].continue_()
    t.locator("#search ol a").first.wait_for()


# ---- print, and lost pages ----


def test_printing_opens_what_is_folded_and_closes_it_again(tab):
    t = tab(quiz_page())
    shut = "document.querySelectorAll('article details:not([open])').length"
    before = t.evaluate(shut)
    t.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert t.evaluate(shut) == 0 < before
    t.evaluate("dispatchEvent(new Event('afterprint'))")
    assert t.evaluate(shut) == before


def test_answers_stand_on_paper_beside_the_letters_of_the_choices(page, browser):
    if browser.browser_type.name == "firefox":
        pytest.skip("Playwright cannot make Firefox print, nor look as if")
    t = page(PREDICT.replace(" predict", ""))
    assert not t.locator("details").is_visible()
    t.emulate_media(media="print")
    t.evaluate("dispatchEvent(new Event('beforeprint'))")
    answers, choices = (
        t.locator(f".quiz {part}") for part in ("details li", "button[data-letter]")
    )
    assert answers.count() == 2 and all(answer.is_visible() for answer in answers.all())
    for choice, answer in zip(choices.all_inner_texts(), answers.all_inner_texts()):
        assert ("Down" in choice) == ("Right" in answer), f"{choice!r} stands beside {answer!r}"


def test_lost_at_depth_the_page_still_works(tab, site):
    t = tab("a/b/c", reduced_motion="reduce")
    t.keyboard.press("Tab")
    t.keyboard.press("Enter")
    assert (
        t.url.endswith("/a/b/c#content") and t.evaluate("document.activeElement.id") == "content"
    )
    t.problems.clear()  # the page itself is a 404
    plain = tab("a/b/c", java_script_enabled=False)
    assert plain.locator(".bar").evaluate("e => getComputedStyle(e).position") == "sticky"
    plain.get_by_role("link", name="the first page").click()
    assert plain.url == site + "index.html"
    plain.problems.clear()
