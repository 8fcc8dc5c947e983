"Saved models: the same to the last bit, or a clear refusal"

import json
import multiprocessing
import os
import pickle
import re
import stat
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from io import BytesIO
from itertools import product

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomTreesEmbedding
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    TargetEncoder,
)

from stacked_nn import persist
from stacked_nn.features import RTFeatures
from stacked_nn.mlp import MLP
from stacked_nn.persist import load, save
from stacked_nn.siamese import Siamese
from stacked_nn.stack import StackedClassifier

X, Y = load_iris(return_X_y=True)
WORDS = np.array(["setosa", "versicolor", "Ünicode"])[Y]
FRAME = pd.DataFrame(X, columns=["a", "b", "c", "ç"])
MIXED = FRAME.assign(b=FRAME["b"].where(FRAME["b"] < 3.5), kind=np.array(["x", "y"])[Y % 2])


def quick(**params):
    small = {"hidden_layer_sizes": (5,), "epochs": 3, "random_state": 0}
    return StackedClassifier(**small | params)


def halve(X):
    return X / 2


class Doubled(TransformerMixin, BaseEstimator):
    "A view of a user"

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return 2 * X


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skops"


@pytest.fixture(scope="session")
def model():
    return quick(pool="fitted").fit(X, WORDS)


@pytest.fixture(scope="session")
def whole(model, tmp_path_factory):
    "A saved classifier as bytes"
    there = tmp_path_factory.mktemp("whole") / "model.skops"
    save(model, there)
    return there.read_bytes()


# ---- there and back ----


@pytest.mark.parametrize(
    "params",
    [
        {"sizes": (4, 3)},
        {"sizes": (4, 8, 6, 3), "n_nets": 5},
        {"sizes": (4, 8, 3), "dtype": "float32"},
        {"sizes": [4, 1, 1, 3], "n_nets": 1, "dtype": np.float32},
    ],
    ids=str,
)
def test_networks(params, path):
    net = MLP(**params, random_state=0)
    for b in net.biases:
        b += np.random.default_rng(1).normal(size=b.shape)
    save(net, path)
    loaded = load(path)
    assert loaded.logits(X).tobytes() == net.logits(X).tobytes()
    assert loaded.dtype == net.dtype and repr(loaded) == repr(net)


COLUMNS = ColumnTransformer(
    [
        ("numbers", make_pipeline(SimpleImputer(), PCA(2, random_state=0)), ["a", "b", "c"]),
        ("words", OneHotEncoder(sparse_output=False), ["kind"]),
    ]
)


