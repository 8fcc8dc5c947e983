"""The explorer of "The decision" in a real browser: its numbers against Python

Without a browser these tests are skipped, as in `test_browser.py`; where `CI` is set they fail.
"""

import numpy as np
import pytest
from conftest import assert_fits_and_axe_finds_nothing

from stacked_nn.widgets import operating_explorer

RNG = np.random.default_rng(0)
Y = (RNG.random(600) < 0.3).astype(int)
SCORES = {
    kind: {
        way: np.clip(0.1 + 0.25 * Y + spread * RNG.normal(size=600), 0, 1)
        for way, spread in (("product", 0.4), ("fitted exponents", 0.15))
    }
    for kind in ("cells", "modules")
}
PICTURES = {
    "images": RNG.random((9, 12, 12)),
    "labels": np.arange(9) % 2,
    "scores": {way: RNG.random(9) for way in ("product", "fitted exponents")},
}
WIDGET = operating_explorer(Y, SCORES, PICTURES, "Made up.")
DATA = WIDGET.data


def expected(kind, way, threshold, price):
    "Escapes, overkill and cost per 1,000, from the scores themselves"
    p = SCORES[kind][way]
    missed, vain = (p <= threshold) & (Y == 1), (p > threshold) & (Y == 0)
    return (
        missed.sum() / Y.sum(),
        vain.sum() / (1 - Y).sum(),
        1000 * np.mean(price * missed + vain),
    )


@pytest.fixture
def tab(show):
    return lambda **options: show(WIDGET, until=".snn.operating svg", **options)


def shown(t):
    "The table: {row: what it says}"
    rows = t.locator(".snn.operating tbody tr").all()
    return {r.locator("th").inner_text(): r.locator("td").inner_text() for r in rows}


def click(t, name):
    t.get_by_role("button", name=name, exact=True).click()


def agree(t, kind, way, threshold, price):
    escapes, overkill, cost = expected(kind, way, threshold, price)
    table = shown(t)
    assert table["Escapes (defective, pass)"] == f"{100 * escapes:.1f} %"
    assert table["Overkill (good, rejected)"] == f"{100 * overkill:.1f} %"
    assert abs(float(table["Cost per 1,000"]) - cost) <= 0.5
    least = min(expected(kind, way, c, price)[2] for c in DATA["thresholds"])
    assert abs(float(table["Best step of the slider, in hindsight"]) - least) <= 0.5
    assert abs(float(table["Reject everything"]) - 1000 * (1 - Y.mean())) <= 0.5


def test_every_threshold_and_price_is_that_of_python(tab):
    "The page's own functions, at all thresholds, for all ways"
    t = tab()
    for kind in SCORES:
        for way in SCORES[kind]:
            ours = t.evaluate(
                """async ([curve, counts, prices]) => {
                    const { outcome, cheapest } = await import("./static/operating.js");
                    const at = (price) => curve.escapes.map(
                        (_, i) => Object.values(outcome(curve, counts, i, price)));
                    return prices.map((price) => [cheapest(curve, counts, price), at(price)]);
                }""",
                [DATA["curves"][kind][way], DATA["counts"], DATA["prices"]],
            )
            for price, (least, rows) in zip(DATA["prices"], ours):
                theirs = [expected(kind, way, c, price) for c in DATA["thresholds"]]
                assert np.allclose(rows, theirs)
                assert least == np.argmin([row[2] for row in theirs])


def test_price_threshold_ways_and_kinds(tab):
    t = tab()
    agree(t, "cells", "product", 0.5, 10)
    click(t, "Threshold 1 / (1 + price)")
    agree(t, "cells", "product", 1 / 11, 10)
    click(t, "Fitted exponents")
    click(t, "Modules")
    agree(t, "modules", "fitted exponents", 1 / 11, 10)
    t.get_by_role("slider", name="Price").press("ArrowRight")
    assert t.get_by_role("slider", name="Price").get_attribute("aria-valuetext") == "15 to 1"
    agree(t, "modules", "fitted exponents", 1 / 11, 15)
    t.get_by_role("slider", name="Threshold").press("End")
    agree(t, "modules", "fitted exponents", DATA["thresholds"][-1], 15)
    click(t, "Best in hindsight")
    table = shown(t)
    assert table["Cost per 1,000"] == table["Best step of the slider, in hindsight"]


def test_the_parts_that_pass(tab):
    t = tab()
    click(t, "Threshold 1 / (1 + price)")
    passes = PICTURES["scores"]["product"].round(4) <= 1 / 11
    bad = PICTURES["labels"] == 1
    titles = t.locator(".snn.operating .heading").all_inner_texts()
    assert titles[0] == f"Pass: {passes.sum()}, of them {(passes & bad).sum()} defective"
    assert titles[1] == f"Rejected: {(~passes).sum()}, of them {(~passes & ~bad).sum()} good"
    lists = t.locator(".snn.operating ul")
    assert [lists.nth(i).locator("li").count() for i in (0, 1)] == [passes.sum(), (~passes).sum()]
    assert "✗ in a frame: a defective part" in t.locator(".snn.operating .cells").inner_text()
    for i in (0, 1):
        named = t.get_by_role("list", name=titles[i], exact=True)
        words = named.get_by_role("img", name="defective").count()
        assert words == lists.nth(i).get_by_text("✗").count(), "a mark that is not said in words"


def test_a_click_into_the_curve_sets_the_threshold(tab):
    t = tab()
    box = t.locator(".snn.operating svg").bounding_box()
    before = t.get_by_role("slider", name="Threshold").input_value()
    t.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 60)
    assert t.get_by_role("slider", name="Threshold").input_value() != before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_axe_finds_nothing(tab, scheme):
    t = tab(color_scheme=scheme)
    assert_fits_and_axe_finds_nothing(t)
