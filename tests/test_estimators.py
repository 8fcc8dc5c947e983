"The estimators as scikit-learn's users use them, on data that their authors did not choose"

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
    TargetEncoder,
)
from sklearn.utils.estimator_checks import parametrize_with_checks

from stacked_nn.calibrate import calibrate
from stacked_nn.combine import pool
from stacked_nn.features import RTFeatures
from stacked_nn.mlp import MLP, cross_entropy
from stacked_nn.siamese import Siamese
from stacked_nn.stack import StackedClassifier
from stacked_nn.train import train

X, Y = load_iris(return_X_y=True)
WORDS = np.array(["setosa", "versicolor", "virginica"])[Y]


def quick(**params):
    return StackedClassifier(
        **{"hidden_layer_sizes": (16,), "epochs": 20, "random_state": 0, **params}
    )


# all of them, and none of them expected to fail
@parametrize_with_checks(
    [
        RTFeatures(),
        RTFeatures("deviation"),
        Siamese(epochs=5, random_state=0),
        StackedClassifier(epochs=30, random_state=0),
        StackedClassifier([("raw", "passthrough")], mode="series", epochs=30, random_state=0),
        StackedClassifier(pool="fitted", epochs=20, random_state=0),
        StackedClassifier(
            pool="fitted", mode="series", early_stopping=True, epochs=20, random_state=0
        ),
    ]
)
@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)  # labels at random cannot be learnt
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_pipeline_and_grid_search():
    grid = GridSearchCV(
        make_pipeline(MinMaxScaler(), quick()),
        {
            "stackedclassifier__pool": ["product", "mean"],
            "stackedclassifier__hidden_layer_sizes": [(8,), ()],
        },
        cv=3,
    )
    assert grid.fit(X, Y).best_score_ > 0.85


def test_cross_validation_in_two_processes():
    assert np.array_equal(
        cross_val_score(quick(), X, WORDS, n_jobs=2, cv=3),
        cross_val_score(quick(), X, WORDS, cv=3),
    )


def test_calibration():
    model = CalibratedClassifierCV(quick(), cv=3).fit(X, WORDS)
    assert model.score(X, WORDS) > 0.85 and list(model.classes_) == [
        "setosa",
        "versicolor",
        "virginica",
    ]


def test_clone_keeps_parameters_and_forgets_what_was_learnt():
    pca = PCA(2)
    model = quick(views=[("pca", pca)]).fit(X, Y)
    copy = clone(model)
    assert not hasattr(pca, "components_")  # views are cloned before they are fitted
    assert not hasattr(copy, "nets_") and repr(copy) == repr(model)
    assert np.array_equal(copy.fit(X, Y).predict_proba(X), model.predict_proba(X))


def test_a_seed_may_be_a_generator():
    fitted = [
        quick(random_state=seed).fit(X, Y).predict_proba(X)
        for seed in (3, np.random.default_rng(3), 4)
    ]
    assert np.array_equal(fitted[0], fitted[1]) and not np.array_equal(fitted[0], fitted[2])
    assert quick(random_state=np.random.RandomState(3)).fit(X, Y).score(X, Y) > 0.8


@pytest.mark.parametrize(
    "labels",
    [WORDS, WORDS.astype(object), Y.astype(float), Y - 7, Y == 1, list(WORDS), pd.Series(WORDS)],
    ids=["words", "objects", "floats", "negative", "bool", "list", "series"],
)
def test_any_labels(labels):
    model = quick(mode="series").fit(X, labels)
    assert set(model.predict(X)) == set(model.classes_) == set(labels)
    assert model.score(X, labels) == model.evaluate(X, labels)["combined"] > 0.6


@pytest.mark.parametrize("n_classes", [2, 10, 100])
def test_from_two_to_a_hundred_classes(n_classes):
    data, labels = make_classification(
        6 * n_classes,
        20,
        n_informative=15,
        n_classes=n_classes,
        n_clusters_per_class=1,
        random_state=0,
    )
    model = quick(epochs=100).fit(data, labels)
    assert model.predict_proba(data).shape == (6 * n_classes, n_classes) and np.allclose(
        model.predict_proba(data).sum(1), 1
    )
    assert model.score(data, labels) > 0.6


