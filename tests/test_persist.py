"Saved models: the same to the last bit, or a clear refusal"
import json
import os
import pickle
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

from stacked_nn import persist
from stacked_nn.features import RTFeatures
from stacked_nn.mlp import MLP
from stacked_nn.persist import load, save
from stacked_nn.stack import StackedClassifier

X, Y = load_iris(return_X_y=True)
WORDS = np.array(["setosa", "versicolor", "Ünicode"])[Y]
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "ç"])


def quick(**params): return StackedClassifier(**{"hidden_layer_sizes": (5,), "epochs": 3, "random_state": 0, **params})


@pytest.fixture
def path(tmp_path): return tmp_path / "model.npz"


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    "A saved classifier as bytes"
    there = tmp_path_factory.mktemp("whole") / "model.npz"
    save(quick().fit(X, WORDS), there)
    return there.read_bytes()


# ---- there and back ----

@pytest.mark.parametrize("params", [{"sizes": (4, 3)}, {"sizes": (4, 8, 6, 3), "n_nets": 5}, {"sizes": (4, 8, 3), "dtype": "float32"},
                                    {"sizes": [4, 1, 1, 3], "n_nets": 1, "dtype": np.float32}], ids=str)
def test_networks(params, path):
    net = MLP(**params, random_state=0)
    for b in net.biases: b += np.random.default_rng(1).normal(size=b.shape)
    save(net, path)
    loaded = load(path)
    assert loaded.logits(X).tobytes() == net.logits(X).tobytes() and loaded.logits(X).dtype == net.dtype
    assert vars(loaded).keys() == vars(net).keys() and loaded.sizes == net.sizes


@pytest.mark.parametrize(("params", "data", "labels"), [
    ({}, X, WORDS), ({}, X, WORDS.astype(object)), ({}, X, Y - 5), ({}, X, Y / 2 * 2), ({}, X, Y == 1), ({}, X, Y.astype("uint8")),
    ({}, FRAME, pd.Series(WORDS)), ({}, X.astype("float32"), Y), ({"mode": "series"}, X, Y), ({"pool": "vote"}, X, Y), ({"pool": "fitted"}, X, Y),
    ({"hidden_layer_sizes": ()}, X, Y), ({"hidden_layer_sizes": [4, 3]}, X, Y), ({"hidden_layer_sizes": np.array([4])}, X, Y),
    ({"epochs": np.int64(2), "learning_rate": np.float32(.01)}, X, Y), ({"random_state": np.random.default_rng(0)}, X, Y),
    ({"views": [("raw", "passthrough"), ("a/b '", RTFeatures()), ("", RTFeatures("deviation"))]}, X, WORDS),
    ({"views": [("raw", "passthrough")]}, FRAME, Y)], ids=lambda v: str(v) if isinstance(v, dict) else type(v).__name__)
@pytest.mark.filterwarnings("error", "ignore::sklearn.exceptions.ConvergenceWarning")
def test_classifiers(params, data, labels, path):
    model = quick(**params).fit(data, labels)
    save(model, path)
    loaded = load(path)
    before, after = model.predict_detail(data), loaded.predict_detail(data)
    assert {k: v.tobytes() for k, v in before.items()} == {k: v.tobytes() for k, v in after.items()}
    assert np.array_equal(loaded.predict(data), model.predict(data)) and loaded.classes_.dtype == model.classes_.dtype
    assert {k: v.tolist() for k, v in loaded.loss_curve_.items()} == {k: v.tolist() for k, v in model.loss_curve_.items()}
    assert vars(loaded).keys() == vars(model).keys()
    if isinstance(model.random_state, int) and isinstance(data, np.ndarray):
        assert np.array_equal(clone(loaded).fit(data, labels).predict_proba(data), model.predict_proba(data))


def test_a_file_is_the_same_every_time_and_replaces_the_old_one_whole(path, whole, monkeypatch):
    save(quick().fit(X, WORDS), path)
    assert path.read_bytes() == whole
    path.with_name("plain").touch()
    assert path.stat().st_mode == path.with_name("plain").stat().st_mode
    for broken, name in ((np.lib.format, "write_array"), (os, "replace"), (os, "fsync")):
        with monkeypatch.context() as m:
            m.setattr(broken, name, lambda *args, **kwargs: 1 / 0)
            with pytest.raises(ZeroDivisionError): save(MLP((2, 2)), path)
        assert path.read_bytes() == whole and sorted(p.name for p in path.parent.iterdir()) == ["model.npz", "plain"]


