"""The widgets on pages of their own in a real browser: right, and usable by mouse, touch and keys

Without a browser these tests are skipped; where `CI` is set they fail.
"""

import json
import warnings
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pytest
from calls import CALLS
from conftest import ROOT, assert_fits_and_axe_finds_nothing, watched, write_page

import stacked_nn
import stacked_nn.widgets
from stacked_nn.combine import pool, pool_logs
from stacked_nn.digits import load_digits
from stacked_nn.features import RTFeatures
from stacked_nn.mlp import MLP, cross_entropy, softmax
from stacked_nn.stack import StackedClassifier
from stacked_nn.train import train
from stacked_nn.widgets import independence_dial, playground, product_explorer, training_replay

STATIC = ROOT / "stacked_nn/static"
# the bridge is a page, and has tests of its own
WIDGETS = sorted(p.stem for p in STATIC.glob("*.js") if p.stem not in ("kit", "bridge"))
each_widget = pytest.mark.parametrize("widget", WIDGETS)
split = load_digits()


@pytest.fixture(scope="module")
def made():
    "Four widgets with what they were made from"
    model = StackedClassifier(epochs=30, random_state=0).fit(split.X_train, split.y_train)
    view, net = model.views_["weight"], MLP((10, 64, 32, 10), random_state=0)
    frames = {"epochs": range(6), "images": split.X_test, "labels": split.y_test}
    frames |= {"loss": [], "predictions": [], "weights": []}
    for epoch in frames["epochs"]:
        if epoch:
            train(net, view.transform(split.X_train), split.y_train, epochs=1, progress=False)
        p = net.forward(view.transform(split.X_test))
        frames["loss"].append(cross_entropy(p, split.y_test))
        frames["predictions"].append(p.argmax(1))
        frames["weights"].append(net.weights[0].copy())
    samples = {"w": [0.0, 1.0, 2.5], "b": [0.5, 1.5, 2.0], "y": [0, 1, 2]}
    dial = {
        "dial": [0, 0.25, 0.5, 0.75, 1],
        "series": {
            "product": {
                "accuracy": [0.9, 0.88, 0.85, 0.83, 0.8],
                "log_loss": [0.3, 0.4, 0.5, 0.7, 1],
            },
            "exact Bayes": {
                "accuracy": [0.9, 0.88, 0.86, 0.84, 0.8],
                "log_loss": [0.3, 0.35, 0.4, 0.45, 0.5],
            },
        },
        "samples": [samples] * 5,
    }
    return SimpleNamespace(
        model=model,
        frames=frames,
        dial_data=dial,
        playground=playground(model, split.X_test, split.y_test),
        explorer=product_explorer(),
        replay=training_replay(frames),
        dial=independence_dial(dial),
    )


@pytest.fixture(scope="module")
def widgets(made):
    "{module: a widget of it}, for all modules: the four above, and those of `calls.py`"
    names = {name: getattr(stacked_nn, name) for name in dir(stacked_nn)} | {"np": np}
    called = [eval(CALLS[name]["picture"], names) for name in stacked_nn.widgets.__all__]
    return {w._name: getattr(made, w._name, w) for w in called}


@pytest.fixture(scope="module")
def pages(widgets, folder):
    "Each widget as a page of its own, and as one with two of it"
    for name, widget in widgets.items():
        write_page(folder, name, widget)
        write_page(folder, f"two-{name}", widget, widget)
    return folder


def test_every_module_is_a_widget_of_the_library(widgets):
    assert sorted(widgets) == WIDGETS


@pytest.fixture
def tab(browser, address, pages):
    "`tab(widget, **context)` opens the page of a widget"
    with watched(browser) as open_address:

        def open_tab(widget, width=1000, base=address, mounted=True, **options):
            t = open_address(f"{base}{widget}.html", width, 1000, **options)
            if mounted:
                t.locator(f".snn.{widget}").wait_for()
            return t

        yield open_tab


def drawn(t):
    "The ink of the sheet, as the reader sees it"
    inks = t.evaluate(
        "[...document.querySelectorAll('[role=gridcell]')]"
        ".map(c => Number(c.style.getPropertyValue('--ink')))"
    )
    return np.array(inks).reshape(8, 8)


def press(t, *keys):
    for key in keys:
        t.keyboard.press(key)


