"Properties that hold for whatever hypothesis comes up with"

import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from stacked_nn.combine import combine_output, pool
from stacked_nn.features import RTFeatures
from stacked_nn.mlp import MLP, cross_entropy, gradient_check, log_softmax, one_hot, softmax
from stacked_nn.train import History, train

settings.register_profile(
    "same in every run", derandomize=True, database=None, deadline=None, max_examples=100
)
settings.load_profile("same in every run")

HOW = st.sampled_from(["product", "geometric", "mean", "vote"])
SEED = st.integers(0, 2**32 - 1)


def numbers(shape, size):
    return arrays(float, shape, elements=st.floats(-size, size, allow_subnormal=False))


@st.composite
def logits(draw, size=1e4, n_experts=None):
    "(n_experts, n, n_classes) logits, up to +-size"
    k = draw(st.integers(1, 4)) if n_experts is None else n_experts
    return draw(numbers((k, draw(st.integers(1, 4)), draw(st.integers(2, 6))), size))


# ---- combining ----


@given(logits(n_experts=2))
def test_product_is_the_softmax_of_summed_logits(z):
    p = combine_output(*softmax(z))
    assert np.isfinite(p).all() and (p >= 0).all() and np.allclose(p.sum(-1), 1)
    assert np.allclose(p, pool(softmax(z)))
    if np.ptp(z, -1).max() < 300:
        assert np.allclose(
            p, softmax(z.sum(0)), atol=1e-12
        )  # no probability has underflowed to 0


@given(logits(size=150.0), HOW)
def test_pools_of_softmaxes(z, how):
    expected = {
        "product": softmax(z.sum(0)),
        "geometric": softmax(z.mean(0)),
        "mean": softmax(z).mean(0),
        "vote": one_hot(softmax(z).argmax(-1), z.shape[-1]).mean(0),
    }
    assert np.allclose(pool(softmax(z), how), expected[how], atol=1e-12)


@given(logits(), HOW)
def test_pool_rows_are_probabilities(z, how):
    p = pool(softmax(z), how)
    assert (
        p.shape == z.shape[1:]
        and np.isfinite(p).all()
        and (p >= 0).all()
        and np.allclose(p.sum(-1), 1)
    )


@given(logits(), HOW, st.randoms())
def test_order_of_classes_and_experts_does_not_matter(z, how, random):
    classes, experts = (random.sample(range(n), n) for n in (z.shape[2], z.shape[0]))
    p = softmax(z)
    assume(
        how != "vote" or (np.sort(p)[..., -1] > np.sort(p)[..., -2]).all()
    )  # a tie goes to the first class
    assert np.allclose(pool(p[..., classes], how), pool(p, how)[..., classes])
    assert np.allclose(pool(p[experts], how), pool(p, how))
    exponents = np.arange(1.0, len(z) + 1)
    assert np.allclose(pool(p[experts], how, exponents[experts]), pool(p, how, exponents))


@given(logits())
def test_a_uniform_expert_changes_nothing_in_a_product(z):
    p = softmax(z)
    uniform = np.full_like(p[:1], 1 / p.shape[-1])
    assert np.allclose(pool([*p, *uniform]), pool(p))
    assert np.allclose(combine_output(p[0], uniform[0]), p[0])
    assert np.allclose(
        pool([*p, p[0]], exponents=[1.0] * len(p) + [0.0]), pool(p)
    )  # nor does one of exponent 0


@given(st.integers(1, 5), st.integers(2, 6), st.data())
def test_where_every_class_is_ruled_out_the_row_is_uniform(n, n_classes, data):
    labels = [
        data.draw(st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n))
        for _ in range(2)
    ]
    p, q = (one_hot(y, n_classes) for y in labels)
    same = np.equal(*labels)[:, None]
    for product in (combine_output(p, q), pool([p, q]), pool([p, q], "geometric")):
        assert np.allclose(product, np.where(same, p, 1 / n_classes), atol=1e-15)
    prior = np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum()
    assert np.allclose(pool([p, q], prior=prior), np.where(same, p, prior), atol=1e-15)


