"More rows than memory, more than one process: the same numbers, and clear words if it fails"

import os
import signal
import subprocess
import sys
import textwrap
import tracemalloc
import warnings

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.utils import gen_batches

from stacked_nn.features import RTFeatures
from stacked_nn.mlp import MLP
from stacked_nn.scale import row_blocks, save_rows
from stacked_nn.train import train

SAME = settings(derandomize=True, database=None, deadline=None, max_examples=60)
ENV = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


# ---- `train` gathers a few batches at a time ----


def all_at_once(X, y, offset, labels, order, size):
    "The plain way: a copy of all rows in their new order, and one-hot rows for all of them"
    order = np.arange(X.shape[-2]) if order is None else order
    X, target, offset = X[..., order, :], labels[y[..., order]], offset[..., order, :]
    for start in range(0, X.shape[-2], size):
        rows = slice(start, start + size)
        yield X[..., rows, :], target[..., rows, :], offset[..., rows, :]


def trained(net, gather, *data, **options):
    "Weights and losses, with the library's gathering or another"
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two epochs need not beat guessing
        if gather:
            patch.setitem(train.__globals__, "_batches", gather)
        history = train(net, *data, progress=False, **options)
    return [*net.weights, *net.biases, history.loss, history.validation_loss, history.best_epoch]


@SAME
@given(st.data())
def test_the_weights_and_losses_are_the_same_bit_for_bit(data):
    draw = lambda strategy: data.draw(strategy)  # noqa: E731
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, n_in, n_classes = (draw(st.integers(*ends)) for ends in ((1, 400), (1, 20), (2, 30)))
    n_nets, dtype = (draw(st.sampled_from(f)) for f in ((None, 1, 3), ("float32", "float64")))
    lead = () if n_nets is None else (n_nets,)
    own = lead if draw(st.booleans()) else ()  # rows of its own for each network, or the same

    def rows(n):
        return (rng.standard_normal((*own, n, n_in)).astype(dtype),
                rng.integers(0, n_classes, (*own, n)),
                rng.standard_normal((*own, n, n_classes)).astype(dtype))  # fmt: skip

    X, y, offset = rows(n)
    held = rows(draw(st.integers(1, 150)))
    options = {
        "epochs": 2,
        "batch_size": draw(st.integers(1, 40)),
        "shuffle": draw(st.booleans()),
        "offset": draw(st.sampled_from([None, offset])),
        "alpha": draw(st.sampled_from([0.0, 0.1])),
        "smoothing": draw(st.sampled_from([0.0, 0.1])),
        "validation": draw(st.sampled_from([None, held[:2], held])),
    }
    seed, sizes = draw(st.integers(0, 9)), (n_in, 7, n_classes)
    new, old = (
        trained(MLP(sizes, n_nets=n_nets, dtype=dtype, random_state=seed), gather,
                X, y, random_state=seed, **options)
        for gather in (None, all_at_once)
    )  # fmt: skip
    assert all(np.array_equal(a, b) for a, b in zip(new, old, strict=True))


def beyond(run):
    "Bytes that numpy needs at the peak of a call"
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("n, n_in, n_classes", [(100_000, 10, 1000), (500_000, 10, 10),
                                                (30_000, 784, 10)])  # fmt: skip
def test_the_memory_of_training_is_that_of_a_few_batches(n, n_in, n_classes):
    "Neither a copy of the rows nor one-hot rows for all; only the order grows with the rows"
    X = np.random.default_rng(0).standard_normal((n, n_in), dtype="float32")
    y = np.arange(n) % n_classes
    net = MLP((n_in, 16, n_classes), dtype="float32", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peak = beyond(lambda: train(net, X, y, 1, 256, lr=1e-6, progress=False))
    gathered = 64 * 256 * (n_in + n_classes) * 4  # once kept, once being made
    assert peak < 8 * n + 2 * gathered + 16e6, f"{peak / 1e6:.0f} MB"


# ---- rows in a file ----

X_DIGITS, Y_DIGITS = load_digits(return_X_y=True)


@pytest.fixture
def path(tmp_path):
    to = tmp_path / "rows.npy"
    save_rows(to, (X_DIGITS[rows] for rows in gen_batches(len(X_DIGITS), 100)))
    return to


@SAME
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 20),
       st.sampled_from(["u1", "i8", "f4", "f8", "?"]))  # fmt: skip
