"""One model, the same numbers: ONNX, PyTorch and a page against the library

PyTorch and ONNX are tested where they are installed (`make engines`), the page in any browser.
"""

import json
import re
import sys

import numpy as np
import pytest
from conftest import ROOT, assert_fits_and_axe_finds_nothing, engine, watched
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from stacked_nn.bridge import export, from_torch, to_json, to_onnx, to_page, to_torch
from stacked_nn.digits import load_digits
from stacked_nn.features import RTFeatures
from stacked_nn.inspection import RTTiles, greys, synthetic_cells
from stacked_nn.mlp import MLP
from stacked_nn.siamese import Siamese
from stacked_nn.stack import StackedClassifier

digits = load_digits()
cells = synthetic_cells(10, 30, 20)
weight, bias = ("weight", RTFeatures()), ("bias", RTFeatures("deviation"))
tiles = [(metric, RTTiles(metric, 4)) for metric in ("sensitivity", "deviation")]
CASES = {
    **{pool: {"pool": pool} for pool in ("product", "geometric", "mean", "vote", "fitted")},
    "series": {"mode": "series"},
    "no prior": {"prior": None},
    "one view": {"views": [bias]},
    "raw": {"views": [("raw", "passthrough"), ("scaled", MinMaxScaler()), bias]},
    "siamese": {"views": [weight, ("siamese", Siamese(epochs=3, random_state=0))]},
    "pipeline": {
        "views": [
            ("plain", StandardScaler(with_mean=False)),
            ("pipe", make_pipeline("passthrough", StandardScaler(with_std=False), RTFeatures())),
        ]
    },
    "names": {},
    "tiles": {"views": tiles},
    "tiles without a kind": {"views": tiles},
}


def fitted(name):
    "A classifier, rows to ask it about, and what it says"
    X, y = digits.X_train, digits.y_train
    if name == "names":
        y = np.array(["</script>", "b", "c", "d", "e", "f", "g", "h", "i", "é"])[y]
    if name.startswith("tiles"):
        X, y = cells.X[:, : -1 if "without" in name else None].astype(float), cells.y
    model = StackedClassifier(hidden_layer_sizes=16, epochs=4, random_state=0, **CASES[name])
    model.fit(X, y)
    X = X[::3] if name.startswith("tiles") else digits.X_test
    return model, X, model.predict_detail(X)


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return fitted(request.param)