@pytest.mark.parametrize(
    ("params", "data", "labels"),
    [
        ({}, X, WORDS),
        ({}, X, WORDS.astype(object)),
        ({}, X, Y - 5),
        ({}, X, Y / 2 * 2),
        ({}, X, Y == 1),
        ({}, X, Y.astype("uint8")),
        ({}, FRAME, pd.Series(WORDS)),
        ({}, X.astype("float32"), Y),
        ({"mode": "series"}, X, Y),
        ({"pool": "vote"}, X, Y),
        ({"pool": "fitted"}, X, Y),
        ({"prior": None, "smoothing": 0.1, "alpha": 0.01}, X, Y),
        ({"early_stopping": True, "epochs": 15}, X, Y),
        ({"hidden_layer_sizes": ()}, X, Y),
        ({"hidden_layer_sizes": 4}, X, Y),
        ({"hidden_layer_sizes": [4, 3]}, X, Y),
        ({"hidden_layer_sizes": np.array([4])}, X, Y),
        ({"epochs": np.int64(2), "learning_rate": np.float32(0.01)}, X, Y),
        ({"random_state": np.random.default_rng(0)}, X, Y),
        ({"random_state": np.random.RandomState(0)}, X, Y),
        ({"views": [("raw", "passthrough"), ("a/b '", RTFeatures()), ("", PCA(2))]}, X, WORDS),
        ({"views": [("raw", "passthrough")]}, FRAME, Y),
        (
            {
                "views": [
                    ("columns", COLUMNS),
                    ("a", ColumnTransformer([("a", "passthrough", ["a"])])),
                ]
            },
            MIXED,
            WORDS,
        ),
        ({"views": [("columns", clone(COLUMNS).set_output(transform="pandas"))]}, MIXED, Y),
        (
            {"views": [("target", make_pipeline(OrdinalEncoder(), TargetEncoder()))]},
            MIXED[["kind"]],
            Y,
        ),
        ({"views": [("text", TfidfVectorizer(analyzer="char"))]}, list(WORDS), Y),
        (
            {
                "views": [
                    ("learned", Siamese(4, epochs=2, random_state=0)),
                    ("bias", RTFeatures()),
                ]
            },
            X,
            WORDS,
        ),
        (
            {"views": [("learned", Siamese((), random_state=np.random.default_rng(0)))]},
            X.astype("float32"),
            Y,
        ),
        ({"views": [("log", FunctionTransformer(np.log1p))]}, X, Y),
    ],
    ids=lambda v: str(v)[:60] if isinstance(v, dict) else type(v).__name__,
)
@pytest.mark.filterwarnings("error", "ignore::sklearn.exceptions.ConvergenceWarning")
def test_classifiers(params, data, labels, path):
    model = quick(**params).fit(data, labels)
    save(model, path)
    loaded = load(path)
    before, after = model.predict_detail(data), loaded.predict_detail(data)
    assert list(after) == list(before)
    assert all(after[name].tobytes() == p.tobytes() for name, p in before.items())
    assert np.array_equal(loaded.predict(data), model.predict(data))
    assert loaded.classes_.dtype == model.classes_.dtype
    assert vars(loaded).keys() == vars(model).keys()
    assert re.sub(r"0x\w+", "", repr(loaded)) == re.sub(r"0x\w+", "", repr(model))
    for name, history in model.history_.items():
        assert vars(loaded.history_[name]).keys() == vars(history).keys()
        assert np.array_equal(loaded.loss_curve_[name], history.loss)
    # a second training goes on where the first would, also from a generator
    if "target" not in str(params):
        again, before = clone(loaded).fit(data, labels), clone(model).fit(data, labels)
        assert np.array_equal(again.predict_proba(data), before.predict_proba(data))


def test_skops_itself_reads_the_file(path, whole):
    path.write_bytes(whole)
    trusted = [
        f"stacked_nn.{name}"
        for name in ("stack.StackedClassifier", "mlp.MLP", "features.RTFeatures", "train.History")
    ]
    assert skops.io.get_untrusted_types(file=path) == sorted(trusted)
    assert np.array_equal(skops.io.load(path, trusted).predict(X), load(path).predict(X))


# ---- types of one's own ----


@pytest.mark.parametrize(
    ("view", "kind"),
    [
        (Doubled(), f"{__name__}.Doubled"),
        (FunctionTransformer(halve), f"{__name__}.halve"),
        (make_pipeline(Doubled(), PCA(2)), f"{__name__}.Doubled"),
        (RandomTreesEmbedding(3, random_state=0), "sklearn.tree._tree.Tree"),
        (SelectKBest(k=2), "sklearn.feature_selection._univariate_selection.f_classif"),
    ],
    ids=str,
)
def test_trusted_types(view, kind, path):
    model = quick(views=[("own", view)]).fit(X, Y)
    save(model, path)
    refused(path, kind, "trusted=[")
    assert np.array_equal(load(path, trusted=[kind]).predict_proba(X), model.predict_proba(X))
    with pytest.raises(TypeError, match="expected a list"):
        load(path, trusted=kind)


def test_a_type_can_be_trusted_as_such(path):
    model = quick(views=[("own", Doubled())]).fit(X, Y)
    save(model, path)
    assert np.array_equal(load(path, trusted=(Doubled,)).predict(X), model.predict(X))


