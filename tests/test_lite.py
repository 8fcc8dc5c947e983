"""The lessons in the browser, as far as they run without another host: the lab, and what it asks

numpy and the other compiled packages come from Pyodide's host, which no test asks: its requests
are refused and counted. Skipped unless `make lite` has built `_docs/lite/`.
"""

import json
import re

import nbformat
import pytest
from conftest import DOCS, ROOT, page_name
from cells import is_stored_only

LITE, COPIES = DOCS / "lite", DOCS / "notebooks"
NOTEBOOKS = [p for p in sorted((ROOT / "nbs").glob("*.ipynb")) if not is_stored_only(p)]
COMPILED = {"numpy", "scipy", "scikit_learn", "matplotlib", "contourpy", "kiwisolver", "pillow"}
INDEX = ".jp-NotebookPanel .jp-CodeCell"

pytestmark = pytest.mark.skipif(
    not (LITE / "lab/index.html").exists(), reason="no _docs/lite; run `make lite`"
)


@pytest.fixture(scope="module")
def lab(browser, site):
    "The first lesson in the lab, opened from its page; `lab.asked` is every URL so far"
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(120_000)
    asked = []
    context.on("request", lambda r: asked.append(r.url))
    context.route("https://**", lambda r: r.abort())
    page = context.new_page()
    page.goto(site + "digits.html")
    page.click("text=Run in the browser")
    page.wait_for_selector(".jp-NotebookPanel .jp-Notebook-ExecutionIndicator[data-status=idle]")
    page.asked, page.site = asked, site
    yield page
    context.close()


def execute(lab, cell, code=None):
    "Runs a code cell of the open notebook, or `code` in its place; returns its new output"
    where = lab.locator(INDEX).nth(cell)
    where.locator(".cm-content").click()
    if code:
        lab.keyboard.press("Control+A")
        lab.keyboard.insert_text(code)
    prompt = where.locator(".jp-InputPrompt")
    before = prompt.inner_text()
    lab.keyboard.press("Control+Enter")
    prompt.filter(has_text=re.compile(r"\[\d+\]"), has_not_text=before).wait_for()
    return where.locator(".jp-OutputArea").inner_text()


@pytest.fixture(scope="module")
def opened(lab):
    "The number of the first code cell, behind the install, that is not folded"
    cells = nbformat.read(LITE / "files/01_digits.ipynb", 4).cells
    folded = ["jupyter" in c.metadata for c in cells if c.cell_type == "code"]
    return folded.index(False, 1)


def foreign(lab):
    return [u for u in lab.asked if not u.startswith((lab.site, "data:", "blob:"))]


# ---- as files ----


def test_every_lesson_links_to_its_notebook():
    for path in NOTEBOOKS:
        page = DOCS / page_name(path)
        linked = f'href="lite/lab/index.html?path={path.name}"' in page.read_text(
            encoding="utf-8"
        )
        assert linked == bool(re.match(r"[0-4]\d_", path.name)), page.name


def test_notebooks_are_learners_copies_with_another_install():
    for path in NOTEBOOKS:
        copy, here = (nbformat.read(folder / path.name, 4) for folder in (COPIES, LITE / "files"))
        code = [[c.source for c in nb.cells if c.cell_type == "code"] for nb in (copy, here)]
        assert code[1][0].startswith("%pip install stacked_nn "), path.name
        assert "%pip" in code[0][0] and code[1][1:] == code[0][1:], path.name
        text = "\n".join(c.source for c in here.cells if c.cell_type == "markdown")
        assert "cdn.jsdelivr.net" in text, path.name


def test_only_compiled_packages_are_elsewhere():
    "Of all that the lessons import and the kernel needs"
    lock = json.loads((LITE / "static/pyodide/pyodide-lock.json").read_text(encoding="utf-8"))[
        "packages"
    ]
    lock = {re.sub(r"[-_.]+", "-", name).lower(): p for name, p in lock.items()}
    needed, todo = (
        set(),
        {
            "micropip",
            "ipython",
            "jedi",
            "matplotlib",
            "scikit-learn",
            "tqdm",
            "typing-extensions",
        },
    )
    while todo:
        needed.add(name := todo.pop())
        todo |= {re.sub(r"[-_.]+", "-", d).lower() for d in lock[name]["depends"]} - needed
    files = [lock[n]["file_name"] for n in needed]
    assert {f.split("/")[-1].split("-")[0] for f in files if f.startswith("https:")} == COMPILED
    for file in files:
        assert file.startswith("https:") or (LITE / "static/pyodide" / file).is_file(), file


# ---- in the browser; in this order: nothing foreign is asked for before the first cell runs ----


def test_lab_lists_the_notebooks(lab):
    lab.wait_for_selector(".jp-DirListing-itemName")
    assert lab.locator(".jp-DirListing-itemName").all_inner_texts() == [p.name for p in NOTEBOOKS]


def test_python_runs_on_the_hosted_kernel(lab, opened):
    code = "import sys, math\nprint(sys.platform, math.comb(10, 3))"
    assert execute(lab, opened, code).strip() == "emscripten 120"


def test_library_comes_from_this_site(lab, opened):
    "The wheel of this tree, without what it requires"
    code = (
        "import piplite\nawait piplite.install('stacked_nn', deps=False)\n"
        "from importlib.metadata import version\nfrom importlib.util import find_spec\n"
        "print(version('stacked_nn'), find_spec('stacked_nn.stack') is not None)\n"
        "import micropip\nmicropip.uninstall('stacked_nn')"
    )
    version = re.search(
        r"^version = (.+)$", (ROOT / "settings.ini").read_text(encoding="utf-8"), re.M
    )[1]
    assert execute(lab, opened, code).strip() == f"{version} True"
    assert any(u.startswith(f"{lab.site}lite/pypi/stacked_nn-{version}") for u in lab.asked)


def test_nothing_foreign_is_asked_for_before_the_first_cell_runs(lab):
    assert not foreign(lab)


def test_unknown_packages_are_not_looked_for_elsewhere(lab, opened):
    output = execute(lab, opened, "import piplite\nawait piplite.install('no-such-package')")
    assert "PyPI fallback is disabled" in output and not foreign(lab)


def test_first_cell_asks_pyodides_host_for_compiled_packages_only(lab):
    execute(lab, 0)
    urls = foreign(lab)
    assert all(u.startswith("https://cdn.jsdelivr.net/pyodide/v") for u in urls), urls
    assert {u.split("/")[-1].split("-")[0] for u in urls} == COMPILED
