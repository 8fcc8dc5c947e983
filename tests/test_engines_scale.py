"The data-parallel script of lesson 22, with two processes: needs PyTorch"

import json
import os
import subprocess
import sys

from conftest import ROOT, engine
from test_project import cells, source

engine("torch")


def test_two_processes_train_as_one_does(tmp_path):
    cell = next(s for s in map(source, cells(ROOT / "nbs/22_scale.ipynb")) if "all_reduce" in s)
    names = {}
    exec(cell, names)
    (tmp_path / "data_parallel.py").write_text(names["SCRIPT"], encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", tmp_path / "data_parallel.py"]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    env = os.environ | one_thread | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    print(result)
    assert result["processes"] == 2
    assert result["by hand"] < 1e-12 and result["DDP"] < 1e-12
    assert result["DDP without the factor"] > 1e-4
    assert result["torch, microseconds a step"] > result["numpy, microseconds a step"]
