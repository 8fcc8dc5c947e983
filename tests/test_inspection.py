"Cells, made up and real, and the views of their tiles"

from importlib.util import find_spec

import numpy as np
import pytest
from conftest import need
from sklearn.base import clone

from stacked_nn.inspection import RTTiles, bootstrap_interval, level, load_cells, synthetic_cells
from stacked_nn.persist import load, save
from stacked_nn.stack import StackedClassifier


@pytest.fixture(scope="module")
def cells():
    return synthetic_cells(n_modules=6, per_module=20, random_state=0)


def test_made_up_cells_are_reproducible_and_come_in_modules(cells):
    again = synthetic_cells(n_modules=6, per_module=20, random_state=0)
    assert np.array_equal(cells.images, again.images) and np.array_equal(cells.y, again.y)
    assert cells.images.shape == (120, 60, 60) and (np.bincount(cells.module) == 20).all()
    assert cells.X.shape == (120, 3601) and set(cells.X[:, -1]) == {0, 1}
    assert not np.array_equal(cells.images, synthetic_cells(6, 20, random_state=1).images)


def test_level_forgets_how_long_the_camera_looked(cells):
    assert np.allclose(level(7 * cells.images), level(cells.images), atol=1e-5)
    assert np.allclose(np.median(level(cells.images), (1, 2)), 1)
    assert (level(np.zeros((1, 4, 4))) == 0).all()


@pytest.mark.parametrize("metric", ["sensitivity", "deviation"])
def test_a_tile_is_measured_as_an_image_is(cells, metric):
    images = level(cells.images).astype(float)
    tiles = RTTiles(metric).fit(images, cells.y)
    x, m = (a[30, 12:18, 24:30].ravel() if a is images else a[0, 12:18, 24:30].ravel()
            for a in (images, tiles.prototypes_))  # fmt: skip
    slope = m @ x / (m @ m)
    expected = slope if metric == "sensitivity" else np.sqrt(((x - slope * m) ** 2).sum() / 35)
    assert np.isclose(tiles.maps(images[30:31])[0, 2, 4], expected, rtol=1e-6)
    assert np.array_equal(tiles.prototypes_[0], np.median(images[cells.y == 0], axis=0))
    values = tiles.transform(images)[:, :100]
    assert (np.diff(values, axis=1) >= 0).all(), "the tiles are not sorted"


def test_rows_with_their_kind_have_a_prototype_each(cells):
    tiles = RTTiles().fit(cells.X, cells.y)
    good = (cells.y == 0) & cells.mono
    assert np.allclose(tiles.prototypes_[1], np.median(level(cells.images)[good], axis=0))
    few = clone(tiles).set_params(n_tiles=31)
    with pytest.raises(ValueError, match="n_tiles=31 is too many for images of 60 x 60 pixels"):
        few.fit(cells.X, cells.y)
    with pytest.raises(ValueError, match="expected a good image of each kind"):
        clone(tiles).fit(cells.X, np.where(cells.mono, 1, cells.y))


def test_a_model_of_tiles_can_be_kept_in_a_file(cells, tmp_path):
    views = [(metric, RTTiles(metric)) for metric in ("sensitivity", "deviation")]
    model = StackedClassifier(views, epochs=2, random_state=0).fit(cells.X, cells.y)
    save(model, tmp_path / "tiles.skops")
    back = load(tmp_path / "tiles.skops")
    assert np.array_equal(back.predict_proba(cells.X), model.predict_proba(cells.X))
    model.views_["deviation"].prototypes_[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="prototypes_ of view 'deviation' has NaN"):
        save(model, tmp_path / "tiles.skops")


def test_the_bootstrap_draws_whole_groups():
    "Ten rows of a group that are all alike count as one, so the interval is wide"
    rng = np.random.default_rng(0)
    by_group = rng.normal(size=30)
    mean, low, high = bootstrap_interval(np.repeat(by_group, 10), np.repeat(np.arange(30), 10))
    assert np.isclose(mean, by_group.mean())
    half = 1.96 * by_group.std() / np.sqrt(30)
    assert np.allclose([low, high], [mean - half, mean + half], atol=0.1 * half + 0.02)


def test_the_real_cells_are_those_of_the_paper():
    need(find_spec("elpv_dataset"), "elpv-dataset is not installed")
    cells = load_cells()
    assert cells.images.shape == (2624, 60, 60) and len(set(cells.module)) == 44
    assert round(cells.y.mean(), 3) == 0.313
    pairs = set(zip(cells.module, cells.mono))
    assert len(pairs) == 44, "a module of both kinds"


def test_images_that_brightness_would_decide_are_warned_of():
    images = np.ones((3, 4, 4), np.float32)
    images[1, 1:] = 0
    with pytest.warns(UserWarning, match="1 of 3 images have the median 0"):
        assert np.array_equal(level(images)[1], images[1])