# ---- what cannot be saved ----


def nested():
    def halve(X):
        return X / 3  # the module has another one by this name

    return halve


LEAKY = type("Leaky", (MLP,), {})
LOCAL = type("Local", (Doubled,), {})


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        (RTFeatures(), TypeError, "model is a RTFeatures; expected MLP or StackedClassifier"),
        (Siamese(), TypeError, "model is a Siamese; expected MLP or StackedClassifier"),
        (LEAKY((2, 2)), TypeError, "model is a Leaky"),
        (quick(), NotFittedError, "not fitted yet"),
        (
            quick(views=[("raw", "passthrough"), ("λ", FunctionTransformer(lambda X: X))]).fit(
                X, Y
            ),
            ValueError,
            "view 'λ' cannot be saved: module",
        ),
        (quick(views=[("f", FunctionTransformer(nested()))]).fit(X, Y), ValueError, "view 'f'"),
        (
            quick(views=[("p", make_pipeline(FunctionTransformer(nested()), PCA(2)))]).fit(X, Y),
            ValueError,
            "view 'p' cannot be saved: its module has another function",
        ),
        (quick(views=[("own", LOCAL())]).fit(X, Y), ValueError, "view 'own' cannot be saved"),
    ],
)
def test_what_cannot_be_saved(model, error, words, path):
    with pytest.raises(error) as caught:
        save(model, path)
    assert words in str(caught.value) and os.listdir(path.parent) == []
    if error is ValueError:
        assert "nothing was written" in str(caught.value)


def spoilt(change):
    model = quick(pool="fitted").fit(X, Y)
    change(model)
    return model


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda m: m.nets_["bias"].weights[1].__setitem__((0, 0), np.nan),
            "weights[1] of view 'b",
        ),
        (
            lambda m: m.nets_["bias"].biases[0].__setitem__((0, 0), np.inf),
            "biases[0] of view 'bias'",
        ),
        (lambda m: m.scalers_["weight"].mean_.__setitem__(0, np.nan), "mean_ of view 'weight'"),
        (
            lambda m: m.views_["weight"].sums_.__setitem__((0, 0), np.nan),
            "prototypes_ of view 'w",
        ),
        (lambda m: m.prior_.__setitem__(0, np.nan), "prior_ has NaN"),
        (lambda m: m.exponents_.__setitem__(0, np.nan), "exponents_"),
        (lambda m: m.reach_.update(weight=np.nan), "reach of view 'weight'"),
        (lambda m: m.nets_.pop("bias"), "views have the names"),
        (lambda m: m.set_params(pool="sum"), "pool='sum' is unknown"),
        (lambda m: setattr(m, "classes_", m.classes_[::-1]), "classes_ are"),
        (
            lambda m: m.nets_.update(bias=m.history_["bias"]),
            "network of view 'bias' is a History",
        ),
    ],
)
def test_a_spoilt_model_is_not_saved_and_the_old_file_stays(change, words, path, whole):
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="model cannot be saved: ") as caught:
        save(spoilt(change), path)
    assert words in str(caught.value) and str(caught.value).endswith("; nothing was written")
    assert path.read_bytes() == whole and os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda s: s.net_.weights[0].__setitem__((0, 0), np.nan),
            "weights[0] of view 's' has NaN",
        ),
        (lambda s: s.net_.weights.__setitem__(1, np.ones((5, 16))), "weights[0] of view 's'"),
        (lambda s: setattr(s, "net_", MLP((5, 4, 16))), "weights[0] of view 's'"),
        (lambda s: setattr(s, "net_", {}), "embedding of view 's' is a dict; expected MLP"),
        (lambda s: setattr(s, "prototypes_", np.ones((3, 15))), "prototypes_ of view 's'"),
        (
            lambda s: setattr(s, "prototypes_", np.full((3, 16), np.inf)),
            "prototypes_ of view 's'",
        ),
        (lambda s: setattr(s, "scale_", np.nan), "scale_ of view 's'"),
    ],
)
def test_a_spoilt_embedding_is_not_saved(change, words, path):
    model = quick(views=[("s", Siamese(4, epochs=1, random_state=0))]).fit(X, Y)
    change(model.views_["s"])
    with pytest.raises(ValueError, match="model cannot be saved: ") as caught:
        save(model, path)
    assert words in str(caught.value) and os.listdir(path.parent) == []