def test_what_is_saved_comes_back(tmp_path_factory, lengths, size, dtype):
    path = tmp_path_factory.mktemp("rows") / "rows.npy"
    X = np.random.default_rng(0).integers(0, 9, (sum(lengths), 3)).astype(dtype)
    ends = np.cumsum([0, *lengths])
    assert save_rows(path, (X[a:b] for a, b in zip(ends, ends[1:]))) == len(X)
    back = np.load(path)
    assert back.dtype == X.dtype and np.array_equal(back, X)
    blocks = list(row_blocks(path, size))
    assert [len(x) for _, x in blocks] == [len(x) for x in np.split(X, range(size, len(X), size))]
    assert all(np.array_equal(x, X[rows]) for rows, x in blocks)


def test_views_of_a_file_are_those_of_the_array_bit_for_bit(path, tmp_path):
    whole, parts = RTFeatures().fit(X_DIGITS, Y_DIGITS), RTFeatures()
    for rows, x in row_blocks(path, 1000):  # `fit` adds up 1,000 rows at a time, too
        parts.partial_fit(x, Y_DIGITS[rows], classes=range(10))
    assert np.array_equal(whole.prototypes_, parts.prototypes_)
    save_rows(tmp_path / "view.npy", (whole.transform(x) for _, x in row_blocks(path, 300)))
    assert np.allclose(np.load(tmp_path / "view.npy"), whole.transform(X_DIGITS), rtol=1e-12)


