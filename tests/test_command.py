"The command `stacked-nn`: train, predict, report, and what it says when something is wrong"

import base64
import csv
import io
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, assert_fits_and_axe_finds_nothing, watched
from PIL import Image

from stacked_nn.cli import main
from stacked_nn.inspection import RTTiles, level, synthetic_cells
from stacked_nn.parts import _folds, load_folder, read_image
from stacked_nn.persist import load, save
from stacked_nn.stack import StackedClassifier

FAST = ["--epochs", "20", "--size", "24", "--folds", "3"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    "A folder of made-up parts, mixed in the order of modules, and a model of it (two seconds)"
    home = tmp_path_factory.mktemp("made")
    cells = synthetic_cells(12, 12, side=30, random_state=0)
    for i, (image, bad, module) in enumerate(zip(cells.images, cells.y, cells.module)):
        file = home / "parts" / ("bad" if bad else "good") / f"m{module}_{i:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((200 * np.clip(image, 0, 1.25)).astype(np.uint8)).save(file)
    code = main(["train", str(home / "parts"), "-o", str(home / "model.skops"), *FAST])
    assert code == 0
    return home


@pytest.fixture
def here(made, monkeypatch):
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def run(here, capsys):
    "Run a command: exit code, what it printed, what it complained about"

    def run_line(*words):
        capsys.readouterr()
        code = main([str(w) for w in words])
        return code, *capsys.readouterr()

    return run_line


# ---- train ----


def test_train_tells_what_is_right_on_held_out_images_and_warns_of_a_leak(run, tmp_path):
    code, out, err = run("train", "parts", "-o", tmp_path / "m", *FAST)
    assert code == 0 and f"wrote {tmp_path / 'm'}" in out
    share = {name: float(v) for name, v in re.findall(r"^  (.+?) +([\d.]+)%$", out, re.M)}
    parts = load_folder("parts", 24)
    name, count = max(zip(*np.unique(parts.y, return_counts=True)), key=lambda pair: pair[1])
    assert share[f"always '{name}'"] == round(100 * count / len(parts.y), 1)
    assert share["order of the file names"] > share[f"always '{name}'"] + 5
    assert {"sensitivity", "deviation", "combined"} < set(share)
    gain, low, high, verdict = re.search(
        rf"^  combined - always '{name}': (.+) points\n"
        rf"  95 % interval: (.+) to (.+) points\n  (not )?clearly better than always '{name}'",
        out, re.M).groups()  # fmt: skip
    assert abs(float(gain) - (share["combined"] - share[f"always '{name}'"])) < 0.11
    assert float(low) <= float(gain) <= float(high)
    assert (verdict is None) == (float(low) > 0)
    assert "warning: the order of the file names alone is right in" in err
    assert "Give groups" in " ".join(err.split())


def test_train_holds_out_whole_groups(run, tmp_path):
    code, out, err = run("train", "parts", "-o", tmp_path / "m", "--group", r"m(\d+)_", *FAST)
    assert code == 0 and "3 folds of 12 groups" in out and "warning" not in err


def test_the_verdict_is_that_of_the_paired_difference(run, tmp_path):
    """Half of the modules are full of bad parts that nobody can see: the share right varies with
    the modules drawn, and the lead, which is due to the dark ones, hardly does"""
    rng = np.random.default_rng(0)
    for module in range(8):
        dark, like_good = (2, 6) if module % 2 else (1, 0)
        for i in range(12):
            image = rng.normal(150, 4, (24, 24))
            if i < dark:
                image[:, 16:] = 60
            file = tmp_path / "p" / ("bad" if i < dark + like_good else "good")
            file.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.astype(np.uint8)).save(file / f"m{module}_{i}.png")
    words = ("--group", r"m(\d)_", "--folds", "4")
    code, out, _ = run("train", tmp_path / "p", "-o", tmp_path / "m", *words,
                       "--size", "24", "--epochs", "60")  # fmt: skip
    assert code == 0 and "not clearly" not in out
    assert "  clearly better than always 'good'" in out
    low, high = map(float, re.search(r"95 % interval: (.+) to (.+) points", out).groups())
    assert 0 < low < high < 25
    assert run("report", tmp_path / "m", tmp_path / "p", "-o", tmp_path / "r", *words)[0] == 0
    said = (tmp_path / "r").read_text(encoding="utf-8")
    assert f"95 % interval: {low:+.1f} to {high:+.1f} points; clearly better than" in said