@given(logits(size=50.0), st.data())
def test_a_prior_is_divided_out_of_all_experts_but_one(z, data):
    p, n_experts = softmax(z), len(z)
    exponents = np.array(
        data.draw(st.lists(st.floats(0.1, 3), min_size=n_experts, max_size=n_experts))
    )
    prior = softmax(
        np.array(
            data.draw(st.lists(st.floats(-2, 2), min_size=z.shape[-1], max_size=z.shape[-1]))
        )
    )
    product = np.prod(p ** exponents[:, None, None], 0) / prior ** (exponents.sum() - 1)
    assert np.allclose(
        pool(p, exponents=exponents, prior=prior), product / product.sum(-1, keepdims=True)
    )
    assert np.allclose(pool(p, "geometric", prior=prior), pool(p, "geometric"))
    assert np.allclose(pool(p[:1], prior=prior), p[0])


# ---- softmax and loss ----


@given(numbers(array_shapes(min_dims=1, max_dims=3, max_side=5), 1e4), st.floats(-1e4, 1e4))
def test_softmax(z, shift):
    p = softmax(z)
    assert np.isfinite(p).all() and (p >= 0).all() and np.allclose(p.sum(-1), 1)
    assert np.allclose(softmax(z + shift), p, atol=1e-9)
    assert np.isfinite(log_softmax(z)).all() and np.allclose(np.exp(log_softmax(z)), p)
    assert (p.max(-1) == np.take_along_axis(p, z.argmax(-1)[..., None], -1)[..., 0]).all()


@given(logits(size=340.0), st.data())  # beyond, the smallest probabilities have few digits
def test_cross_entropy(z, data):
    k, n, n_classes = z.shape
    y = data.draw(arrays(int, (k, n), elements=st.integers(0, n_classes - 1)))
    expected = -(one_hot(y, n_classes) * log_softmax(z)).sum(-1).mean(-1)
    assert np.allclose(cross_entropy(softmax(z), y), expected) and (expected >= -1e-12).all()
    assert np.allclose(
        cross_entropy(softmax(z), y[0]), [cross_entropy(p, y[0]) for p in softmax(z)]
    )  # shared labels
    assert np.allclose(cross_entropy(one_hot(y, n_classes), y), 0)


# ---- networks ----

ARCHITECTURES = st.lists(st.integers(1, 6), min_size=2, max_size=5)


@settings(max_examples=40)
@given(ARCHITECTURES, st.sampled_from([None, 1, 3]), SEED)
def test_gradients_of_random_architectures(sizes, n_nets, seed):
    rng = np.random.default_rng(seed)
    net = MLP(sizes, n_nets=n_nets, random_state=rng)
    for b in net.biases[::2]:
        b += rng.normal(0, 0.5, b.shape)
    X, y = rng.standard_normal((4, sizes[0])), rng.integers(0, sizes[-1], 4)
    X[0], X[1] = 0, 1e-8 * X[1]  # a blank row and a faint one
    assert max(gradient_check(net, X, y).values()) < 1e-6


