"Notebooks, exported library, README and packages: they run, agree with each other, and install"

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest
from cells import fold, split_cell
from conftest import LESSONS, NOTEBOOKS, ROOT

BIN = Path(sys.executable).parent


def run(*command, cwd=ROOT, **env):
    "Run a command; a failure shows what it printed"
    done = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, (
        f"{' '.join(map(str, command))} failed:\n{done.stdout}\n{done.stderr}"
    )
    return done.stdout


def cells(path, kind="code"):
    return [
        c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind
    ]


def source(cell):
    return "".join(cell["source"])


def printed(cell):
    return "".join("".join(o.get("text", "")) for o in cell["outputs"])


@pytest.fixture(scope="session")
def copy(tmp_path_factory):
    "A copy of the working tree to change at will"
    to = tmp_path_factory.mktemp("copy") / "stacked_nn"
    skip = shutil.ignore_patterns(
        ".git", ".venv*", "_*", "__pycache__", "build", "dist", "*.egg-info", ".*_cache"
    )
    shutil.copytree(
        ROOT,
        to,
        symlinks=True,
        ignore=lambda d, names: (
            set(skip(d, names)) - {"_quarto.yml", "__init__.py", "_modidx.py"}
        ),
    )
    return to


def test_library_is_what_the_notebooks_export(copy):
    run(BIN / "nbdev_export", cwd=copy)
    for path in sorted((ROOT / "stacked_nn").glob("*.py")):
        assert path.read_text(encoding="utf-8") == (copy / "stacked_nn" / path.name).read_text(
            encoding="utf-8"
        ), f"{path.name} differs from the notebooks; run `make export`"
    names = {p.name for p in (copy / "stacked_nn").glob("*.py")}
    assert names == {p.name for p in (ROOT / "stacked_nn").glob("*.py")}


def test_notebooks_are_clean(copy):
    run(BIN / "nbdev_clean", "--fname", copy / "nbs", cwd=copy)
    for path in NOTEBOOKS:
        assert path.read_text(encoding="utf-8") == (copy / "nbs" / path.name).read_text(
            encoding="utf-8"
        ), f"{path.name} is not clean; run `make notebooks`"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_stored_outputs(path):
    "There, without errors, readable without a kernel, free of paths; every figure has words"
    nb = json.loads(path.read_text(encoding="utf-8"))
    assert "widgets" not in nb["metadata"], "widget state is stored"
    for i, cell in enumerate(cells(path)):
        text, dump = source(cell), json.dumps(cell["outputs"])
        assert not any(o["output_type"] == "error" for o in cell["outputs"]), (
            f"code cell {i} stores an error"
        )
        assert "widget-view" not in dump, f"code cell {i} stores a widget view"
        assert not re.search(r"/(home|root|tmp|work|Users)/", dump), (
            f"code cell {i} stores a path of one machine"
        )
        if "image/" in dump:
            assert all(f"#| {o}:" in text for o in ("label", "fig-cap", "fig-alt")), (
                f"code cell {i} draws a figure without label, caption or alt text"
            )
        if (
            re.search(r"^\s*print\(|^#\| label: fig-", text, re.M)
            and "output: false" not in text
            and "#| hide" not in text
            and not re.search(r"^(def|class|@)", text, re.M)
        ):
            assert cell["outputs"], f"code cell {i} has no stored output; run `make notebooks`"


PHONE = 358  # CSS pixels of a figure's column in a window of 390 (measured in Chromium)


def on_a_phone(svg):
    "Width of a figure of matplotlib, and its texts with the size of the smallest sign, in pixels"
    root = ElementTree.fromstring(svg)
    points = float(root.get("viewBox").split()[2])
    natural = points * 4 / 3
    width = min(natural, max(PHONE, 0.56 * natural))  # as nbs/style.css scales
    texts = []
    for group in root.iterfind(".//*[@id]"):
        if group.get("id").startswith("text_"):
            words = "".join(group.itertext()).split()
            styles = " ".join(part.get("style", "") for part in group.iter())
            sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", styles)]
            assert sizes, f"a text is stored as outlines (svg.fonttype is not none): {words}"
            texts.append((" ".join(words), round(min(sizes) * width / points, 1)))
    return width, texts