@pytest.mark.parametrize("metric", ["sensitivity", "deviation"])
def test_float32_stays_float32(metric):
    view = RTFeatures(metric).fit(X.astype("float32"), Y)
    assert view.transform(X.astype("float32")).dtype == np.float32
    assert np.allclose(
        view.transform(X.astype("float32")), RTFeatures(metric).fit_transform(X, Y), atol=1e-3
    )
    assert np.allclose(
        quick().fit(X.astype("float32"), Y).predict_proba(X.astype("float32")),
        quick().fit(X, Y).predict_proba(X),
        atol=0.05,
    )


def test_data_frames_and_names():
    frame = pd.DataFrame(X, columns=list("abcd"))
    out = RTFeatures().set_output(transform="pandas").fit(frame, WORDS)
    assert (
        list(out.get_feature_names_out())
        == list(out.transform(frame))
        == ["rtfeatures0", "rtfeatures1", "rtfeatures2"]
    )
    by_name = [
        ("sepal", ColumnTransformer([("", "passthrough", ["a", "b"])])),
        ("petal", ColumnTransformer([("", "passthrough", ["c", "d"])])),
    ]
    model = (
        make_pipeline(MinMaxScaler(), quick(views=by_name))
        .set_output(transform="pandas")
        .fit(frame, WORDS)
    )
    assert list(model[-1].feature_names_in_) == list("abcd") and model[-1].n_features_in_ == 4
    assert {name: net.sizes[0] for name, net in model[-1].nets_.items()} == {
        "sepal": 2,
        "petal": 2,
    }
    assert model.score(frame, WORDS) > 0.85
    with pytest.raises(ValueError, match="feature names should match"):
        model[-1].predict(frame[list("dcba")])


def test_views_may_be_columns_of_one_table():
    data, labels = load_breast_cancer(return_X_y=True)
    views = [
        (name, ColumnTransformer([("", "passthrough", slice(i, i + 10))]))
        for i, name in enumerate(("mean", "error", "worst"))
    ]
    assert min(cross_val_score(quick(views=views), data, labels, cv=3)) > 0.9


def test_one_view_and_many():
    one = quick(views=[("raw", "passthrough")]).fit(X, Y)
    assert np.allclose(one.predict_detail(X)["raw"], one.predict_proba(X))
    images, digits = load_digits(return_X_y=True)
    many = [
        ("raw", "passthrough"),
        ("pca", PCA(8, random_state=0)),
        ("sensitivity", RTFeatures()),
        ("deviation", RTFeatures("deviation")),
        *(
            (f"row {i}", ColumnTransformer([("", "passthrough", slice(8 * i, 8 * i + 8))]))
            for i in range(8)
        ),
    ]
    model = quick(views=many, epochs=5).fit(images, digits)
    assert list(model.nets_) == list(model.loss_curve_) == [name for name, _ in many]
    assert all(len(loss) == 5 for loss in model.loss_curve_.values())
    assert model.score(images, digits) > 0.95
    assert list(model.predict_detail(images)) == [*(name for name, _ in many), "combined"]


def test_weights_of_rows_move_the_prototypes():
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    weighted, repeated = (
        RTFeatures().fit(X, Y, sample_weight=weight),
        RTFeatures().fit(np.repeat(X, weight, 0), np.repeat(Y, weight)),
    )
    assert np.allclose(weighted.prototypes_, repeated.prototypes_)
    assert np.allclose(
        RTFeatures().fit(X, Y).prototypes_, [X[Y == c].mean(0) for c in range(3)], rtol=1e-14
    )
    with pytest.raises(TypeError, match="sample_weight"):
        quick().fit(X, Y, sample_weight=weight)  # not supported, and says so


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # nor can constants
def test_one_feature_and_a_constant_one():
    assert quick(epochs=2).fit(X[:, :1], Y).predict(X[:, :1]).shape == (150,)
    assert np.isfinite(
        quick(epochs=2).fit(np.ones((150, 2)), Y).predict_proba(np.zeros((3, 2)))
    ).all()


def test_threads_do_not_mix_their_rows():
    model = quick().fit(X, Y)
    parts = [X[i::7] for i in range(7)] * 20
    with ThreadPoolExecutor(8) as threads:
        for part, p in zip(parts, threads.map(model.predict_proba, parts)):
            assert np.array_equal(p, model.predict_proba(part))


def test_a_pickle_does_not_carry_the_data():
    model = quick().fit(X, Y)
    small = len(pickle.dumps(model))
    model.predict(np.tile(X, (200, 1)))
    assert len(pickle.dumps(model)) == small


