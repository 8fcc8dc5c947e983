"Images of your own: folders, formats, files that are none, the leak check, digits from pictures"

import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import affine_transform

from stacked_nn import RTFeatures, StackedClassifier, leak_check, load_digits, load_folder
from stacked_nn.inspection import synthetic_cells
from stacked_nn.parts import read_digit, read_image

VALUES = (np.arange(48).reshape(6, 8) * 5).astype(np.uint8)
GREY = Image.fromarray(VALUES)


def write(folder, names, side=24, seed=0):
    rng = np.random.default_rng(seed)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(50, 200, (side, side), np.uint8)).save(folder / name)
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "parts", [f"{'ab'[i % 2]}/lot{i // 4}_{i:02}.png" for i in range(12)])


# ---- formats ----


def wide(values):
    return Image.fromarray(values.astype(np.uint16) * 257)


def clear(values):
    "Black, and transparent where the value is high: on white it looks like the value"
    return Image.merge("LA", [Image.new("L", GREY.size), Image.fromarray(255 - values)])


@pytest.mark.parametrize(
    "name, image",
    {
        "8.png": GREY,
        "8.bmp": GREY,
        "8.tif": GREY,
        "16.png": wide(VALUES),
        "16.tif": wide(VALUES),
        "rgb.png": GREY.convert("RGB"),
        "rgba.png": clear(VALUES).convert("RGBA"),
        "la.png": clear(VALUES),
        "palette.png": GREY.convert("P"),
        "cmyk.tif": GREY.convert("CMYK"),
        "q.jpg": GREY,
    }.items(),
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_every_format_gives_the_same_brightness(tmp_path, name, image):
    image.save(tmp_path / name, quality=100) if name == "q.jpg" else image.save(tmp_path / name)
    read = read_image(tmp_path / name, (6, 8))
    assert read.dtype == np.float32 and read.shape == (6, 8)
    assert np.allclose(read, VALUES / 255, atol=0.03 if name == "q.jpg" else 0.005)


@pytest.mark.parametrize("tag, turned", [(6, np.rot90(VALUES)), (3, VALUES[::-1, ::-1])])
def test_a_rotation_that_the_camera_noted_is_carried_out(tmp_path, tag, turned):
    exif = Image.Exif()
    exif[0x0112] = tag
    Image.fromarray(np.ascontiguousarray(turned)).save(tmp_path / "a.tif", exif=exif)
    assert np.allclose(read_image(tmp_path / "a.tif", (6, 8)), VALUES / 255, atol=0.005)


def test_a_smaller_image_is_the_mean_of_blocks_as_the_cells_of_the_lesson_are(tmp_path):
    cells = synthetic_cells(1, 1, side=300)
    pixels = (200 * np.clip(cells.images[0], 0, 1)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cell.png")
    blocks = pixels.reshape(60, 5, 60, 5).mean((1, 3)) / 255
    assert np.allclose(read_image(tmp_path / "cell.png"), blocks, atol=1e-5)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda p: p.write_text("no picture", encoding="utf-8"), "is no image; expected PNG"),
        (lambda p: p.write_bytes(b""), "is empty (0 bytes)"),
        (lambda p: p.write_bytes(VALUES.tobytes()), "is no image; expected PNG"),
        (lambda p: Image.new("L", (1, 1)).save(p), "has 1 x 1 pixels; expected two or more"),
        (
            lambda p: Image.fromarray(VALUES / 255.0).save(p, "TIFF"),
            "more than 16 bits; expected 8",
        ),
        (lambda p: GREY.save(p, "TIFF", save_all=True, append_images=[GREY]), "holds 2 images"),
    ],
)
def test_a_file_that_is_no_image_is_named_with_the_reason(folder, make, words):
    make(folder / "a/odd.png")
    with pytest.raises(ValueError) as caught:
        load_folder(folder, 12)
    assert "1 of 13 images cannot be read; expected" in str(caught.value)
    assert "odd.png" in str(caught.value) and words in str(caught.value)
    with pytest.warns(UserWarning, match="odd.png"):
        parts = load_folder(folder, 12, unreadable="warn")
    assert len(parts.y) == 12 and "a/odd.png" not in parts.files


