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
    "True for a notebook whose outputs are made by hand, with `--force`: its first cell says so"
    return "skip_exec: true" in nbformat.read(path, 4).cells[0].source


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
    if IMPORTS.fullmatch(code + "\n"):
        return "Imports"
    if title == "Exported source" or re.search(r"^#\|\s*exports?\b", source, re.M):
        is_long = code.count("\n") >= 15  # a short one is its own lesson
        return "Exported source" if is_long else ""
    if re.search(r"^#\|\s*hide\b", source, re.M) or options.get("include") is False:
        return "Set-up"
    return title if is_check or options.get("code-fold") is True else ""