def asked(model, X, path, dtype):
    "What ONNX Runtime makes of a file of the model"
    to_onnx(model, path, dtype)
    session = engine("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    data = session.get_modelmeta().custom_metadata_map
    return session.run(None, {"X": X.astype(dtype)})[0], json.loads(data["classes"])


def test_onnx(case, tmp_path):
    engine("onnx")
    model, X, detail = case
    p, classes = asked(model, X, tmp_path / "m.onnx", np.float64)
    assert classes == model.classes_.tolist() and p.dtype == np.float64
    assert abs(p - detail["combined"]).max() < 1e-12
    single, _ = asked(model, X, tmp_path / "m.onnx", "float32")
    assert single.dtype == np.float32
    assert abs(single - detail["combined"]).max() < 1e-3
    assert (single.argmax(1) == detail["combined"].argmax(1)).mean() > 0.995


def test_torch(case):
    torch = engine("torch")
    model, X, detail = case
    state = torch.get_rng_state()
    module = to_torch(model)
    assert torch.equal(state, torch.get_rng_state()), "the random state of torch moved"
    p = module(torch.tensor(X)).exp()
    assert abs(p.detach().numpy() - detail["combined"]).max() < 1e-12
    single = module.float()(torch.tensor(X).float()).exp().detach().numpy()
    assert abs(single - detail["combined"]).max() < 1e-3
    back = from_torch(to_torch(model))
    assert back.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


def test_javascript(case, folder, address, browser):
    model, X, detail = case
    (folder / "page.html").write_text(
        "<!DOCTYPE html><link rel='icon' href='data:,'>", encoding="utf-8"
    )
    with watched(browser) as open_address:
        found = open_address(f"{address}page.html").evaluate(
            """async ([model, X]) => {
            const {unpack} = await import("./static/bridge.js");
            return unpack(JSON.parse(model))(X);
        }""",
            [to_json(model), X.tolist()],
        )
    assert list(found) == list(detail)
    for name, p in detail.items():
        assert abs(np.array(found[name]) - p).max() < 1e-9, name


def test_an_unknown_kind_of_image_gets_no_answer(tmp_path, folder, address, browser):
    model, X, _ = fitted("tiles")
    X = X[:2].copy()
    X[0, -1] = 7
    (folder / "page.html").write_text(
        "<!DOCTYPE html><link rel='icon' href='data:,'>", encoding="utf-8"
    )
    with watched(browser) as open_address:
        found = open_address(f"{address}page.html").evaluate(
            """async ([model, X]) => {
            const {unpack} = await import("./static/bridge.js");
            return unpack(JSON.parse(model))(X).combined.map(row => row.map(Number.isNaN));
        }""",
            [to_json(model), X.tolist()],
        )
    assert found == [[True, True], [False, False]]
    torch = engine("torch")
    assert np.isnan(to_torch(model)(torch.tensor(X)).detach().numpy()).tolist() == found


def test_networks_alone(tmp_path):
    net, X = MLP((5, 7, 3), random_state=0), np.random.default_rng(0).random((9, 5))
    assert json.loads(to_json(net))["classes"] == [0, 1, 2]
    torch, _ = engine("torch"), engine("onnx")
    p, _ = asked(net, X, tmp_path / "m.onnx", np.float64)
    assert abs(p - net.forward(X)).max() < 1e-14
    module = to_torch(MLP((5, 3), dtype="float32", random_state=0))
    assert module[0].weight.dtype == torch.float32 and len(module) == 1
    assert from_torch(module).dtype == np.float32
    assert abs(to_torch(net)(torch.tensor(X)).detach().numpy() - net.logits(X)).max() < 1e-14


def test_what_was_trained_in_torch_comes_back():
    torch = engine("torch")
    model, X, _ = fitted("fitted")
    module = to_torch(model)
    before = {name: b.clone() for name, b in module.named_buffers()}
    optimizer = torch.optim.SGD(module.parameters(), 1e-4)
    loss = torch.nn.functional.nll_loss(module(torch.tensor(X)), torch.tensor(digits.y_test))
    loss.backward()
    optimizer.step()
    assert all(torch.equal(b, before[name]) for name, b in module.named_buffers())
    trained, p = from_torch(module), module(torch.tensor(X)).exp().detach().numpy()
    assert abs(trained.predict_proba(X) - p).max() < 1e-12
    assert abs(trained.predict_proba(X) - model.predict_proba(X)).max() > 1e-6
    with torch.no_grad():
        module.nets[0][0].weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match="NaN"):
        from_torch(module)