# ---- whole or not at all ----


def test_mode(path):
    net, plain = MLP((2, 2)), path.with_name("plain")
    plain.touch()
    save(net, path)
    assert path.stat().st_mode == plain.stat().st_mode
    for mode in (0o600, 0o640, 0o666):
        path.chmod(mode)
        save(net, path)
        assert stat.S_IMODE(path.stat().st_mode) == mode
    old = os.umask(0o077)
    try:
        save(net, path.with_name("new"))
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.with_name("new").stat().st_mode) == 0o600


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, OSError(28, "No space")])
@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_failure_leaves_the_old_file_and_nothing_else(error, step, path, whole, monkeypatch):
    path.write_bytes(whole)

    def fail(*args):
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error) if isinstance(error, OSError) else error) as caught:
        save(MLP((2, 2)), path)
    assert path.read_bytes() == whole and os.listdir(path.parent) == [path.name]
    if isinstance(error, OSError):
        assert caught.value.filename == str(path) and caught.value.errno == 28


def test_what_stands_at_the_path(path):
    net = MLP((2, 2))
    os.mkfifo(path)
    path.with_name("to_pipe").symlink_to(path)
    path.with_name("loop").symlink_to(path.with_name("loop"))
    path.with_name("folder").mkdir()
    before = sorted(os.listdir(path.parent))
    for name in (path.name, "to_pipe", "loop", "folder"):
        there = path.with_name(name)
        with pytest.raises(ValueError) as caught:
            save(net, there)
        assert str(caught.value) == f"{there} is no regular file; nothing was written"
        if name != "loop":
            refused(there, "no regular file")
    assert sorted(os.listdir(path.parent)) == before and stat.S_ISFIFO(path.stat().st_mode)
    assert os.listdir(path.with_name("folder")) == []


def test_a_link_stays_and_what_it_points_to_is_replaced(path):
    (path.parent / "far").mkdir()
    target, link = path.parent / "far" / "v1.skops", path
    link.symlink_to(target)
    for sizes in ((2, 2), (3, 2)):  # at first nothing is there
        save(MLP(sizes), link)
        assert link.is_symlink() and not target.is_symlink() and load(target).sizes == sizes
    assert os.listdir(path.parent) == ["far", path.name] or len(os.listdir(path.parent)) == 2
    assert os.listdir(target.parent) == ["v1.skops"]


def test_errors_name_the_path_of_the_user(path):
    (path.parent / "file").write_text("", encoding="utf-8")
    cases = {
        FileNotFoundError: path.parent / "none" / "model.skops",
        NotADirectoryError: path.parent / "file" / "model.skops",
    }
    for error, there in cases.items():
        with pytest.raises(error) as caught:
            save(MLP((2, 2)), there)
        assert caught.value.filename == str(there) and str(caught.value).count("'") == 2
        assert caught.value.__cause__ is None and caught.value.__suppress_context__
    with pytest.raises(FileNotFoundError, match="model.skops"):
        load(path)


