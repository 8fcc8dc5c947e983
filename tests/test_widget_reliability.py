"""The sliders of "Confidence" in a real browser: its scores and counts against Python

Without a browser these tests are skipped, as in `test_browser.py`; where `CI` is set they fail.
"""

import re

import numpy as np
import pytest
from conftest import assert_fits_and_axe_finds_nothing

from stacked_nn.calibrate import _reliability, expected_calibration_error
from stacked_nn.combine import pool
from stacked_nn.mlp import cross_entropy, softmax
from stacked_nn.widgets import reliability_sliders

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 10, 540)
SHARED = 6 * np.eye(10)[Y] + 2 * RNG.normal(size=(540, 10))
PROBAS = [softmax(SHARED + RNG.normal(size=(540, 10))) for _ in range(2)]
PROBAS[0][3], PROBAS[0][3, Y[3]] = 0, 1  # certain, as double precision can be
FITTED = (0.47, 0.29)


def rounded(p):
    "What the page has of these probabilities: logarithms in hundredths"
    return softmax(np.round(np.log(np.maximum(p, np.exp(-300))), 2))


@pytest.fixture
def tab(show):
    return lambda **options: show(
        reliability_sliders(PROBAS, Y, FITTED), until=".snn.reliability svg", **options
    )


def judged(t, exponents):
    "Log loss, ECE, accuracy and bins of the page's own function, all digits"
    return t.evaluate(
        """async ([text, labels, exponents]) => {
            const { judge, rows } = await import("./static/reliability.js");
            return judge(text.map((t) => rows(t, 10)), labels, exponents); }""",
        [reliability_sliders(PROBAS, Y, FITTED).data["logs"], Y.tolist(), exponents],
    )


@pytest.mark.parametrize("exponents", [(1, 1), FITTED, (0.5, 0.5), (0, 1), (1.5, 0.07)])
def test_numbers_are_those_of_python(tab, exponents):
    p = pool([rounded(q) for q in PROBAS], exponents=exponents)
    ours, (n, sure, kept) = judged(tab(), exponents), _reliability(p, Y, 10)
    assert ours["n"] == n.tolist()
    assert np.allclose(ours["sure"], sure) and np.allclose(ours["kept"], kept)
    assert np.isclose(ours["loss"], cross_entropy(p, Y), rtol=1e-6)
    assert np.isclose(ours["ece"], expected_calibration_error(p, Y))
    assert np.isclose(ours["accuracy"], (p.argmax(-1) == Y).mean())
    # and rounding changes next to nothing
    exact = cross_entropy(pool(PROBAS, exponents=exponents), Y)
    assert abs(ours["loss"] - exact) < 2e-3


def expected(exponents):
    p = pool([rounded(q) for q in PROBAS], exponents=exponents)
    right = 100 * (p.argmax(-1) == Y).mean()
    ece = 100 * expected_calibration_error(p, Y)
    return [f"{cross_entropy(p, Y):.3f}", f"{ece:.1f} %", f"{right:.1f} %"]


def table(t):
    return t.locator("tbody td:last-child").all_inner_texts()


def knobs(t):
    return [t.get_by_role("slider", name=f"Exponent of {name}") for name in ("Weight", "Bias")]


def test_buttons_and_keys(tab):
    t = tab()
    assert table(t) == expected((1, 1))
    t.get_by_role("button", name="Fitted").click()
    assert table(t) == expected(FITTED)
    assert [k.get_attribute("aria-valuetext") for k in knobs(t)] == ["0.47", "0.29"]
    assert t.get_by_role("button", name="Fitted").get_attribute("aria-pressed") == "true"
    assert t.locator("tbody td:nth-child(2)").all_inner_texts() == expected((1, 1))
    for _ in range(3):
        knobs(t)[1].press("ArrowRight")
    assert table(t) == expected((0.47, 0.32))
    assert t.get_by_role("button", name="Fitted").get_attribute("aria-pressed") == "false"
    t.get_by_role("button", name="Reset").click()
    assert table(t) == expected((1, 1))
    assert t.locator("polyline.before").count() == 0


def test_picture_and_counts_follow_the_sliders(tab):
    t = tab()
    for button, exponents in (("Half each", (0.5, 0.5)), ("Reset", (1, 1))):
        t.get_by_role("button", name=button).click()
        p = pool([rounded(q) for q in PROBAS], exponents=exponents)
        n = _reliability(p, Y, 10)[0]
        assert t.locator("circle.dot").count() == (n > 0).sum()
        words = t.locator(".pictures svg").nth(1).get_attribute("aria-label")
        assert [int(k) for k in re.findall(r"\d+", words)] == n.tolist()
        sure, right = 100 * p.max(-1).mean(), 100 * (p.argmax(-1) == Y).mean()
        readout = t.locator(".readout").inner_text()
        assert f"promises {sure:.1f} % and is right in {right:.1f} %" in readout
        assert ("overconfident" in readout) == (sure - right > 0.05)


def test_both_exponents_at_zero(tab):
    "Ten answers alike: a confidence of 10 %, and the first digit"
    t = tab()
    for knob in knobs(t):
        knob.press("Home")
    assert table(t)[0] == f"{np.log(10):.3f}"
    assert table(t)[2] == f"{100 * (Y == 0).mean():.1f} %"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_axe_finds_nothing(tab, scheme):
    t = tab(color_scheme=scheme)
    t.get_by_role("button", name="Fitted").click()
    assert_fits_and_axe_finds_nothing(t)