def test_the_held_out_score_is_that_of_models_fitted_to_the_rest(run, tmp_path):
    _, out, _ = run("train", "parts", "-o", tmp_path / "m", *FAST)
    parts = load_folder("parts", 24)
    right = []
    for rows, held in _folds(parts.y, None, 3, 0):
        views = [(m, RTTiles(m, good=1)) for m in ("sensitivity", "deviation")]
        model = StackedClassifier(views, 32, "geometric", epochs=20, learning_rate=0.001,
                                  random_state=0).fit(parts.X[rows], parts.y[rows])  # fmt: skip
        right += list(model.predict(parts.X[held]) == parts.y[held])
    assert re.search(rf"combined +{np.mean(right):.1%}", out)


def test_the_class_of_good_parts_can_be_chosen(run, tmp_path):
    code, out, _ = run("train", "parts", "-o", tmp_path / "m", "--good", "bad", *FAST)
    assert code == 0 and "the median of 'bad'" in out
    assert load(tmp_path / "m").views_["deviation"].good == 0
    code, _, err = run("train", "parts", "-o", tmp_path / "n", "--good", "fine", *FAST)
    assert code == 1 and "--good fine is no class; expected one of bad, good" in err


# ---- predict ----


def test_predict_answers_as_the_model_does(run, tmp_path):
    parts = load_folder("parts", 24)
    images = [f"parts/{file}" for file in parts.files[::13]]
    code, out, _ = run("predict", "model.skops", *images)
    assert code == 0
    p = load("model.skops").predict_proba(level([read_image(file, 24) for file in images]))
    heading, *lines = out.splitlines()
    assert heading.split() == ["image", "answer", "probability"] and len(lines) == len(images)
    for line, file, row in zip(lines, images, p):
        answer = ("bad", "good")[row.argmax()]
        assert line.split() == [file, answer, f"{row.max():.1%}"]
    code, out, _ = run("predict", "model.skops", *images, "--csv", tmp_path / "a.csv")
    assert code == 0 and f"wrote {len(images)} answers" in out
    table = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert [row["file"] for row in table] == images
    assert np.allclose(
        [[float(row["p_bad"]), float(row["p_good"])] for row in table], p, atol=1e-4
    )


def test_a_price_makes_the_answers_more_careful(run, tmp_path):
    images = [f"parts/{file}" for file in load_folder("parts", 24).files]
    X = level([read_image(file, 24) for file in images])
    bad = load("model.skops").predict_proba(X)[:, 0]
    rejected = []
    for price in (1, 2):
        _, out, _ = run("predict", "model.skops", *images, "--price", price)
        said = np.array([line.split()[1] for line in out.splitlines()[1:]])
        assert ((said == "bad") == (bad > 1 / (1 + price))).all()
        rejected.append((said == "bad").sum())
    assert 0 < rejected[0] < rejected[1]
    code, _, err = run("predict", "model.skops", *images, "--price", 0)
    assert code == 1 and "--price 0; expected a number above 0" in err


def test_predict_answers_all_or_nothing(run, tmp_path):
    image = "parts/good/" + os.listdir("parts/good")[0]
    (tmp_path / "text.png").write_text("no image", encoding="utf-8")
    code, out, err = run("predict", "model.skops", image, "none.png",
                         tmp_path / "text.png", "--csv", tmp_path / "a.csv")  # fmt: skip
    assert code == 1 and not out and not (tmp_path / "a.csv").exists()
    assert "none.png: No such file" in err and "text.png is no image; expected" in err


# ---- report ----


@pytest.fixture(scope="module")
def report(made):
    code = main(["report", str(made / "model.skops"), str(made / "parts"), "-o",
                 str(made / "report.html"), "--folds", "3"])  # fmt: skip
    assert code == 0
    return (made / "report.html").read_text(encoding="utf-8")


def test_report_holds_everything_in_one_file(report):
    assert "http" not in report and "<script" not in report
    for part in ("Right answers", "Confusion", "Operating curve", "What it costs",
                 "worst mistakes",
                 "3:1", "5:1", "10:1", "3 folds of single images"):  # fmt: skip
        assert part in report
    pictures = re.findall(r'<img alt="([^"]+)" src="data:image/png;base64,([^"]+)"', report)
    assert len(pictures) == report.count("<img") >= 4
    sizes = [Image.open(io.BytesIO(base64.b64decode(data))).size for _, data in pictures]
    assert sizes[:2] == [(24, 24), (10, 10)], "an image, and its map of tiles"
    assert all(alt for alt, _ in pictures)


