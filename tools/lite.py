"""Makes the lessons run in the browser: `python tools/lite.py`, after the site is built

Writes a JupyterLite site of the notebooks to `_docs/lite/` and links it from the pages of the
lessons. The runtime (Pyodide, from npm), the wheel of this tree and every pure Python wheel that
they need (from PyPI) lie in it. Compiled wheels for the browser are on neither registry: numpy,
scipy, scikit-learn, matplotlib and three parts of it come from Pyodide's own host when a reader
runs the first cell of a lesson. All else comes from this site.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyterlite_pyodide_kernel.constants import (
    PYODIDE_CDN_URL,
    PYODIDE_KERNEL_PLUGIN_ID,
    PYODIDE_PYTHON_VERSION,
    PYODIDE_VERSION,
)
from cells import is_stored_only, page_name

ROOT = Path(__file__).parent.parent
DOCS, LITE = ROOT / "_docs", ROOT / "_docs/lite"
# in Pyodide's lock file: what the kernel loads when it starts, and what the lessons load
KERNEL = "micropip", "ipython", "jedi"
COURSE = "numpy", "scikit-learn", "tqdm", "matplotlib", "typing-extensions"
# not in it
OTHERS = ("comm", "ipywidgets", "jupyterlab_widgets", "anywidget", "psygnal", "skops",
          "prettytable")  # fmt: skip
SOURCES = {"stacked_nn", "setup.py", "settings.ini", "README.md", "LICENSE", "MANIFEST.in"}
SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": "stacked_nn",
        "litePluginSettings": {PYODIDE_KERNEL_PLUGIN_ID: {"disablePyPIFallback": True}},
    },
}
NOTE = """**You are running this notebook in your browser. Run the next cell first.** It installs
the course from this site, and it loads numpy, scipy, scikit-learn and matplotlib with its parts,
compiled for the browser, from Pyodide's host `cdn.jsdelivr.net`: the only thing that the course
ever loads from another host. What you write and run stays in your browser."""
INSTALL = "%pip install stacked_nn matplotlib ipywidgets anywidget"
LINK = (
    '<a href="lite/lab/index.html?path={}" title="Opens the notebook in JupyterLite. '
    "Its first cell loads numpy, scipy, scikit-learn and matplotlib from cdn.jsdelivr.net; "
    'all else comes from this site.">Run in the browser</a>'
)


def run(*command, cwd=ROOT):
    "Runs a command, and shows what it printed only if it fails"
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}")


def pip(*command):
    quiet = "--quiet", "--disable-pip-version-check", "--no-deps"
    run(sys.executable, "-m", "pip", *command, *quiet)


def pure_wheels(folder, *requirements):
    "Downloads wheels for any machine"
    kind = "--only-binary=:all:", "--platform=any", f"--python-version={PYODIDE_PYTHON_VERSION}"
    pip("download", *requirements, "--dest", folder, *kind)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def host_pyodide(folder):
    "The runtime and its pure wheels in `folder`; the lock file names Pyodide's host for the rest"
    run("npm", "pack", "--silent", f"pyodide@{PYODIDE_VERSION}", cwd=folder.parent)
    shutil.unpack_archive(next(folder.parent.glob("pyodide-*.tgz")), folder.parent)
    (folder.parent / "package").rename(folder)
    for path in [*folder.glob("*.map"), *folder.glob("*.ts"), *folder.glob("*.html")]:
        path.unlink()
    lock = json.loads((folder / "pyodide-lock.json").read_text(encoding="utf-8"))
    packages = {normal(p["name"]): p for p in lock["packages"].values()}
    needed, todo = set(), list(map(normal, KERNEL + COURSE))
    while todo:
        needed.add(name := todo.pop())
        todo += {normal(d) for d in packages[name]["depends"]} - needed
    pure = [
        p for n, p in packages.items() if n in needed and p["file_name"].endswith("none-any.whl")
    ]
    pure_wheels(folder, *(f"{p['name']}=={p['version']}" for p in pure))
    for p in packages.values():
        if p in pure:
            p["sha256"] = sha256((folder / p["file_name"]).read_bytes()).hexdigest()
        else:
            p["file_name"] = f"{PYODIDE_CDN_URL}/{p['file_name']}"
    (folder / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")


def for_the_browser(text):
    "A learner's copy for JupyterLite's kernel, with a note and its own install cell"
    nb = nbformat.reads(text, 4)
    nb.metadata.kernelspec = {
        "name": "python",
        "display_name": "Python (Pyodide)",
        "language": "python",
    }
    nb.cells[1:2] = [
        nbformat.v4.new_markdown_cell(NOTE, id="lite-note"),
        nbformat.v4.new_code_cell(INSTALL, id="lite-install"),
    ]
    return nb


def link(path):
    "Puts the link into the page of a lesson: beside the download if there is one, else on top"
    page = DOCS / page_name(path)
    text, here = page.read_text(encoding="utf-8"), LINK.format(path.name)
    if "lite/lab/" in text:
        return
    download = f'<a href="notebooks/{path.name}"'
    text = (
        text.replace(download, f"{here}\n{download}", 1)
        if download in text
        else text.replace("</h1>", f"</h1>\n<p>{here}</p>", 1)
    )
    page.write_text(text, encoding="utf-8")


def collect_wheels(folder):
    "The wheel of this tree, and those that Pyodide has not, in the versions of constraints.txt"
    with TemporaryDirectory() as scratch:
        skip = lambda d, names: set(names) - SOURCES if Path(d) == ROOT else set()
        source = shutil.copytree(ROOT, Path(scratch) / "source", ignore=skip)
        pip("wheel", source, "--wheel-dir", folder)
    pure_wheels(folder, "--constraint", ROOT / "constraints.txt", *OTHERS)


def build(work, notebooks):
    "Builds the lab in the empty folder `work`; returns its folder there"
    for name in "static", "pypi", "files":
        (work / name).mkdir()
    host_pyodide(work / "static/pyodide")
    collect_wheels(work / "pypi")
    for path in notebooks:
        copy = for_the_browser(path.read_text(encoding="utf-8"))
        nbformat.write(copy, work / "files" / path.name)
    (work / "jupyter-lite.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    options = ("--apps=lab", "--contents=files", "--output-dir=out", "--no-sourcemaps",
               "--no-unused-shared-packages")  # fmt: skip
    run(sys.executable, "-m", "jupyter", "lite", "build", *options, cwd=work)
    return work / "out"


def main():
    "Builds in a scratch folder, which becomes `_docs/lite/` only when it is complete"
    start, copies = time.time(), sorted((DOCS / "notebooks").glob("*.ipynb"))
    # those that need an engine (PyTorch, Keras) cannot run there
    notebooks = [p for p in copies if not is_stored_only(ROOT / "nbs" / p.name)]
    with TemporaryDirectory() as scratch:
        new = build(Path(scratch), notebooks)
        shutil.rmtree(LITE, ignore_errors=True)
        shutil.move(new, LITE)
    for path in notebooks:
        if re.match(r"[0-4]\d_", path.name):
            link(path)
    size = sum(p.stat().st_size for p in LITE.rglob("*") if p.is_file())
    print(
        f"{len(notebooks)} notebooks run in {LITE.relative_to(ROOT)}/ ({size / 1e6:.0f} MB) "
        f"after {time.time() - start:.0f} s; `make serve` shows them"
    )


if __name__ == "__main__":
    main()
