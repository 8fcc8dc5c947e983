"What a notebook and its cells say about themselves: for pages, learner's copies and tests"

import re
from itertools import takewhile
from pathlib import Path

import nbformat
import yaml

# a cell of nothing but imports is folded
IMPORTS = re.compile(r"((from|import) .*\n([ )].*\n)*|\n)+")


def page_name(path):
    "The page of a notebook, named as nbdev and Quarto do: `01_digits.ipynb` -> `digits.html`"
    return re.sub(r"^\d+[a-z0-9]*_", "", Path(path).stem.lower()) + ".html"


def is_stored_only(path):
    "True for a notebook that `make course` takes with its outputs: its first cell says so"
    return "skip_exec: true" in nbformat.read(path, 4).cells[0].source


def has_copy(path):
    "True for a notebook that learners get a copy of: a lesson, or a page that runs anywhere"
    return bool(re.match(r"[0-4]\d_", Path(path).name)) or not is_stored_only(path)


# the extras of the package, and the sign in a notebook that says that it needs one
SIGNS = {
    "inspection": "load_cells",
    "scale": "dask.distributed",
    "torch": r'"from torch import nn\b',
    "keras": r'"import keras\b',
}


def extras(path):
    "The extras that a notebook needs"
    text = Path(path).read_text(encoding="utf-8")
    return ["course", *(extra for extra, sign in SIGNS.items() if re.search(sign, text))]


def split_cell(source):
    "The `#|` options of a cell as a dict, and its code below them"
    above = list(takewhile(lambda line: line.startswith("#|"), source.splitlines()))
    options = [line.removeprefix("#|").removeprefix(" ") for line in above]
    options = yaml.safe_load("\n".join(o for o in options if ":" in o or o[:1] == " "))
    return options or {}, "\n".join(source.splitlines()[len(above) :]).strip()


def fold(source):
    "What stands on the fold of a code cell, written or processed by nbdev; '' if it is open"
    options, code = split_cell(source)
    is_check = re.search(r"^def check_", code, re.M) and "feedback(" in code
    title = str(options.get("code-summary", "Check" if is_check else "Code"))
    is_exported = title == "Exported source" or re.search(r"^#\|\s*exports?\b", source, re.M)
    if IMPORTS.fullmatch(code + "\n"):
        modules = re.findall(r"^(?:from|import) (\w+)", code, re.M)
        few = f"Imports: {', '.join(modules)}" if len(modules) < 3 else "Imports"
        return "Imports of the module" if is_exported else few
    if is_exported:
        is_long = code.count("\n") >= 15  # a short one is its own lesson
        return "Exported source" if is_long else ""
    if re.search(r"^#\|\s*hide\b", source, re.M) or options.get("include") is False:
        return "Set-up"
    return title if is_check or options.get("code-fold") is True else ""
