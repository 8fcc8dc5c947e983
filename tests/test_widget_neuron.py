"""One and two neurons: the numbers of the page are Python's, and every way to move a line works

Without a browser these tests are skipped; where `CI` is set they fail.
"""

import json

import numpy as np
import pytest
from conftest import assert_fits_and_axe_finds_nothing

from stacked_nn.widgets import neuron_bench

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, (80, 2)).round(4)
y = (X.min(1) > -0.5).astype(int)
bench = neuron_bench(X, y)
start = bench.data["start"]


@pytest.fixture
def tab(show):
    return lambda **options: show(bench, until=".snn.neuron .plane > div svg", **options)


def scores(units, out, bend=True):
    W, v = np.array(units), np.array(out)
    z = X @ W[:, :2].T + W[:, 2]
    return (np.maximum(0, z) if bend else z) @ v[:-1] + v[-1]


def right(t):
    return int(t.locator(".readout").inner_text().split()[0])


def share(s):
    return int(((s > 0) == y).sum())


def test_scores_and_regions_are_those_of_python(tab):
    t = tab()
    square = [[-2, -2], [2, -2], [2, 2], [-2, 2]]
    for trial in range(20):
        n, bend = 1 + trial % 2, trial % 3 > 0
        net = {
            "units": rng.uniform(-2, 2, (n, 3)).round(2).tolist(),
            "out": rng.uniform(-2, 2, n + 1).round(2).tolist(),
            "bend": bend,
        }
        s, parts = t.evaluate(
            """async ([net, points, square]) => {
                const m = await import("./static/neuron.js");
                return [points.map((x) => m.score(net, x)), m.pieces(net, square)];
            }""",
            [net, X.tolist(), square],
        )
        assert np.allclose(s, scores(**net), atol=1e-12)
        area = 0
        for part in parts:
            p = np.array(part["polygon"])
            q = np.roll(p, -1, 0)
            area += (p[:, 0] * q[:, 1] - q[:, 0] * p[:, 1]).sum() / 2
            middle = p.mean(0)  # inside: a piece is convex
            z = np.array(net["units"]) @ [*middle, 1]
            a = np.maximum(0, z) if bend else z
            wanted = a @ net["out"][:-1] + net["out"][-1]
            assert np.isclose(np.dot(part["plane"], [*middle, 1]), wanted)
        assert np.isclose(area, 16), "the pieces do not cover the sheet, or overlap"


def test_sliders_modes_and_the_bend(tab):
    t = tab()
    units, out = np.array(start["units"]), np.array(start["out"])
    assert right(t) == share(scores(units[:1], [1, 0]))
    t.get_by_role("slider", name="w₁ of neuron 1").focus()
    for _ in range(5):
        t.keyboard.press("ArrowLeft")
    units[0, 0] -= 0.25
    assert right(t) == share(scores(units[:1], [1, 0]))
    t.get_by_role("button", name="Two neurons").click()
    assert t.get_by_role("slider").count() == 9
    assert right(t) == share(scores(units, out))
    t.get_by_role("button", name="Bend").click()
    assert right(t) == share(scores(units, out, bend=False))
    t.get_by_role("button", name="Bend").click()
    solution = {
        "w₁ of neuron 1": -1, "w₂ of neuron 1": 0, "b of neuron 1": -0.5,
        "w₁ of neuron 2": 0, "w₂ of neuron 2": -1, "b of neuron 2": -0.5,
        "v₁ of the answer": -3, "v₂ of the answer": -3, "c of the answer": 0.05,
    }  # fmt: skip
    for name, value in solution.items():
        t.get_by_role("slider", name=name).fill(str(value))
    wanted = share(scores([[-1, 0, -0.5], [0, -1, -0.5]], [-3, -3, 0.05]))
    assert right(t) == wanted > 75
    assert f"best with two: {wanted}" in t.locator(".readout").inner_text()
    t.get_by_role("button", name="Start again").click()
    assert right(t) == share(scores(start["units"], out))


def values(t, neuron):
    return [
        float(t.get_by_role("slider", name=f"{name} of neuron {neuron}").input_value())
        for name in ("w₁", "w₂", "b")
    ]


def test_the_line_can_be_dragged(tab):
    t = tab()
    before = values(t, 1)

    def drag(handle, dx, dy):
        box = t.locator(handle).first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        t.mouse.move(x, y)
        t.mouse.down()
        t.mouse.move(x + dx, y + dy, steps=4)
        t.mouse.up()

    drag(".handle:not(.head)", 40, 40)
    shifted = values(t, 1)
    assert shifted[:2] == before[:2] and shifted[2] != before[2]
    drag(".handle.head", 30, 0)
    turned = values(t, 1)
    assert turned[0] > shifted[0] and abs(turned[1] - shifted[1]) < 0.051
    assert right(t) == share(scores([turned], [1, 0]))
    t.mouse.move(300, 300)
    assert values(t, 1) == turned, "the drag does not end"


def test_the_line_can_be_dragged_with_a_finger(tab):
    t = tab(has_touch=True)
    before, box = values(t, 1), t.locator(".handle").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    cdp = t.context.new_cdp_session(t)

    def touch(kind, *points):
        points = [{"x": x, "y": y} for x, y in points]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (x, y))
    for step in range(1, 6):
        touch("touchMove", (x + 8 * step, y + 12 * step))
    touch("touchEnd")
    t.wait_for_timeout(200)
    moved = values(t, 1)
    assert moved[:2] == before[:2] and moved[2] - before[2] > 0.8
    assert t.evaluate("scrollY") == 0, "the page scrolls under the finger"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_axe_and_keyboard(tab, scheme):
    t = tab(color_scheme=scheme)
    t.get_by_role("button", name="Two neurons").click()
    assert_fits_and_axe_finds_nothing(t)
    t.get_by_role("button", name="One neuron").focus()
    seen = 0
    while t.evaluate("document.activeElement.matches('.snn *')") and seen < 20:
        seen += 1
        t.keyboard.press("Tab")
    assert seen == 4 + 9


def test_bad_input_and_size():
    assert len(json.dumps(bench.data)) < 5_000
    with pytest.raises(ValueError, match="2"):
        neuron_bench(X[:, :1], y)
    with pytest.raises(ValueError):
        neuron_bench(X, 2 * y)
