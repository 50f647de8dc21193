"""MXNet's CUDA build on a machine without a card: it loads, says what it can, and computes on the CPU as the other.

The driver's library is the machine's; where there is no card there is none, and a stub of ours stands in for it, whose
every function answers "no device" (100).
"""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STUB = """
extern "C" int cuInit(unsigned flags) { return 100; }
extern "C" int cuDriverGetVersion(int *version) { *version = 11080; return 0; }
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the environment in which libmxnet finds a driver; LD_LIBRARY_PATH has the stub's folder and no other."""
    if "mxnet-cu112" not in {found.metadata["Name"] for found in metadata.distributions()}:
        pytest.skip("the environment of `make setup-gpu`")
    try:
        ctypes.CDLL("libcuda.so.1")
        return {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    except OSError:
        pass
    folder = tmp_path_factory.mktemp("driver")
    names = set()
    for file in Path(sys.prefix).rglob("libmxnet.so"):
        listed = subprocess.run(
            ["nm", "-D", "--undefined-only", file], capture_output=True, text=True, check=True
        ).stdout
        names |= set(re.findall(r"\bU (cu[A-Z]\w+)", listed))
    others = "".join(f'extern "C" int {name}() {{ return 100; }}\n' for name in sorted(names) if name not in STUB)
    (folder / "stub.cpp").write_text(STUB + others)
    compiler = shutil.which("g++") or shutil.which("c++")
    command = [compiler, "-shared", "-fPIC", "-w", "-o", folder / "libcuda.so.1", folder / "stub.cpp"]
    subprocess.run(command, check=True)
    return {**os.environ, "LD_LIBRARY_PATH": str(folder)}


def run(environment, *command):
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stdout.strip(), done.stderr


def test_it_loads_and_has_cuda(environment):
    code = (
        "import gluon_wgan; gluon_wgan.use_synchronous_engine(); import mxnet as mx; f = mx.runtime.Features()\n"
        "print(*(f.is_enabled(name) for name in ('CUDA', 'CUDNN', 'NCCL', 'DIST_KVSTORE', 'MKLDNN')), "
        "mx.__version__, mx.context.num_gpus())"
    )
    status, said, problem = run(environment, "-c", code)
    assert status == 0, problem
    assert said == "True True True True True 1.9.1 0"


@pytest.mark.parametrize("devices", ["0", "0,1"])
def test_training_on_a_card_that_is_not_there(environment, devices):
    command = ("-m", "gluon_wgan", "train", "--preset", "demo", "--device", "gpu", "--devices", devices)
    status, _, said = run(environment, *command)
    assert status == 2
    assert "--device: given gpu (no GPU found); allowed: cpu" in said
    assert "Traceback" not in said


def test_without_a_driver_it_says_what_is_missing(environment):
    if "LD_LIBRARY_PATH" not in environment:
        pytest.skip("a machine that has a driver")
    bare = {name: value for name, value in environment.items() if name != "LD_LIBRARY_PATH"}
    status, _, said = run(bare, "-c", "import gluon_wgan, mxnet")
    assert status == 1
    assert "mxnet: this is MXNet's CUDA build, and the system lacks libcuda.so.1, NVIDIA's driver" in said


def test_on_the_cpu_it_has_the_other_builds_goldens(environment):
    """The stored numbers of the CPU build: initial weights, updates, checkpoints, samples."""
    status, said, problem = run(environment, "-m", "pytest", "-q", "tests/test_goldens.py", "tests/test_trainer.py")
    assert status == 0, said + problem


def test_a_run_on_the_cpu_end_to_end(environment, tmp_path):
    sizes = "--image-size 16 --generator-channels 2 --critic-channels 2 --generator-steps 3 --boost-generator-steps 0"
    places = ["--out", str(tmp_path / "run"), "--cache-dir", str(tmp_path / "cache")]
    status, _, said = run(environment, "-m", "gluon_wgan", "train", *sizes.split(), *places)
    assert status == 0, said
    status, _, said = run(environment, "-m", "gluon_wgan", "generate", tmp_path / "run", "--out", tmp_path / "one.png")
    assert status == 0, said


def test_the_check_for_cards_runs_where_there_is_none(environment):
    """Its comparisons are then of the CPU with itself."""
    status, _, said = run(environment, "tests/gpu/check.py", "--device", "cpu", "--steps", "2")
    assert status == 0, said
    assert said.count(": ok") == 4
