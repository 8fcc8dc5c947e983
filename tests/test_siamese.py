"The distance that is learned: its gradient, its units, and what if it cannot be learned"

import warnings

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stacked_nn.digits import load_digits
from stacked_nn.mlp import MLP
from stacked_nn.siamese import Siamese, contrastive, distances
from stacked_nn.stack import StackedClassifier

X, Y = load_iris(return_X_y=True)
DIGITS = load_digits(random_state=200)
SMALL = DIGITS.X_train[:400], DIGITS.y_train[:400]
WORDS = np.array(["setosa", "versicolor", "virginica"])[Y]


def by_pairs(e, y, margin):
    "The definition, one pair after the other"
    loss = 0
    for i, j in np.ndindex(len(e), len(e)):
        d = np.linalg.norm(e[i] - e[j])
        if i != j:
            loss += d**2 if y[i] == y[j] else max(0, margin - d) ** 2
    return loss / (len(e) - 1)


def test_distances_are_those_of_scipy_with_any_leading_axes():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 5, 4)), rng.normal(size=(2, 3, 6, 4))
    for i in np.ndindex(2, 3):
        assert np.allclose(distances(a, b)[i], cdist(a[i], b[i]))
    assert np.allclose(np.diagonal(distances(a, a), axis1=-2, axis2=-1), 0, atol=1e-7)


@pytest.mark.parametrize("margin", [0.3, 1.0, 4.0])
def test_contrastive_loss_and_its_gradient(margin):
    "Against the definition, and central differences of it"
    rng = np.random.default_rng(1)
    e, y = rng.normal(size=(9, 3)), rng.integers(0, 3, 9)
    loss, grad = contrastive(e, y, margin)
    numeric = np.empty_like(e)
    for at in np.ndindex(e.shape):
        h = np.zeros_like(e)
        h[at] = 1e-5
        numeric[at] = (by_pairs(e + h, y, margin) - by_pairs(e - h, y, margin)) / 2e-5
    assert np.isclose(loss, by_pairs(e, y, margin))
    assert np.abs(grad - numeric).max() < 1e-6 * np.abs(numeric).max()


def test_contrastive_side_by_side_is_one_after_the_other():
    rng = np.random.default_rng(2)
    e, y = rng.normal(size=(4, 8, 3)), rng.integers(0, 3, (4, 8))
    loss, grad = contrastive(e, y, 2.0)
    for k in range(4):
        one = contrastive(e[k], y[k], 2.0)
        assert np.isclose(loss[k], one[0]) and np.allclose(grad[k], one[1])
    assert np.allclose(contrastive(e, y[0])[1][0], contrastive(e[0], y[0])[1])


def test_gradient_of_the_whole_tower_and_none_for_the_last_bias():
    rng = np.random.default_rng(3)
    net, data, y = MLP((12, 7, 5, 3), random_state=0), rng.random((10, 12)), np.arange(10) % 3
    for b in net.biases:
        b += 0.1 * rng.normal(size=b.shape)
    a = net.activations(data)
    grads = net.backward(a, contrastive(a[-1], y, 2.0)[1])
    for k, arrays in enumerate((net.weights, net.biases)):
        for layer, array in enumerate(arrays):
            numeric = np.empty_like(array)
            for at in np.ndindex(array.shape):
                kept, values = array[at], []
                for h in (1e-5, -1e-5):
                    array[at] = kept + h
                    values.append(contrastive(net.logits(data), y, 2.0)[0])
                array[at] = kept
                numeric[at] = (values[0] - values[1]) / 2e-5
            scale = np.abs(grads[0][0]).max()
            assert np.abs(grads[layer][k] - numeric).max() < 1e-6 * scale, (k, layer)
    assert np.abs(grads[-1][1]).max() < 1e-12


def test_a_stacked_batch_is_two_passes():
    rng = np.random.default_rng(4)
    net, one, two, error = (
        MLP((6, 5, 3), random_state=0),
        *rng.random((2, 4, 6)),
        rng.random((8, 3)),
    )
    first = net.backward(net.activations(one), error[:4])
    second = net.backward(net.activations(two), error[4:])
    both = net.backward(net.activations(np.concatenate([one, two])), error)
    for a, b, c in zip(first, second, both):
        assert np.allclose(a[0] + b[0], c[0]) and np.allclose(a[1] + b[1], c[1])


def test_rows_on_one_spot_and_a_batch_of_one():
    loss, grad = contrastive(np.ones((4, 2)), np.array([0, 0, 1, 1]))
    assert np.isclose(loss, 8 / 3) and np.isfinite(grad).all()
    loss, grad = contrastive(np.ones((1, 2)), np.array([0]))
    assert loss == 0 and not grad.any()


def test_it_learns_and_reproduces():
    model = Siamese(random_state=0).fit(DIGITS.X_train, DIGITS.y_train)
    answers = model.transform(DIGITS.X_test).argmin(1)
    assert (answers == DIGITS.y_test).mean() > 0.965
    assert len(model.loss_curve_) == 50 and model.loss_curve_[-1] < model.loss_curve_[0] / 5
    assert np.array_equal(model.embed(DIGITS.X_test)[:5], model.embed(DIGITS.X_test[:5]))
    again = Siamese(random_state=np.random.default_rng(0)).fit(DIGITS.X_train, DIGITS.y_train)
    assert np.array_equal(again.transform(DIGITS.X_test), model.transform(DIGITS.X_test))


