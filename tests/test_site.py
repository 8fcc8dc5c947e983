"""The built site as files: whole, well-formed, nothing broken, nothing from elsewhere"""
import re
from collections import Counter
from configparser import ConfigParser
from functools import cache
from itertools import pairwise
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from bs4 import BeautifulSoup
from conftest import DOCS, PAGES, ROOT, SIDEBAR

each_page = pytest.mark.parametrize("page", PAGES)


@cache
def soup(page):
    return BeautifulSoup((DOCS / page).read_text(encoding="utf-8"), "html5lib")


@cache
def ids(page):
    return {tag["id"] for tag in soup(page).select("[id]")}


@pytest.fixture(autouse=True)
def built(docs): pass


def bad(page, problems):
    "One message for everything that is wrong on a page"
    assert not problems, f"{page}: " + "; ".join(map(str, problems))


# ---- whole ----

@pytest.mark.parametrize("page", SIDEBAR)
def test_page_of_the_sidebar_exists(page):
    assert (DOCS / page).is_file(), f"sidebar.yml names the notebook of {page}, but the site has no such page"


def test_no_page_without_a_notebook():
    assert {p.name for p in DOCS.glob("*.html")} == set(PAGES)


@pytest.mark.parametrize("page", SIDEBAR)
def test_previous_and_next_follow_the_sidebar(page):
    i = SIDEBAR.index(page)
    expected = {"prev": SIDEBAR[i - 1] if i else None, "next": SIDEBAR[i + 1] if i + 1 < len(SIDEBAR) else None}
    found = {rel: (link := soup(page).select_one(f'.turn [rel="{rel}"]')) and link["href"] for rel in expected}
    assert found == expected, page


def test_sitemap_names_every_page():
    config = ConfigParser(delimiters=["="])
    config.read(ROOT / "settings.ini")
    site = config["DEFAULT"]["doc_host"] + config["DEFAULT"]["doc_baseurl"]
    found = re.findall("<loc>(.*?)</loc>", (DOCS / "sitemap.xml").read_text())
    expected = [f"{site}/{'' if p == 'index.html' else p}" for p in PAGES if p != "404.html"]
    assert sorted(found) == sorted(expected)


def test_titles_and_descriptions_differ():
    for kind, texts in {
        "title": [soup(p).title.text for p in PAGES],
        "description": [soup(p).select_one("meta[name=description]")["content"] for p in PAGES],
    }.items():
        bad(kind, [f"{n} pages say {text!r}" for text, n in Counter(texts).items() if n > 1 or not text.strip()])


def test_search_index_exists():
    assert (DOCS / "pagefind/pagefind.js").is_file() and list((DOCS / "pagefind/fragment").iterdir())


# ---- well-formed ----

@each_page
def test_html_is_well_formed(page):
    parser = html5lib.HTMLParser()
    parser.parse((DOCS / page).read_bytes())
    bad(page, [f"line {line}: {code} {data}" for (line, _), code, data in parser.errors])


@each_page
def test_ids_are_unique(page):
    counts = Counter(tag["id"] for tag in soup(page).select("[id]"))
    bad(page, [f"{n} elements have the id {name!r}" for name, n in counts.items() if n > 1])


@each_page
def test_headings_nest(page):
    levels = [(int(h.name[1]), h.get_text(" ", strip=True)) for h in soup(page).select("h1, h2, h3, h4, h5, h6")]
    assert [level for level, _ in levels].count(1) == 1, f"{page} has not exactly one h1"
    bad(page, [f"{b[1]!r} (h{b[0]}) comes under {a[1]!r} (h{a[0]})" for a, b in pairwise(levels) if b[0] > a[0] + 1])


@each_page
def test_no_raw_markup_is_left(page):
    main = BeautifulSoup(str(soup(page).main), "html5lib")
    bad(page, [f"code shows the option {line!r}" for pre in main("pre") for line in pre.text.splitlines() if line.startswith("#|")])
    for tag in main(["pre", "code", "annotation", "script", "style"]): tag.decompose()
    marks = r":::|#\||@(?:fig|tbl|eq)-|\{#|\{\.|\$\$|\[@|\]\(|~~~|```|\*\*"
    bad(page, [f"the text shows {m[0]!r}" for m in re.finditer(f".{{0,30}}(?:{marks}).{{0,30}}", main.text)])


