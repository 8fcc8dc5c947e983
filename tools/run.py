"""Runs the notebooks, stores outputs: `python tools/run.py [--out DIR] [--force] [NOTEBOOK ...]`

A cell with `#| eval: false` needs another environment: only `--force` runs it, else what it has
stored is kept. Without `--out` the outputs are stored in place; with it, executed copies are
written to DIR. Stored outputs are the same in every run on one machine and readable without a
kernel: no widget views, no execution counts, no warnings (those are printed here).
"""

import argparse
import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from cells import is_stored_only
from execnb.nbio import read_nb, write_nb
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbdev.clean import clean_nb

ROOT = Path(__file__).parent.parent
ENV = {
    "IN_TEST": "1",
    "TQDM_DISABLE": "1",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def is_readable(output):
    """True for an output that means something without a kernel

    Of a widget that has a page of its own, only that is kept."""
    data = output.get("data", {})
    if "text/html" in data:
        output["data"] = {kind: value for kind, value in data.items() if "widget" not in kind}
    return output.get("name") != "stderr" and not any(
        "widget" in kind for kind in output.get("data", {})
    )


def executed(path, force, attempts=2):
    "The notebook after a run; now and then a message of an idle kernel gets lost: then once more"
    # nbclient's last look at a kernel that has just ended
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    nb = nbformat.read(path, 4)
    for cell in nb.cells:
        if "#| eval: false" in cell.source and not force:
            cell.metadata.tags = ["skip-execution"]
    client = NotebookClient(
        nb,
        timeout=900 if force else 200,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=CRITICAL"],
        resources={"metadata": {"path": ROOT / "nbs"}},
    )
    try:
        return client.execute()
    except CellTimeoutError:
        if attempts == 1:
            raise
        return executed(path, force, attempts - 1)


def write_clean(nb, path):
    "Writes a notebook as nbdev cleans it, whole or not at all"
    scratch = path.with_name(f".{path.name}.part")
    nbformat.write(nb, scratch)
    nb = read_nb(scratch)
    clean_nb(nb)
    write_nb(nb, scratch)
    scratch.replace(path)


def run(path, out, force):
    "Execute and write one notebook; returns name, seconds, code cells, and warnings or the error"
    start, is_run = time.time(), force or not is_stored_only(path)
    try:
        nb = executed(path, force) if is_run else nbformat.read(path, 4)
    except (CellExecutionError, CellTimeoutError) as error:
        return path.name, time.time() - start, 0, str(error)
    nb.metadata.pop("widgets", None)
    code, heard = [c for c in nb.cells if c.cell_type == "code"], []
    for cell in code:
        heard += [o.text for o in cell.outputs if o.get("name") == "stderr"]
        # what is not on the page need not be the same in every run
        hidden = "#| output: false" in cell.source
        cell.outputs = [] if hidden else [o for o in cell.outputs if is_readable(o)]
    write_clean(nb, out / path.name)
    return path.name, time.time() - start, len(code) * is_run, heard


def main():
    "Run the notebooks, two at a time, and say how long each took"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "nbs", help="folder for what was run")
    parser.add_argument("--force", action="store_true", help="run `skip_exec: true`, too")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all in nbs/")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    os.environ.update(ENV)
    paths = args.notebooks or sorted((ROOT / "nbs").glob("*.ipynb"))
    start, cells = time.time(), 0
    with ProcessPoolExecutor(2, max_tasks_per_child=1) as pool:  # a fresh process for each kernel
        for name, seconds, n, heard in pool.map(
            run, paths, [args.out] * len(paths), [args.force] * len(paths)
        ):
            cells += n
            print(f"  {name:28} {n:3d} cells {seconds:6.1f} s", flush=True)
            if isinstance(heard, str):
                sys.exit(f"{name} failed:\n{heard}")
            for text in heard:
                print("    " + text.strip().replace("\n", "\n    "), file=sys.stderr)
    print(f"ran {cells} code cells in {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
