"""The same network on other engines: the same numbers

Skipped where an engine is not installed; under `make engines` that is a failure."""

import numpy as np
import pytest
from conftest import engine
from stacked_nn.evaluate import view_splits
from stacked_nn.mlp import MLP, one_hot, softmax
from stacked_nn.train import train

torch = engine("torch")
nn, F = torch.nn, torch.nn.functional
SIZES, LR, CLOSE = (10, 64, 32, 10), 0.005, 1e-12  # of float64; in float32 weights drift apart


@pytest.fixture(scope="module")
def splits():
    torch.set_num_threads(1)
    return view_splits(20)


def to_torch(net):
    "A copy of a network as PyTorch layers"
    layers = []
    for W, b in zip(net.weights, net.biases):
        layers += [nn.Linear(*W.shape), nn.ReLU()]
        layers[-2].weight = nn.Parameter(torch.tensor(W.T))
        layers[-2].bias = nn.Parameter(torch.tensor(b[0]))
    return nn.Sequential(*layers[:-1])


def fit(loss_of, parameters, n, epochs):
    "The post's loop: batches of 32 in order"
    sgd = torch.optim.SGD(parameters, lr=LR)
    for _ in range(epochs):
        for rows in torch.arange(n).split(32):
            sgd.zero_grad()
            loss_of(rows).backward()
            sgd.step()


def total(z, y):
    return F.cross_entropy(z, y, reduction="sum")


def assert_same(net, module):
    ours = [a for W, b in zip(net.weights, net.biases) for a in (W.T, b[0])]
    for a, p in zip(ours, module.parameters(), strict=True):
        assert np.abs(a - p.detach().numpy()).max() < CLOSE


def test_logits_and_gradients(splits):
    X, y, net = splits.Xw_train[0][:32], splits.y_train[0][:32], MLP(SIZES, random_state=0)
    module = to_torch(net)
    z = module(torch.tensor(X))
    assert np.abs(z.detach().numpy() - net.logits(X)).max() < CLOSE
    total(z, torch.tensor(y)).backward()
    grads = net.backward(net.activations(X), softmax(net.logits(X)) - one_hot(y, 10))
    for g, p in zip([a for dW, db in grads for a in (dW.T, db[0])], module.parameters()):
        assert np.abs(g - p.grad.numpy()).max() < CLOSE


def test_training_alone_and_behind_an_offset(splits):
    Xw, Xb, y = splits.Xw_train[0], splits.Xb_train[0], splits.y_train[0]
    tw, tb, ty = map(torch.tensor, (Xw, Xb, y))
    weight, bias = (MLP(SIZES, random_state=seed) for seed in (0, 1))
    first, second = to_torch(weight), to_torch(bias)
    train(weight, Xw, y, shuffle=False, progress=False)
    fit(lambda rows: total(first(tw[rows]), ty[rows]), first.parameters(), len(y), 100)
    assert_same(weight, first)
    train(bias, Xb, y, shuffle=False, offset=weight.logits(Xw), progress=False)
    said = first(tw).detach()

    def behind(rows):
        return total(second(tb[rows]) + said[rows], ty[rows])

    fit(behind, second.parameters(), len(y), 100)
    assert_same(bias, second)


def test_joint_training(splits):
    views, y = (splits.Xw_train[0], splits.Xb_train[0]), splits.y_train[0]
    tensors, ty = list(map(torch.tensor, views)), torch.tensor(y)
    nets = [MLP(SIZES, random_state=seed) for seed in (0, 1)]
    modules = nn.ModuleList(map(to_torch, nets))

    def joint(rows):
        return total(sum(m(v[rows]) for m, v in zip(modules, tensors)), ty[rows])

    fit(joint, modules.parameters(), len(y), 20)
    for _ in range(20):
        for start in range(0, len(y), 32):
            rows = slice(start, start + 32)
            a = [net.activations(view[rows]) for net, view in zip(nets, views)]
            error = softmax(a[0][-1] + a[1][-1]) - one_hot(y[rows], 10)
            for net, activations in zip(nets, a):
                net.step(net.backward(activations, error), LR)
    for net, module in zip(nets, modules):
        assert_same(net, module)


def test_a_stack_of_twenty(splits):
    nets = MLP(SIZES, n_nets=20, random_state=0)
    W, b = ([torch.tensor(a, requires_grad=True) for a in p] for p in (nets.weights, nets.biases))
    X, y = torch.tensor(splits.Xw_train), torch.tensor(splits.y_train)

    def loss_of(rows):
        x = X[:, rows]
        for i in range(3):
            x = torch.baddbmm(b[i], x if i == 0 else x.relu(), W[i])
        return total(x.flatten(0, 1), y[:, rows].flatten())

    fit(loss_of, W + b, X.shape[1], 20)
    train(nets, splits.Xw_train, splits.y_train, epochs=20, shuffle=False, progress=False)
    for ours, theirs in zip(nets.weights + nets.biases, W + b):
        assert np.abs(ours - theirs.detach().numpy()).max() < CLOSE


def test_logits_far_apart():
    "Added they are a tossed coin; multiplied probabilities would be 0 / 0"
    z = torch.tensor([[800.0, 0, 0]], requires_grad=True)
    loss = total(z + torch.tensor([[0.0, 800, 0]]), torch.tensor([0]))
    loss.backward()
    assert abs(loss.item() - np.log(2)) < 1e-6 and z.grad.isfinite().all()
