"Types and style, as mypy.ini and ruff.toml ask for them"

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

import pytest
from fastcore.docments import docments
from fastcore.docscrape import NumpyDocString

import stacked_nn

ROOT = Path(__file__).parents[1]
MODULES = [
    importlib.import_module(f"stacked_nn.{m.name}")
    for m in pkgutil.iter_modules(stacked_nn.__path__)
    if m.name[0] != "_"
]
PUBLIC = {f"{m.__name__}.{name}": getattr(m, name) for m in MODULES for name in m.__all__}


@pytest.mark.parametrize("command", [["mypy"], ["ruff", "check"]], ids=lambda c: c[0])
def test_clean(command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_lines_are_98_columns_at_most():
    "Of Python, JavaScript and stylesheets; `__all__` and `_modidx.py` are nbdev's own"
    patterns = ("stacked_nn/[!_]*.py", "stacked_nn/static/*", "tests/*.py", "tools/*.py",
                "tools/pages/*.js", "nbs/*.css")  # fmt: skip
    long = []
    for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^__all__ = \[[^]]*\]", "", text, flags=re.M)
        long += [f"{path.name}: {line}" for line in text.split("\n") if len(line) > 98]
    assert not long, "\n".join(long)


@pytest.mark.parametrize(
    "path", [*ROOT.glob("t*s/*.py"), ROOT / "setup.py"], ids=lambda p: p.name
)
def test_text_is_utf_8_where_the_locale_is_not(path):
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        words = {k.arg for k in call.keywords}
        n_before = {"read_text": 0, "write_text": 1, "run": 9}.get(name)
        if n_before is None or (name == "run" and "text" not in words):
            continue
        says = "encoding" in words or len(call.args) > n_before
        assert says, f"line {call.lineno} of {path.name}: {name} without an encoding"


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_has_a_type(name):
    for f in of(name):
        signature = inspect.signature(f)
        missing = [
            p.name
            for p in signature.parameters.values()
            if p.annotation is p.empty and p.name != "self"
        ]
        assert not missing, f"{f.__qualname__} has no type for {missing}"
        assert signature.return_annotation is not signature.empty or f.__name__ == "__init__", (
            f"{f.__qualname__} does not say what it returns"
        )


def of(name):
    "The functions of an exported name: itself, or the public methods of a class"
    found = PUBLIC[name]
    if not inspect.isclass(found):
        return [found] if inspect.isfunction(found) else []
    return [
        f
        for n, f in vars(found).items()
        if inspect.isfunction(f) and (n[0] != "_" or n == "__init__")
    ]


def explained(found, f):
    "{parameter: its explanation}, of `f`, a function of the exported `found`"
    words = {name: text for name, text in docments(f, returns=False).items() if name != "self"}
    if f is getattr(found, "__init__", None):
        listed = NumpyDocString(inspect.getdoc(found) or "")["Parameters"]
        words |= {name: " ".join(p.desc) or p.type for name, p in listed.items()}
    kinds = {name: p.kind for name, p in inspect.signature(f).parameters.items()}
    return {
        n: text for n, text in words.items() if kinds.get(n) is not inspect.Parameter.VAR_KEYWORD
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_is_explained_and_no_two_alike(name):
    "A parameter without a comment would get that of the next one in the documentation"
    found = PUBLIC[name]
    for f in [found] if is_dataclass(found) else of(name):
        words = explained(found, f)
        assert all(words.values()), (
            f"{f.__qualname__} does not explain {[p for p, w in words.items() if not w]}"
        )
        assert len(set(words.values())) == len(words), (
            f"{f.__qualname__} says the same of two parameters: {words}"
        )


def test_help_shows_every_parameter_of_the_estimators():
    for estimator in ("stack.StackedClassifier", "features.RTFeatures", "siamese.Siamese"):
        shown = inspect.getdoc(PUBLIC[f"stacked_nn.{estimator}"])
        for parameter in inspect.signature(PUBLIC[f"stacked_nn.{estimator}"]).parameters:
            assert f"\n{parameter} : " in shown


def test_names_of_the_modules_are_names_of_the_package():
    code = """
import time; start = time.process_time(); import stacked_nn; print(time.process_time() - start)
import sys; assert "sklearn" not in sys.modules and "numpy" not in sys.modules
import stacked_nn.train, stacked_nn.calibrate
from stacked_nn import MLP, StackedClassifier, calibrate, train
assert train.__name__ == "train" and calibrate.__name__ == "calibrate"
assert "RTFeatures" in dir(stacked_nn)
try: stacked_nn.nothing
except AttributeError as e: assert "no attribute 'nothing'" in str(e)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0 and float(done.stdout) < 0.1, done.stdout + done.stderr
    for name in PUBLIC:
        assert getattr(stacked_nn, name.split(".")[-1]) is PUBLIC[name]