def test_costs_of_the_report_are_those_of_the_decisions(report):
    confusion = report.split("Confusion</h2>")[1].split("</table>")[0]
    counts = [int(n) for n in re.findall(r"<td>(\d+)</td>", confusion)]
    n, bad = sum(counts), sum(counts[:2])
    costs = report.split("What it costs</h2>")[1].split("</table>")[0]
    rows = re.findall(r"<th scope='row'>(\d+):1</th>(.*?)</tr>", costs)
    for price, cells in rows:
        price, values = int(price), [float(v) for v in re.findall(r"<td>([\d.]+)%?</td>", cells)]
        cost, best, reject, passed, threshold, escapes, overkill = values
        assert reject == round(1000 * (n - bad) / n) and passed == round(1000 * price * bad / n)
        assert threshold == round(100 / (1 + price), 1)
        expected = (price * bad * escapes + (n - bad) * overkill) * 10 / n
        assert abs(cost - expected) < 2 and best <= min(cost, reject, passed)


def test_a_report_on_the_training_images_as_if_new_is_refused(run, tmp_path):
    code, _, err = run("report", "model.skops", "parts", "-o", tmp_path / "r.html", "--new")
    assert code == 1 and "is what the model was trained on" in err
    shutil.copytree("parts", tmp_path / "new")
    for file in sorted((tmp_path / "new/good").iterdir())[::2]:
        file.unlink()
    code, out, _ = run(
        "report", "model.skops", tmp_path / "new", "-o", tmp_path / "r.html", "--new"
    )
    assert code == 0 and "judged by the model" in (tmp_path / "r.html").read_text(
        encoding="utf-8"
    )


def test_the_report_fits_and_can_be_read(report, made, browser):
    page = (made / "report.html").as_uri()
    with watched(browser) as open_address:
        for scheme in ("light", "dark"):
            t = open_address(page, color_scheme=scheme)
            assert t.evaluate("getComputedStyle(document.body).colorScheme") == "light dark"
            assert_fits_and_axe_finds_nothing(t)


# ---- what is wrong ----


