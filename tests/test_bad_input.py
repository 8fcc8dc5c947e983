"Every bad input of the page \"When things go wrong\": refused by this library or by scikit-learn, in words that help"
import json
import re
import traceback
import warnings
from pathlib import Path

import pytest
import sklearn

import stacked_nn

HOMES = [Path(package.__file__).parent for package in (stacked_nn, sklearn)]
CELLS = [c for c in json.loads((Path(__file__).parents[1] / "nbs/50_checks.ipynb").read_text())["cells"] if c["cell_type"] == "code"]


def gather():
    "Run the page with a `refused` that only takes down the examples; returns its names and {code: words}"
    names, examples = {}, {}
    for source in ("".join(cell["source"]) for cell in CELLS):
        if "catch_warnings" not in source: exec(source, names)     # training that goes wrong is tested elsewhere
        names["refused"] = examples.update
    return names, examples


NAMES, EXAMPLES = gather()
# the library's own, then scikit-learn's
ADVICE = (r"expected|expecting|must be|call fit|"
          r"should be|requires?d?|is not fitted|contains|inconsistent|Unknown label|Valid param|Mix of")


def test_there_are_many_and_they_cover_the_library():
    assert len(EXAMPLES) >= 200
    called = " ".join(EXAMPLES)
    for name in ("load_digits", "RTFeatures", "one_hot", "softmax", "log_softmax", "cross_entropy", "MLP", "gradient_check", "train",
                 "combine_output", "pool", "pool_logs", "compare", "StackedClassifier", "calibrate", "expected_calibration_error",
                 "corrected_interval", "mcnemar", "view_splits", "show_digits", "plot_opinions"):
        assert re.search(rf"\b{name}\(", called), f"no bad input for {name}"


@pytest.mark.parametrize("code", EXAMPLES)
def test_bad_input(code):
    with warnings.catch_warnings(), pytest.raises((TypeError, ValueError, RuntimeError)) as caught:
        warnings.simplefilter("error")
        eval(code, dict(NAMES))
    message, last = str(caught.value), traceback.extract_tb(caught.tb)[-1]
    assert EXAMPLES[code] in message
    assert re.search(ADVICE, message), f"no advice: {message}"
    assert "check_" in code or any(Path(last.filename).is_relative_to(home) for home in HOMES), f"raised deep inside, in {last.filename}"


def test_the_page_shows_the_messages():
    shown = "".join("".join(o.get("text", "")) for c in CELLS for o in c["outputs"])
    for code, words in EXAMPLES.items(): assert code in shown and words in shown