def test_a_file_that_is_cut_short_is_named(folder):
    whole = (folder / "a/lot0_00.png").read_bytes()
    (folder / "a/cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut.png cannot be read, expected a whole image"):
        load_folder(folder, 12)


# ---- folders ----


def test_subfolders_are_classes_and_sizes_may_be_mixed(folder):
    write(folder, ["a/deep/er/big.tif"], 90)
    (folder / "a/.hidden").write_text("", encoding="utf-8")
    (folder / "groups.csv").write_text("file,group\n", encoding="utf-8")
    parts = load_folder(folder, (10, 14))
    assert parts.images.shape == (13, 10, 14) and parts.images.dtype == np.float32
    assert "a/deep/er/big.tif" in parts.files and parts.group is None
    assert (parts.y == [file[0] for file in parts.files]).all()
    assert np.allclose(np.median(parts.X, (1, 2)), 1)
    one = read_image(folder / parts.files[3], (10, 14))
    assert np.array_equal(parts.images[3], one)


def test_groups_come_from_a_pattern_or_a_table(folder, tmp_path):
    by_name = load_folder(folder, 12, group=r"lot(\d)")
    assert set(by_name.group) == {"0", "1", "2"} and by_name.group[0] == "0"
    table = tmp_path / "groups.csv"
    rows = [f"{file if i % 2 else Path(file).name},{g}"
            for i, (file, g) in enumerate(zip(by_name.files, by_name.group))]  # fmt: skip
    table.write_text("\n".join(["file,group,note", *rows, "other.png,9,"]), encoding="utf-8")
    assert np.array_equal(load_folder(folder, 12, group=str(table)).group, by_name.group)
    table.write_text("\n".join(["file,group", *rows[1:]]), encoding="utf-8")
    with pytest.raises(ValueError, match=r"gives no group to 1 of 12 images: a/lot0_00.png"):
        load_folder(folder, 12, group=str(table))
    table.write_text("name,lot\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected file and group"):
        load_folder(folder, 12, group=str(table))
    table.write_text("\n".join(["file,group", *rows, rows[0]]), encoding="utf-8")
    with pytest.raises(ValueError, match="names a file twice"):
        load_folder(folder, 12, group=str(table))


def test_a_name_that_two_classes_share_needs_its_class_in_the_table(tmp_path):
    write(tmp_path / "p", ["a/1.png", "b/1.png"])
    (tmp_path / "g.csv").write_text("file,group\n1.png,x\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no group to 2 of 2 images"):
        load_folder(tmp_path / "p", 12, group=str(tmp_path / "g.csv"))


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda f: [p.unlink() for p in f.rglob("*.png")], "is empty; expected images"),
        (lambda f: [p.unlink() for p in (f / "b").iterdir()] and (f / "b").rmdir(),
         "has only the class a; expected two subfolders"),
        (lambda f: [p.rename(f / p.name) for p in (f / "b").iterdir()],
         "has images in no subfolder: lot0_01.png"),
    ],
)  # fmt: skip
def test_a_folder_that_is_none_of_parts_is_refused(folder, spoil, words):
    spoil(folder)
    with pytest.raises(ValueError, match=words):
        load_folder(folder, 12)