def test_modules_that_are_no_networks():
    nn = engine("torch").nn
    for module, words in (
        (nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)), "layer 1 is Tanh.*ReLU"),
        (nn.Sequential(nn.Linear(2, 3, bias=False)), "layer 0.*with a bias"),
        (nn.Sequential(nn.Linear(2, 3), nn.ReLU()), "last layer"),
        (nn.Conv2d(1, 1, 3), "layer 0 is Conv2d"),
        (nn.Sequential(), "no layer"),
        ("net", "expected"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            from_torch(module)


# ---- what is refused ----


def images():
    X = cells.images[:60].astype(float)
    return StackedClassifier(tiles, epochs=1, random_state=0).fit(X, cells.y[:60])


def with_view(view):
    model = StackedClassifier([weight, ("odd", view)], epochs=1, random_state=0)
    return model.fit(digits.X_train, digits.y_train)


def changed(**params):
    return fitted("product")[0].set_params(**params)


def broken():
    model = fitted("product")[0]
    model.nets_["bias"].weights[0][0, 0] = np.nan
    return model


@pytest.mark.parametrize("write", [to_json, export, to_page, to_onnx])
@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: StackedClassifier(), NotFittedError, "not fitted"),
        (lambda: RTFeatures(), TypeError, "RTFeatures; expected MLP or StackedClassifier"),
        (lambda: MLP((2, 2), n_nets=3), ValueError, "n_nets=3; expected a single network"),
        (lambda: with_view(PCA(3)), ValueError, "view 'odd' is a PCA.*expected RTFeatures"),
        (lambda: with_view(FunctionTransformer(greys)), ValueError, "FunctionTransformer of gre"),
        (lambda: with_view(make_pipeline(PCA(3))), ValueError, "view 'odd' is a PCA"),
        (lambda: with_view(MinMaxScaler(clip=True)), ValueError, "clip=True.*expected False"),
        (lambda: changed(mode="series"), NotFittedError, "mode was set after fit.*call fit"),
        (lambda: changed(pool="fitted"), NotFittedError, "pool was set after fit"),
        (lambda: changed(pool="sum"), ValueError, "pool='sum'"),
        (images, ValueError, "without columns; expected rows of numbers"),
        (broken, ValueError, "weights.0. of view 'bias' has NaN"),
    ],
)
def test_refused(tmp_path, write, make, error, words):
    path = tmp_path / "old.html"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(error, match=words):
        write(make()) if write is to_json else write(make(), path)
    assert path.read_text(encoding="utf-8") == "old" and len(list(tmp_path.iterdir())) == 1


def test_export_chooses_by_the_name(tmp_path):
    net = MLP((2, 2), random_state=0)
    export(net, tmp_path / "m.html")
    export(net, tmp_path / "m.json")
    assert (tmp_path / "m.json").read_text(encoding="utf-8") == to_json(net)
    for name in ("m", "m.pt"):
        with pytest.raises(ValueError, match="expected .*.onnx.*.html"):
            export(net, tmp_path / name)
    engine("onnx")
    export(net, tmp_path / "m.onnx")
    assert b"stacked_nn" in (tmp_path / "m.onnx").read_bytes()


@pytest.mark.parametrize(
    "extra, call",
    [("torch", to_torch), ("torch", from_torch), ("onnx", lambda net: to_onnx(net, "no.onnx"))],
)
def test_a_missing_engine_is_named(monkeypatch, extra, call):
    monkeypatch.setitem(sys.modules, extra, None)
    with pytest.raises(ImportError, match=rf"pip install 'stacked-nn\[{extra}\]'"):
        call(MLP((2, 2)))


# ---- a page alone ----


@pytest.fixture
def page(browser, tmp_path):
    "`page(model, ...)` opens its page as a file, without a server"
    with watched(browser) as open_address:

        def open_page(model, width=1000, **params):
            to_page(model, tmp_path / "m.html", **params)
            t = open_address((tmp_path / "m.html").as_uri(), width)
            t.locator(".bridge").wait_for()
            return t

        yield open_page


def numbers(t):
    "The table of probabilities, by rows"
    rows = "rows => rows.map(r => [...r.querySelectorAll('data')].map(d => +d.value))"
    return np.array(t.locator("tbody tr").evaluate_all(rows))


def test_a_page_computes_what_python_computes(page):
    model, X, detail = fitted("product")
    t = page(model, title="My <digits>")
    assert t.locator("h1").inner_text() == t.title() == "My <digits>"
    box = t.locator("textarea")
    for i in (0, 7, 99):
        box.fill(" ".join(map(str, X[i])))
        expected = np.stack([p[i] for p in detail.values()], 1)
        assert abs(numbers(t) - expected).max() < 1e-9
        answer = t.locator(".result").inner_text()
        assert answer.startswith(f"{expected[:, -1].argmax()}, ")
    box.fill("\n".join(",".join(map(str, row)) for row in X[:40]))
    assert abs(numbers(t) - detail["combined"][:40]).max() < 1e-9
    assert t.locator(".result").inner_text() == "40 rows."