def test_ctrl_c_stops_the_whole_fit(monkeypatch):
    calls = []

    def interrupted(net, lr_or_grads, lr):
        calls.append(net)
        raise KeyboardInterrupt

    monkeypatch.setattr("stacked_nn.mlp.MLP.step", interrupted)
    for how in ("product", "fitted"):
        calls.clear()
        with pytest.raises(KeyboardInterrupt), pytest.warns(UserWarning, match="stopped by hand"):
            quick(pool=how).fit(X, Y)
        assert len(calls) == 1, "another network was trained after Ctrl-C"


def test_fitted_exponents_stay_with_their_pool():
    model = quick(pool="fitted").fit(X, Y)
    detail = model.set_params(pool="mean").predict_detail(X)
    assert np.allclose(detail["combined"], (detail["weight"] + detail["bias"]) / 2)


def test_fitted_pool_on_few_rows_and_where_no_network_is_of_use(monkeypatch):
    quick(pool="fitted").fit(X[::25], Y[::25])  # two of each class
    rare = [*range(8), *range(60, 68), 120]  # one row of the last
    assert quick(pool="fitted").fit(X[rare], Y[rare]).predict_proba(X).shape == (150, 3)
    with pytest.warns(ConvergenceWarning, match="all count alike"):
        model = quick(pool="fitted").fit(
            X[[0, 60, 120]], Y[[0, 60, 120]]
        )  # nothing can be held out
    assert np.array_equal(model.exponents_, [0.5, 0.5])

    def useless(*args):
        raise ValueError("the best exponents are all 0")

    monkeypatch.setattr("stacked_nn.stack.fit_exponents", useless)
    with pytest.warns(ConvergenceWarning, match="all count alike"):
        model = quick(pool="fitted").fit(X, Y)
    assert np.array_equal(model.exponents_, [0.5, 0.5])


def test_calibrate_gives_no_exponent_to_an_expert_that_rules_out_a_right_answer():
    soft, hard = (
        np.array([[0.7, 0.3], [0.4, 0.6], [0.4, 0.6]]),
        np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]),
    )
    exponents = calibrate([soft, hard], [0, 1, 0])
    assert exponents[1] == 0 < exponents[0] and np.isfinite(
        cross_entropy(pool([soft, hard], exponents=exponents), [0, 1, 0])
    )


def test_calibrate_holds_exponents_where_all_rows_are_right():
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    with pytest.warns(ConvergenceWarning, match="all 2 rows are right"):
        exponents = calibrate([p, p], [0, 1])
    assert (exponents < 2).all()


# ---- probabilities ----


def test_far_data_get_the_clear_winner_and_a_warning():
    "Products of probabilities that underflowed were all alike, and the first class was answered"
    images, digits = load_digits(return_X_y=True)
    fit, test, y, _ = train_test_split(images / 16, digits, stratify=digits, random_state=0)
    for model, far in (
        (quick(epochs=60).fit(fit, y), 255 * test),
        (quick(epochs=60).fit(X, Y), 100 * X),
    ):
        with pytest.warns(UserWarning, match="most rows lie far outside the training data"):
            p = model.predict_proba(far)
        z = sum(net.logits(model._view(name, far)) for name, net in model.nets_.items()) - np.log(
            model.prior_
        )
        assert (np.ptp(p, 1) > 0).all() and np.array_equal(p.argmax(1), z.argmax(1))
        assert np.allclose(model.predict_log_proba(far), log_softmax(z, axis=1))