def bad_folders(home):
    "{name: (folder, words)}"

    def folder(name, files):
        for file, image in files.items():
            (home / name / file).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(image, bytes):
                (home / name / file).write_bytes(image)
            else:
                image.save(home / name / file)
        return home / name

    grey = Image.linear_gradient("L").resize((30, 30))
    pair = {"a/1.png": grey, "b/1.png": grey, "a/2.png": grey, "b/2.png": grey}
    (home / "empty").mkdir()
    (home / "file").write_text("", encoding="utf-8")
    return {
        "empty": (home / "empty", "has no images; expected two subfolders"),
        "a file": (home / "file", "is a file; expected a folder"),
        "not there": (home / "nowhere", "is not there; expected a folder"),
        "one class": (folder("one", {"a/1.png": grey}), "only the class a; expected two"),
        "a text": (folder("text", {**pair, "a/3.png": b"Dear all"}), "3.png is no image"),
        "0 bytes": (folder("nothing", {**pair, "a/3.png": b""}), "3.png is empty (0 bytes)"),
        "dots": (folder("dots", {**pair, "a/3.png": Image.new("L", (1, 1))}), "1 x 1 pixels"),
        "one each": (folder("few", {"a/1.png": grey, "b/1.png": grey}),
                     "class a has only one row; expected two or more"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["empty", "a file", "not there", "one class", "a text", "0 bytes", "dots", "one each"]
)
def test_a_bad_folder_is_an_error_in_words(run, tmp_path, name):
    folder, words = bad_folders(tmp_path)[name]
    code, _, err = run("train", folder, "-o", tmp_path / "m", *FAST)
    assert code == 1 and words in err and "Traceback" not in err
    assert not (tmp_path / "m").exists()


def test_unreadable_images_can_be_skipped_and_are_listed(run, tmp_path):
    shutil.copytree("parts", tmp_path / "parts")
    (tmp_path / "parts/bad/text.png").write_text("Dear all", encoding="utf-8")
    Image.new("L", (90, 50), 90).save(
        tmp_path / "parts/bad/large.png"
    )  # another size is no fault
    words = ("train", tmp_path / "parts", "-o", tmp_path / "m", *FAST)
    assert run(*words)[0] == 1
    code, out, err = run(*words, "--skip-unreadable")
    assert code == 0 and "warning: 1 of 146 images" in err and "text.png" in err
    assert out.startswith("145 images")


@pytest.mark.parametrize("end", [".html", ".json"])
def test_a_model_is_written_for_other_engines(run, tmp_path, end):
    to = tmp_path / f"page{end}"
    code, out, err = run("export", "model.skops", "-o", to)
    assert (code, out) == (0, f"wrote {to}\n"), err
    assert "combined" in to.read_text(encoding="utf-8")
    code, _, err = run("export", "model.skops", "-o", tmp_path / "model.pt")
    assert code == 1 and "'.pt' is unknown" in err


@pytest.mark.parametrize("command", ["train", "predict", "report", "export"])
def test_nothing_is_overwritten_without_force(run, tmp_path, command):
    old = tmp_path / "old.json"
    words = {
        "train": ["train", "parts", "-o", old, *FAST],
        "predict": [
            "predict",
            "model.skops",
            "parts/good/" + os.listdir("parts/good")[0],
            "--csv",
            old,
        ],
        "report": ["report", "model.skops", "parts", "-o", old, "--folds", "2"],
        "export": ["export", "model.skops", "-o", old],
    }[command]
    old.write_text("dear old file", encoding="utf-8")
    code, _, err = run(*words)
    assert code == 1 and "exists; expected a new file, or --force" in err
    assert old.read_text(encoding="utf-8") == "dear old file"
    assert run(*words, "--force")[0] == 0 and old.read_bytes() != b"dear old file"


def test_where_nothing_can_be_written_nothing_is_computed(run, tmp_path, monkeypatch):
    monkeypatch.setattr("stacked_nn.cli.load_folder", None)
    code, _, err = run("train", "parts", "-o", tmp_path / "no/m")
    assert code == 1 and "is not there; expected the folder to write" in err
    code, _, err = run("train", "parts", "-o", tmp_path, "--force")
    assert code == 1 and "is a folder; expected a file" in err
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    code, _, err = run("train", "parts", "-o", tmp_path / "m")
    assert code == 1 and f"{tmp_path}: may not be written to" in err


def test_a_model_of_something_else_is_refused(run, tmp_path):
    X, y = np.random.default_rng(0).random((20, 9)), np.arange(20) % 2
    save(StackedClassifier(epochs=1, random_state=0).fit(X, y), tmp_path / "digits")
    (tmp_path / "text").write_text("no model", encoding="utf-8")
    image = "parts/good/" + os.listdir("parts/good")[0]
    for model, words in ((tmp_path / "digits", "expected a model that `stacked-nn train` wrote"),
                         (tmp_path / "text", "cannot be loaded"),
                         (tmp_path / "none", "none: No such file")):  # fmt: skip
        code, _, err = run("predict", model, image)
        assert code == 1 and words in err
    (tmp_path / "p/a").mkdir(parents=True), (tmp_path / "p/b").mkdir()
    shutil.copy(image, tmp_path / "p/a"), shutil.copy(image, tmp_path / "p/b")
    code, _, err = run("report", "model.skops", tmp_path / "p", "-o", tmp_path / "r")
    assert code == 1 and "has the classes a, b; expected those of the model: bad, good" in err


def test_usage(capsys):
    for line in ([], ["train"], ["train", "parts"], ["frobnicate"], ["predict", "model"]):
        with pytest.raises(SystemExit) as caught:
            main(line)
        assert caught.value.code == 2
    for command in ("train", "predict", "report", "export"):
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main([command, "--help"])
        assert (
            caught.value.code == 0
            and f"example:\n  stacked-nn {command} " in capsys.readouterr().out
        )


def test_it_is_a_program(here):
    "Once in a process of its own, as the entry point of setup.py starts it"
    code = "import sys; from stacked_nn.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "predict", "model.skops", "nothing.png"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env)
    assert done.returncode == 1 and "Traceback" not in done.stderr and not done.stdout
    assert done.stderr.startswith("stacked-nn: error: 1 of 1 images cannot be read")
    assert "console_scripts = stacked-nn=stacked_nn.cli:main" in (
        ROOT / "settings.ini"
    ).read_text(encoding="utf-8")
    image = "parts/bad/" + os.listdir("parts/bad")[0]
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does when it has enough
    command[-1] = image
    done = subprocess.run(
        command, stdout=writer, stderr=subprocess.PIPE, encoding="utf-8", env=env
    )
    os.close(writer)
    assert done.returncode == 1 and not done.stderr
