"Properties that hold for whatever hypothesis comes up with"
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.exceptions import ConvergenceWarning

from stacked_nn.combine import combine_output, pool
from stacked_nn.features import RTFeatures
from stacked_nn.mlp import MLP, cross_entropy, gradient_check, log_softmax, one_hot, softmax
from stacked_nn.train import History, train

settings.register_profile("same in every run", derandomize=True, database=None, deadline=None, max_examples=100)
settings.load_profile("same in every run")

HOW = st.sampled_from(["product", "geometric", "mean", "vote"])
SEED = st.integers(0, 2**32 - 1)


def numbers(shape, size): return arrays(float, shape, elements=st.floats(-size, size, allow_subnormal=False))


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
    if np.ptp(z, -1).max() < 300: assert np.allclose(p, softmax(z.sum(0)), atol=1e-12)     # no probability has underflowed to 0


@given(logits(size=150.), HOW)
def test_pools_of_softmaxes(z, how):
    expected = {"product": softmax(z.sum(0)), "geometric": softmax(z.mean(0)), "mean": softmax(z).mean(0),
                "vote": one_hot(softmax(z).argmax(-1), z.shape[-1]).mean(0)}
    assert np.allclose(pool(softmax(z), how), expected[how], atol=1e-12)


@given(logits(), HOW)
def test_pool_rows_are_probabilities(z, how):
    p = pool(softmax(z), how)
    assert p.shape == z.shape[1:] and np.isfinite(p).all() and (p >= 0).all() and np.allclose(p.sum(-1), 1)


@given(logits(), HOW, st.randoms())
def test_order_of_classes_and_experts_does_not_matter(z, how, random):
    classes, experts = (random.sample(range(n), n) for n in (z.shape[2], z.shape[0]))
    p = softmax(z)
    assume(how != "vote" or (np.sort(p)[..., -1] > np.sort(p)[..., -2]).all())      # a tie goes to the first class
    assert np.allclose(pool(p[..., classes], how), pool(p, how)[..., classes])
    assert np.allclose(pool(p[experts], how), pool(p, how))
    weights = np.arange(1., len(z) + 1)
    assert np.allclose(pool(p[experts], how, weights[experts]), pool(p, how, weights))


@given(logits())
def test_a_uniform_expert_changes_nothing_in_a_product(z):
    p = softmax(z)
    uniform = np.full_like(p[:1], 1 / p.shape[-1])
    assert np.allclose(pool([*p, *uniform]), pool(p))
    assert np.allclose(combine_output(p[0], uniform[0]), p[0])
    assert np.allclose(pool([*p, p[0]], weights=[1.] * len(p) + [0.]), pool(p))        # nor does one of weight 0


@given(st.integers(1, 5), st.integers(2, 6), st.data())
def test_where_every_class_is_ruled_out_the_row_is_uniform(n, n_classes, data):
    labels = [data.draw(st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n)) for _ in range(2)]
    p, q = (one_hot(y, n_classes) for y in labels)
    same = np.equal(*labels)[:, None]
    for product in (combine_output(p, q), pool([p, q]), pool([p, q], "geometric")):
        assert np.array_equal(product, np.where(same, p, 1 / n_classes))


# ---- softmax and loss ----

@given(numbers(array_shapes(min_dims=1, max_dims=3, max_side=5), 1e4), st.floats(-1e4, 1e4))
def test_softmax(z, shift):
    p = softmax(z)
    assert np.isfinite(p).all() and (p >= 0).all() and np.allclose(p.sum(-1), 1)
    assert np.allclose(softmax(z + shift), p, atol=1e-9)
    assert np.isfinite(log_softmax(z)).all() and np.allclose(np.exp(log_softmax(z)), p)
    assert (p.max(-1) == np.take_along_axis(p, z.argmax(-1)[..., None], -1)[..., 0]).all()