@pytest.mark.parametrize("scale", [1 / 16, 1 / 2, 2, 16, 255])
def test_images_of_another_scale_are_noticed_and_others_are_not(scale):
    images, digits = load_digits(return_X_y=True)
    model = quick().fit(images[:1000] / 16, digits[:1000])
    with pytest.warns(UserWarning, match="far outside"):
        model.predict(scale * images[1000:] / 16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(images[1000:] / 16)
        for row in images[1000:1100] / 16:
            model.predict(row[None])


def test_the_prior_is_counted_once():
    "A rare class: a product of four experts that each know it is rare never answered it"
    data, labels = make_classification(
        6000, 20, n_informative=12, weights=[0.99], flip_y=0, random_state=0
    )
    fit, test, y, y_test = train_test_split(
        data, labels, test_size=0.5, stratify=labels, random_state=0
    )
    views = [(f"v{i}", columns(range(i, i + 5))) for i in range(0, 20, 5)]
    base = log_loss(y_test, np.full(len(y_test), y.mean()))
    p = {
        prior: quick(views=views, prior=prior).fit(fit, y).predict_proba(test)[:, 1]
        for prior in ("train", None)
    }
    assert (p[None] > 0.5).sum() == 0 and log_loss(y_test, p[None]) > 2 * base
    assert (p["train"] > 0.5).sum() > 2 and log_loss(y_test, p["train"]) < base
    assert 0.3 < p["train"].mean() / y.mean() < 3
    detail = quick(views=views).fit(fit, y).predict_detail(test)
    experts = [proba for name, proba in detail.items() if name != "combined"]
    assert np.allclose(detail["combined"], pool(experts, prior=np.bincount(y) / len(y)))


def test_without_a_prior_it_is_the_product_of_the_post():
    model = quick(prior=None).fit(X, Y)
    detail = model.predict_detail(X)
    product = detail["weight"] * detail["bias"]
    assert np.allclose(detail["combined"], product / product.sum(1, keepdims=True))
    rare = slice(35, 150)  # of the first class, 15 rows only
    series = quick(mode="series").fit(X[rare], Y[rare])  # where the prior is in the sum only once
    assert np.allclose(
        series.predict_proba(X),
        quick(mode="series", prior=None).fit(X[rare], Y[rare]).predict_proba(X),
    )


def test_each_network_in_series_is_trained_on_top_of_all_before_it():
    views = [("a", "passthrough"), ("b", RTFeatures()), ("c", PCA(2, random_state=0))]
    model = quick(views=views, mode="series").fit(X, Y)
    rng, offset = np.random.default_rng(0), np.zeros((150, 3))
    for name, net in model.nets_.items():
        again = MLP(net.sizes, random_state=rng)
        history = train(
            again,
            model._view(name, X),
            Y,
            epochs=20,
            offset=offset,
            random_state=rng,
            progress=False,
        )
        assert np.allclose(history.loss, model.loss_curve_[name]) and np.allclose(
            again.logits(model._view(name, X)), net.logits(model._view(name, X))
        )
        offset = offset + net.logits(model._view(name, X))
    assert np.allclose(model.predict_log_proba(X), log_softmax(offset, axis=1))


@pytest.mark.parametrize(
    ("load", "ends", "most"),
    [
        (load_wine, (6, 13), 0.15),
        (load_breast_cancer, (10, 20, 30), 0.15),
        (load_iris, (2, 4), 0.25),
    ],
    ids=["wine", "breast cancer", "iris"],
)
def test_fitted_exponents_make_small_data_no_worse(load, ends, most):
    "Exponents from a few held-out rows grew to 48, and the log loss with them"
    data, labels = load(return_X_y=True)
    views = [(f"to {end}", columns(range(start, end))) for start, end in zip((0, *ends), ends)]
    losses = []
    for seed in range(3):
        fit, test, y, y_test = train_test_split(
            data, labels, test_size=0.3, stratify=labels, random_state=seed
        )
        model = StackedClassifier(views, pool="fitted", random_state=seed).fit(fit, y)
        assert (model.exponents_ < 3).all()
        losses.append(
            [
                log_loss(y_test, model.set_params(pool=how).predict_proba(test))
                for how in ("fitted", "product")
            ]
        )
    fitted, product = np.mean(losses, 0)
    assert fitted < most and fitted < product + 0.02


# ---- views ----


def columns(which):
    return ColumnTransformer([("", "passthrough", list(which))])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_x_is_left_to_the_views():
    rng, n = np.random.default_rng(0), 90
    labels = np.arange(n) % 3
    frame = pd.DataFrame(
        {
            "size": labels + rng.normal(0, 0.3, n),
            "colour": np.array(["red", "green", "blue"])[labels],
            "day": pd.date_range("2026-01-01", periods=n),
            "text": [f"word{c} and more" for c in labels],
        }
    )
    frame.loc[::7, "size"] = np.nan
    size = make_pipeline(ColumnTransformer([("", "passthrough", ["size"])]), SimpleImputer())
    views = [
        ("size", size),
        ("colour", ColumnTransformer([("", OneHotEncoder(), ["colour"])])),  # sparse or dense
        ("day", FunctionTransformer(lambda X: X[["day"]].astype("int64") / 1e18)),
        ("text", make_pipeline(FunctionTransformer(lambda X: X["text"]), TfidfVectorizer())),
    ]
    model = quick(views=views).fit(frame, labels)
    assert model.score(frame, labels) > 0.95 and model.n_features_in_ == 4
    stopped = quick(views=views[1:2], pool="fitted", early_stopping=True).fit(frame, labels)
    assert stopped.score(frame, labels) > 0.9
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["day", "size", "text", "colour"]])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_x_may_be_a_list_of_texts_or_sparse():
    labels = np.arange(90) % 3
    words = [f"word{c} and more" for c in labels]
    text = quick(views=[("text", TfidfVectorizer())], pool="fitted").fit(words, labels)
    assert text.score(words, labels) == 1
    assert quick(views=[("raw", "passthrough")]).fit(csr_array(X), Y).score(csr_array(X), Y) > 0.6


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (lambda X: X[:, 0], "Expected 2D array"),
        (lambda X: [[1.0]] + [[1.0, 2.0]] * (len(X) - 1), "inhomogeneous"),
        (lambda X: X[1:], "149 rows; expected 150"),
        (lambda X: np.where(X > 7, np.nan, X), "NaN"),
        (lambda X: np.full(X.shape, "a"), "dtype <U1"),
        (lambda X: None, "2D array"),
        (lambda X: X + 1j, "Complex data"),
        (lambda X: np.zeros((len(X), 0)), "0 feature"),
    ],
)
def test_what_a_view_must_not_give(output, words):
    with pytest.raises((TypeError, ValueError), match=rf"view 'odd'.*{words}"):
        quick(views=[("raw", "passthrough"), ("odd", FunctionTransformer(output))]).fit(X, Y)


