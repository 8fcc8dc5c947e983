"""What the tests share: names of pages, the built site, a browser that watches what a page does

`CHROMIUM` and `FIREFOX` name the browsers (default `/usr/bin/chromium`, `/usr/bin/firefox-esr`).
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

# before scipy is imported: scikit-learn skips some of its checks without it
os.environ.setdefault("SCIPY_ARRAY_API", "1")

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "_docs"
NOTEBOOKS = sorted((ROOT / "nbs").glob("*.ipynb"))
LESSONS = [p for p in NOTEBOOKS if p.name[:2] < "50" and p.name[2] == "_"]
sys.path.insert(0, str(ROOT / "tools"))
from cells import page_name  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FIREFOX = os.environ.get("FIREFOX", "/usr/bin/firefox-esr")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
BROWSERS = {  # Debian's Firefox is driven by WebDriver BiDi
    "chromium": {"executable_path": CHROMIUM, "args": QUIET},
    "firefox": {"executable_path": FIREFOX, "channel": "moz-firefox"},
}
PREFIX = "/stacked_nn/"  # the site lives in a folder of its host, as on GitHub Pages


def need(condition, what):
    "Skips a test that lacks something; where `CI` is set it fails"
    if not condition:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


def engine(name):
    "A module that a file of tests needs: skips them without it; where `ENGINES` is set they fail"
    if os.environ.get("ENGINES"):
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"{name} is not installed; `make engines` has it")


def in_order(contents):
    "The pages that `sidebar.yml` names, first to last"
    for item in contents:
        if isinstance(item, str):
            yield page_name(item)
        elif "section" in item:
            yield from in_order(item["contents"])
        else:
            yield page_name(item["href"])


MENU = yaml.safe_load((ROOT / "nbs/sidebar.yml").read_text(encoding="utf-8"))
SIDEBAR = list(in_order(MENU["website"]["sidebar"]["contents"]))
SOURCES = [p for pattern in ("*.ipynb", "*.qmd") for p in (ROOT / "nbs").glob(pattern)]
PAGES = sorted({page_name(p) for p in SOURCES} | set(SIDEBAR))


@pytest.fixture(scope="session")
def docs():
    "The folder of the site, built if it is not there or older than what it is made from"
    built = DOCS / "index.html"
    sources = "nbs/**/*", "tools/pages*", "tools/pages/*", "stacked_nn/static/*", "settings.ini"
    files = (p for pattern in sources for p in ROOT.glob(pattern) if p.is_file())
    newest = max(p.stat().st_mtime for p in files)
    if not built.exists() or built.stat().st_mtime < newest:
        subprocess.run([sys.executable, "tools/pages.py"], cwd=ROOT, check=True)
    return DOCS


class Quiet(SimpleHTTPRequestHandler):
    "A server that says nothing"

    def log_message(self, *args):
        pass


class Site(Quiet):
    "Serves the site below `PREFIX`, with its 404 page for what is not there"

    def translate_path(self, path):
        return str(DOCS / urlsplit(path).path.removeprefix(PREFIX).lstrip("/"))

    def send_error(self, code, *args, **kwargs):
        body = (DOCS / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(handler):
    "The address of a server, which runs as long as the block; of a folder, or with a handler"
    handler = handler if isinstance(handler, type) else partial(Quiet, directory=handler)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="session")
def site(docs):
    with served(Site) as address:
        yield address.removesuffix("/") + PREFIX


@pytest.fixture(scope="session")
def browser(request):
    """Chromium; `parametrize("browser", BROWSERS, indirect=True)` runs tests in each"""
    name = getattr(request, "param", "chromium")
    path = BROWSERS[name]["executable_path"]
    need(Path(path).exists(), f"no browser at {path}; install it or set {name.upper()}")
    with sync_playwright() as p:
        browser = getattr(p, name).launch(**BROWSERS[name])
        yield browser
        browser.close()


@contextmanager
def watched(browser):
    "A function that opens addresses; at the end no page may have logged an error or gone abroad"
    contexts, problems = [], []

    def open_address(address, width=1400, height=900, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        t, homes = context.new_page(), (urlsplit(address).netloc, "")
        t.problems = problems

        def on_console(m):
            if m.type == "error":
                problems.append(f"console: {m.text}")

        def on_request(r):
            if urlsplit(r.url).netloc not in homes:
                problems.append(f"request to {r.url}")

        t.on("console", on_console)
        t.on("pageerror", lambda e: problems.append(f"error: {e}"))
        t.on("request", on_request)
        t.goto(address)
        return t

    yield open_address
    for context in contexts:
        context.close()
    assert not problems, "; ".join(problems)


@pytest.fixture
def tab(browser, site):
    "`tab(page, **context)` opens a page of the site"
    with watched(browser) as open_address:
        yield lambda page, base=site, **options: open_address(base + page, **options)


# ---- widgets on a page of their own ----

WIDGET_PAGE = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{0}</title>'
    '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
    '<link rel="stylesheet" href="style.css">'
    '<body class="site"><main><article><h1>{0}</h1>{1}</article></main>'
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "A folder for pages of widgets: their modules and the site's stylesheet, and no site around"
    to = tmp_path_factory.mktemp("widgets")
    shutil.copytree(ROOT / "stacked_nn/static", to / "static")
    shutil.copy(ROOT / "nbs/style.css", to)
    return to


@pytest.fixture
def node(tmp_path):
    "`node(code)` runs a script beside the modules of the widgets; returns what it prints as JSON"
    need(shutil.which("node"), "no node")
    shutil.copytree(ROOT / "stacked_nn/static", tmp_path / "static")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")

    def run(code):
        (tmp_path / "ask.js").write_text(code, encoding="utf-8")
        done = subprocess.run(
            ["node", "ask.js"], cwd=tmp_path, capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="module")
def address(folder):
    with served(folder) as root:
        yield root


def write_page(folder, name, *widgets):
    "The HTML that a stored notebook has for each of the widgets, as one page"
    html = "".join(widget._repr_mimebundle_()[0]["text/html"] for widget in widgets)
    (folder / f"{name}.html").write_text(WIDGET_PAGE.format(name, html), encoding="utf-8")


@pytest.fixture
def show(browser, folder, address):
    "`show(*widgets, until=selector)` opens a page of them, and waits until the last one is drawn"
    with watched(browser) as open_address:

        def open_page(*widgets, until, width=1000, **options):
            write_page(folder, "page", *widgets)
            t = open_address(f"{address}page.html", width, 1000, **options)
            t.locator(until).nth(len(widgets) - 1).wait_for()
            return t

        yield open_page


# words of a plot that are cut off or too small, or an axis's name that touches its numbers
CRAMPED = """() => [...document.querySelectorAll('.snn svg')].flatMap(svg => {
  const texts = [...svg.querySelectorAll('text')].filter(e => e.textContent);
  const boxes = texts.map(e => e.getBoundingClientRect());
  const touch = (a, b) => a !== b && a.left < b.right && b.left < a.right
      && a.top < b.bottom && b.top < a.bottom;
  return texts.filter((e, i) => boxes[i].left < 0 || boxes[i].right > innerWidth
      || parseFloat(getComputedStyle(e).fontSize) < 11
      || e.matches('.name') && boxes.some(box => touch(boxes[i], box))).map(e => e.textContent);
})"""


def assert_fits_and_axe_finds_nothing(t):
    for width in (320, 360, 820, 1400):
        t.set_viewport_size({"width": width, "height": 900})
        t.wait_for_timeout(100)
        over = t.evaluate("document.documentElement.scrollWidth")
        assert over <= width, f"{over} px in a window of {width}"
        cramped = t.evaluate(CRAMPED)
        assert not cramped, f"at {width}: {cramped}"
    found = Axe().run(t).response["violations"]
    nodes = [(v["id"], v["help"], [n["target"] for n in v["nodes"][:4]]) for v in found]
    assert not found, nodes