def test_a_file_or_folder_that_is_read_only_is_named_and_left(path, monkeypatch):
    path.write_text("precious", encoding="utf-8")

    def no(*args, **kwargs):
        raise PermissionError(13, "Permission denied", "/scratch/name")

    def only_new(file, mode):
        return no() if mode == "ab" else open(file, mode)

    for name, fake in {"open": only_new, "TemporaryDirectory": no}.items():
        with monkeypatch.context() as m:
            m.setattr(persist, name, fake, raising=False)
            with pytest.raises(PermissionError) as caught:
                save(MLP((2, 2)), path)
        assert str(caught.value) == f"[Errno 13] Permission denied: '{path}'"
    assert path.read_text(encoding="utf-8") == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_files_and_folders(path):
    save(MLP((2, 2)), path)
    for there, mode in ((path, 0o444), (path.parent, 0o555)):
        there.chmod(mode)
        with pytest.raises(PermissionError) as caught:
            save(MLP((3, 2)), path)
        there.chmod(0o755)
        assert caught.value.filename == str(path) and load(path).sizes == (2, 2)


def test_threads_that_save_to_one_path_leave_a_whole_file(path):
    nets = [MLP((n, 3), random_state=n) for n in range(1, 9)]
    errors, done = [], threading.Event()

    def writer(net):
        for _ in range(25):
            try:
                save(net, path)
            except Exception as e:
                errors.append(e)

    def reader():
        while not done.is_set():
            try:
                assert 1 <= load(path).sizes[0] <= 8
            except Exception as e:
                errors.append(e)

    save(nets[0], path)
    watch = threading.Thread(target=reader)
    threads = [threading.Thread(target=writer, args=[net]) for net in nets]
    for thread in (watch, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set(), watch.join()
    last = load(path)
    assert errors == [] and os.listdir(path.parent) == [path.name]
    assert np.array_equal(last.weights[0], nets[last.sizes[0] - 1].weights[0])


def test_processes_that_save_to_one_path_leave_a_whole_file(path):
    def writer(n):
        for _ in range(40):
            save(MLP((n, 3)), path)
            load(path)

    fork = multiprocessing.get_context("fork")
    running = [fork.Process(target=writer, args=[n]) for n in (2, 3, 4)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0, 0, 0]
    assert load(path).sizes[0] in (2, 3, 4) and os.listdir(path.parent) == [path.name]


# ---- files that are not right ----


def refused(path, *words):
    with pytest.raises(ValueError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path} cannot be loaded: ")
    for w in words:
        assert w in str(caught.value)


def npy(array):
    "An array as the bytes of an .npy file; objects are pickled"
    file = BytesIO()
    np.lib.format.write_array(file, np.asarray(array))
    return file.getvalue()


def zipped(parts, small=()):
    "A zip archive as bytes, with the parts named in `small` compressed"
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            kind = zipfile.ZIP_DEFLATED if name in small else zipfile.ZIP_STORED
            archive.writestr(name, content, kind)
    return file.getvalue()


OLD = zipped(
    {
        "header.json": json.dumps({"format": "stacked_nn", "version": 1, "kind": "MLP"}),
        "net0.W0.npy": npy(np.zeros((2, 2))),
    }
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cut short"),
        (b"text", "cut short"),
        (pickle.dumps({"a": 1}), "cut short"),
        (b"PK\x05\x06" + bytes(18), "schema.json"),
        (zipped({"a.npy": npy([1.0])}), "schema.json"),
        (OLD, "saved by version 0.1.0"),
        (skops.io.dumps(PCA(2)), "it holds a PCA; expected MLP or"),
        (skops.io.dumps([1]), "it holds a list"),
        (skops.io.dumps(quick()), "no attribute"),
    ],
    ids=lambda v: v if isinstance(v, str) else "file",
)
def test_foreign_files(content, words, path):
    path.write_bytes(content)
    refused(path, words)


@pytest.mark.parametrize("share", np.linspace(0, 0.999, 20))
def test_truncated_files(share, path, whole):
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path, "cut short")


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_flipped_bits(tmp_path_factory, model, whole, data):
    "A flipped bit is found, or it stood where nothing of the model is"
    changed, i = bytearray(whole), data.draw(st.integers(0, len(whole) - 1))
    changed[i] ^= 1 << data.draw(st.integers(0, 7))
    there = tmp_path_factory.getbasetemp() / "flipped.skops"
    there.write_bytes(changed)
    try:
        loaded = load(there)
    except ValueError as e:
        assert "cannot be loaded" in str(e)
    else:
        assert loaded.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