class Once(TransformerMixin, BaseEstimator):
    "Counts what is called, and tries to change what it gets"

    calls: list = []

    def fit(self, X, y):
        self.calls.append("fit")
        return self

    def fit_transform(self, X, y):
        self.calls.append("fit_transform")
        return self.fit(X, y).transform(X)

    def transform(self, X):
        self.calls.append("transform")
        return StandardScaler(copy=False).fit_transform(X)


def test_a_view_is_fitted_once_by_fit_transform_and_cannot_change_x():
    Once.calls.clear()
    for data in (X.copy(), pd.DataFrame(X), csr_array(X)):
        before = data.copy()
        views = (
            [("once", Once())]
            if not hasattr(data, "toarray")
            else [("max", FunctionTransformer(lambda X: X.multiply(2)))]
        )
        quick(views=views, epochs=1).fit(data, Y).predict(data)
        assert abs(data - before).max().max() == 0
    assert Once.calls == ["fit_transform", "fit", "transform", "transform"] * 2


def test_a_view_that_knows_the_labels_is_trained_out_of_fold():
    "TargetEncoder on noise: fit().transform() shows the network the answers"
    noise = np.random.default_rng(0).integers(0, 60, (600, 2)).astype(str)
    y = np.arange(600) % 2
    model = quick(views=[("target", TargetEncoder(random_state=0))]).fit(noise[:300], y[:300])
    assert log_loss(y[300:], model.predict_proba(noise[300:])) < 0.8


def test_parameters_of_views():
    model = quick()
    assert (
        model.get_params()["weight__metric"] == "sensitivity"
        and model.get_params(deep=False)["views"] is None
    )
    grid = GridSearchCV(
        model, {"weight__metric": ["sensitivity", "deviation"], "hidden_layer_sizes": [8]}, cv=3
    ).fit(X, Y)
    assert grid.best_estimator_.nets_["weight"].sizes == (3, 8, 3)
    assert (
        clone(model).set_params(bias=PCA(2), bias__whiten=True).get_params()["bias__whiten"]
        is True
    )
    assert model.views is None  # clones are set, not the model
    with pytest.raises(ValueError, match="name 'alpha'; expected another"):
        quick(views=[("alpha", PCA(2))]).fit(X, Y)


# ---- fit, and after it ----


