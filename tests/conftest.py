"""What the tests of the site share: the built site, and the pages that it must have"""

import os
import re
import subprocess
import sys
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
    "The folder of the built site; built first if it is not there"
    if not (DOCS / "index.html").exists():
        subprocess.run([sys.executable, "tools/site.py"], cwd=ROOT, check=True)
    return DOCS
