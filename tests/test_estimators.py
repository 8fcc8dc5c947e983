"The estimators as scikit-learn's users use them"
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_classification
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from stacked_nn.calibrate import calibrate
from stacked_nn.combine import pool
from stacked_nn.features import RTFeatures
from stacked_nn.mlp import cross_entropy
from stacked_nn.stack import StackedClassifier

X, Y = load_iris(return_X_y=True)
WORDS = np.array(["setosa", "versicolor", "virginica"])[Y]


def quick(**params): return StackedClassifier(**{"hidden_layer_sizes": (16,), "epochs": 20, "random_state": 0, **params})


# all of them, and none of them expected to fail
@parametrize_with_checks([RTFeatures(), RTFeatures("deviation"), StackedClassifier(epochs=30, random_state=0),
                          StackedClassifier([("raw", "passthrough")], mode="series", epochs=30, random_state=0),
                          StackedClassifier(pool="fitted", epochs=20, random_state=0),
                          StackedClassifier(pool="fitted", mode="series", epochs=20, random_state=0)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")      # labels at random cannot be learnt
def test_scikit_learn_checks(estimator, check): check(estimator)


def test_pipeline_and_grid_search():
    grid = GridSearchCV(make_pipeline(MinMaxScaler(), quick()), {"stackedclassifier__pool": ["product", "mean"],
                                                                 "stackedclassifier__hidden_layer_sizes": [(8,), ()]}, cv=3)
    assert grid.fit(X, Y).best_score_ > .85


def test_cross_validation_in_two_processes():
    assert np.array_equal(cross_val_score(quick(), X, WORDS, n_jobs=2, cv=3), cross_val_score(quick(), X, WORDS, cv=3))


def test_calibration():
    model = CalibratedClassifierCV(quick(), cv=3).fit(X, WORDS)
    assert model.score(X, WORDS) > .85 and list(model.classes_) == ["setosa", "versicolor", "virginica"]


def test_clone_keeps_parameters_and_forgets_what_was_learnt():
    pca = PCA(2)
    model = quick(views=[("pca", pca)]).fit(X, Y)
    copy = clone(model)
    assert not hasattr(pca, "components_")      # views are cloned before they are fitted
    assert not hasattr(copy, "nets_") and repr(copy) == repr(model)
    assert np.array_equal(copy.fit(X, Y).predict_proba(X), model.predict_proba(X))


def test_a_seed_may_be_a_generator():
    fitted = [quick(random_state=seed).fit(X, Y).predict_proba(X) for seed in (3, np.random.default_rng(3), 4)]
    assert np.array_equal(fitted[0], fitted[1]) and not np.array_equal(fitted[0], fitted[2])
    assert quick(random_state=np.random.RandomState(3)).fit(X, Y).score(X, Y) > .8


@pytest.mark.parametrize("labels", [WORDS, WORDS.astype(object), Y.astype(float), Y - 7, Y == 1, list(WORDS), pd.Series(WORDS)],
                         ids=["words", "objects", "floats", "negative", "bool", "list", "series"])
def test_any_labels(labels):
    model = quick(mode="series").fit(X, labels)
    assert set(model.predict(X)) == set(model.classes_) == set(labels)
    assert model.score(X, labels) == model.evaluate(X, labels)["combined"] > .6


@pytest.mark.parametrize("n_classes", [2, 10, 100])
def test_from_two_to_a_hundred_classes(n_classes):
    data, labels = make_classification(6 * n_classes, 20, n_informative=15, n_classes=n_classes, n_clusters_per_class=1, random_state=0)
    model = quick(epochs=100).fit(data, labels)
    assert model.predict_proba(data).shape == (6 * n_classes, n_classes) and np.allclose(model.predict_proba(data).sum(1), 1)
    assert model.score(data, labels) > .6


@pytest.mark.parametrize("metric", ["sensitivity", "deviation"])
def test_float32_stays_float32(metric):
    view = RTFeatures(metric).fit(X.astype("float32"), Y)
    assert view.transform(X.astype("float32")).dtype == np.float32
    assert np.allclose(view.transform(X.astype("float32")), RTFeatures(metric).fit_transform(X, Y), atol=1e-3)
    assert np.allclose(quick().fit(X.astype("float32"), Y).predict_proba(X.astype("float32")), quick().fit(X, Y).predict_proba(X), atol=.05)


def test_data_frames_and_names():
    frame = pd.DataFrame(X, columns=list("abcd"))
    out = RTFeatures().set_output(transform="pandas").fit(frame, WORDS)
    assert list(out.get_feature_names_out()) == list(out.transform(frame)) == ["rtfeatures0", "rtfeatures1", "rtfeatures2"]
    by_name = [("sepal", ColumnTransformer([("", "passthrough", ["a", "b"])])), ("petal", ColumnTransformer([("", "passthrough", ["c", "d"])]))]
    model = make_pipeline(MinMaxScaler(), quick(views=by_name)).set_output(transform="pandas").fit(frame, WORDS)
    assert list(model[-1].feature_names_in_) == list("abcd") and model[-1].n_features_in_ == 4
    assert {name: net.sizes[0] for name, net in model[-1].nets_.items()} == {"sepal": 2, "petal": 2}
    assert model.score(frame, WORDS) > .85
    with pytest.raises(ValueError, match="feature names should match"): model[-1].predict(frame[list("dcba")])


def test_views_may_be_columns_of_one_table():
    data, labels = load_breast_cancer(return_X_y=True)
    views = [(name, ColumnTransformer([("", "passthrough", slice(i, i + 10))])) for i, name in enumerate(("mean", "error", "worst"))]
    assert min(cross_val_score(quick(views=views), data, labels, cv=3)) > .9


def test_one_view_and_many():
    one = quick(views=[("raw", "passthrough")]).fit(X, Y)
    assert np.allclose(one.predict_detail(X)["raw"], one.predict_proba(X))
    images, digits = load_digits(return_X_y=True)
    many = [("raw", "passthrough"), ("pca", PCA(8, random_state=0)), ("sensitivity", RTFeatures()), ("deviation", RTFeatures("deviation")),
            *((f"row {i}", ColumnTransformer([("", "passthrough", slice(8 * i, 8 * i + 8))])) for i in range(8))]
    model = quick(views=many, epochs=5).fit(images, digits)
    assert list(model.nets_) == list(model.loss_curve_) == [name for name, _ in many]
    assert all(len(loss) == 5 for loss in model.loss_curve_.values())
    assert model.score(images, digits) > .95
    assert list(model.predict_detail(images)) == [*(name for name, _ in many), "combined"]


def test_weights_of_rows_move_the_prototypes():
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    weighted, repeated = RTFeatures().fit(X, Y, sample_weight=weight), RTFeatures().fit(np.repeat(X, weight, 0), np.repeat(Y, weight))
    assert np.allclose(weighted.prototypes_, repeated.prototypes_)
    assert np.array_equal(RTFeatures().fit(X, Y).prototypes_, np.stack([X[Y == c].mean(0) for c in range(3)]))
    with pytest.raises(TypeError, match="sample_weight"): quick().fit(X, Y, sample_weight=weight)       # not supported, and says so


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")      # nor can constants
def test_one_feature_and_a_constant_one():
    assert quick(epochs=2).fit(X[:, :1], Y).predict(X[:, :1]).shape == (150,)
    assert np.isfinite(quick(epochs=2).fit(np.ones((150, 2)), Y).predict_proba(np.zeros((3, 2)))).all()


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
        with pytest.raises(KeyboardInterrupt), pytest.warns(UserWarning, match="stopped by hand"): quick(pool=how).fit(X, Y)
        assert len(calls) == 1, "another network was trained after Ctrl-C"


def test_fitted_exponents_stay_with_their_pool():
    model = quick(pool="fitted").fit(X, Y)
    detail = model.set_params(pool="mean").predict_detail(X)
    assert np.allclose(detail["combined"], (detail["weight"] + detail["bias"]) / 2)


def test_fitted_pool_on_few_rows_and_where_no_network_is_of_use(monkeypatch):
    quick(pool="fitted").fit(X[::25], Y[::25])      # two of each class
    with pytest.raises(ValueError, match="class with 1 row"): quick(pool="fitted").fit(X[[0, 1, 60, 61, 120]], Y[[0, 1, 60, 61, 120]])
    def useless(*args): raise ValueError("the best exponents are all 0")
    monkeypatch.setattr("stacked_nn.stack.calibrate", useless)
    with pytest.warns(ConvergenceWarning, match="all count alike"): model = quick(pool="fitted").fit(X, Y)
    assert np.array_equal(model.pool_weights_, [.5, .5])


def test_calibrate_gives_no_exponent_to_an_expert_that_rules_out_a_right_answer():
    soft, hard = np.array([[.7, .3], [.4, .6], [.6, .4]]), np.array([[1., 0.], [0., 1.], [0., 1.]])
    weights = calibrate([soft, hard], [0, 1, 0])
    assert weights[1] == 0 < weights[0] and np.isfinite(cross_entropy(pool([soft, hard], weights=weights), [0, 1, 0]))
    with pytest.raises(ValueError, match="ruled out"): calibrate([soft, hard], [0, 1, 0], shared=True)