def test_a_fit_that_fails_or_is_stopped_changes_nothing(monkeypatch):
    class Second(FunctionTransformer):
        "A view that fails, or is interrupted, when it is told"

        error: type[BaseException] | None = None

        def fit_transform(self, X, y=None):
            if Second.error:
                raise Second.error("on purpose")
            return X

    model = quick(views=[("weight", RTFeatures()), ("second", Second())]).fit(X, Y)
    before, names = model.predict_proba(X), set(vars(model))
    for error in (ValueError, KeyboardInterrupt):
        Second.error = error
        with pytest.raises(error):
            model.fit(X[:, :2], WORDS)
        assert (
            np.array_equal(model.predict_proba(X), before)
            and set(vars(model)) == names
            and model.n_features_in_ == 4
        )
    fresh = quick(views=[("weight", RTFeatures()), ("second", Second())])
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(X, Y)
    with pytest.raises(NotFittedError):
        fresh.predict(X)


def test_a_view_that_cannot_be_fitted_stays_as_it_was():
    view = RTFeatures().fit(X, Y)
    with pytest.raises(ValueError, match="NaN"):
        view.fit(np.full((3, 2), np.nan), [0, 1, 2])
    with pytest.raises(ValueError, match="unknown so far"):
        view.partial_fit(X, Y + 1)
    assert np.array_equal(view.transform(X), RTFeatures().fit(X, Y).transform(X))


def test_what_was_set_after_fit_is_served_or_refused():
    model = quick().fit(X, Y)
    detail = model.set_params(pool="vote").predict_detail(X)
    assert np.allclose(detail["combined"], pool([detail["weight"], detail["bias"]], "vote"))
    for change in ({"pool": "fitted"}, {"pool": "product", "mode": "series"}):
        with pytest.raises(NotFittedError, match="set after fit"):
            model.set_params(**change).predict(X)
    with pytest.raises(NotFittedError, match="'prior': None"):
        quick(pool="fitted").fit(X, Y).set_params(prior=None).predict(X)
    with pytest.raises(ValueError, match="prior='test' is unknown"):
        quick().fit(X, Y).set_params(prior="test").predict(X)
    with pytest.raises(ValueError, match="metric='x' is unknown"):
        RTFeatures().fit(X, Y).set_params(metric="x").transform(X)


