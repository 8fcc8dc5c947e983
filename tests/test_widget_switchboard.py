"""The switchboard in a real browser: its two switches, and what it says against Python's numbers

Without a browser these tests are skipped; where `CI` is set they fail.
"""

import numpy as np
import pytest
from conftest import assert_fits_and_axe_finds_nothing

from stacked_nn.widgets import switchboard

ALONE = np.geomspace(0.3, 0.004, 100)
NUDGED = ALONE + np.spacing(ALONE) * (np.arange(100) == 41)  # one epoch, its last bit
THROUGH = np.geomspace(0.009, 0.0035, 100)
RUNS = {
    "neither": {"loss": ALONE, "accuracy": 516 / 540},
    "asked": {"loss": ALONE.copy(), "accuracy": 519 / 540},
    "taught": {"loss": THROUGH, "accuracy": 58 / 540},
    "both": {"loss": THROUGH.copy(), "accuracy": 519 / 540},
}


@pytest.fixture
def open_tab(show):
    return lambda **options: show(
        switchboard(RUNS), until=".snn.switchboard svg.way-map, .snn.switchboard .way", **options
    )


def lit(t):
    "The arrows along which the product travels"
    return set(t.evaluate("[...document.querySelectorAll('.way.lit')].map(w => w.dataset.way)"))


WAYS = {
    "asked": {"weight atAsked", "atAsked answer"},
    "taught": {"weight atTaught", "atTaught measure", "measure below corner weights"},
}


def test_two_switches_give_the_four_stored_runs(open_tab):
    t = open_tab()
    asked, taught = (t.get_by_role("switch", name=f"when {name}") for name in WAYS)
    points = "document.querySelector('.curve.now').getAttribute('points')"
    curves = {}
    for presses, name in (
        ((), "neither"),
        ((asked,), "asked"),
        ((taught,), "both"),
        ((asked,), "taught"),
    ):
        for switch in presses:
            switch.focus()
            t.keyboard.press("Space")
        on = {key for key, switch in zip(WAYS, (asked, taught)) if switch.is_checked()}
        assert name == {0: "neither", 1: "".join(on), 2: "both"}[len(on)]
        assert lit(t) == set().union(*(WAYS[key] for key in on))
        score = f"{100 * RUNS[name]['accuracy']:.1f} %"
        assert t.locator(".score strong").inner_text() == score
        curves[name] = t.evaluate(points)
        said = t.locator(".readout").inner_text()
        assert ("has not moved" in said) == (name in ("asked", "taught"))
    assert curves["neither"] == curves["asked"] != curves["taught"] == curves["both"]


def test_the_curve_is_drawn_where_python_has_it(open_tab):
    t = open_tab()
    points = t.evaluate("document.querySelector('.curve.now').getAttribute('points')")
    x, y = np.array([p.split(",") for p in points.split()], float).T
    assert np.ptp(np.diff(x)) < 1e-9
    slope, start = np.polyfit(np.log10(ALONE), y, 1)
    assert slope < 0 and np.abs(start + slope * np.log10(ALONE) - y).max() < 1e-9


def test_one_bit_is_a_difference(open_tab):
    "The losses arrive as Python has them, so `not moved` means what it says"
    t = open_tab()
    runs = RUNS | {"asked": {"loss": NUDGED, "accuracy": 0.9}}
    said = t.evaluate(
        """async data => {
        const {compare} = await import("./static/switchboard.js");
        const {doubles} = await import("./static/kit.js");
        const runs = Object.fromEntries(Object.entries(data)
            .map(([name, r]) => [name, {...r, loss: [...doubles(r.loss)]}]));
        return [compare(runs, "neither", "asked").loss, compare(runs, "taught", "both").loss,
                runs.neither.loss];
    }""",
        switchboard(runs).data,
    )
    assert "1 of 100 epochs" in said[0] and "not moved" in said[1]
    assert said[2] == ALONE.tolist()


def test_the_gates_in_the_diagram_are_switches_for_a_finger(open_tab):
    t = open_tab(width=360, has_touch=True)
    t.locator(".gate").nth(1).tap()
    assert t.get_by_role("switch", name="when taught").is_checked()
    assert lit(t) == WAYS["taught"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_axe_finds_nothing(open_tab, scheme):
    t = open_tab(color_scheme=scheme)
    for switch in t.get_by_role("switch").all():
        switch.check()
        assert_fits_and_axe_finds_nothing(t)


def test_nothing_moves_for_those_who_asked_for_rest(open_tab):
    for motion, name in (("reduce", "none"), ("no-preference", "snn-flow")):
        t = open_tab(reduced_motion=motion)
        t.get_by_role("switch", name="when asked").check()
        style = t.locator(".way.lit").first.evaluate("e => getComputedStyle(e).animationName")
        assert style == name