def parts_of(whole):
    with zipfile.ZipFile(BytesIO(whole)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_changed_bytes_with_the_right_checksum(tmp_path_factory, whole, data):
    "Whatever is in the file, nothing but a ValueError comes out, or a model that answers"
    parts = parts_of(whole)
    name = data.draw(st.sampled_from(["schema.json"] * len(parts) + sorted(parts)))
    changed, i = bytearray(parts[name]), data.draw(st.integers(0, len(parts[name]) - 1))
    changed[i] = data.draw(st.integers(0, 255))
    there = tmp_path_factory.getbasetemp() / "changed.skops"
    there.write_bytes(zipped(parts | {name: bytes(changed)}))
    try:
        loaded = load(there)
    except ValueError as e:
        assert "cannot be loaded" in str(e)
    else:
        assert type(loaded) is StackedClassifier


def part(kind, module, loader, **more):
    "A part of a schema, as skops writes it"
    return {"__class__": kind, "__module__": module, "__loader__": loader, **more}


def find(schema, *keys):
    "The node of a part in skops' tree"
    for key in keys:
        if schema["__loader__"] == "ObjectNode":
            schema = schema["content"]
        schema = schema["content"][key]
    return schema


def tampered(whole, path, change):
    "A copy of the file in which `change(schema, parts)` was at work"
    parts = parts_of(whole)
    schema = json.loads(parts["schema.json"])
    change(schema, parts)
    path.write_bytes(zipped(parts | {"schema.json": json.dumps(schema)}))


def put(*keys):
    "A change that puts a value, the last of the arguments, in the place of a part"
    *keys, value = keys

    def change(schema, parts):
        node = find(schema, *keys)
        node.clear()
        node |= part("str", "builtins", "JsonNode", content=json.dumps(value))

    return change


def array(*keys):
    "A change that puts an array, the last of the arguments, in the place of another"
    *keys, value = keys

    def change(schema, parts):
        parts[find(schema, *keys)["file"]] = npy(value)

    return change


def swap(one, two):
    def change(schema, parts):
        a, b = find(schema, *one), find(schema, *two)
        a["file"], b["file"] = b["file"], a["file"]

    return change


def drop(*keys):
    def change(schema, parts):
        node = find(schema, *keys[:-1])
        del (node["content"] if node["__loader__"] == "ObjectNode" else node)["content"][keys[-1]]

    return change


W = "nets_", "weight", "weights", 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (array(*W, np.zeros((3, 6))), "weights[0] of view 'weight' is float64 of shape (3, 6)"),
        (array(*W, np.zeros((2, 5))), "expected float64 of shape (3, 5)"),
        (array(*W, np.zeros((3, 5), int)), "int64"),
        (array(*W, np.zeros((3, 5), "f4")), "float32"),
        (array(*W, np.zeros((3, 5), ">f8")), ">f8"),
        (array(*W, np.zeros((1, 3, 5))), "of view 'weight'"),
        (array(*W, np.zeros(15)), "IndexError"),
        (array(*W, np.full((3, 5), np.nan)), "weights[0] of view 'weight' has NaN"),
        (array(*W, np.full((3, 5), "a")), "of view 'weight'"),
        (array("nets_", "bias", "biases", 0, np.zeros((1, 1))), "biases[0] of view 'bias'"),
        (array("nets_", "bias", "biases", 0, np.zeros((2, 5))), "biases[0] of view 'bias'"),
        (array("nets_", "bias", "weights", 1, np.zeros((5, 2))), "weights[1] of view 'bias'"),
        (swap(W, ("nets_", "weight", "weights", 1)), "of view 'weight'"),
        (swap(W, ("prior_",)), "prior_"),
        (put(*W, [1, 2]), "shape"),
        (drop("nets_", "bias"), "views have the names"),
        (drop("nets_", "bias", "biases"), "biases"),
        (put("nets_", "bias", None), "network of view"),
        (put("nets_", "bias", "weights", []), ""),
        (drop(*W), "of view 'weight'"),
        (
            array("scalers_", "bias", "scale_", [1, 1, np.inf]),
            "scale_ of view 'bias' has NaN or inf",
        ),
        (array("scalers_", "bias", "mean_", [1.0]), "mean_ of view 'bias'"),
        (array("views_", "bias", "sums_", np.zeros((3, 5))), "prototypes_ of view 'bias'"),
        (put("scalers_", "bias", "n_features_in_", 4), "of view 'bias'"),
        (put("scalers_", "bias", 1), "scaler of view 'bias' is a int"),
        (drop("scalers_", "bias"), "views have the names"),
        (drop("history_", "bias"), "views have the names"),
        (put("history_", "bias", []), "history of view 'bias'"),
        (put("reach_", "bias", "far"), "reach of view 'bias'"),
        (put("views_", "bias", 1), "bias"),
        (array("classes_", ["b", "a", "c"]), "classes_"),
        (array("classes_", ["a", "b"]), "prior_"),
        (array("classes_", ["a"]), "classes_"),
        (array("prior_", [0.5, 0.6, 0.2]), "sum to 1"),
        (array("prior_", [0.5, 0.5]), "prior_"),
        (array("exponents_", [1.0]), "exponents_"),
        (array("exponents_", [1.0, -1.0]), "exponents_"),
        (put("exponents_", "product"), "exponents_"),
        (put("exponents_", None), "exponents_"),
        (put("fitted_as_", "mode", "up"), "mode='up'"),
        (put("fitted_as_", "prior", 1), "prior=1"),
        (drop("fitted_as_", "mode"), "mode"),
        (put("fitted_as_", []), ""),
        (put("mode", 1), "mode=1"),
        (put("epochs", 0), "epochs"),
        (put("pool", "system"), "pool='system'"),
        (put("prior", "test"), "prior='test'"),
        (put("hidden_layer_sizes", [0]), "hidden_layer_sizes"),
        (put("views", []), "views is empty"),
        (put("random_state", "os"), "random_state"),
        (put("early_stopping", 2), "early_stopping"),
        (drop("pool"), "pool"),
        (drop("nets_"), "nets_"),
        (drop("classes_"), "classes_"),
    ],
    ids=str,
)
def test_tampered_parts(change, words, path, whole):
    tampered(whole, path, change)
    refused(path, words)