def test_an_error_inside_a_view_names_it_too():
    def in_place(X):
        X -= 1
        return X

    for view, words in (
        (FunctionTransformer(in_place), "read-only"),
        (RTFeatures("beta"), "metric='beta' is unknown"),
        (
            FunctionTransformer(lambda X: 1e200 * X),
            "view 'odd' has numbers too large to standardize",
        ),
    ):
        with pytest.raises(ValueError, match=words) as caught:
            quick(views=[("odd", view)]).fit(X, Y)
        assert "view 'odd'" in "".join(
            [str(caught.value), *getattr(caught.value, "__notes__", [])]
        )
    narrow = quick(views=[("odd", FunctionTransformer(lambda X: X[:, : len(X) // 20]))]).fit(X, Y)
    with pytest.raises(ValueError, match="2 features") as caught:
        narrow.predict(X[:40])
    assert caught.value.__notes__ == ["This was in view 'odd'."]


def test_parameters_are_refused_by_their_own_names_before_anything_is_fitted():
    class Never(FunctionTransformer):
        def fit_transform(self, X, y=None):
            raise AssertionError("fitted")

    for params in (
        {"learning_rate": -1},
        {"alpha": -1},
        {"smoothing": 1},
        {"epochs": 0},
        {"validation_fraction": 2},
        {"early_stopping": "yes"},
        {"prior": "test"},
    ):
        with pytest.raises((TypeError, ValueError), match=next(iter(params))):
            quick(views=[("never", Never())], **params).fit(X, Y)
    assert quick(early_stopping=np.True_, epochs=1).fit(X, Y).history_["weight"].best_epoch == 1


def test_labels_as_a_column_are_taken_alike():
    from sklearn.exceptions import DataConversionWarning

    with pytest.warns(DataConversionWarning):
        model = quick().fit(X, Y[:, None])
    with pytest.warns(DataConversionWarning):
        assert model.evaluate(X, Y[:, None])["combined"] == model.score(X, Y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_early_stopping_keeps_the_best_epoch():
    model = StackedClassifier(early_stopping=True, epochs=300, random_state=0).fit(X, Y)
    for history in model.history_.values():
        assert len(history.loss) == len(history.validation_loss) <= 300
        assert history.best_epoch == 1 + history.validation_loss.argmin() and len(
            history.loss
        ) - history.best_epoch in (
            10,
            300 - history.best_epoch,
        )
    assert model.score(X, Y) > 0.8
    noise = StackedClassifier(early_stopping=True, epochs=300, random_state=0).fit(
        X, np.arange(150) % 3
    )
    assert all(len(h.loss) == h.best_epoch + 10 < 300 for h in noise.history_.values())
    images, digits = load_digits(return_X_y=True)
    weight, bias = (
        StackedClassifier(early_stopping=True, mode="series", random_state=0)
        .fit(images / 16, digits)
        .history_.values()
    )
    assert (
        bias.validation_loss[0] < 2 * weight.validation_loss.min() < 0.6
    )  # the second starts from the first there, too


def test_training_that_goes_wrong_is_told_in_words_of_the_estimator():
    with pytest.warns(
        ConvergenceWarning,
        match="view 'weight' diverged in epoch 1.*learning rate below 1e.*fewer than 32 rows",
    ):
        quick(learning_rate=1e200).fit(X, Y)


def test_verbose_shows_progress_and_the_name_of_the_view(capsys):
    quick(verbose=True, epochs=1).fit(X, Y)
    shown = capsys.readouterr().err
    assert "view 'weight'" in shown and "view 'bias'" in shown


# ---- RTFeatures ----


def exact(images, prototypes):
    "Both metrics, in extended precision"
    x, m = images.astype(np.longdouble), prototypes.astype(np.longdouble)
    slope = x @ m.T / (m**2).sum(1)
    left = [((row - s[:, None] * m) ** 2).sum(1) for row, s in zip(x, slope)]
    return slope, np.sqrt(np.array(left) / (x.shape[1] - 1))


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X,
        lambda X: X + 1e4,
        lambda X: X + 1e8,
        lambda X: 1e200 * X,
        lambda X: 1e-200 * X,
        lambda X: -X - 300,
    ],
)
@pytest.mark.filterwarnings("ignore:X has values from")
def test_both_metrics_keep_their_digits(change):
    images, digits = load_digits(return_X_y=True)
    images = change(images[:300])
    views = [
        RTFeatures(metric).fit(images, digits[:300]) for metric in ("sensitivity", "deviation")
    ]
    prototypes = views[0].prototypes_.copy()
    prototypes[3] = images[3]  # an image that is its own prototype: no spread
    for view, wanted in zip(views, exact(images, prototypes)):
        view.sums_, view.counts_ = prototypes, np.ones(10)
        assert np.allclose(
            view.transform(images),
            wanted.astype(float),
            rtol=1e-7,
            atol=1e-13 * np.abs(images).max(),
        )


def test_an_offset_costs_no_digits_in_float32():
    images, digits = load_digits(return_X_y=True)
    nearest = lambda X: (
        RTFeatures("deviation").fit(X, digits).transform(X).argmin(1) == digits
    ).mean()
    assert abs(nearest((images + 1e4).astype("float32")) - nearest(images + 1e4)) < 0.01
    with pytest.warns(UserWarning, match="values from 300 to 301, all far from 0.*MinMaxScaler"):
        RTFeatures().fit(images / 16 + 300, digits)
    with_offset = make_pipeline(MinMaxScaler(), StackedClassifier(random_state=0, epochs=30)).fit(
        images[:1200] / 16 + 300, digits[:1200]
    )
    assert with_offset.score(images[1200:] / 16 + 300, digits[1200:]) > 0.85
    with pytest.raises(ValueError, match="too large"), np.errstate(over="ignore"):
        RTFeatures("deviation").fit(images, digits).transform(images + 1e308)


def test_prototypes_in_pieces():
    images, digits = load_digits(return_X_y=True)
    weight = np.random.default_rng(0).random(len(images))
    whole = RTFeatures().fit(images, digits, weight)
    for size in (100, 999):
        pieces = RTFeatures()
        for start in range(0, len(images), size):
            rows = slice(start, start + size)
            pieces.partial_fit(
                images[rows], digits[rows], classes=range(10), sample_weight=weight[rows]
            )
        assert np.allclose(pieces.prototypes_, whole.prototypes_, rtol=1e-12, atol=1e-12)
        assert np.allclose(pieces.transform(images), whole.transform(images), rtol=1e-12)
    first = RTFeatures().partial_fit(images[:5], digits[:5], classes=range(10))
    with pytest.raises(ValueError, match="class 5 has no rows so far"):
        first.transform(images)
    with pytest.raises(ValueError, match="label 5, unknown so far"):
        RTFeatures().partial_fit(images[:5], digits[:5]).partial_fit(images[5:9], digits[5:9])
