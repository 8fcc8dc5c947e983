"""Clouds that separate: the numbers of the page are Python's, and it plays, pauses and fits

Without a browser these tests are skipped; where `CI` is set they fail.
"""

import numpy as np
import pytest
from conftest import assert_fits_and_axe_finds_nothing

from stacked_nn.digits import load_digits
from stacked_nn.siamese import Siamese, distances
from stacked_nn.widgets import cloud_replay

digits = load_digits(random_state=3)
epochs = [0, 1, 4, 12]
movie = [
    Siamese(n_components=2, epochs=k, random_state=0).fit(digits.X_train, digits.y_train)
    for k in epochs
]
X, y = digits.X_test[:200], digits.y_test[:200]
replay = cloud_replay(
    {
        "epochs": epochs,
        "points": [m.embed(X) for m in movie],
        "prototypes": [m.prototypes_ for m in movie],
        "images": X,
        "labels": y,
    }
)


@pytest.fixture
def tab(show):
    return lambda **options: show(replay, until=".snn.clouds svg[viewBox]", **options)


def readout(t):
    return t.locator(".readout").inner_text()


def expected(frame):
    right = int((movie[frame].transform(X).argmin(1) == y).sum())
    share = f"{right} of {len(y)} images, {100 * right / len(y):.1f} %"
    return f"Epoch {epochs[frame]}: the nearest ring is right for {share}"


def test_nearest_and_between_are_those_of_python(tab):
    t = tab()
    rng = np.random.default_rng(0)
    points, rings, later = (rng.normal(size=(n, 2)) for n in (50, 7, 50))
    near, halfway = t.evaluate(
        """async ([points, rings, later]) => {
            const m = await import("./static/clouds.js");
            return [m.nearest(points, rings), m.between(points, later, 0.25)];
        }""",
        [points.ravel().tolist(), rings.ravel().tolist(), later.ravel().tolist()],
    )
    assert near == distances(points, rings).argmin(1).tolist()
    assert np.allclose(halfway, (0.75 * points + 0.25 * later).ravel())


def test_each_frame_says_what_python_says(tab):
    "With the keyboard, from the first frame to the last"
    t = tab()
    knob = t.get_by_role("slider", name="Epoch")
    for frame in range(len(epochs)):
        assert readout(t) == expected(frame)
        assert knob.get_attribute("aria-valuetext") == str(epochs[frame])
        wrong = (movie[frame].transform(X).argmin(1) != y) & (y == 8)
        label = t.locator("svg.plane").get_attribute("aria-label")
        assert f"{wrong.sum()} of {(y == 8).sum()} of 8" in label
        boxes = t.locator("svg path.wrong").get_attribute("d").count("M")
        assert boxes == (movie[frame].transform(X).argmin(1) != y).sum()
        knob.press("ArrowRight")


def test_places_are_drawn_to_scale(tab):
    "As far from each other on the page as in the embedding, in one unit, and upwards is up"
    t = tab()
    at = np.array(
        t.eval_on_selector_all(
            "svg text.sign", "all => all.map((s) => [+s.getAttribute('x'), +s.getAttribute('y')])"
        )
    )
    e = movie[0].embed(X) * [1, -1]
    unit = np.ptp(at, 0) / np.ptp(e, 0)
    assert np.isclose(*unit, rtol=0.01)
    assert np.allclose(at - at.mean(0), unit * (e - e.mean(0)), atol=0.2)


def test_play_and_pause(tab):
    t = tab()
    t.get_by_role("button", name="Play").click()
    t.wait_for_function("/Epoch [14]:/.test(document.querySelector('.readout').textContent)")
    t.get_by_role("button", name="Pause").click()
    paused = readout(t)
    t.wait_for_timeout(1200)
    assert readout(t) == paused and paused in map(expected, range(len(epochs)))


def test_play_without_motion_jumps_from_frame_to_frame(tab):
    t = tab(reduced_motion="reduce")
    before = t.locator("svg text.sign").first.get_attribute("x")
    t.get_by_role("button", name="Play").click()
    t.wait_for_timeout(300)
    assert t.locator("svg text.sign").first.get_attribute("x") == before
    t.wait_for_function("document.querySelector('.clouds button').textContent === 'Play'")
    assert readout(t) == expected(len(epochs) - 1)
    t.get_by_role("button", name="Play").click()  # once more, from the beginning
    t.wait_for_function("/Epoch 1:/.test(document.querySelector('.readout').textContent)")


@pytest.mark.parametrize("touch", [False, True])
def test_pointing_at_a_sign_shows_its_image(tab, touch):
    t = tab(has_touch=touch)
    box = t.locator("svg text.sign").first.bounding_box()
    x, y_ = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    t.touchscreen.tap(x, y_) if touch else t.mouse.move(x, y_)
    t.locator(".clouds .image canvas").wait_for()
    words = t.locator(".clouds .note small").inner_text()
    i = int(words.split()[2].rstrip(","))
    answer = movie[0].transform(X)[i].argmin()
    assert words == f"Test image {i}, a {y[i]}, nearest to the ring of {answer}."


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_axe_finds_nothing(tab, scheme):
    t = tab(color_scheme=scheme)
    assert_fits_and_axe_finds_nothing(t)
