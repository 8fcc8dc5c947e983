"The built site as files: whole, well-formed, nothing from elsewhere; and what builds it"

import re
from collections import Counter
from configparser import ConfigParser
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import html5lib
import nbformat
import nbformat.v4 as nbf
import pages
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
def built(docs):
    pass


def bad(page, problems):
    "One message for everything that is wrong on a page"
    assert not problems, f"{page}: " + "; ".join(map(str, problems))


# ---- whole ----


@pytest.mark.parametrize("page", SIDEBAR)
def test_page_of_the_sidebar_exists(page):
    assert (DOCS / page).is_file(), (
        f"sidebar.yml names the notebook of {page}, but the site has no such page"
    )


def test_no_page_without_a_notebook():
    assert {p.name for p in DOCS.glob("*.html")} == set(PAGES)


@pytest.mark.parametrize("page", SIDEBAR)
def test_previous_and_next_follow_the_sidebar(page):
    i = SIDEBAR.index(page)
    expected = {
        "prev": SIDEBAR[i - 1] if i else None,
        "next": SIDEBAR[i + 1] if i + 1 < len(SIDEBAR) else None,
    }
    found = {
        rel: (link := soup(page).select_one(f'.turn [rel="{rel}"]')) and link["href"]
        for rel in expected
    }
    assert found == expected, page


def test_sitemap_names_every_page():
    config = ConfigParser(delimiters=["="])
    config.read(ROOT / "settings.ini")
    site = config["DEFAULT"]["doc_host"] + config["DEFAULT"]["doc_baseurl"]
    found = re.findall("<loc>(.*?)</loc>", (DOCS / "sitemap.xml").read_text(encoding="utf-8"))
    expected = [f"{site}/{'' if p == 'index.html' else p}" for p in PAGES if p != "404.html"]
    assert sorted(found) == sorted(expected)


def test_titles_and_descriptions_differ():
    for kind, texts in {
        "title": [soup(p).title.text for p in PAGES],
        "description": [soup(p).select_one("meta[name=description]")["content"] for p in PAGES],
    }.items():
        bad(
            kind,
            [
                f"{n} pages say {text!r}"
                for text, n in Counter(texts).items()
                if n > 1 or not text.strip()
            ],
        )


def test_search_index_exists():
    assert (DOCS / "pagefind/pagefind.js").is_file() and list(
        (DOCS / "pagefind/fragment").iterdir()
    )


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
    levels = [
        (int(h.name[1]), h.get_text(" ", strip=True))
        for h in soup(page).select("h1, h2, h3, h4, h5, h6")
    ]
    assert [level for level, _ in levels].count(1) == 1, f"{page} has not exactly one h1"
    bad(
        page,
        [
            f"{b[1]!r} (h{b[0]}) comes under {a[1]!r} (h{a[0]})"
            for a, b in pairwise(levels)
            if b[0] > a[0] + 1
        ],
    )


@each_page
def test_no_raw_markup_is_left(page):
    main = BeautifulSoup(str(soup(page).main), "html5lib")
    bad(
        page,
        [
            f"code shows the option {line!r}"
            for pre in main("pre")
            for line in pre.text.splitlines()
            if line.startswith("#|")
        ],
    )
    for tag in main(["pre", "code", "annotation", "script", "style"]):
        tag.decompose()
    marks = r":::|#\||@(?:fig|tbl|eq)-|\{#|\{\.|\$\$|\[@|\]\(|~~~|```|\*\*"
    bad(
        page,
        [
            f"the text shows {m[0]!r}"
            for m in re.finditer(f".{{0,30}}(?:{marks}).{{0,30}}", main.text)
        ],
    )


# ---- nothing broken ----


@each_page
def test_links_and_pictures_resolve(page):
    problems = []
    for tag in soup(page).select("[href], [src]"):
        url = tag.get("href") or tag.get("src")
        parts = urlsplit(url)
        if parts.scheme or parts.netloc:
            continue
        own = unquote(parts.path).removeprefix("/stacked_nn/" if page == "404.html" else "")
        target, anchor = own or page, unquote(parts.fragment)
        if not (DOCS / target).is_file():
            problems.append(f"{url} leads nowhere ({tag.get_text(strip=True) or tag.name})")
        elif anchor and target.endswith(".html") and anchor not in ids(target):
            problems.append(f"{url}: {target} has no such anchor")
    bad(page, problems)