@settings(max_examples=30)
@given(ARCHITECTURES, st.integers(1, 4), st.booleans(), st.booleans(), SEED)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_k_networks_at_once_are_k_networks(sizes, k, own_data, offset, seed):
    rng = np.random.default_rng(seed)
    nets, n = MLP(sizes, n_nets=k, random_state=seed), 7
    lead = (k,) if own_data else ()
    X, y = rng.standard_normal((*lead, n, sizes[0])), rng.integers(0, sizes[-1], (*lead, n))
    before = rng.standard_normal((k, n, sizes[-1])) if offset else None
    params = {"epochs": 3, "batch_size": 3, "lr": 0.01, "random_state": 1, "progress": False}
    singles = []
    for i in range(k):
        single, rows = MLP(sizes), (X[i], y[i]) if own_data else (X, y)
        single.weights = [W[i].copy() for W in nets.weights]
        single.biases = [b[i].copy() for b in nets.biases]
        history = train(single, *rows, offset=before[i] if offset else None, **params)
        singles.append((single, history.loss, single.forward(rows[0])))
    together = train(nets, X, y, offset=before, **params)
    for i, (single, loss, p) in enumerate(singles):
        assert np.allclose(together.loss[:, i], loss, rtol=1e-9, atol=1e-12)
        for many, one in zip(nets.weights + nets.biases, single.weights + single.biases):
            assert np.allclose(many[i], one, atol=1e-10)
        assert np.allclose(nets.forward(X)[i], p, atol=1e-10)


@settings(max_examples=30)
@given(ARCHITECTURES, st.sampled_from([None, 2]), SEED)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_on_a_constant_offset_is_training_with_another_bias(sizes, n_nets, seed):
    rng = np.random.default_rng(seed)
    net, other = (MLP(sizes, n_nets=n_nets, random_state=seed) for _ in range(2))
    X, y, constant = (
        rng.standard_normal((7, sizes[0])),
        rng.integers(0, sizes[-1], 7),
        rng.standard_normal(sizes[-1]),
    )
    other.biases[-1] += constant
    losses = [
        train(n, X, y, 3, 3, 0.01, offset=t, random_state=1, progress=False).loss
        for n, t in ((net, np.tile(constant, (7, 1))), (other, None))
    ]
    assert np.allclose(*losses) and np.allclose(net.logits(X) + constant, other.logits(X))


# ---- features ----