def test_a_page_says_what_is_wrong(page):
    t = page(fitted("names")[0])
    box, result = t.locator("textarea"), t.locator(".result")
    for text, words in (
        ("1 2 3", "Line 1 has 3 numbers; expected 64."),
        (" ".join("0" * 64) + "\n\nink", "Line 3: “ink” is not a number."),
        (" ".join("0" * 63) + " NaN", "Line 1: “NaN” is not a number."),
        ("", "Draw something, or paste numbers."),
    ):
        box.fill(text)
        assert result.inner_text() == words
        assert t.locator("table").count() == 0
    box.fill(" ".join("0" * 64))
    assert "</script>" in t.locator("table").inner_text()


def test_one_draws_on_a_page(page):
    model, X, _ = fitted("product")
    t = page(model, ink=16)
    sheet = t.locator(".pad").bounding_box()
    for k in range(1, 7):
        at = sheet["x"] + sheet["width"] / 2, sheet["y"] + sheet["height"] * k / 7
        t.mouse.move(*at)
        t.mouse.down() if k == 1 else None
    t.mouse.up()
    drawn = np.array(t.locator("textarea").input_value().split(), float)
    assert len(drawn) == 64 and 8 < drawn.max() <= 16
    assert (drawn.reshape(8, 8)[1:6, 3:5] > 0).all() and not drawn.reshape(8, 8)[:, 0].any()
    t.get_by_role("button", name="Clear").click()
    assert set(t.locator("textarea").input_value().split()) == {"0"}


def test_other_numbers_are_pasted_or_read_from_a_file(page, tmp_path):
    X, y = cells.X[:, :4].astype(float), np.array(["good", "defective"])[cells.y]
    model = StackedClassifier([("raw", "passthrough")], epochs=2, random_state=0).fit(X, y)
    t = page(model)
    assert t.locator(".pad").count() == 0
    np.savetxt(tmp_path / "rows.csv", X[:5], "%.17g", ",")
    t.locator("input[type=file]").set_input_files(tmp_path / "rows.csv")
    t.locator("tbody tr").nth(4).wait_for()
    assert abs(numbers(t) - model.predict_proba(X[:5])).max() < 1e-9
    answers = t.locator("tbody tr td:nth-child(2)").all_inner_texts()
    assert answers == model.predict(X[:5]).tolist()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_and_can_be_used_by_all(browser, tmp_path, scheme):
    to_page(fitted("product")[0], tmp_path / "m.html")
    with watched(browser) as open_address:
        t = open_address((tmp_path / "m.html").as_uri(), color_scheme=scheme)
        t.locator("textarea").fill(" ".join("0" * 64))
        t.locator("table").wait_for()
        assert_fits_and_axe_finds_nothing(t)


def test_a_page_loads_nothing(tmp_path):
    to_page(MLP((2, 2), random_state=0), tmp_path / "m.html")
    html = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert not re.search(r"\b(src|href)=\"(?!data:,)|@import|url\(|fetch\(|^import ", html, re.M)
    assert "default-src 'none'" in html


def test_no_module_declares_what_the_kit_declares():
    "In Jupyter the kit stands before the module, in one file: a name twice is an error"
    static = ROOT / "stacked_nn/static"
    names = {
        path.stem: set(re.findall(r"^(?:export )?(?:const|let|function|class) (\w+)",
                                  path.read_text(encoding="utf-8"), re.M))
        for path in static.glob("*.js")
    }  # fmt: skip
    for name in names.keys() - {"kit"}:
        assert not names[name] & names["kit"], name
