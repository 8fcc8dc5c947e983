"Two views, two networks written by hand, one answer; the names of all modules are here, too"
__version__ = "0.2.0"

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from ._modidx import d as _index

_modules: Any = _index["syms"]
# {name: its module}: imported at first use, since scikit-learn takes its time
_HOMES = {name: module for module, paths in _modules.items() for path in paths
          if (name := path.removeprefix(f"{module}.")).isidentifier() and name[0] != "_"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES: raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]: return sorted({*globals(), *_HOMES})


class _Package(ModuleType):
    "`train` and `calibrate` are the functions, also once the modules of these names are imported"
    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOMES and isinstance(value, ModuleType): return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