@pytest.mark.parametrize(("model", "error", "words"), [
    (RTFeatures(), TypeError, "model is a RTFeatures; expected MLP or StackedClassifier"),
    (type("Leaky", (MLP,), {})((2, 2)), TypeError, "model is a Leaky"),
    (quick(), NotFittedError, "not fitted yet"),
    (quick(views=[("pca", PCA(2))]).fit(X, Y), ValueError, "view 'pca' is PCA(n_components=2), which cannot be saved")])
def test_what_cannot_be_saved(model, error, words, path):
    with pytest.raises(error) as caught: save(model, path)
    assert words in str(caught.value) and not path.exists()


# ---- files that are not right ----

def refused(path, *words):
    with pytest.raises(ValueError, match="cannot be loaded") as caught: load(path)
    for w in words: assert w in str(caught.value)


def test_no_file(path):
    with pytest.raises(FileNotFoundError): load(path)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x05\x06" + bytes(18), pickle.dumps({"a": 1})])
def test_foreign_files(content, path):
    path.write_bytes(content)
    refused(path)


@pytest.mark.parametrize("share", np.linspace(0, .999, 20))
def test_truncated_files(share, path, whole):
    path.write_bytes(whole[:int(share * len(whole))])
    refused(path)


@settings(max_examples=200)
@given(st.data())
def test_flipped_bits(tmp_path_factory, whole, data):
    "A flipped bit is found, or it stood where nothing of the model is"
    changed, i = bytearray(whole), data.draw(st.integers(0, len(whole) - 1))
    changed[i] ^= 1 << data.draw(st.integers(0, 7))
    there = tmp_path_factory.getbasetemp() / "flipped.npz"
    there.write_bytes(changed)
    try: loaded = load(there)
    except ValueError as e: assert "cannot be loaded" in str(e)
    else: assert loaded.predict_proba(X).tobytes() == quick().fit(X, WORDS).predict_proba(X).tobytes()


def tampered(whole, path, parts=None, header=None, compression=zipfile.ZIP_STORED):
    "The file with other parts ({name: bytes, or None to leave it out}), or with a header that a function has changed"
    path.write_bytes(whole)
    with zipfile.ZipFile(path) as archive: found = {n: archive.read(n) for n in archive.namelist()}
    if header:
        changed = json.loads(found["header.json"])
        header(changed)
        found["header.json"] = json.dumps(changed).encode()
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in {**found, **(parts or {})}.items():
            if content is not None: archive.writestr(name, content)


def npy(array):
    "An array as the bytes of an .npy file; objects are pickled"
    import io
    f = io.BytesIO()
    np.lib.format.write_array(f, np.asarray(array))
    return f.getvalue()


class Surprise:
    def __reduce__(self): return (os.mkdir, ("surprise",))


PARTS = {
    "missing": ({"net0.W0.npy": None}, "net0.W0"), "no header": ({"header.json": None}, "header.json"),
    "extra": ({"net9.W0.npy": npy([1.])}, "net9.W0.npy, which does not belong there"),
    "shape": ({"net0.W0.npy": npy(np.zeros((3, 6)))}, "shape (3, 6); expected float64 of shape (3, 5)"),
    "transposed": ({"net0.W0.npy": npy(np.zeros((5, 3)).T)}, "net0.W0"), "integers": ({"net0.W0.npy": npy(np.zeros((3, 5), int))}, "net0.W0 is int64"),
    "float32": ({"net0.W0.npy": npy(np.zeros((3, 5), "float32"))}, "net0.W0 is float32"),
    "NaN": ({"net0.W0.npy": npy(np.full((3, 5), np.nan))}, "net0.W0 contains NaN"), "inf": ({"view0.scale_.npy": npy([1, 1, np.inf])}, "view0.scale_"),
    "objects": ({"net0.W0.npy": npy(np.array([[Surprise()] * 5] * 3))}, "net0.W0 is object"),
    "too short": ({"net0.W0.npy": npy(np.zeros((3, 5)))[:-8]}, "net0.W0 has 112 bytes"),
    "too long": ({"net0.W0.npy": npy(np.zeros((3, 5))) + b"more"}, "net0.W0 has 124 bytes"), "no npy": ({"net0.W0.npy": b"text"}, ""),
    "code in a header": ({"net0.W0.npy": npy(np.zeros((3, 5))).replace(b"(3, 5), }", b"exit(1) }")}, ""),
    "no JSON": ({"header.json": b"{"}, ""), "deep JSON": ({"header.json": b"[" * 10**5}, ""), "list": ({"header.json": b"[]"}, "header")}