@pytest.mark.parametrize("factor", [1e-200, 1e-3, 16, 255, 1e200])
def test_units_do_not_matter(factor):
    plain, other = (Siamese(epochs=5, random_state=0) for _ in range(2))
    ours, theirs = plain.fit_transform(*SMALL), other.fit_transform(factor * SMALL[0], SMALL[1])
    assert np.allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_fewer_epochs_are_the_beginning_of_more():
    "So that a replay can be made of several fits"
    curves = [Siamese(epochs=k, random_state=0).fit(X, Y).loss_curve_ for k in (0, 3, 6)]
    assert len(curves[0]) == 0 and np.array_equal(curves[1], curves[2][:3])


def test_float32_stays_float32():
    data = SMALL[0].astype("float32")
    model = Siamese(random_state=0).fit(data, SMALL[1])
    assert (
        model.net_.dtype == np.float32 == model.embed(data).dtype == model.transform(data).dtype
    )
    full = Siamese(random_state=0).fit(*SMALL)
    assert (full.transform(data).argmin(1) == model.transform(data).argmin(1)).mean() > 0.97
    assert full.transform(data).dtype == np.float32 and full.transform(SMALL[0]).dtype == float


@pytest.mark.parametrize("params", [{"margin": 10.0}, {"learning_rate": 2.0}])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_divergence_is_warned_about_with_the_remedy(params, dtype):
    model = Siamese(random_state=0, **params)
    with pytest.warns(ConvergenceWarning, match="Try a learning_rate below") as heard:
        model.fit(DIGITS.X_train.astype(dtype), DIGITS.y_train)
    assert f"learning_rate below {model.learning_rate:g}" in str(heard[0].message)
    assert f"margin below {model.margin:g}" in str(heard[0].message)
    assert heard[0].filename == __file__
    assert np.isfinite(model.transform(DIGITS.X_test)).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.set_params(margin=1.0, learning_rate=0.05).fit(*SMALL)


def test_one_spot_is_warned_about():
    with pytest.warns(ConvergenceWarning, match="all classes ended on one spot"):
        Siamese(random_state=0).fit(np.zeros((40, 4)), np.arange(40) % 2)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"margin": 0}, "margin"),
        ({"margin": -1.0}, "margin"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"n_components": 0}, "n_components"),
        ({"epochs": -1}, "epochs"),
        ({"batch_size": 1}, "batch_size"),
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_bad_parameters(params, words):
    with pytest.raises(ValueError, match=words):
        Siamese(**params).fit(X, Y)


def test_bad_data():
    with pytest.raises(ValueError, match="y has 1 class; expected at least 2"):
        Siamese().fit(X, 0 * Y)
    with pytest.raises(ValueError, match="NaN"):
        Siamese().fit(np.where(X > 7, np.nan, X), Y)
    model = Siamese(epochs=2, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="too large to compute with"):
        model.transform(1e300 * X)
    before = model.transform(X)
    with pytest.raises(ValueError, match="margin"):
        model.set_params(margin=0).fit(X[:50], Y[50:100])
    assert np.array_equal(model.transform(X), before)  # all or nothing


def test_words_names_and_a_pipeline():
    pipe = make_pipeline(StandardScaler(), Siamese(16, random_state=0), KNeighborsClassifier(1))
    search = GridSearchCV(pipe, {"siamese__margin": [0.5, 1.0]}, cv=3).fit(X, WORDS)
    assert search.best_score_ > 0.85
    model = Siamese(epochs=2, random_state=0).set_output(transform="pandas").fit(X, WORDS)
    assert list(model.transform(X)) == ["siamese0", "siamese1", "siamese2"]
    assert list(model.classes_) == ["setosa", "versicolor", "virginica"]


def test_a_view_like_any_other():
    views = [*StackedClassifier()._views, ("siamese", Siamese(random_state=0))]
    model = StackedClassifier(views, epochs=30, random_state=0).fit(
        DIGITS.X_train, DIGITS.y_train
    )
    scores = model.evaluate(DIGITS.X_test, DIGITS.y_test)
    assert scores["siamese"] > 0.95 and scores["combined"] > scores["weight"]
    assert "siamese__margin" in model.get_params()


def test_only_a_margin_keeps_classes_apart():
    "With next to no margin all rows fall onto one spot, and the loss is low"
    tiny, plain = (Siamese(margin=m, epochs=20, random_state=0).fit(*SMALL) for m in (0.003, 1.0))
    right = [
        (m.transform(DIGITS.X_test).argmin(1) == DIGITS.y_test).mean() for m in (tiny, plain)
    ]
    assert right[0] < 0.5 < 0.85 < right[1] and tiny.loss_curve_[-1] < plain.loss_curve_[-1] / 100