@each_page
def test_buttons_point_at_something(page):
    bad(
        page,
        [
            b
            for b in soup(page).select("[popovertarget]")
            if b["popovertarget"] not in ids(page) and not b.has_attr("hidden")
        ],
    )


@each_page
def test_no_link_of_our_own_site_is_absolute(page):
    bad(page, [a["href"] for a in soup(page).select("body a[href*='.github.io/']")])


@each_page
def test_pictures_say_what_they_show(page):
    article = soup(page).article
    bad(
        page,
        [
            f"{i['src']} has no alternative text"
            for i in article("img")
            if len(i.get("alt", "")) < 10
        ],
    )
    bad(
        page,
        [
            f"an inline SVG has no title: {str(s)[:80]}"
            for s in article("svg")
            if not (s.get("aria-label") or s.title)
        ],
    )


@each_page
def test_figures_are_numbered_and_captioned(page):
    bad(
        page,
        [
            f"{i['src']} stands outside a figure"
            for i in soup(page).article("img")
            if not i.find_parent("figure")
        ],
    )
    captions = [
        (f.figcaption.get_text(" ", strip=True) if f.figcaption else "no caption")
        for f in soup(page).article("figure")
    ]
    captions = [c for c in captions if not c.startswith("Table")]
    bad(
        page,
        [
            f"figure {i} has the caption {c!r}"
            for i, c in enumerate(captions, 1)
            if not re.match(rf"Figure\s{i}\. .{{10}}", c)
        ],
    )


@each_page
def test_references_name_what_they_lead_to(page):
    for link in soup(page).select("a.xref"):
        target = soup(page).find(id=link["href"][1:])
        kind, number = link.text.split()
        label = target.select_one(".label, .number").text
        expected = f"({number})" if kind == "Equation" else f"{kind}\xa0{number}."
        assert label == expected, f"{page}: {link.text!r} leads to {label!r}"


@each_page
def test_quotes_are_typographic(page):
    "Where Markdown does not see to it: on folds, in titles, and in references"
    titles = soup(page).select(
        "article summary, .title, .subtitle, .api td:last-child, .csl-entry, figcaption"
    )
    words = [" ".join(t.strings) for t in titles if not t.select("code, math, a")]
    bad(page, [w for w in words if re.search(r"\w'\w", w)])
    bad(page, [e.text for e in soup(page).select(".csl-entry") if re.search("[\"']", e.text)])


@each_page
def test_numbers_in_outputs_are_rounded(page):
    shown = "\n".join(o.text for o in soup(page).select(".output, .dataframe"))
    numbers = re.findall(r"(?<![\w.])\d*\.\d+", shown)
    bad(page, [n for n in numbers if len(n.replace(".", "").lstrip("0")) > 6])


@each_page
def test_folds_of_imports_differ(page):
    folds = Counter(s.text for s in soup(page).select("summary") if "Imports" in s.text)
    bad(page, [f"{n} folds of {title!r}" for title, n in folds.items() if n > 1])


@each_page
def test_quizzes_explain_every_choice(page):
    for number, quiz in enumerate(soup(page).select(".quiz"), 1):
        if quiz.has_attr("data-answer"):
            assert float(quiz["data-answer"]) is not None and len(quiz.details.text) > 20
            continue
        choices, answers = (
            quiz.find("ul").find_all("li"),
            [li.get_text(strip=True) for li in quiz.details("li")],
        )
        right = [a for a in answers if re.match(r"[A-Z]\.\s*Right\b", a)]
        assert len(choices) == len(answers) >= 2, (
            f"{page}, question {number}: {len(choices)} choices, {len(answers)} explanations"
        )
        assert len(right) == 1, (
            f"{page}, question {number}: {len(right)} explanations begin with 'Right'"
        )


