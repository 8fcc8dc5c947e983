"Bad inputs are refused, by this library or by scikit-learn, before anything is computed"

import json
import re
import traceback
import warnings
from copy import copy
from pathlib import Path

import bad_inputs
import pytest
import sklearn
from bad_inputs import EXAMPLES
from conftest import ROOT
from scipy.sparse import csr_array

import stacked_nn
import stacked_nn.checks

PUBLIC = {name: getattr(stacked_nn, name) for name in dir(stacked_nn)} | vars(stacked_nn.checks)
NAMES = PUBLIC | vars(bad_inputs) | {"copy": copy, "csr_array": csr_array}
HOMES = [Path(package.__file__).parent for package in (stacked_nn, sklearn)]
# the library's own, then scikit-learn's
ADVICE = (
    r"expected|expecting|must be|call fit|"
    r"should be|requires?d?|is not fitted|contains|inconsistent|Unknown label|Valid param|Mix of"
)


def test_they_cover_the_library():
    containers = {"Split", "History", "GradientErrors", "Comparison", "ViewSplits", "Cells",
                  "Parts", "LeakCheck"}  # fmt: skip
    homes = ("course", "checks", "widgets", "persist", "cli", "bridge")  # own tests
    ours = {n for n, f in PUBLIC.items() if getattr(f, "__module__", "").startswith("stacked_nn.")
            and n[0] != "_" and f.__module__.split(".")[1] not in homes}  # fmt: skip
    missing = {
        n
        for n in ours - containers - {"load_cells"}
        if not re.search(rf"\b{n}\(", " ".join(EXAMPLES))
    }
    assert not missing, f"no bad input for {missing}"


@pytest.mark.parametrize("code", EXAMPLES)
def test_bad_input(code):
    with (
        warnings.catch_warnings(),
        pytest.raises((TypeError, ValueError, RuntimeError)) as caught,
    ):
        warnings.simplefilter("error")
        eval(code, NAMES.copy())
    message, last = str(caught.value), traceback.extract_tb(caught.tb)[-1]
    assert EXAMPLES[code] in message
    assert re.search(ADVICE, message), f"no advice: {message}"
    ours = any(Path(last.filename).is_relative_to(home) for home in HOMES)
    assert "check_" in code or ours, f"raised deep inside, in {last.filename}"


def test_the_page_shows_some():
    cells = json.loads((ROOT / "nbs/50_checks.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = "".join("".join(o.get("text", "")) for c in cells for o in c.get("outputs", []))
    assert sum(code in shown and words in shown for code, words in EXAMPLES.items()) >= 12