@given(st.integers(2, 5), st.integers(2, 20), st.floats(0.01, 100), st.floats(-5, 5), SEED)
def test_views_of_a_changed_image(n_classes, n_pixels, scale, share, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.random((3 * n_classes, n_pixels)), np.arange(3 * n_classes) % n_classes
    slope, spread = RTFeatures("sensitivity").fit(X, y), RTFeatures("deviation").fit(X, y)
    image, close = rng.random((1, n_pixels)), {"rtol": 1e-7, "atol": 1e-6}
    for view in (slope, spread):
        assert np.allclose(
            view.transform(scale * image), scale * view.transform(image), **close
        )  # scaling scales both
    for c, prototype in enumerate(slope.prototypes_):
        changed = image + share * prototype  # a multiple of a prototype moves only the slope
        assert np.allclose(
            slope.transform(changed)[0, c], slope.transform(image)[0, c] + share, **close
        )
        assert np.allclose(
            spread.transform(changed)[0, c], spread.transform(image)[0, c], **close
        )
    order = rng.permutation(n_pixels)
    assert np.allclose(
        RTFeatures().fit(X[:, order], y).transform(image[:, order]), slope.transform(image)
    )
    assert np.allclose(RTFeatures().fit(X, -y).transform(image), slope.transform(image)[:, ::-1])


# ---- training that goes wrong ----


class Interrupted(MLP):
    "Ctrl-C in the middle of the n-th step"

    def __init__(self, n, **params):
        super().__init__((3, 8, 2), **params)
        self.left = n

    def step(self, grads, lr):
        self.left -= 1
        if self.left == 0:
            grads = grads[:1]
        super().step(grads, lr)
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("n_nets", [None, 3])
@given(st.integers(1, 40))
def test_ctrl_c_leaves_a_usable_network_and_its_history(n_nets, n):
    net, X, y = (
        Interrupted(n, n_nets=n_nets, random_state=0),
        np.random.default_rng(0).random((9, 3)),
        np.arange(9) % 2,
    )
    with pytest.warns(
        UserWarning, match=f"was stopped by hand after {(n - 1) // 3} of 100 epochs"
    ):
        history = train(net, X, y, batch_size=3, random_state=0, progress=False)
    assert isinstance(history, History) and len(history.loss) == (n - 1) // 3
    assert np.isfinite(net.forward(X)).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert len(train(net, X, y, epochs=2, progress=False).loss) == 2  # and can be trained on


@pytest.mark.filterwarnings("ignore:training of")
def test_ctrl_c_in_a_step_that_overflows_leaves_finite_weights():
    class Overflows(MLP):
        def step(self, grads, lr):
            self.weights[0] *= np.inf
            raise KeyboardInterrupt

    net, same = (kind((3, 8, 2), random_state=0) for kind in (Overflows, MLP))
    train(net, np.ones((9, 3)), np.arange(9) % 2, progress=False)
    assert np.array_equal(net.forward(np.eye(3)), same.forward(np.eye(3)))


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("n_nets", [None, 3])
def test_train_is_the_loop_of_the_lesson(shuffle, n_nets):
    "Rows in the order of the generator, batch after batch, gathered for many batches at a time"
    rng, n = np.random.default_rng(0), 701  # more than 64 batches of 5, and one that is not full
    X, y = rng.standard_normal((n, 4)), rng.integers(0, 3, n)
    net, plain = (MLP((4, 6, 3), n_nets=n_nets, random_state=0) for _ in range(2))
    losses, orders = [], np.random.default_rng(7)
    for _ in range(2):
        order = orders.permutation(n) if shuffle else np.arange(n)
        for start in range(0, n, 5):
            rows = order[start : start + 5]
            a = plain.activations(X[rows])
            plain.step(plain.backward(a, softmax(a[-1]) - one_hot(y[rows], 3)), 0.01)
        losses.append(cross_entropy(plain.forward(X), y))
    params = {"epochs": 2, "batch_size": 5, "lr": 0.01, "random_state": 7, "progress": False}
    history = train(net, X, y, shuffle=shuffle, **params)
    assert np.allclose(history.loss, losses, rtol=1e-12) and (history.best_epoch == 2).all()
    assert all(
        np.array_equal(ours, theirs)
        for ours, theirs in zip(net.weights + net.biases, plain.weights + plain.biases)
    )


@settings(max_examples=20)
@given(
    st.sampled_from(["float64", "float32"]),
    st.sampled_from([None, 2]),
    st.sampled_from([1e2, 1e4, 1e8]),
    SEED,
)
def test_diverging_training_is_noticed_and_leaves_finite_weights(dtype, n_nets, lr, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((200, 10)), rng.integers(0, 10, 200)
    net = MLP((10, 64, 32, 10), n_nets=n_nets, dtype=dtype, random_state=seed)
    with pytest.warns(
        ConvergenceWarning,
        match=r"diverged in epoch \d+.*: .* Try a learning rate below|no better than guessing",
    ):
        history = train(net, X, y, epochs=20, lr=lr, random_state=seed, progress=False)
    assert np.isfinite(net.forward(X)).all() and (n_nets or np.isfinite(history.loss).all())


def test_a_right_gradient_is_never_condemned():
    "Small weights, tiny inputs, a network that has learnt all: in these 0.1.0 saw errors up to 1"
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((5, 10)), np.arange(5) * 2
    for seed in range(12):
        assert (
            max(gradient_check(MLP((10, 8, 6, 10), init=0.01, random_state=seed), X, y).values())
            < 1e-6
        )
    net = MLP((3, 4, 2), random_state=0)
    assert max(gradient_check(net, [[0, 0, 0], [1, 2, 3]], [0, 1]).values()) < 1e-6
    assert max(gradient_check(net, 1e-8 * X[:, :3], y % 2).values()) < 1e-6
    learnt = MLP((10, 16, 10), random_state=0)
    train(learnt, X, y, epochs=3000, lr=0.05, progress=False)
    assert max(gradient_check(learnt, X, y).values()) < 1e-6


@pytest.mark.parametrize(
    ("wrong", "from_array"), [("relu", "biases[1]"), ("mean", "biases[2]"), ("bias", "biases[0]")]
)
def test_a_wrong_gradient_is_seen_and_its_layer_is_named(wrong, from_array):
    class Wrong(MLP):
        def backward(self, activations, error):
            grads = []
            for i in reversed(range(len(self.weights))):
                a = activations[i]
                grads.append((a.mT @ error, error.sum(-2, keepdims=True)))
                if i:
                    error = error @ self.weights[i].mT * (a >= 0 if wrong == "relu" else a > 0)
            grads = grads[::-1]
            if wrong == "mean":
                grads = [(dW / len(error), db / len(error)) for dW, db in grads]
            if wrong == "bias":
                grads[0] = grads[0][0], 1.1 * grads[0][1]
            return grads

    errors = gradient_check(
        Wrong((10, 16, 8, 10), random_state=0),
        np.random.default_rng(0).standard_normal((5, 10)),
        np.arange(5),
    )
    bad = [name for name, error in errors.items() if error > 1e-6]
    assert bad[-1] == from_array and all(0.01 < errors[name] < 10 for name in bad)
    lines = repr(errors).splitlines()
    assert [line.split()[0] for line in lines if "WRONG" in line] == bad and len(lines) == 6


def test_predicting_does_not_change_a_gradient():
    net, X, error = MLP((3, 8, 2), random_state=0), np.ones((4, 3)), np.ones((4, 2))
    activations = net.activations(X)
    before = net.backward(activations, error)
    net.predict(np.zeros((9, 3)))
    assert all(
        np.array_equal(a, b)
        for pair in zip(before, net.backward(activations, error))
        for a, b in zip(*pair)
    )
    assert vars(net).keys() == {"weights", "biases"}


@settings(max_examples=20)
@given(st.sampled_from([None, 3]), st.sampled_from([7, 2500]), SEED)
def test_logits_in_blocks_are_the_logits(n_nets, n, seed):
    net, X = (
        MLP((3, 4, 2), n_nets=n_nets, random_state=seed),
        np.random.default_rng(seed).standard_normal((n, 3)),
    )
    assert np.allclose(
        net.logits(X), net.activations(X)[-1], rtol=1e-12, atol=1e-12
    ) and net.forward(X).shape[-2:] == (n, 2)


# ---- the terms of the loss ----


def moved(net, X, y, **params):
    "By how much one step of a full batch, at rate 1, has moved the weights: minus the gradient"
    before = [a.copy() for a in net.weights + net.biases]
    train(net, X, y, epochs=1, batch_size=len(X), lr=1.0, progress=False, **params)
    return [old - new for old, new in zip(before, net.weights + net.biases)]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@settings(max_examples=20)
@given(st.floats(0, 0.9), st.floats(0, 2), SEED)
def test_smoothing_and_alpha_are_in_the_gradient(smoothing, alpha, seed):
    rng = np.random.default_rng(seed)
    net, X, y, offset = (
        MLP((3, 5, 4), init=0.3, random_state=seed),
        rng.standard_normal((6, 3)),
        rng.integers(0, 4, 6),
        rng.standard_normal((6, 4)),
    )
    W = net.weights[1].copy()

    def loss(change):
        net.weights[1] = W + change
        target = (1 - smoothing) * one_hot(y, 4) + smoothing / 4
        return (
            -(target * log_softmax(net.logits(X) + offset)).sum()
            + alpha / 2 * (net.weights[1] ** 2).sum()
        )

    h = 1e-6 * np.eye(20).reshape(20, 5, 4)
    numeric = np.reshape([(loss(d) - loss(-d)) / 2e-6 for d in h], (5, 4))
    net.weights[1] = W
    assert np.allclose(
        moved(net, X, y, smoothing=smoothing, alpha=alpha, offset=offset)[1], numeric, atol=1e-6
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_alpha_is_that_of_mlpclassifier():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((64, 5)), np.arange(64) % 3
    peer = MLPClassifier(
        (8,),
        solver="sgd",
        momentum=0,
        alpha=0.7,
        batch_size=16,
        learning_rate_init=0.16,
        shuffle=False,
        max_iter=1,
        random_state=0,
    )
    net = MLP((5, 8, 3))
    peer.partial_fit(X, y, classes=range(3))  # once, to have weights of its own
    net.weights, net.biases = (
        [W.copy() for W in peer.coefs_],
        [b[None].copy() for b in peer.intercepts_],
    )
    peer.partial_fit(X, y)
    train(net, X, y, epochs=1, batch_size=16, lr=0.01, alpha=0.7, shuffle=False, progress=False)
    assert all(
        np.allclose(ours, theirs, atol=1e-12)
        for ours, theirs in zip(net.weights + net.biases, peer.coefs_ + peer.intercepts_)
    )


def test_validation_keeps_the_best_epoch_and_patience_stops():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 4)), rng.integers(0, 3, 60)  # nothing to learn
    X_held, y_held = rng.standard_normal((60, 4)), rng.integers(0, 3, 60)
    params = {"lr": 0.05, "random_state": 0, "progress": False}
    for n_nets in (None, 3):
        net = MLP((4, 32, 3), n_nets=n_nets, random_state=0)
        history = train(net, X, y, epochs=200, validation=(X_held, y_held), patience=5, **params)
        assert 5 < len(history.loss) < 200 and history.validation_loss.shape == history.loss.shape
        assert np.array_equal(history.best_epoch, 1 + history.validation_loss.argmin(0))
        held = cross_entropy(net.forward(X_held), y_held)
        assert np.allclose(held, history.validation_loss.min(0))
        assert len(history.loss) == np.max(history.best_epoch) + 5
        assert n_nets is None or np.ptp(history.best_epoch) > 0


def test_validation_has_an_offset_of_its_own():
    rng, net = np.random.default_rng(0), MLP((4, 3), random_state=0)
    X, y = rng.standard_normal((60, 4)), rng.integers(0, 3, 60)
    offset = rng.standard_normal((60, 3))
    params = {"offset": offset, "validation": (X, y, offset), "progress": False}
    series = train(net, X, y, epochs=3, lr=0.05, random_state=0, **params)
    assert np.allclose(series.loss, series.validation_loss)


def test_one_network_that_diverges_leaves_its_neighbours_alone():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((300, 5)), np.arange(300) % 3
    X += 2 * one_hot(y, 5)
    nets, alone = MLP((5, 16, 3), n_nets=3, random_state=0), MLP((5, 16, 3))
    alone.weights, alone.biases = (
        [a[0].copy() for a in arrays] for arrays in (nets.weights, nets.biases)
    )
    nets.weights[1][2] *= 1e200
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 1 for 1 of 3 networks"):
        history = train(nets, X, y, epochs=20, random_state=0, progress=False)
    train(alone, X, y, epochs=20, random_state=0, progress=False)
    right = (nets.predict(X) == y).mean(-1)
    assert right[:2].min() > 0.85 and np.allclose(nets.logits(X)[0], alone.logits(X))
    assert (
        np.isfinite(nets.weights[1]).all()
        and np.isnan(history.loss[:, 2]).all()
        and np.isfinite(history.loss[:, :2]).all()
    )


def test_weights_are_put_back_before_the_warning():
    net, X, y = (
        MLP((3, 8, 2), random_state=0),
        np.random.default_rng(0).random((9, 3)),
        np.arange(9) % 2,
    )
    with warnings.catch_warnings(), pytest.raises(ConvergenceWarning):
        warnings.simplefilter("error")
        train(net, X, y, lr=1e200, progress=False)
    assert np.isfinite(net.forward(X)).all()


def test_a_rate_of_another_kind_does_not_change_the_kind_of_number():
    X, y = np.random.default_rng(0).random((9, 3)), np.arange(9) % 2
    net, rate = MLP((3, 8, 2), dtype="float32", random_state=0), np.float64(0.01)
    params = {"alpha": rate, "smoothing": rate, "offset": np.ones((9, 2)), "progress": False}
    train(net, X, y, epochs=2, lr=rate, **params)
    assert {a.dtype for a in net.weights + net.biases} == {np.dtype("float32")}

    class Rates(MLP):
        def step(self, grads, lr):
            assert type(lr) is float  # a numpy number would make all of them float64 on the way

    rates = Rates((3, 2), dtype="float32", random_state=0)
    train(rates, X, y, epochs=1, lr=rate, progress=False)
    grads = net.backward(net.activations(X), np.ones((9, 2), "float32"))
    assert {g.dtype for pair in grads for g in pair} == {np.dtype("float32")}


def test_training_needs_little_memory_beside_the_data():
    "0.1.0 copied all rows in each epoch; what is left is the order of the rows"
    X, y = (
        np.random.default_rng(0).standard_normal((50_000, 64), dtype="float32"),
        np.arange(50_000) % 10,
    )
    net = MLP((64, 8, 10), dtype="float32", random_state=0)
    tracemalloc.start()
    train(net, X, y, epochs=1, batch_size=64, lr=1e-6, random_state=0, progress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    MLP((64, 256, 10), dtype="float32", random_state=0).predict(X)
    held, peak_of_predict = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.3 * X.nbytes and peak_of_predict < 0.5 * X.nbytes and held < 0.01 * X.nbytes


def test_reprs():
    assert (
        repr(MLP((3, 4, 2), n_nets=5, dtype="float32"))
        == "MLP((3, 4, 2), n_nets=5, dtype=float32)"
    )
    X, y = np.eye(3), np.arange(3)
    history = train(MLP((3, 8, 3), random_state=0), X, y, epochs=50, lr=0.1, progress=False)
    first, last = history.loss[0], history.loss[-1]
    text = f"History(50 epochs, loss {first:.3f} to {last:.3f}, best_epoch=50)"
    assert repr(history) == text
    assert repr(History()) == "History(0 epochs, loss none to none, best_epoch=0)"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_divergence_keeps_the_best_weights_and_names_the_epoch():
    class Explodes(MLP):
        steps = 0

        def step(self, grads, lr):
            super().step(grads, lr)
            self.steps += 1
            if self.steps == 8:
                self.weights[0] *= np.inf

    X, y = np.random.default_rng(0).random((9, 3)), np.arange(9) % 2
    net, same = Explodes((3, 8, 2), random_state=0), MLP((3, 8, 2), random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 3.*learning rate below 0.01"):
        history = train(net, X, y, batch_size=3, lr=0.01, random_state=0, progress=False)
    assert len(history.loss) == 2
    train(same, X, y, epochs=2, batch_size=3, lr=0.01, random_state=0, progress=False)
    assert history.loss[1] < history.loss[0] and np.array_equal(net.forward(X), same.forward(X))


def test_logits_of_any_number_type():
    for dtype in (np.uint8, bool, np.int64, np.float32):
        z = np.array([[0, 5, 3]]).astype(dtype)
        assert (
            np.allclose(softmax(z), softmax(z.astype(float)))
            and np.isfinite(log_softmax(z)).all()
        )


def test_harm_done_to_a_good_network_is_noticed():
    y = np.arange(30) % 3
    good = 2 * np.eye(3)[y]
    with pytest.warns(ConvergenceWarning, match="the offset alone"):
        train(
            MLP((2, 3), random_state=0),
            np.random.default_rng(0).standard_normal((30, 2)),
            y,
            epochs=3,
            lr=2.0,
            offset=good,
            progress=False,
        )
