"Types and style, as mypy.ini and ruff.toml ask for them"
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import stacked_nn

ROOT = Path(__file__).parents[1]
MODULES = [importlib.import_module(f"stacked_nn.{m.name}") for m in pkgutil.iter_modules(stacked_nn.__path__) if m.name[0] != "_"]
PUBLIC = {f"{m.__name__}.{name}": getattr(m, name) for m in MODULES for name in m.__all__}


@pytest.mark.parametrize("command", [["mypy"], ["ruff", "check"]], ids=lambda c: c[0])
def test_clean(command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_has_a_type(name):
    found = PUBLIC[name]
    methods = [f for n, f in vars(found).items() if inspect.isfunction(f) and (n[0] != "_" or n == "__init__")] if inspect.isclass(found) else []
    for f in methods or [found]:
        if not inspect.isfunction(f): continue
        signature = inspect.signature(f)
        missing = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name != "self"]
        assert not missing, f"{f.__qualname__} has no type for {missing}"
        assert signature.return_annotation is not signature.empty or f.__name__ == "__init__", f"{f.__qualname__} does not say what it returns"
