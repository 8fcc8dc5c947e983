"""Writes the learner's copies of the notebooks: `python tools/learn.py FOLDER`

A copy is plain Jupyter: Markdown that Jupyter and Colab show, code folded that the page folds, no
outputs, and a first cell that installs the course where it is missing. A copy that was worked in
is never overwritten: if its lesson has changed since, the new version is put beside it.
"""

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import chain, count
from pathlib import Path

import nbformat
import pypandoc
from cells import extras, fold, has_copy, page_name, split_cell
from nbdev.config import get_config

FILTER = Path(__file__).parent / "pages" / "learn.lua"
JUPYTER = "markdown_strict+pipe_tables+backtick_code_blocks+tex_math_dollars+footnotes+raw_html"
INSTALL = """#@title Set-up: installs the course where it is missing
import sys
from importlib.util import find_spec

if not all(map(find_spec, {modules})):
    %pip install -q "stacked_nn[{extras}] @ git+{git_url}"
if "google.colab" in sys.modules:       # Colab shows the widgets once it is allowed to
    from google.colab import output
    output.enable_custom_widget_manager()"""
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form"}


def sources(bib):
    "What a citation says in the text: authors and year by key"
    items = json.loads(pypandoc.convert_file(bib, "csljson", "bibtex"))
    texts = {}
    for item in items:
        people = [a.get("family") or a.get("literal") for a in item.get("author", [])]
        who = people[0] + " et al." if len(people) > 2 else " and ".join(people)
        year = item.get("issued", {"date-parts": [[""]]})["date-parts"][0][0]
        texts[item["id"]] = f"{who} ({year})".strip()
    return texts


def plain(cells, meta):
    "The Markdown of all cells at once, so that figures and equations are numbered; by cell"
    parts = []
    for i, cell in enumerate(cells):
        label = re.search(r"^#\| label: ((fig|tbl)-\S+)", cell.source, re.M)
        text = (
            cell.source
            if cell.cell_type == "markdown"
            else (f"::: {{#{label[1]}}}\n:::" if label else "")
        )
        parts.append(f"<!-- cell {i} -->\n\n{text}")
    text = "\n\n".join([f"---\n{json.dumps(meta)}\n---", *parts])
    text = pypandoc.convert_text(
        text, JUPYTER, "markdown", extra_args=[f"--lua-filter={FILTER}", "--wrap=none"]
    )
    return re.split(r"^<!-- cell \d+ -->\n", text, flags=re.M)[1:]


def code_cell(cell):
    "A code cell without options and outputs, folded as on the page; None if only nbdev needs it"
    _, code = split_cell(cell.source)
    if not code or code.startswith(("nbdev_export(", "from nbdev import")):
        return None
    new = nbformat.v4.new_code_cell(code, id=cell.id)
    if title := fold(cell.source):
        new.source = f"#@title {title}\n{code}"
        new.metadata.update(FOLDED)
    return new


def copy(path, meta, git_url):
    "The learner's copy of a notebook"
    cells = nbformat.read(path, 4).cells
    cells[0].source = cells[0].source.replace("\n- skip_exec: true", "")
    texts = plain(cells, meta | {"page": page_name(path)})
    new = [
        nbformat.v4.new_markdown_cell(text.strip(), id=cell.id)
        if cell.cell_type == "markdown"
        else code_cell(cell)
        for cell, text in zip(cells, texts, strict=True)
    ]
    needed = extras(path)
    modules = ["stacked_nn", *(m for m in ("torch", "keras") if m in needed)]
    install = INSTALL.format(
        modules=json.dumps(modules), extras=",".join(needed), git_url=git_url
    )
    new[1:1] = [nbformat.v4.new_code_cell(install, id="install", metadata=FOLDED)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=[c for c in new if c], metadata={"kernelspec": kernel})


def copies():
    "Name and text of every copy"
    cfg = get_config()
    meta = {
        "site": f"{cfg.doc_host}{cfg.doc_baseurl}/",
        "sources": sources(cfg.nbs_path / "references.bib"),
    }
    paths = [p for p in sorted(cfg.nbs_path.glob("*.ipynb")) if has_copy(p)]
    with ThreadPoolExecutor(2) as pool:
        for path, nb in zip(paths, pool.map(lambda p: copy(p, meta, cfg.git_url), paths)):
            yield path.name, nbformat.writes(nb) + "\n"


def digest(text):
    return sha256(text.encode()).hexdigest()


def main(folder):
    "Write the copies that are not there, or not worked in; say what was put beside one that is"
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ledger = folder / ".copies.json"  # what we wrote, by name
    written = json.loads(ledger.read_text(encoding="utf-8")) if ledger.exists() else {}
    for name, text in copies():
        numbered = (f"{Path(name).stem} ({i}).ipynb" for i in count(2))
        for there in (folder / n for n in chain([name], numbered)):
            if there.exists() and written.get(there.name) == digest(text):
                break  # it has this one
            if there.exists() and written.get(there.name) != digest(there.read_text("utf-8")):
                continue
            there.write_text(text, encoding="utf-8")
            written[there.name] = digest(text)
            if there.name != name:
                print(f"{name} was worked in; its new version is {there.name}")
            break
    ledger.write_text(json.dumps(written, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
