"""What the tests of the site share: the built site, and the pages that it must have"""

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "_docs"
os.environ.setdefault("SCIPY_ARRAY_API", "1")       # before scipy is imported: scikit-learn skips some of its checks without it


def page_name(source):
    "`01_digits.ipynb` -> `digits.html`"
    return re.sub(r"^\d+\w*?_", "", Path(source).stem.lower()) + ".html"


def in_order(contents):
    "The pages that `sidebar.yml` names, first to last"
    for item in contents:
        if isinstance(item, str):
            yield page_name(item)
        elif "section" in item:
            yield from in_order(item["contents"])
        else:
            yield page_name(item["href"])


SIDEBAR = list(
    in_order(
        yaml.safe_load((ROOT / "nbs/sidebar.yml").read_text())["website"]["sidebar"]["contents"]
    )
)
PAGES = sorted(
    {page_name(p) for pattern in ("*.ipynb", "*.qmd") for p in (ROOT / "nbs").glob(pattern)}
    | set(SIDEBAR)
)


@pytest.fixture(scope="session")
def docs():
    "The folder of the built site; built first if it is not there, or older than what it is made from"
    built, sources = DOCS / "index.html", ("nbs/**/*", "tools/site*", "tools/site/*", "stacked_nn/static/*", "settings.ini")
    newest = max(p.stat().st_mtime for pattern in sources for p in ROOT.glob(pattern) if p.is_file())
    if not built.exists() or built.stat().st_mtime < newest:
        subprocess.run([sys.executable, "tools/site.py", "--pandoc"], cwd=ROOT, check=True)
    return DOCS


class Quiet(SimpleHTTPRequestHandler):
    "A server that says nothing"

    def log_message(self, *args):
        pass


@contextmanager
def served(folder):
    "The address of a server of `folder`, which runs as long as the block"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
