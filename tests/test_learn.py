"The learner's copies: only what Jupyter shows is in them, no answer in the open, and they run"

import re
import sys

import learn
import nbformat
import pytest
from cells import has_copy, is_stored_only
from conftest import ROOT
from test_project import run

SOURCES = [p for p in sorted((ROOT / "nbs").glob("*.ipynb")) if has_copy(p)]
each_copy = pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    to = tmp_path_factory.mktemp("learner")
    learn.main(to)
    return to


def text_of(nb):
    return "\n\n".join(c.source for c in nb.cells if c.cell_type == "markdown")


@each_copy
def test_it_shows_no_markup_that_jupyter_does_not_know(folder, path):
    nb = nbformat.read(folder / path.name, 4)
    text = re.sub(r"`[^`]*`", "", text_of(nb))
    found = re.findall(r".{0,30}(?::::|\{[#.]|@(?:fig|eq|tbl)-|\[@|\.qmd).{0,30}", text)
    assert not found, found
    assert not any(c.source.startswith("#|") for c in nb.cells)
    nbformat.validate(nb)


@each_copy
def test_answers_and_solutions_are_folded(folder, path):
    nb = nbformat.read(folder / path.name, 4)
    text = text_of(nb)
    shown = re.sub(r"<details>.*?</details>", "", text, flags=re.S)
    assert text.count("<details>") == text.count("</details>")
    assert "**Right.**" not in shown
    code = [c for c in nb.cells if c.cell_type == "code"]
    assert not any(c.outputs for c in code), "an output is stored"
    for cell in code:
        if "assert feedback(" in cell.source or re.search(r"^def check_", cell.source, re.M):
            assert cell.metadata.get("jupyter", {}).get("source_hidden"), cell.source[:80]
            assert cell.source.startswith("#@title ") and cell.metadata["cellView"] == "form"


@each_copy
def test_it_has_the_code_of_its_source_and_begins_with_an_install(folder, path):
    def lines(nb):
        code = (c.source for c in nb.cells if c.cell_type == "code")
        return [
            line for c in code for line in c.splitlines() if line and not line.startswith("#")
        ]

    source, copy = nbformat.read(path, 4), nbformat.read(folder / path.name, 4)
    text = path.read_text(encoding="utf-8")
    needs = {"inspection": "load_cells", "scale": "dask.distributed"}
    needed = ["course", *(extra for extra, sign in needs.items() if sign in text)]
    needed += {"20_pytorch": ["torch"], "21_keras": ["keras"]}.get(path.stem, [])
    assert f"stacked_nn[{','.join(needed)}]" in copy.cells[1].source
    assert "skip_exec" not in copy.cells[0].source
    copy.cells.pop(1)
    ours = [x for x in lines(source) if not x.startswith(("from nbdev", "nbdev_export("))]
    assert lines(copy) == ours


def test_every_copy_runs_from_top_to_bottom(folder, tmp_path):
    """Three minutes: all the networks of all lessons are trained

    `make engines` runs those that need an engine."""
    here = [folder / path.name for path in SOURCES if not is_stored_only(path)]
    done = run(sys.executable, ROOT / "tools/run.py", "--out", tmp_path, *here)
    cells = [c for p in tmp_path.glob("*.ipynb") for c in nbformat.read(p, 4).cells]
    assert f"ran {sum(c.cell_type == 'code' for c in cells)} " in done


def test_lessons_on_inspection_run_without_the_real_cells(folder, tmp_path):
    "A minute: the experts of both lessons are trained on made-up cells, with all asserts"
    for path in folder.glob("1[89]_*.ipynb"):
        nb = nbformat.read(path, 4)
        block = "import sys\nsys.modules['elpv_dataset'] = None"
        nb.cells.insert(1, nbformat.v4.new_code_cell(block))
        nbformat.write(nb, tmp_path / path.name)
    out = tmp_path / "out"
    run(sys.executable, ROOT / "tools/run.py", "--out", out, *tmp_path.glob("*.ipynb"))
    assert "synthetic_cells() makes some up" in (out / "18_inspection.ipynb").read_text("utf-8")


def test_work_is_never_overwritten(tmp_path, monkeypatch, capsys):
    texts = {"a.ipynb": "one", "b.ipynb": "two"}
    monkeypatch.setattr(learn, "copies", lambda: texts.items())
    learn.main(tmp_path)
    (tmp_path / "a.ipynb").write_text("my work", encoding="utf-8")
    learn.main(tmp_path)
    assert {p.name for p in tmp_path.glob("*.ipynb")} == set(texts), (
        "an unchanged lesson came twice"
    )
    texts |= {"a.ipynb": "one, better", "b.ipynb": "two, better"}
    learn.main(tmp_path)
    assert (tmp_path / "a.ipynb").read_text(encoding="utf-8") == "my work"
    assert (tmp_path / "a (2).ipynb").read_text(encoding="utf-8") == "one, better"
    assert (tmp_path / "b.ipynb").read_text(encoding="utf-8") == "two, better"
    assert "a.ipynb was worked in" in capsys.readouterr().out
    (tmp_path / "a (2).ipynb").write_text("my work on it", encoding="utf-8")
    texts["a.ipynb"] = "one, best"
    learn.main(tmp_path)
    assert (tmp_path / "a (2).ipynb").read_text(encoding="utf-8") == "my work on it"
    assert (tmp_path / "a (3).ipynb").read_text(encoding="utf-8") == "one, best"
    (tmp_path / "c.ipynb").write_text("a file of the learner's", encoding="utf-8")
    texts["c.ipynb"] = "three"
    learn.main(tmp_path)
    assert (tmp_path / "c.ipynb").read_text(encoding="utf-8") == "a file of the learner's"