def test_text_sizes_are_those_drawn():
    "A narrow figure keeps its size, a wide one shrinks; an exponent is smaller than its base"
    for inches, scale in ((2, 4 / 3), (6, PHONE / 432), (12, 0.56 * 4 / 3)):
        with plt.rc_context({"svg.fonttype": "none"}):
            figure, file = plt.figure(figsize=(inches, 1)), StringIO()
            figure.text(0.1, 0.1, "plain", size=9, rotation=90)
            figure.text(0.5, 0.5, "$10^{-7}$", size=10)
            figure.savefig(file, format="svg", bbox_inches=None)
            plt.close(figure)
        width, texts = on_a_phone(file.getvalue())
        assert width == pytest.approx(inches * 72 * scale)
        assert [size for _, size in texts] == pytest.approx([9 * scale, 7 * scale], abs=0.051)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_figures_are_readable_on_a_phone(path):
    "Within the column, and no text below 8 px"
    for cell in cells(path):
        for data in (out["data"] for out in cell["outputs"] if "data" in out):
            assert "image/png" not in data, f"{source(cell)[:40]!r} stores pixels, not SVG"
            if "image/svg+xml" in data:
                label = re.search(r"^#\| label: (\S+)", source(cell), re.M)[1]
                width, texts = on_a_phone("".join(data["image/svg+xml"]))
                assert width <= PHONE, f"{label} is cut: {width:.0f} px of {PHONE} wide"
                small = sorted({(size, words) for words, size in texts if size < 8})
                assert not small, f"{label}: {len(small)} texts below 8 px, as {small[:4]}"


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_lesson_has_all_its_parts(path):
    text = "\n".join(source(c) for c in cells(path, "markdown"))
    for part in (
        'title="You will"',
        "日本語の要約",
        "What you should see",
        "## Check yourself",
        "## Exercises",
        "## Summary",
        "**Next:**",
    ):
        assert part in text, f"{path.name} lacks {part!r}"
    assert 3 <= text.count("### Exercise") <= 5
    assert 3 <= sum(".predict" not in attributes for attributes, *_ in quizzes(path)) <= 5
    assert 'title="Predict"' not in text, f"{path.name}: a prediction is a quiz with choices"


def quizzes(path):
    "(attributes, {letter: choice}, {letter: reply}, answer) of every question of a lesson"
    text = "\n".join(source(c) for c in cells(path, "markdown"))
    for attributes, quiz in re.findall(r"^::: \{(\.quiz.*?)\}(.*?)\n:::\n:::", text, re.S | re.M):
        parts = quiz.split("::: {.callout-tip")
        choices, replies = (dict(re.findall(r"^- ([A-E])\. (.*)", p, re.M)) for p in parts)
        yield attributes, choices, replies, parts[1]


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_every_choice_has_a_reply_and_one_is_right(path):
    for attributes, choices, replies, answer in quizzes(path):
        if number := re.search(r'answer="(.*?)"', attributes):
            assert not choices and float(number[1]) == float(number[1]) and len(answer) > 60
            continue
        assert list(choices) == list(replies) and len(choices) >= 2, choices
        right = [letter for letter, reply in replies.items() if reply.startswith("**Right.**")]
        assert len(right) == 1, f"not exactly one right answer: {replies}"


def test_right_answers_cannot_be_guessed():
    "Not by their letter, and not as the longest or the shortest choice"
    keys, places = [], []
    for path in LESSONS:
        for _, choices, replies, _ in quizzes(path):
            if not choices:
                continue
            key = next(letter for letter, reply in replies.items() if reply.startswith("**Right"))
            by_length = sorted(choices, key=lambda letter: len(choices[letter]))
            keys.append(key)
            places.append(by_length.index(key) - (len(choices) - 1) * (len(choices) > 1))
    share = {letter: keys.count(letter) / len(keys) for letter in "ABC"}
    assert all(0.22 < s < 0.45 for s in share.values()), share
    assert places.count(0) / len(places) < 0.5, "the longest choice is right too often"


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_the_idea_is_on_the_page_and_the_engineering_folded(path):
    "At most 60 open lines of code; stubs count, what is exported does not"
    shown = [c for c in map(source, cells(path)) if "#| export" not in c and not fold(c)]
    lines = [
        line
        for c in shown
        if "#| hide" not in c and "echo: false" not in c
        for line in split_cell(c)[1].splitlines()
        if line.strip()
    ]
    assert len(lines) <= 60, f"{len(lines)} open lines"


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_exercises_reject_the_stub_and_accept_the_solution(path):
    code = cells(path)
    stubs = [c for c in code if re.search(r"^feedback\(", source(c), re.M)]
    solutions = [c for c in code if 'code-summary: "Solution"' in source(c)]
    assert len(stubs) == len(solutions) >= 3
    for stub, solution in zip(stubs, solutions):
        assert printed(stub).startswith("Not yet: "), (
            f"the check accepts the stub:\n{source(stub)}"
        )
        assert "assert feedback(" in source(solution) and "Right." in printed(solution), (
            f"no accepted solution:\n{source(solution)}"
        )


