"""Keras trains what the library trains: alone, behind another network, and where it does not

It needs Keras and JAX (`make engines`), in a Python of its own: the backend is chosen at import.
"""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT, engine

SCRIPT = """
import json
import jax
jax.config.update("jax_enable_x64", True)
import keras
import numpy as np
from keras import layers, ops
from stacked_nn.evaluate import view_splits
from stacked_nn.mlp import MLP, log_softmax
from stacked_nn.train import train

keras.config.set_floatx("float64")
splits = view_splits(1)
Xw, Xb, y = splits.Xw_train[0], splits.Xb_train[0], splits.y_train[0]
Loss, found = keras.losses.SparseCategoricalCrossentropy, {}

def arrays(net):
    return [a.copy() for W, b in zip(net.weights, net.biases) for a in (W, b[0])]

def gap(model, net):
    return max(abs(a - b).max() for a, b in zip(model.get_weights(), arrays(net)))

def tower(seed):
    net = MLP((10, 64, 32, 10), random_state=seed)
    hidden = layers.Dense(64, "relu"), layers.Dense(32, "relu")
    model = keras.Sequential([keras.Input((10,)), *hidden, layers.Dense(10)])
    model.set_weights(arrays(net))
    return net, model

def fit(model, X, loss):
    model.compile(keras.optimizers.SGD(.005), loss)
    model.fit(X, y, batch_size=32, epochs=20, shuffle=False, verbose=0)

logits = Loss(from_logits=True, reduction="sum")
weight, k_weight = tower(0)
train(weight, Xw, y, epochs=20, shuffle=False, progress=False)
fit(k_weight, Xw, logits)
found["alone"] = gap(k_weight, weight)

losses = -log_softmax(weight.logits(Xw))[np.arange(len(y)), y]
batches = np.split(losses, range(32, len(y), 32))
average = np.average([b.sum() for b in batches], weights=[len(b) for b in batches])
found["shown"] = k_weight.evaluate(Xw, y, batch_size=32, verbose=0) / average - 1

offset, (bias, k_bias), (_, k_other) = weight.logits(Xw), tower(1), tower(1)
train(bias, Xb, y, epochs=20, offset=offset, shuffle=False, progress=False)
before = keras.Input((10,))
second = layers.Add()([*k_bias.outputs, before])
fit(keras.Model([*k_bias.inputs, before], second), [Xb, offset], logits)
k_weight.trainable = False
both = layers.Add()([*k_weight.outputs, *k_other.outputs])
fit(keras.Model([*k_weight.inputs, *k_other.inputs], both), [Xw, Xb], logits)
found |= {"behind": gap(k_bias, bias), "towers": gap(k_other, bias)}
found["frozen"] = gap(k_weight, weight)

z, right = np.array([[0., 25.]]), np.array([0])
cut = lambda z: Loss()(right, ops.softmax(z))
found |= {"cut": float(cut(z)), "pull": float(abs(jax.grad(cut)(z)).max()),
          "uncut": float(Loss(from_logits=True)(right, z))}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    with pytest.MonkeyPatch.context() as m:
        m.setenv("KERAS_BACKEND", "jax")
        engine("jax"), engine("keras")
    env = os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("what", ["alone", "behind", "towers", "frozen"])
def test_the_weights_are_those_of_the_library(found, what):
    assert found[what] < 1e-12


def test_the_loss_shown_is_an_average_of_sums(found):
    assert abs(found["shown"]) < 1e-10


def test_a_product_of_probabilities_is_cut_off(found):
    assert found["cut"] == pytest.approx(16.118, abs=1e-3) and found["pull"] == 0
    assert found["uncut"] == pytest.approx(25)