@each_page
def test_japanese_says_so_and_nothing_else_does(page):
    is_japanese = re.compile("[\u3040-\u30ff\u4e00-\u9fff]").search
    body = BeautifulSoup(str(soup(page).main), "html5lib")
    marked = [
        tag.extract().text for tag in body.select("[lang=ja]") if not tag.select("[lang=ja]")
    ]
    bad(page, [text for text in marked if not is_japanese(text)])
    for part in body.select("[lang=ja], code, script, style"):
        part.extract()
    bad(page, [line for line in body.text.splitlines() if is_japanese(line)])


@each_page
def test_links_into_the_repository_lead_somewhere(page):
    for link in soup(page).select('a[href*="/stacked-nn/stacked_nn/"]'):
        found = re.search(r"/(?:blob|edit)/(main|learn)/([^#]*)(?:#L(\d+))?$", link["href"])
        if not found:
            assert link["href"].endswith("/issues"), link["href"]
            continue
        branch, path, line = found.groups()
        file = (ROOT if branch == "main" else DOCS / "notebooks") / path
        assert file.is_file(), f"{page}: {link['href']}"
        if line:
            text = file.read_text(encoding="utf-8").splitlines()[int(line) - 1]
            assert re.match(r"\s*(@|def |class )", text), f"{page}: line {line} of {path}: {text}"


# ---- nothing from elsewhere ----


ABROAD = r"(?:[a-z]+:)?//"
LOADS = rf"(?:@import|url|import|from|fetch)\W{{0,3}}({ABROAD}[\w-]+\.[^\s\"')]+)"


@each_page
def test_page_loads_nothing_from_elsewhere(page):
    loading = soup(page).select("[src], [srcset], [poster], object[data], link[href]")
    names = "src", "srcset", "poster", "data", "href"
    urls = [tag[a] for tag in loading for a in names if re.match(ABROAD, tag.get(a, ""))]
    inline = [t.text for t in soup(page)(["style", "script"])]
    inline += [t["style"] for t in soup(page).select("[style]")]
    urls += re.findall(LOADS, "\n".join(inline))
    bad(page, [f"loads {url}" for url in urls])


def test_no_file_loads_from_elsewhere():
    for path in [*DOCS.glob("*.[cj]s*"), *DOCS.glob("static/*.[cj]s*")]:
        bad(
            path.name,
            [f"loads {url}" for url in re.findall(LOADS, path.read_text(encoding="utf-8"))],
        )


# ---- the notebook dialect, one rule at a time ----


def code(source, *outputs):
    return nbf.new_code_cell(source, outputs=list(outputs))


def printed(text, name="stdout"):
    return nbf.new_output("stream", name=name, text=text)


def shown(**data):
    return nbf.new_output("display_data", data={k.replace("_", "/"): v for k, v in data.items()})