def test_readme_is_in_sync(tmp_path):
    run(sys.executable, ROOT / "tools/readme.py", tmp_path)
    for path in tmp_path.rglob("*.*"):
        there = ROOT / path.relative_to(tmp_path)
        assert there.exists() and there.read_text(encoding="utf-8") == path.read_text(
            encoding="utf-8"
        ), f"{there.name} is not in sync with nbs/index.ipynb; run `make readme`"


# ---- packages ----

USE = """
import importlib, pathlib, inspect, sys
import numpy as np
package = pathlib.Path(importlib.import_module("stacked_nn").__file__).parent
assert "site-packages" in str(package), package
names = [p.stem for p in package.glob("*.py") if p.stem[0] != "_"]
modules = {name: importlib.import_module(f"stacked_nn.{name}") for name in names}
heavy = {"matplotlib", "fastcore", "nbdev", "ipywidgets", "IPython"} & set(sys.modules)
assert not heavy, heavy
globals().update({k: v for m in modules.values() for k, v in vars(m).items() if k in m.__all__})
from calls import CALLS
called = set()
for name, call in CALLS.items():
    if call.get("picture"):
        try: eval(call["picture"])
        except ImportError as e:
            assert f"stacked-nn[{call.get('extra', 'course')}]" in str(e), (name, e)
        else: raise AssertionError(f"{name} works without its extra")
    else: assert eval(call["call"]) is not None or call.get("none"), name
    called.add(name)
missing = {n for m in modules.values() for n in m.__all__} - called
assert not missing, f"exported, but never called here: {sorted(missing)}"
print(len(called), "exported names called")
"""


@pytest.fixture(scope="session")
def installed(copy, tmp_path_factory):
    "Python of an environment with the wheel, built from the sdist, and what it requires"
    dist, venv = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("empty") / "venv"
    run(sys.executable, "-m", "build", "--outdir", dist, copy)
    run(sys.executable, "-m", "venv", venv)
    run(
        venv / "bin/python",
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "-c",
        ROOT / "constraints.txt",
        next(dist.glob("*.whl")),
    )
    return venv / "bin/python", dist


def test_wheel_holds_the_package_and_nothing_else(installed):
    names = zipfile.ZipFile(next(installed[1].glob("*.whl"))).namelist()
    tops = {n.split("/")[0].split("-")[0] for n in names}
    assert tops == {"stacked_nn"}, f"the wheel holds {tops}"
    for needed in ("stacked_nn/py.typed", "stacked_nn/course.mplstyle", "stacked_nn/stack.py"):
        assert needed in names
    assert any(n.endswith("LICENSE") for n in names)


def test_every_exported_name_works_without_extras(installed, tmp_path):
    (tmp_path / "use.py").write_text(USE, encoding="utf-8")
    shutil.copy(ROOT / "tests/calls.py", tmp_path)
    print(run(installed[0], "use.py", cwd=tmp_path))


def test_quick_start_of_the_readme_runs(installed, tmp_path):
    code = re.findall(
        r"^``` python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )
    assert code, "README.md has no Python example"
    (tmp_path / "quick.py").write_text("\n".join(code), encoding="utf-8")
    assert "combined" in run(installed[0], "quick.py", cwd=tmp_path)


def test_the_command_is_installed(installed):
    assert "train" in run(installed[0].parent / "stacked-nn", "--help")