def test_a_folder_that_is_a_file_or_bare_is_refused(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    for path, words in ((tmp_path / "file", "is a file"), (tmp_path / "no", "is not there"),
                        (tmp_path, "has no images")):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            load_folder(path)


def test_the_order_is_that_of_the_numbers_whatever_the_class(tmp_path):
    folder = write(tmp_path, ["a/x2.png", "b/y10.png", "b/y1.png", "a/x9.png"])
    parts = load_folder(folder, 12)
    order = dict(zip(parts.files, parts.order))
    assert [order[f] for f in ("b/y1.png", "a/x2.png", "a/x9.png", "b/y10.png")] == [0, 1, 2, 3]


# ---- the leak check ----


def test_the_leak_check_sees_modules_and_no_leak_where_there_is_none():
    cells = synthetic_cells(12, 20, side=30, random_state=1)
    found = leak_check(cells.images, cells.y)
    assert found.leaks and found.order > found.most_frequent + 0.05
    assert "Give groups" in found.advice and f"{found.order:.1%}" in str(found)
    assert not leak_check(cells.images, cells.y, groups=cells.module).leaks
    mixed = [np.random.default_rng(s).permutation(len(cells.y)) for s in range(8)]
    assert sum(leak_check(cells.X, cells.y, order=order).leaks for order in mixed) <= 1


def test_an_order_by_class_is_a_leak_and_one_row_of_a_class_is_too_few():
    X, y = np.random.default_rng(0).random((40, 5)), np.repeat([0, 1], 20)
    assert leak_check(X, y).order > 0.9 and leak_check(X, y).leaks
    with pytest.raises(ValueError, match="class 1 has only one row; expected two or more"):
        leak_check(X, np.eye(1, 40)[0].astype(int))
    with pytest.raises(ValueError, match="class 1 has only one group"):
        leak_check(X, y, groups=np.repeat([0, 1, 2], [10, 10, 20]))


# ---- digits ----

FONTS = Path(matplotlib.get_data_path(), "fonts/ttf")


def font_digit(digit, side, height, font, at=None):
    image = Image.new("L", (side, side))
    at, anchor = (at, "lt") if at else ((side / 2, side / 2), "mm")
    type_ = ImageFont.truetype(FONTS / f"{font}.ttf", height)
    ImageDraw.Draw(image).text(at, str(digit), font=type_, fill=255, anchor=anchor)
    return image


def invert(image):
    return image.point(lambda v: 255 - v)


def transparent(image):
    ink = Image.new("RGBA", image.size, (20, 30, 90, 0))
    ink.putalpha(image)
    return ink


KINDS = {
    "28 x 28": lambda d, font: font_digit(d, 28, 24, font),
    "not inverted": lambda d, font: invert(font_digit(d, 120, 90, font)),
    "small in a corner": lambda d, font: font_digit(d, 200, 40, font, (12, 9)),
    "transparent": lambda d, font: transparent(font_digit(d, 120, 90, font)),
    "28 x 28 inverted": lambda d, font: invert(font_digit(d, 28, 24, font)),
}


def moved(rows, rng):
    def change(image):
        A = np.eye(2) + rng.uniform([[-0.15, -0.05], [-0.3, -0.2]], [[0.15, 0.05], [0.3, 0.2]])
        middle = np.array([3.5, 3.5])
        return affine_transform(
            image, A, middle - A @ middle + rng.uniform(-0.7, 0.7, 2), order=1
        )

    return np.array([change(image) for image in rows.reshape(-1, 8, 8)]).reshape(-1, 64)


@pytest.fixture(scope="module")
def taught():
    "The network of the page: three views, and each image also moved (some seconds)"
    digits, rng = load_digits(), np.random.default_rng(0)
    X = np.vstack([digits.X_train, *(moved(digits.X_train, rng) for _ in range(4))])
    views = [("weight", RTFeatures("sensitivity")), ("bias", RTFeatures("deviation")),
             ("pixels", "passthrough")]  # fmt: skip
    return StackedClassifier(views, epochs=15, random_state=0).fit(X, np.tile(digits.y_train, 5))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "font", ["DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Bold"]
)
def test_eight_of_ten_font_digits_are_right(taught, tmp_path, font, kind):
    rows = []
    for digit in range(10):
        KINDS[kind](digit, font).save(tmp_path / "digit.png")
        rows.append(read_digit(tmp_path / "digit.png"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = taught.predict(np.array(rows)) == np.arange(10)
    assert right.sum() >= 8, f"wrong: {np.flatnonzero(~right)}"


def test_a_digit_is_a_row_as_the_networks_expect_it(tmp_path):
    for kind, make in KINDS.items():
        make(3, "DejaVuSans").save(tmp_path / "3.png")
        row = read_digit(tmp_path / "3.png")
        assert row.shape == (64,) and np.array_equal(row * 16, np.round(row * 16)), kind
        assert abs(row.mean() - 0.31) < 0.02 and row.min() == 0 and row.max() <= 1
        image = row.reshape(8, 8)
        assert image.any(1).all() and not image[:, 0].any(), "not centred, or not full height"
        across = (image.sum(0) * np.arange(8)).sum() / image.sum()
        assert abs(across - 3.5) < 0.6


def test_an_even_picture_is_no_digit(tmp_path):
    Image.new("L", (40, 40), 128).save(tmp_path / "even.png")
    with pytest.raises(ValueError, match="even.png is all alike; expected a digit"):
        read_digit(tmp_path / "even.png")