# ---- every widget ----


@pytest.mark.parametrize("scheme", ["light", "dark"])
@each_widget
def test_fits_and_axe_finds_nothing(tab, widget, scheme):
    assert_fits_and_axe_finds_nothing(tab(widget, color_scheme=scheme))


# the backgrounds of what has no words: sheets, pixels, bars
PAINTED = """() => [...document.querySelectorAll('.snn *')]
    .filter(e => !e.textContent && !e.closest('button, select, input'))
    .flatMap(e => [null, '::after'].map(part => getComputedStyle(e, part)))
    .filter(style => !style.backgroundColor.endsWith(', 0)'))
    .map(style => [style.backgroundColor, style.printColorAdjust])"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@each_widget
def test_data_keep_their_colours_where_the_system_forces_its_own(tab, widget, scheme):
    "A high contrast mode paints backgrounds over; of a sheet or a bar nothing would be left"
    forced = tab(widget, color_scheme=scheme, forced_colors="active").evaluate(PAINTED)
    assert forced == tab(widget, color_scheme=scheme).evaluate(PAINTED)


@each_widget
def test_data_keep_their_colours_in_print(tab, widget):
    t = tab(widget)
    seen = t.evaluate(PAINTED)
    t.emulate_media(media="print")
    assert t.locator(".snn").is_visible()
    assert t.evaluate(PAINTED) == [[colour, "exact"] for colour, _ in seen]


@each_widget
def test_keyboard_reaches_every_control_with_visible_focus(tab, widget):
    t = tab(widget)
    controls, seen = t.locator(".snn :is(button, select, input, [tabindex='0'])").count(), 0
    for _ in range(controls):
        t.keyboard.press("Tab")
        ring = t.evaluate("""() => {
            const e = document.activeElement, s = getComputedStyle(e);
            return e.closest('.snn') && {
                ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2,
                name: e.ariaLabel || e.textContent || e.closest('label')?.textContent};
        }""")
        assert ring and ring["ring"] and ring["name"], f"stop {seen + 1} of {controls}: {ring}"
        seen += 1
    assert seen == controls > 0


@each_widget
def test_without_script_or_server_there_is_a_sentence(tab, folder, widget):
    for options in ({"java_script_enabled": False}, {"base": folder.as_uri() + "/"}):
        text = tab(widget, mounted=False, **options).locator(".widget").inner_text()
        assert "make serve" in text and "Jupyter" in text


CONTROLS = "button, select, input, [role=slider]"


@each_widget
def test_two_of_a_kind_live_on_one_page(tab, widget):
    "Whatever is pressed in the first one changes it, and not the second one"
    t = tab(f"two-{widget}", mounted=False)
    first, second = (t.locator(f".widget .snn.{widget}").nth(i) for i in (0, 1))
    second.wait_for()
    t.wait_for_timeout(1000)  # until both have said what they show
    untouched, seen = second.inner_html(), {first.inner_html()}
    for control in first.locator(CONTROLS).all():
        control.press("ArrowRight")
        control.press("Space")
        seen.add(first.inner_html())
        assert second.inner_html() == untouched
    assert len(seen) > 1
    ids = t.evaluate("[...document.querySelectorAll('.snn [id]')].map(e => e.id)")
    assert len(ids) == len(set(ids)), ids


@each_widget
def test_same_module_runs_in_jupyter(tab, widgets, widget):
    "What anywidget does: import the text as a module, call `render` with a model"
    w = widgets[widget]
    t = tab(widget)
    state = {"data": w.data, "image": w.image}
    t.evaluate(
        """async ([text, state]) => {
        const blob = new Blob([text], {type: "text/javascript"});
        const module = await import(URL.createObjectURL(blob));
        const el = document.createElement("div"), heard = {};
        document.body.replaceChildren(el);
        window.saved = 0;
        window.model = {get: k => state[k], set: (k, v) => { state[k] = v; },
            save_changes: () => { saved++; }, on: (k, f) => { heard[k] = f; }, heard, state};
        module.default.render({model, el});
    }""",
        [w._esm, state],
    )
    t.locator(f".snn.{widget}").wait_for()
    if widget == "playground":
        t.get_by_role("button", name="Invert").click()
        image = t.evaluate("model.state.image")
        assert t.evaluate("saved") == 1 and np.allclose(image, 1 - split.X_test[0]), (
            "Python does not see the drawing"
        )
        t.evaluate("model.state.image = Array(64).fill(0.5); model.heard['change:image']()")
        assert (drawn(t) == 0.5).all(), "the sheet does not follow Python"


def test_python_may_set_the_drawing(made):
    pad = playground(made.model, split.X_test, split.y_test, split.X_test[5])
    assert pad.image == split.X_test[5].tolist()
    pad.image = split.X_test[7]
    assert pad.image == split.X_test[7].tolist()
    with pytest.raises(ValueError, match="64"):
        pad.image = [0.0] * 63
    assert pad.image == split.X_test[7].tolist()


@pytest.mark.parametrize("factor", [16, 255, -1])
def test_images_beyond_0_and_1_are_refused(made, factor):
    far = factor * split.X_test
    for make in (
        lambda: playground(made.model, far, split.y_test),
        lambda: playground(made.model, split.X_test, split.y_test, far[0]),
        lambda: setattr(made.playground, "image", far[0]),
        lambda: training_replay(made.frames | {"images": far}),
    ):
        with pytest.raises(ValueError, match="expected 0 to 1"):
            make()
    assert made.playground.image == split.X_test[0].tolist()


# ---- playground ----


def exported(made):
    "The model with the weights that the page has: in single precision"
    model = deepcopy(made.model)
    for net in model.nets_.values():
        for array in net.weights + net.biases:
            array[:] = array.astype("<f4")
    return model


def drawings():
    "Digits, and what nobody would call a digit"
    rng = np.random.default_rng(0)
    return np.concatenate(
        [
            split.X_test,
            1 - split.X_test[:50],
            np.zeros((1, 64)),
            np.ones((1, 64)),
            np.eye(64),
            1 - np.eye(64),
            rng.random((200, 64)),
            rng.random((200, 64)) > rng.random((200, 1)),
            rng.random((200, 64)) ** 9,
        ]
    )


def computed(t, data, X, exponents=(1, 1)):
    "What the module makes of images: {name: array}"
    results = t.evaluate(
        """async ([data, X, exponents]) => {
        const {unpack, look} = await import("./static/playground.js");
        const model = unpack(data);
        return X.map(image => look(model, image, exponents));
    }""",
        [data, X.tolist(), list(exponents)],
    )
    return {name: np.array([r[name] for r in results]) for name in results[0]}


@pytest.mark.parametrize("exponents", [(1, 1), (0.5, 2), (0, 1)])
def test_javascript_agrees_with_python(tab, made, exponents):
    X, model = drawings(), exported(made)
    found = computed(tab("playground"), made.playground.data, X, exponents)
    rt = model.views_["bias"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # most of them lie far outside the training data
        detail, exact = model.predict_detail(X), made.model.predict_detail(X)
        logs = model._logs(X)
    combined = pool_logs(logs, "product", exponents, model.prior_)
    expected = {
        "slopes": model.views_["weight"].transform(X),
        "spreads": rt.transform(X),
        "distances": np.linalg.norm(X[:, None] - rt.prototypes_, axis=2),
        "probabilities": np.stack([detail["weight"], detail["bias"], np.exp(combined)], 1),
    }
    worst = {name: np.abs(found[name] - values).max() for name, values in expected.items()}
    print(
        f"{len(X)} images, largest difference: "
        + ", ".join(f"{name} {d:.0e}" for name, d in worst.items())
    )
    assert max(worst.values()) < 1e-9
    assert (found["probabilities"][:, 2].argmax(1) == combined.argmax(1)).all()
    networks = np.stack([exact["weight"], exact["bias"]], 1)
    rounding = np.abs(found["probabilities"][:, :2] - networks).max()
    print(f"against the weights before they were rounded to single precision: {rounding:.0e}")
    assert rounding < 1e-4


def test_they_agree_where_both_networks_are_certain_of_different_digits(tab, made):
    "There the product of the probabilities is 0 for every digit; the sum of logarithms is not"
    X = 1000 * split.X_test  # far more ink than a sheet holds: with less it is never quite 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        detail = exported(made).predict_detail(X)
    lost = (detail["weight"] * detail["bias"]).max(1) == 0
    assert lost.sum() > 50, lost.sum()
    found = computed(tab("playground"), made.playground.data, X)["probabilities"][:, 2]
    assert np.abs(found - detail["combined"]).max() < 1e-9
    assert np.median(found[lost].max(1)) > 0.99


@pytest.mark.parametrize("change", [{"prior": None}, {"mode": "series"}, {"prior": "train"}])
def test_the_prior_is_divided_out_where_python_does(tab, change):
    "A model of many zeros and few nines: with the frequencies in it, or without"
    rows = np.flatnonzero((split.y_train < 5) | (np.arange(len(split.y_train)) % 10 == 0))
    model = StackedClassifier(epochs=5, random_state=0, **change)
    model.fit(split.X_train[rows], split.y_train[rows])
    assert np.ptp(model.prior_) > 0.1
    data = playground(model, split.X_test, split.y_test).data
    found = computed(tab("playground"), data, split.X_test)["probabilities"][:, 2]
    expected = exported(SimpleNamespace(model=model)).predict_proba(split.X_test)
    assert np.abs(found - expected).max() < 1e-9
    t = tab("playground")
    t.evaluate(
        """async state => (await import("./static/playground.js"))
            .mount(document.querySelector(".widget"), state)""",
        {"data": data, "image": [0] * 64},
    )
    text = t.locator(".playground").inner_text()
    assert ("÷ prior" in text) == (change == {"prior": "train"})


def test_a_stroke_is_fast_and_shows(tab):
    t = tab("playground")
    t.get_by_role("button", name="Clear").click()
    assert drawn(t).sum() == 0
    t.evaluate("""() => {
        window.times = [];
        addEventListener("pointermove", () => { window.start = performance.now(); }, true);
        addEventListener("pointermove", () => {
            document.body.getBoundingClientRect();
            times.push(performance.now() - start);
        });
    }""")
    box = t.get_by_role("grid").bounding_box()
    at = lambda column, row: (
        box["x"] + (column + 0.5) * box["width"] / 8,
        box["y"] + (row + 0.5) * box["height"] / 8,
    )
    t.mouse.move(*at(4, 0))
    t.mouse.down()
    t.mouse.move(*at(4, 7), steps=40)
    t.mouse.up()
    ink = drawn(t)
    assert (ink[:, 4] > 0.9).all() and (ink[:, [0, 1, 6, 7]] == 0).all(), ink
    t.mouse.move(*at(1, 1))
    assert (drawn(t) == ink).all(), "it draws without a pressed button"
    t.get_by_role("button", name="Erase").click()
    t.mouse.move(*at(4, 3))
    t.mouse.down()
    t.mouse.up()
    assert drawn(t)[3, 4] == 0 and drawn(t)[0, 4] > 0.9
    times = sorted(t.evaluate("times"))
    median = times[len(times) // 2]
    print(f"{len(times)} strokes with layout: median {median:.1f} ms, slowest {times[-1]:.1f} ms")
    assert median < 50


def test_drawing_with_the_keyboard(tab):
    t = tab("playground")
    t.get_by_role("button", name="Clear").click()
    t.locator("[role=gridcell][tabindex='0']").focus()
    press(
        t,
        "Home",
        *["ArrowUp"] * 8,
        "Space",
        "ArrowDown",
        "ArrowDown",
        "ArrowDown",
        "ArrowRight",
        "Enter",
    )
    ink = drawn(t)
    assert ink[0, 0] == 1 and ink[3, 1] == 1 and 0 < ink[3, 2] < 0.5 and ink[6:].sum() == 0
    assert "row 4, column 2: 100 % ink" == t.evaluate("document.activeElement.ariaLabel")
    press(t, "Delete")
    assert drawn(t)[3, 1] == 0 and drawn(t)[0, 0] == 1


def test_drawing_with_a_finger(tab):
    t = tab("playground", width=360, has_touch=True, is_mobile=True)
    t.get_by_role("button", name="Clear").tap()
    t.get_by_role("grid").scroll_into_view_if_needed()
    box, before = t.get_by_role("grid").bounding_box(), t.evaluate("scrollY")
    finger = t.context.new_cdp_session(t)
    for kind, row in [
        ("touchStart", 1),
        *[("touchMove", r / 4) for r in range(4, 27)],
        ("touchEnd", None),
    ]:
        points = (
            []
            if row is None
            else [
                {
                    "x": box["x"] + box["width"] * 0.44,
                    "y": box["y"] + box["height"] * (row + 0.5) / 8,
                }
            ]
        )
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    t.wait_for_timeout(200)
    assert (drawn(t)[1:7, 3] > 0.9).all(), drawn(t)
    assert t.evaluate("scrollY") == before, "the page scrolls under the finger"


def test_tools_change_the_image_as_they_say(tab):
    t = tab("playground")
    t.get_by_role("combobox").select_option("a 7")
    i = int(np.flatnonzero(split.y_test == 7)[0])
    assert f"Test image {i}, a 7." in t.locator(".playground").inner_text()
    x = split.X_test[i].reshape(8, 8)
    padded = np.pad(x, 1)
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    blurred = sum(kernel[r, c] * padded[r : r + 8, c : c + 8] for r in range(3) for c in range(3))
    for name, expected in {
        "Shift left": padded[1:-1, 2:],
        "Shift right": padded[1:-1, :-2],
        "Shift up": padded[2:, 1:-1],
        "Shift down": padded[:-2, 1:-1],
        "Blur": blurred,
        "Invert": 1 - x,
        "Clear": 0 * x,
    }.items():
        t.get_by_role("combobox").select_option("any test digit")
        t.get_by_role("combobox").select_option("a 7")
        assert np.allclose(drawn(t), x, atol=1e-3)
        t.get_by_role("button", name=name, exact=True).click()
        assert np.allclose(drawn(t), expected, atol=1e-3), name
    t.get_by_role("combobox").select_option("a 7")
    t.get_by_role("button", name="Next").click()
    assert (
        f"Test image {int(np.flatnonzero(split.y_test == 7)[1])}, a 7."
        in t.locator(".playground").inner_text()
    )


def test_answers_and_scatter_follow_image_and_exponents(tab, made):
    t = tab("playground")
    x, detail = split.X_test[:1], made.model.predict_detail(split.X_test[:1])
    shown = [int(text) for text in t.locator(".answer strong").all_inner_texts()]
    assert shown == [int(p.argmax()) for p in detail.values()]
    prototype = 2 if shown[2] != 2 else 3
    t.get_by_role("button", name=f"Prototype {prototype},").click()
    slope, spread = (
        RTFeatures(m).fit(split.X_train, split.y_train).transform(x)[0, prototype]
        for m in ("sensitivity", "deviation")
    )
    text = f"slope {slope:.2f}, spread {spread:.2f}"
    assert (
        text in t.locator(".scatter svg").get_attribute("aria-label")
        and text[1:] in t.locator(".below").inner_text()
    )
    for name in ("Exponent of Weight", "Exponent of Bias"):
        t.get_by_label(name).focus()
        press(t, "Home")
    most = f"{100 * made.model.prior_.max():.1f} %"
    assert t.locator(".answer small").all_inner_texts()[2] == most, (
        "with exponents of 0 nothing is left but the most frequent digit"
    )


# ---- product explorer ----


def test_explorer_pools_as_the_library(tab):
    rng = np.random.default_rng(0)
    pairs = [
        softmax(rng.normal(0, s, (2, 5))).tolist() for s in (0.1, 1, 5, 50) for _ in range(20)
    ]
    pairs += [[[1, 0, 0], [0, 1, 0]], [[0.5, 0.5, 0], [0, 0.5, 0.5]], [[1, 0, 0], [1, 0, 0]]]
    t = tab("explorer")
    results = t.evaluate(
        """async pairs => {
            const { pools } = await import("./static/explorer.js");
            return pairs.map(([p, q]) => pools(p, q)); }""",
        pairs,
    )
    for pair, result in zip(pairs, results):
        for how, p in result.items():
            assert np.allclose(p, pool(np.array(pair)[:, None], how)[0], atol=1e-12), (how, pair)


def read_opinions(t):
    values = t.evaluate(
        "[...document.querySelectorAll('[role=slider]')].map(s => Number(s.ariaValueNow) / 100)"
    )
    return np.array(values).reshape(2, -1)


def test_explorer_follows_presets_mouse_and_keys(tab, made):
    t = tab("explorer")
    for name, pair in made.explorer.data["presets"].items():
        t.get_by_role("button", name=name, exact=True).click()
        assert np.allclose(read_opinions(t), pair, atol=1e-3), name
        product = pool(np.array(pair)[:, None])[0]
        label = t.locator(".result .bars").first.get_attribute("aria-label")
        numbers = [float(part.split()[-2]) for part in label.split(", ")]
        assert np.allclose(numbers, 100 * product, atol=0.11), (name, label)
    t.get_by_role("button", name="agree", exact=True).click()
    handle = t.get_by_role("slider", name="Weight: probability of 5")
    handle.focus()
    press(t, "PageUp", "ArrowUp")
    assert np.isclose(read_opinions(t)[0, 1], 0.31) and np.isclose(
        read_opinions(t)[0].sum(), 1, atol=2e-3
    )
    press(t, "End")
    assert np.allclose(read_opinions(t)[0], [0, 1, 0, 0])
    press(t, "Home")
    assert np.allclose(read_opinions(t)[0], [1 / 3, 0, 1 / 3, 1 / 3], atol=1e-3)
    box = t.get_by_role("slider", name="Bias: probability of 9").bounding_box()
    t.mouse.move(box["x"] + 20, box["y"] + box["height"] - 3)
    t.mouse.down()
    t.mouse.move(box["x"] + 20, box["y"] + box["height"] / 4, steps=5)
    t.mouse.up()
    assert np.isclose(read_opinions(t)[1, 3], 0.75, atol=0.02) and np.isclose(
        read_opinions(t)[1].sum(), 1, atol=2e-3
    )


# ---- replay and dial ----


def test_replay_scrubs_and_plays(tab, made):
    t = tab("replay")
    slider, readout = t.get_by_role("slider", name="Epoch"), t.locator(".readout")
    slider.focus()
    press(t, "ArrowRight", "ArrowRight")
    loss, wrong = (
        made.frames["loss"][2],
        int((made.frames["predictions"][2] != split.y_test).sum()),
    )
    assert readout.inner_text().startswith(
        f"Epoch 2: loss {loss:.3f}, {wrong} of {len(split.y_test)} test digits wrong"
    )
    zeros = split.y_test == 0
    assert (
        f"{int((made.frames['predictions'][2] != split.y_test)[zeros].sum())} of {zeros.sum()} 0s"
        in t.locator(".wall canvas").get_attribute("aria-label")
    )
    picture = "document.querySelector('.weights canvas').toDataURL()"
    early = t.evaluate(picture)
    t.get_by_role("button", name="Play").click()
    t.get_by_role("button", name="Pause").wait_for()
    t.get_by_role("button", name="Play").wait_for(timeout=5000)
    assert readout.inner_text().startswith("Epoch 5:")
    assert t.evaluate(picture) != early, "the weights do not move"
    t.locator("svg").click(position={"x": 50, "y": 100})
    assert readout.inner_text().startswith("Epoch 0:")


def test_dial_turns(tab, made):
    t = tab("dial")
    knob = t.get_by_role("slider")
    knob.focus()
    press(t, "End", "ArrowLeft")
    series = made.dial_data["series"]
    rows = [row.inner_text().split("\t") for row in t.locator("tbody tr").all()]
    assert [r[0] for r in rows] == list(series)
    for row, curve in zip(rows, series.values()):
        assert row[1:] == [f"{100 * curve['accuracy'][3]:.1f} %", f"{curve['log_loss'][3]:.3f}"]
    svg = t.locator("svg.pickable").first
    box = svg.bounding_box()
    svg.click(position={"x": box["width"] - 12, "y": 80})
    assert knob.input_value() == "4" and "1.00" in t.locator(".slider").inner_text()
    assert t.locator(".mark").count() == 3


def test_data_on_the_page_is_small(made):
    sizes = {
        name: len(json.dumps(getattr(made, name).data)) for name in ("playground", "explorer")
    }
    print(sizes)
    assert sizes["playground"] < 100_000 and sizes["explorer"] < 2_000


def test_every_brace_of_the_stylesheet_is_closed():
    "A rule that is not closed swallows all that follow it, without a word"
    css = (STATIC / "widgets.css").read_text(encoding="utf-8")
    depth = 0
    for line in css.splitlines():
        assert depth == 0 or not line.startswith("/* ----"), f"not closed before {line}"
        depth += line.count("{") - line.count("}")
    assert depth == 0