def test_views_and_predictions_from_a_memory_map_keep_nothing(tmp_path):
    "Beyond the ten numbers of each row, a few MB, however many rows there are"
    rng, n = np.random.default_rng(0), 40_000
    path, y = tmp_path / "rows.npy", np.arange(n) % 10
    save_rows(path, (rng.random((1000, 784), dtype="float32") for _ in range(n // 1000)))
    X, net = np.load(path, mmap_mode="r"), MLP((784, 16, 10), dtype="float32", random_state=0)
    view = RTFeatures("deviation")
    assert beyond(lambda: view.fit(X, y)) < 16e6 < X.nbytes / 7
    assert beyond(lambda: view.transform(X)) < 16e6
    assert beyond(lambda: net.predict(X)) < 16e6


def left(folder):
    return sorted(p.name for p in folder.rglob("*"))


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(path):
    before = path.read_bytes()

    def blocks():
        yield np.zeros((5, 64))
        raise RuntimeError("the source is gone")

    with pytest.raises(RuntimeError, match="the source is gone"):
        save_rows(path, blocks())
    for wrong, words in (
        ([np.zeros((5, 64)), np.zeros((5, 63))], r"block 1 is float64 of shape \(5, 63\)"),
        ([np.zeros((5, 64)), np.zeros((5, 64), "f4")], "block 1 is float32"),
        ([np.zeros((5, 64), object)], "block 0 is object"),
        ([np.zeros(5)], r"block 0 is float64 of shape \(5,\)"),
        ([], "no blocks"),
    ):
        with pytest.raises(ValueError, match=words):
            save_rows(path, wrong)
    assert path.read_bytes() == before and left(path.parent) == ["rows.npy"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    "Files may have 100,000 bytes at most here: the same kind of error as on a full disk"
    code = """
        import resource, sys
        import numpy as np
        from stacked_nn.scale import save_rows
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try: save_rows(sys.argv[1], (np.zeros((100, 64)) for _ in range(9)))
        except OSError as e: print(type(e).__name__, e)
    """
    done = python(code, tmp_path / "rows.npy")
    assert "OSError" in done and "rows.npy" in done and "File too large" in done
    assert left(tmp_path) == []


def test_a_file_cut_short_is_told_before_and_while_it_is_read(path):
    blocks = row_blocks(path, 100)
    next(blocks)
    os.truncate(path, 100_000)
    with pytest.raises(ValueError, match="rows.npy cannot be read.*expected"):
        next(blocks)  # and not a dead process
    with pytest.raises(ValueError, match="rows.npy cannot be read.*expected"):
        next(row_blocks(path))


def test_a_memory_map_of_a_file_cut_short_ends_the_process(path):
    "What `row_blocks` is there for: numpy cannot help it"
    code = """
        import os, sys
        import numpy as np
        X = np.load(sys.argv[1], mmap_mode="r")
        os.truncate(sys.argv[1], 5000)
        print(X.sum())
    """
    command = [sys.executable, "-c", textwrap.dedent(code), path]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=ENV)
    assert done.returncode == -signal.SIGBUS and not done.stdout and not done.stderr


def test_a_file_of_something_else_is_told(path):
    for content in (b"", b"no numpy here"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="rows.npy cannot be read.*expected"):
            next(row_blocks(path))
    for array in (np.ones(3), np.array([["a"]]), np.array(1.0), np.ones((0, 3))):
        np.save(path, array)
        with pytest.raises(ValueError, match="rows.npy cannot be read.*expected"):
            next(row_blocks(path))
    np.savez(path.with_suffix(".npz"), np.ones((2, 2)))
    with pytest.raises(ValueError, match="rows.npz cannot be read.*expected"):
        next(row_blocks(path.with_suffix(".npz")))


def test_a_file_that_another_took_the_place_of_is_told(path):
    blocks = row_blocks(path, 100)
    next(blocks)
    save_rows(path, [X_DIGITS[:1000]])
    with pytest.raises(ValueError, match="rows.npy has changed"):
        next(blocks)


def test_nothing_is_unpickled(tmp_path):
    path = tmp_path / "objects.npy"
    np.save(path, np.array([[print]], object), allow_pickle=True)
    with pytest.raises(ValueError, match="cannot be read"):
        next(row_blocks(path))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.npy"):
        next(row_blocks(tmp_path / "nowhere.npy"))
    with pytest.raises(OSError, match="rows.npy"):
        save_rows(tmp_path / "no folder" / "rows.npy", [np.zeros((1, 1))])


# ---- on a cluster of two processes ----


def python(code, *args):
    "What a script prints; cluster and workers end with it"
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), *map(str, args)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240, env=ENV)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


SETUP = """
import os, signal, sys, time
import joblib, numpy as np, sklearn.datasets
from dask.distributed import Client, KilledWorker, wait
from distributed.client import FutureCancelledError
from sklearn.model_selection import StratifiedShuffleSplit, cross_validate
from stacked_nn.stack import StackedClassifier

model = StackedClassifier(epochs=5, random_state=0)
X, y = sklearn.datasets.load_digits(return_X_y=True)
splits = StratifiedShuffleSplit(6, test_size=.3, random_state=0)

def scores(**kwargs):
    return cross_validate(model, X, y, cv=splits, error_score="raise", **kwargs)["test_score"]

def cluster():
    return Client(n_workers=2, threads_per_worker=1, dashboard_address=None)

def pids(client):
    return list(client.run(os.getpid).values())

def score(seed):
    X, y = sklearn.datasets.load_digits(return_X_y=True)
    split = StratifiedShuffleSplit(1, test_size=.3, random_state=seed)
    return cross_validate(model, X, y, cv=split)["test_score"][0]
"""


def script(code, tmp_path):
    "What a script prints, which starts its processes below `if __name__ ...`"
    path = tmp_path / "script.py"
    body = textwrap.indent(textwrap.dedent(code), "    ")
    path.write_text(f"{SETUP}\nif __name__ == '__main__':\n{body}", encoding="utf-8")
    command = [sys.executable, "-W", "ignore", str(path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240, env=ENV)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_scores_are_equal_in_processes_and_on_a_cluster_and_survive_a_worker(tmp_path):
    out = script(
        """
        alone = scores()
        assert (scores(n_jobs=2) == alone).all()
        client = cluster()
        with joblib.parallel_config("dask"): assert (scores(n_jobs=-1) == alone).all()
        for victim in (0, 1):
            seeds = range(10 * victim, 10 * victim + 6)
            tasks, pid = client.map(score, seeds), pids(client)[victim]
            wait(tasks, return_when="FIRST_COMPLETED")
            unfinished = sum(task.status != "finished" for task in tasks)
            os.kill(pid, signal.SIGKILL)
            assert client.gather(tasks) == [score(seed) for seed in seeds]
            assert unfinished and pid not in pids(client)
            client.wait_for_workers(2)
        client.shutdown()
        print("equal")
        """,
        tmp_path,
    )
    assert "equal" in out


def test_what_joblib_handed_to_a_worker_dies_with_it(tmp_path):
    "An error or the same scores, as the lesson says; never others"
    out = script(
        """
        import threading
        alone, client = scores(), cluster()
        for pid in pids(client): threading.Timer(.2, os.kill, (pid, signal.SIGKILL)).start()
        try:
            with joblib.parallel_config("dask"): again = scores(n_jobs=-1)
            print("the same" if (again == alone).all() else "others")
        except FutureCancelledError as e: print("FutureCancelledError", flush=True)
        os._exit(0)
        """,
        tmp_path,
    )
    assert "FutureCancelledError" in out


def test_a_task_that_kills_its_workers_is_named(tmp_path):
    out = script(
        """
        import dask
        dask.config.set({"distributed.scheduler.allowed-failures": 0})
        client = cluster()
        try: client.submit(os._exit, 1).result()
        except KilledWorker as e: print(e)
        client.shutdown()
        """,
        tmp_path,
    )
    assert "_exit" in out and "died" in out


def test_no_scheduler_at_the_address_is_told(tmp_path):
    out = script(
        """
        try: Client("tcp://127.0.0.1:9", timeout="2s")
        except OSError as e: print(e)
        """,
        tmp_path,
    )
    assert "tcp://127.0.0.1:9" in out and "Timed out" in out