@given(logits(size=340.), st.data())       # beyond, the smallest probabilities have few digits
def test_cross_entropy(z, data):
    k, n, n_classes = z.shape
    y = data.draw(arrays(int, (k, n), elements=st.integers(0, n_classes - 1)))
    expected = -(one_hot(y, n_classes) * log_softmax(z)).sum(-1).mean(-1)
    assert np.allclose(cross_entropy(softmax(z), y), expected) and (expected >= -1e-12).all()
    assert np.allclose(cross_entropy(softmax(z), y[0]), [cross_entropy(p, y[0]) for p in softmax(z)])       # shared labels
    assert np.allclose(cross_entropy(one_hot(y, n_classes), y), 0)


# ---- networks ----

ARCHITECTURES = st.lists(st.integers(1, 6), min_size=2, max_size=5)


@settings(max_examples=40)
@given(ARCHITECTURES, st.sampled_from([None, 1, 3]), SEED)
def test_gradients_of_random_architectures(sizes, n_nets, seed):
    rng = np.random.default_rng(seed)
    net = MLP(sizes, n_nets=n_nets, random_state=rng)
    for b in net.biases: b += rng.normal(0, .5, b.shape)
    X, y = rng.standard_normal((4, sizes[0])), rng.integers(0, sizes[-1], 4)
    net.logits(X)
    near = min((np.abs(a @ W + b).min() for a, W, b in zip(net.activations, net.weights[:-1], net.biases)), default=1)
    assume(near > 1e-3)         # at the kink of a ReLU there is no derivative to compare with
    assert gradient_check(net, X, y) < 1e-5


@settings(max_examples=30)
@given(ARCHITECTURES, st.integers(1, 4), st.booleans(), st.booleans(), SEED)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_k_networks_at_once_are_k_networks(sizes, k, own_data, through, seed):
    rng = np.random.default_rng(seed)
    nets, n = MLP(sizes, n_nets=k, random_state=seed), 7
    lead = (k,) if own_data else ()
    X, y = rng.standard_normal((*lead, n, sizes[0])), rng.integers(0, sizes[-1], (*lead, n))
    before = rng.standard_normal((k, n, sizes[-1])) if through else None
    singles = []
    for i in range(k):
        single = MLP(sizes)
        single.weights, single.biases = [W[i].copy() for W in nets.weights], [b[i].copy() for b in nets.biases]
        history = train(single, X[i] if own_data else X, y[i] if own_data else y, epochs=3, batch_size=3, lr=.01,
                        through=before[i] if through else None, random_state=1, progress=False)
        singles.append((single, history.loss))
    together = train(nets, X, y, epochs=3, batch_size=3, lr=.01, through=before, random_state=1, progress=False)
    for i, (single, loss) in enumerate(singles):
        assert np.allclose(together.loss[:, i], loss, rtol=1e-9, atol=1e-12)
        for many, one in zip(nets.weights + nets.biases, single.weights + single.biases): assert np.allclose(many[i], one, atol=1e-10)
        assert np.allclose(nets.forward(X)[i], single.forward(X[i] if own_data else X), atol=1e-10)


@settings(max_examples=30)
@given(ARCHITECTURES, st.sampled_from([None, 2]), SEED)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_through_constant_logits_is_training_with_another_bias(sizes, n_nets, seed):
    rng = np.random.default_rng(seed)
    net, other = (MLP(sizes, n_nets=n_nets, random_state=seed) for _ in range(2))
    X, y, constant = rng.standard_normal((7, sizes[0])), rng.integers(0, sizes[-1], 7), rng.standard_normal(sizes[-1])
    other.biases[-1] += constant
    losses = [train(n, X, y, 3, 3, .01, through=t, random_state=1, progress=False).loss
              for n, t in ((net, np.tile(constant, (7, 1))), (other, None))]
    assert np.allclose(*losses) and np.allclose(net.logits(X) + constant, other.logits(X))


# ---- features ----