@pytest.mark.parametrize("parts", PARTS)
def test_tampered_arrays(parts, path, whole, monkeypatch):
    monkeypatch.chdir(path.parent)
    tampered(whole, path, PARTS[parts][0])
    refused(path, PARTS[parts][1])
    assert not os.path.exists("surprise")       # nothing was run


def put(*keys):
    "Sets header[a][b]...[y] = z"
    def change(header):
        for key in keys[:-2]: header = header[key]
        header[keys[-2]] = keys[-1]
    return change


@pytest.mark.parametrize("keys", [
    ("version", 2), ("version", "1"), ("version", None), ("format", "other"), ("kind", "Pipeline"), ("kind", ["MLP"]), ("kind", "MLP"), ("more", 1),
    ("model", None), ("model", "more", 1), ("model", "n_features", 5), ("model", "n_features", -1), ("model", "n_features", "4"),
    ("model", "feature_names", ["a"]), ("model", "feature_names", "abcd"), ("model", "feature_names", [1, 2, 3, 4]),
    ("model", "labels", []), ("model", "labels", "dtype", "object_"), ("model", "labels", "dtype", "int64"), ("model", "labels", "dtype", "<U99999999999"),
    ("model", "labels", "values", []), ("model", "labels", "values", ["a", "a", "b"]), ("model", "labels", "values", ["a", "b"]),
    ("model", "labels", "values", [[1], [2], [3]]), ("model", "views", []), ("model", "views", {}), ("model", "views", 0, "name", "combined"),
    ("model", "views", 0, "name", None), ("model", "views", 0, "name", "bias"), ("model", "views", 0, "metric", None), ("model", "views", 0, "metric", "os.system"),
    ("model", "views", 0, "epochs", 4), ("model", "views", 0, "epochs", -1), ("model", "views", 0, "net", "sizes", [3, 3]),
    ("model", "views", 0, "net", "sizes", [10**9, 10**9, 3]), ("model", "views", 0, "net", "sizes", []), ("model", "views", 0, "net", "sizes", [3, 5.0, 3]),
    ("model", "views", 0, "net", "n_nets", 1), ("model", "views", 0, "net", "dtype", "float32"), ("model", "views", 0, "net", "dtype", "object"),
    ("model", "params", "pool", "system"), ("model", "params", "mode", 1), ("model", "params", "epochs", 0), ("model", "params", "learning_rate", "nan"),
    ("model", "params", "hidden_layer_sizes", 5), ("model", "params", "batch_size", 1.5), ("model", "params", "random_state", "os"),
    ("model", "pool_weights", [1.]), ("model", "pool_weights", [-1., 1.]), ("model", "pool_weights", "product"), ("model", "params", "predict", 1)], ids=str)
def test_tampered_headers(keys, path, whole):
    tampered(whole, path, header=put(*keys))
    refused(path)


@pytest.mark.parametrize("sizes", [[2, 5, 3], [3, 5, 2]])
def test_a_network_that_does_not_fit_its_view(sizes, path, whole):
    arrays = {"W0": sizes[:2], "W1": sizes[1:], "b0": (1, sizes[1]), "b1": (1, sizes[2])}
    tampered(whole, path, {f"net0.{name}.npy": npy(np.zeros(shape)) for name, shape in arrays.items()},
             put("model", "views", 0, "net", "sizes", sizes))
    refused(path, "expected 3 inputs and 3 outputs")


def test_bombs_do_not_go_off(path, whole):
    huge = npy(np.zeros((3, 5))).replace(b"(3, 5), }" + b" " * 20, b"(3000000000, 5000000000), }  ")
    cases = [{"parts": {"net0.W0.npy": bytes(50_000_000)}, "compression": zipfile.ZIP_DEFLATED}, {"parts": {"net0.W0.npy": huge}},
             {"header": put("model", "views", 0, "net", "sizes", [3, 10**12, 3])}]
    for case in cases:
        tampered(whole, path, **case)
        tracemalloc.start()
        refused(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
        tracemalloc.stop()


def test_no_pickle_is_loaded(path, whole, monkeypatch):
    def run(*args, **kwargs): raise AssertionError("unpickled")
    for name in ("load", "loads", "Unpickler"): monkeypatch.setattr(pickle, name, run)
    path.write_bytes(whole)
    assert load(path).predict(X).shape == (150,)
    assert "pickle" not in vars(persist)


def test_a_network_with_nan_is_not_saved_and_the_old_file_stays(tmp_path):
    net, path = MLP((2, 3), random_state=0), tmp_path / "net.npz"
    save(net, path)
    before = path.read_bytes()
    net.weights[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in net0.W0"): save(net, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
