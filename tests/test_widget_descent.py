"""The ball of "Downhill": its numbers against Python, its buttons in a browser

The numbers need node, the buttons a browser; without them these tests are skipped.
"""

import json

import numpy as np
import pytest
from conftest import assert_fits_and_axe_finds_nothing

from stacked_nn.mlp import cross_entropy, softmax
from stacked_nn.widgets import descent_ball


DATA = descent_ball().data


def loss(w):
    return cross_entropy(softmax(np.outer(DATA["x"], [0, w])), DATA["y"])


def slope(w, h=1e-5):
    return (loss(w + h) - loss(w - h)) / (2 * h)


def descend(slope, w, lr, steps):
    path = [w]
    for _ in range(steps):
        path.append(path[-1] - lr * slope(path[-1]))
    return path


def test_landscapes_and_steps_are_those_of_python(node):
    "Heights, slopes and paths of both landscapes; large weights do not overflow"
    weights, rates = [-300, -2.5, 0, 0.8, 3, 300], [0.1, 2.9, 5, 9]
    ours = node(f"""
        import {{ landscapes, walk }} from "./static/descent.js";
        const lands = landscapes({json.dumps(DATA)}), out = {{}};
        for (const [name, land] of Object.entries(lands)) out[name] = {{
            heights: {weights}.map(land.height), slopes: {weights}.map(land.slope),
            paths: {rates}.map((rate) => walk(land, {DATA["start"]}, rate, 40)) }};
        console.log(JSON.stringify(out));""")
    assert np.allclose(ours["neuron"]["heights"], [loss(w) for w in weights], rtol=1e-9)
    assert np.allclose(ours["neuron"]["slopes"], [slope(w) for w in weights], atol=1e-6)
    for rate, path in zip(rates, ours["neuron"]["paths"]):
        # beyond the limit a rounding error grows from step to step
        steps = 40 if rate < 2 / DATA["curvature"] else 8
        expected = descend(slope, DATA["start"], rate, steps)
        assert np.allclose(path[: steps + 1], expected, atol=1e-5), f"rate {rate}"
    distance = DATA["start"] - DATA["lowest"]
    for rate, path in zip(rates, ours["parabola"]["paths"]):
        expected = DATA["lowest"] + distance * (1 - rate * DATA["curvature"]) ** np.arange(41)
        assert np.allclose(path, expected), f"rate {rate}"


def test_the_parabola_fits_the_loss_at_its_lowest_point():
    w, h = DATA["lowest"], 1e-4
    assert abs(slope(w)) < 1e-8 and np.isclose(loss(w), DATA["loss"])
    bend = (loss(w + h) - 2 * loss(w) + loss(w - h)) / h**2
    assert np.isclose(bend, DATA["curvature"], rtol=1e-5)
    assert descent_ball([3, -1, 5], [1, 1, 0]).data["lowest"] < 0


@pytest.fixture
def tab(show):
    return lambda **options: show(descent_ball(), until=".snn.descent", **options)


def readout(t):
    return t.locator(".readout").inner_text().replace("−", "-")


def click(t, name):
    t.get_by_role("button", name=name, exact=True).click()


def choose(t, rate):
    "Move the slider with the keyboard until it shows `rate`"
    knob = t.get_by_role("slider", name="Learning rate")
    knob.press("Home")
    for _ in range(41):
        if float(knob.get_attribute("aria-valuetext")) >= rate:
            return float(knob.get_attribute("aria-valuetext"))
        knob.press("ArrowRight")
    raise AssertionError(f"no rate of {rate}")


def test_step_and_reset(tab):
    t = tab()
    start = readout(t)
    assert start == f"Step 0: w = -2.50, loss {loss(-2.5):.3f}, slope {slope(-2.5):.3f}."
    rate = choose(t, 1)
    for _ in range(3):
        click(t, "Step")
    w = descend(slope, -2.5, rate, 3)[-1]
    assert readout(t) == f"Step 3: w = {w:.2f}, loss {loss(w):.3f}, slope {slope(w):.3f}."
    click(t, "Reset")
    assert readout(t) == start


@pytest.mark.parametrize(
    "land, rate, end",
    [
        ("The neuron", 0.1, "Still not at the bottom."),
        ("The neuron", 2.8, "At the bottom."),
        ("The neuron", 9, "Still not at the bottom."),
        ("A parabola", 2.8, "At the bottom."),
        ("A parabola", 5, "At the bottom."),
        ("A parabola", 9, "Gone."),
    ],
)
def test_slow_good_oscillating_exploding(tab, land, rate, end):
    "With reduced motion, Run shows the end at once"
    t = tab(reduced_motion="reduce")
    click(t, land)
    choose(t, rate)
    click(t, "Run")
    assert readout(t).endswith(end), readout(t)
    gone = end == "Gone."
    assert t.get_by_role("button", name="Step", exact=True).is_disabled() == gone
    assert t.get_by_text("the ball is out there").count() == gone


def test_run_moves_and_pauses(tab):
    t = tab()
    click(t, "Run")
    t.wait_for_function("/Step [3-9]/.test(document.querySelector('.readout').textContent)")
    click(t, "Pause")
    paused = readout(t)
    t.wait_for_timeout(500)
    assert readout(t) == paused


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_axe_finds_nothing(tab, scheme):
    t = tab(color_scheme=scheme)
    click(t, "Step")
    assert_fits_and_axe_finds_nothing(t)