@given(st.integers(2, 5), st.integers(2, 20), st.floats(.01, 100), st.floats(-5, 5), SEED)
def test_views_of_a_changed_image(n_classes, n_pixels, scale, share, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.random((3 * n_classes, n_pixels)), np.arange(3 * n_classes) % n_classes
    slope, spread = RTFeatures("sensitivity").fit(X, y), RTFeatures("deviation").fit(X, y)
    image, close = rng.random((1, n_pixels)), {"rtol": 1e-7, "atol": 1e-6}
    for view in (slope, spread):
        assert np.allclose(view.transform(scale * image), scale * view.transform(image), **close)      # scaling scales both
    for c, prototype in enumerate(slope.prototypes_):
        changed = image + share * prototype                             # a multiple of a prototype moves only the slope
        assert np.allclose(slope.transform(changed)[0, c], slope.transform(image)[0, c] + share, **close)
        assert np.allclose(spread.transform(changed)[0, c], spread.transform(image)[0, c], **close)
    order = rng.permutation(n_pixels)
    assert np.allclose(RTFeatures().fit(X[:, order], y).transform(image[:, order]), slope.transform(image))
    assert np.allclose(RTFeatures().fit(X, -y).transform(image), slope.transform(image)[:, ::-1])


# ---- training that goes wrong ----

class Interrupted(MLP):
    "Ctrl-C in the middle of the n-th step"
    def __init__(self, n, **params):
        super().__init__((3, 8, 2), **params)
        self.left = n

    def step(self, grads, lr):
        self.left -= 1
        if self.left == 0: grads = grads[:1]
        super().step(grads, lr)
        if self.left == 0: raise KeyboardInterrupt


@pytest.mark.parametrize("n_nets", [None, 3])
@given(st.integers(1, 40))
def test_ctrl_c_leaves_a_usable_network_and_its_history(n_nets, n):
    net, X, y = Interrupted(n, n_nets=n_nets, random_state=0), np.random.default_rng(0).random((9, 3)), np.arange(9) % 2
    with pytest.warns(UserWarning, match=f"stopped by hand after {(n - 1) // 3} of 100 epochs"):
        history = train(net, X, y, batch_size=3, random_state=0, progress=False)
    assert isinstance(history, History) and len(history.loss) == (n - 1) // 3
    assert np.isfinite(net.forward(X)).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert len(train(net, X, y, epochs=2, progress=False).loss) == 2        # and can be trained on


@settings(max_examples=20)
@given(st.sampled_from(["float64", "float32"]), st.sampled_from([None, 2]), st.sampled_from([1e2, 1e4, 1e8]), SEED)
def test_diverging_training_is_noticed_and_leaves_finite_weights(dtype, n_nets, lr, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((200, 10)), rng.integers(0, 10, 200)
    net = MLP((10, 64, 32, 10), n_nets=n_nets, dtype=dtype, random_state=seed)
    with pytest.warns(ConvergenceWarning, match=r"diverged in epoch \d+: .* Try a learning rate below|no better than guessing"):
        history = train(net, X, y, epochs=20, lr=lr, random_state=seed, progress=False)
    assert np.isfinite(history.loss).all() and np.isfinite(net.forward(X)).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_divergence_keeps_the_best_weights_and_names_the_epoch():
    class Explodes(MLP):
        steps = 0

        def step(self, grads, lr):
            super().step(grads, lr)
            self.steps += 1
            if self.steps == 8: self.weights[0] *= np.inf

    X, y = np.random.default_rng(0).random((9, 3)), np.arange(9) % 2
    net, same = Explodes((3, 8, 2), random_state=0), MLP((3, 8, 2), random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged in epoch 3.*lr=0.01"):
        history = train(net, X, y, batch_size=3, lr=.01, random_state=0, progress=False)
    assert len(history.loss) == 2
    train(same, X, y, epochs=2, batch_size=3, lr=.01, random_state=0, progress=False)
    assert history.loss[1] < history.loss[0] and np.array_equal(net.forward(X), same.forward(X))


def test_logits_of_any_number_type():
    for dtype in (np.uint8, bool, np.int64, np.float32):
        z = np.array([[0, 5, 3]]).astype(dtype)
        assert np.allclose(softmax(z), softmax(z.astype(float))) and np.isfinite(log_softmax(z)).all()


def test_harm_done_through_a_good_network_is_noticed():
    y = np.arange(30) % 3
    good = 2 * np.eye(3)[y]
    with pytest.warns(ConvergenceWarning, match="through"):
        train(MLP((2, 3), random_state=0), np.random.default_rng(0).standard_normal((30, 2)), y, epochs=3, lr=2., through=good, progress=False)