def test_an_attribute_in_the_place_of_a_method(path, whole):
    def change(schema, parts):
        schema["content"]["content"]["predict"] = schema["content"]["content"]["pool"]
        keys = schema["content"]["key_types"]["content"]
        keys.append(keys[0])

    tampered(whole, path, change)
    refused(path, "predict is an attribute; expected a method")


def test_layers_of_a_network_alone(path):
    save(MLP((4, 5, 3), random_state=0), path)
    good = path.read_bytes()
    for change in (
        swap(("weights", 0), ("weights", 1)),
        array("weights", 1, np.zeros((6, 3))),
        array("weights", 0, np.full((4, 5), np.inf)),
        put("weights", []),
        array("biases", 0, np.zeros((1, 4))),
        array("biases", 1, np.zeros((1, 2))),
        array("biases", 1, np.zeros((1, 3), "f4")),
        array("weights", 0, np.zeros((2, 4, 5))),
        drop("biases"),
    ):
        tampered(good, path, change)
        refused(path)


NAMES = [
    "os.system",
    "os.mkdir",
    "builtins.eval",
    "builtins.exec",
    "subprocess.Popen",
    "stacked_nn.persist.load",
    "sklearn.datasets.fetch_openml",
    "numpy.load",
]


@pytest.mark.parametrize(
    "loader",
    [
        "FunctionNode",
        "TypeNode",
        "ObjectNode",
        "ConstructorFromReduceNode",
        "DictNode",
        "ListNode",
        "TupleNode",
        "PartialNode",
    ],
)
def test_types_that_are_not_trusted(loader, path, whole, monkeypatch):
    monkeypatch.chdir(path.parent)
    places = ("random_state",), ("nets_", "bias"), ("views_", "bias", "metric")
    for (module, _, kind), place in product([name.rpartition(".") for name in NAMES], places):
        tampered(whole, path, call(loader, module, kind, place))
        refused(path, "Untrusted types", f"{module}.{kind}")
    assert os.listdir() == [path.name]  # nothing was run