@pytest.fixture
def render(tmp_path):
    "Renders cells, Markdown where they are text, as the body of a page"

    def render(*cells, name="01_try"):
        cells = [nbf.new_markdown_cell(c) if isinstance(c, str) else c for c in cells]
        nbformat.write(nbf.new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
        (tmp_path / "references.bib").write_text(
            "@book{key, author={A. Name}, title={T}, year={1999}}", encoding="utf-8"
        )
        cfg = SimpleNamespace(doc_host="https://here.org", doc_baseurl="/x", nbs_path=Path("nbs"))
        page = pages.convert(tmp_path / f"{name}.ipynb", tmp_path / "out", cfg)
        return BeautifulSoup(page.body, "html5lib")

    return render


SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90pt" height="60"><path d="M0 0h9"/></svg>'
FIGURE = "#| label: fig-a\n#| fig-cap: What `it` shows.\n#| fig-alt: A line & a point\ndraw()"


def test_cell_options(render):
    body = render(
        code("#| echo: false\nhidden_source", printed("seen output")),
        code("#| output: false\nseen_source", printed("hidden output")),
        code("#| include: false\nhidden_source", printed("hidden output")),
        code(
            "#| code-fold: true\n#| code-summary: 'Plot: how'\nfolded", printed("unfolded output")
        ),
        code("#| code-fold: true\n#| code-summary: Solution\nfolded", printed("folded output")),
        code("#| code-fold: show\nopen"),
    )
    assert "hidden" not in body.text and "#|" not in body.text
    assert "seen output" in body.text and "seen_source" in body.text
    how, solution = body("details")
    assert how.summary.text == "Plot: how" and "unfolded" not in how.text
    assert "folded output" in solution.text and not solution.has_attr("open")
    assert "open" in [pre.text.strip() for pre in body("pre") if not pre.find_parent("details")]


def test_outputs(render):
    body = render(
        code("a", printed("0%\r50%\r\x1b[32m100%\x1b[0m\nend\n", "stderr")),
        code(
            "b", shown(text_html="<table><tr><th></th><th>x</th></tr></table>", text_plain="no")
        ),
        code(
            "c",
            nbf.new_output(
                "display_data",
                data={"application/vnd.jupyter.widget-view+json": {}, "text/plain": "no"},
            ),
        ),
        code("d = '''\n```\n:::\n'''", shown(text_plain="~~~\n<b>plain</b>")),
    )
    assert body.select_one(".stderr").text.strip() == "100%\nend"
    assert body.select_one(".scroll table td").text == ""
    assert "no" not in [p.text.strip() for p in body("pre")]
    assert "```\n:::" in body.text and "<b>plain</b>" in body.text


def test_figures_tables_equations_and_references(render, tmp_path):
    body = render(
        "See @fig-a, @fig-b, @eq-one, [@tbl-t; @fig-a] and [@key].\n\n$$ x = 1 $$ {#eq-one}",
        code(FIGURE, nbf.new_output("display_data", data={"image/svg+xml": SVG})),
        '![Caption](b.png){#fig-b fig-alt="The alternative"}',
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n: A table {#tbl-t}",
        "- in a list $$ y $$ {#eq-two}",
    )
    links = [a.text.replace("\xa0", " ") for a in body.select(".xref")]
    assert links == ["Figure 1", "Figure 2", "Equation 1", "Table 1", "Figure 1"]
    first, second = body("figure")
    assert first["id"] == "fig-a" and first.figcaption.text == "Figure\xa01. What it shows."
    assert first.img["alt"] == "A line & a point"
    assert (first.img["width"], first.img["height"]) == ("120", "60")
    assert (tmp_path / "out" / first.img["src"]).read_text(encoding="utf-8") == SVG
    assert second["id"] == "fig-b" and second.img["alt"] == "The alternative"
    assert body.table["id"] == "tbl-t" and body.caption.text == "Table\xa01. A table"
    assert [n.text for n in body.select(".equation .number")] == ["(1)", "(2)"]
    assert body.select("h2")[-1].text == "References" and "Name" in body.select_one("#refs").text


def test_callouts_and_quizzes(render):
    body = render(
        '::: {.callout-note title="You <will>"}\ntext\n:::',
        "::: {.callout-warning}\n## Mind\ntext\n:::",
        '::: {.callout-tip collapse="true" title="日本語の要約"}\n要約\n:::',
        "::: {.quiz}\nWhy?\n\n- A. x\n- B. y\n\n"
        '::: {.callout-tip collapse="true" title="Answer"}\n'
        "- A. No.\n- B. **Right.**\n:::\n:::",
    )
    titles = [p.text for p in body.select(".callout > .title")]
    assert titles == ["You <will>", "Mind"]
    assert body.details["lang"] == "ja" and body.details.summary.text == "日本語の要約"
    assert body.select_one(".quiz#quiz-1 details").summary.text == "Answer"


def test_small_print(render):
    body = render("It is 98 % of $\\log 10$, and プロトタイプ is Japanese.")
    assert "98\xa0%" in body.text and body.select_one("math mspace")
    assert body.select_one("[lang=ja]").text == "プロトタイプ"


def test_links_and_headings(render):
    body = render(
        "# Part\n\n#### Deep\n\n"
        "[a](02_next.ipynb#b) [c](https://here.org/x/next.html#d) [e](https://x.org/)"
    )
    assert [a["href"] for a in body("a")] == ["next.html#b", "next.html#d", "https://x.org/"]
    assert [h.name for h in body.select("h1, h2, h3, h4")] == ["h2", "h3"]


def test_api_card(render):
    doc = (
        "---\n\n[source](https://x.org/f.py#L1){target='_blank'}\n\n### Net.fit\n\n"
        "```python\ndef fit(\n    X, # rows, shape (n, 'd')\n    y:NoneType=None, # or |none|\n"
        "    *more, k:int=3, # `k`\n)->Net: # itself\n```\n\n*Fits `X`*"
    )
    source = '#| code-fold: show\n#| code-summary: "Exported source"\ndef fit(): ...'
    body = render(
        "## A", code("#| echo: false\nshow_doc(Net.fit)", shown(text_markdown=doc)), code(source)
    )
    card = body.select_one(".api")
    assert card.h3["id"] == "net.fit" and card.a["href"] == "https://x.org/f.py#L1"
    assert card.select_one(".signature").text == "Net.fit(X, y=None, *more, k: int=3) ->\xa0Net"
    rows = [[td.text for td in tr("td")] for tr in card("tr")[1:]]
    assert rows[0] == ["X", "rows, shape (n, 'd')"] and rows[1] == ["y", "or |none|"]
    assert rows[-1] == ["returns Net", "itself"]
    made = "### Log\n\n```python\ndef Log(\n    loss:list=<factory>, best:int=0\n)->None:\n```\n"
    body = render("## A", code("#| echo: false\nshow_doc(Log)", shown(text_markdown=made)))
    assert body.select_one(".signature").text == "Log(loss: list=..., best=0)"


def test_sentences_wrap_and_tables_do_not(render):
    table, sentence = "a  1\nb  2\nc  3", "It is " + 30 * "far " + "too long."
    body = render("", *(code("x", printed(text)) for text in (table, sentence, "short")))
    wraps = [".wraps" if "wraps" in tag["class"] else "" for tag in body.select(".output")]
    assert wraps == ["", ".wraps", ".wraps"]
    lines = render("", code("x", printed("no columns\nin these\nthree lines"))).select(".wraps")
    assert lines, "lines without columns do not wrap"
    mixed = render("", code("x", printed(f"{sentence}\n{table}\n{sentence}"))).select(".output")
    assert ["wraps" in tag["class"] for tag in mixed] == [True, False, True]
    assert [tag.text.strip() for tag in mixed] == [sentence, table, sentence]


def test_a_mark_stays_beside_its_formula(render):
    body = render("Take $a$, then $b$ and ($c$).")
    assert [tag.text[-1] for tag in body.select(".together")] == [",", "."]


def test_docs_stand_before_their_source():
    source = '#| code-summary: "Exported source"\n'
    cells = ["show_doc(a2)", source + "def a1(): ...\ndef a2(): ...", "#\nshow_doc(a1)",
             "#\nshow_doc(B)", source + "class B: ..."]  # fmt: skip
    cells = [code(c) for c in cells]
    pages.docs_before_source(cells)
    names = [re.search(r"show_doc\((\w+)|$", c.source)[1] or "source" for c in cells]
    assert names == ["a1", "a2", "source", "B", "source"]


@pytest.mark.parametrize(
    "text", ["see @fig-none", "see [@nobody]", "$\\frac{1$", "## A {#a}\n\n## B {#a}"]
)
def test_mistakes_stop_the_build(render, text):
    with pytest.raises(ValueError, match="01_try.ipynb, as Markdown in .*01_try.md: .*\\w"):
        render(text)


@pytest.mark.parametrize("page", SIDEBAR)
def test_no_explanation_names_another_choice_by_its_letter(page):
    for item in soup(page).select(".quiz details li"):
        named = re.search(r"\b(answer|choice|option|like|as in) [A-E]\b", item.text)
        assert not named, f"{item.text!r}: the choices are shuffled"


def test_a_failed_build_leaves_the_site_alone(monkeypatch, tmp_path):
    cfg = SimpleNamespace(nbs_path=tmp_path, config_path=tmp_path, doc_path=tmp_path / "_docs")
    cfg.doc_path.mkdir()
    (cfg.doc_path / "index.html").write_text("old", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pages, "get_config", lambda: cfg)
    monkeypatch.setattr(pages, "process", lambda *_: tmp_path)
    monkeypatch.setattr(pages, "build", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pages.main()
    assert (cfg.doc_path / "index.html").read_text(encoding="utf-8") == "old"