# ---- nothing broken ----

@each_page
def test_links_and_pictures_resolve(page):
    problems = []
    for tag in soup(page).select("[href], [src]"):
        url = tag.get("href") or tag.get("src")
        parts = urlsplit(url)
        if parts.scheme or parts.netloc: continue
        target, anchor = unquote(parts.path) or page, unquote(parts.fragment)
        if not (DOCS / target).is_file(): problems.append(f"{url} leads nowhere ({tag.get_text(strip=True) or tag.name})")
        elif anchor and target.endswith(".html") and anchor not in ids(target): problems.append(f"{url}: {target} has no such anchor")
    bad(page, problems)


@each_page
def test_buttons_point_at_something(page):
    bad(page, [b for b in soup(page).select("[popovertarget]") if b["popovertarget"] not in ids(page) and not b.has_attr("hidden")])


@each_page
def test_no_link_of_our_own_site_is_absolute(page):
    bad(page, [a["href"] for a in soup(page).select("body a[href*='.github.io/']")])


@each_page
def test_pictures_say_what_they_show(page):
    article = soup(page).article
    bad(page, [f"{i['src']} has no alternative text" for i in article("img") if len(i.get("alt", "")) < 10])
    bad(page, [f"an inline SVG has no title: {str(s)[:80]}" for s in article("svg") if not (s.get("aria-label") or s.title)])


@each_page
def test_figures_are_numbered_and_captioned(page):
    bad(page, [f"{i['src']} stands outside a figure" for i in soup(page).article("img") if not i.find_parent("figure")])
    captions = [(f.figcaption.get_text(" ", strip=True) if f.figcaption else "no caption") for f in soup(page).article("figure")]
    captions = [c for c in captions if not c.startswith("Table")]
    bad(page, [f"figure {i} has the caption {c!r}" for i, c in enumerate(captions, 1) if not re.match(rf"Figure\s{i}\. .{{10}}", c)])


@each_page
def test_quizzes_explain_every_choice(page):
    for number, quiz in enumerate(soup(page).select(".quiz"), 1):
        choices, answers = quiz.find("ul").find_all("li"), [li.get_text(strip=True) for li in quiz.details("li")]
        right = [a for a in answers if re.match(r"[A-Z]\.\s*Right\b", a)]
        assert len(choices) == len(answers) >= 2, f"{page}, question {number}: {len(choices)} choices, {len(answers)} explanations"
        assert len(right) == 1, f"{page}, question {number}: {len(right)} explanations begin with 'Right'"


# ---- nothing from elsewhere ----

def is_foreign(url): return bool(re.match(r"(?:[a-z]+:)?//", url.strip(), re.I))


@each_page
def test_page_loads_nothing_from_elsewhere(page):
    loading = soup(page).select("[src], [srcset], [poster], object[data], link[href]")
    urls = [tag.get(a) for tag in loading for a in ("src", "srcset", "poster", "data", "href") if tag.get(a)]
    text = "\n".join(t.text for t in soup(page)(["style", "script"])) + "".join(t["style"] for t in soup(page).select("[style]"))
    urls += re.findall(r"""(?:url\(|@import|import\(|from|fetch\()\s*["']?([^"')\s]+)""", text)
    bad(page, [f"loads {url}" for url in urls if is_foreign(url)])


@pytest.mark.parametrize("path", [p.relative_to(DOCS).as_posix() for p in sorted([*DOCS.glob("*.[cj]s*"), *DOCS.glob("static/*.[cj]s*")])])
def test_file_loads_nothing_from_elsewhere(path):
    urls = re.findall(r"""(?:url\(|@import|import\(?|from|fetch\()\s*["']?([^"')\s;]+)""", (DOCS / path).read_text())
    bad(path, [f"loads {url}" for url in urls if is_foreign(url)])