def call(loader, module, kind, place):
    "A change that puts what could be called, with a word to call it with, in the place of a part"

    def change(schema, parts):
        node = find(schema, *place)
        word = part("str", "builtins", "JsonNode", content='"surprise"')
        some = part("tuple", "builtins", "TupleNode", content=[word])
        function = part(kind, module, "FunctionNode")
        content = {
            "DictNode": {},
            "ListNode": [word],
            "TupleNode": [word],
            "PartialNode": {"func": function, "args": some, "kwds": word, "namespace": word},
        }
        node.clear()
        node |= part(kind, module, loader, key_types=some, content=content.get(loader, some))

    return change


def huge_header(schema, parts):
    "An array that says of itself that it has 10^19 numbers"
    small, there = npy(np.zeros((3, 5))), find(schema, *W)["file"]
    parts[there] = small.replace(b"(3, 5), }" + b" " * 20, b"(3000000000, 5000000000), }  ")


def liar(whole):
    "A file with a compressed array that says of itself that it is small"
    parts, zeros = parts_of(whole), bytes(50_000_000)
    there = find(json.loads(parts["schema.json"]), *W)["file"]
    size, small = (n.to_bytes(4, "little") for n in (len(zeros), 100))
    return zipped(parts | {there: zeros}, {there}).replace(size, small)


def crowd(whole):
    "A file whose list of contents has one part fifty times"
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry = whole[start : whole.index(b"PK\x01\x02", start + 1)]
    n, size = (len(parts_of(whole)) + 50).to_bytes(2, "little"), end - start + 50 * len(entry)
    last = whole[end : end + 8] + n + n + size.to_bytes(4, "little") + whole[end + 16 :]
    return whole[:end] + 50 * entry + last


@pytest.mark.parametrize(
    ("bomb", "words"),
    [
        (lambda whole: zipped(parts_of(whole) | {"a": bytes(50_000_000)}, {"a"}), "compressed"),
        (liar, "compressed"),
        (crowd, "larger inside than outside"),
        (huge_header, ""),
    ],
)
def test_bombs_do_not_go_off(bomb, words, path, whole):
    if bomb is huge_header:
        tampered(whole, path, bomb)
    else:
        path.write_bytes(bomb(whole))
    tracemalloc.start()
    refused(path, words)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


class Surprise:
    def __reduce__(self):
        return (os.mkdir, ("surprise",))


def test_nothing_is_unpickled(path, whole, model, monkeypatch):
    def run(*args, **kwargs):
        raise AssertionError("unpickled")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, run)
    monkeypatch.chdir(path.parent)
    path.write_bytes(whole)
    assert np.array_equal(load(path).predict(X), model.predict(X))
    for keys in (W, ("classes_",), ("views_", "bias", "sums_")):
        tampered(whole, path, array(*keys, np.array([[Surprise()] * 5] * 3)))
        refused(path)
    assert os.listdir() == [path.name] and "pickle" not in vars(persist)


def test_importing_the_module_does_not_import_skops():
    code = "import sys, stacked_nn.persist; assert 'skops' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
