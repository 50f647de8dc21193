"""Kill a run at any instant, resume it: the final weights are those of a run that was never stopped, bit for bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

STEPS = 90
# At this size a second thread only waits for the first.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
SCRIPT = Path(__file__).parent.parent / "experiments/train_lsun.py"
# Kill the process in the nth call of a function: just before it, so that what it would have done is missing.
KILLER = """
import os, signal, sys, pathlib
import gluon_wgan
from gluon_wgan import checkpoint
from gluon_wgan.command import call
from gluon_wgan.data import prepared
prepared._BLOCK = 8
prepared._SECONDS_BETWEEN_NOTES = 0
place, nth = sys.argv[1], int(sys.argv[2])
owners = {{"checkpoint": checkpoint, "prepared": prepared, "Path": pathlib.Path, "nd": checkpoint.nd}}
owner, name = owners[place.split(".")[0]], place.split(".")[1]
original, calls = getattr(owner, name), [0]
def killing(*arguments, **named):
    calls[0] += {condition}
    if calls[0] == nth:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **named)
setattr(owner, name, killing)
call("train", sys.argv[3:])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with 64 pictures and an uninterrupted run."""
    folder = tmp_path_factory.mktemp("kill")
    (folder / "pictures").mkdir()
    generator = np.random.default_rng(0)
    for number in range(64):
        pixels = generator.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{number:02d}.png")
    began = time.monotonic()
    assert start(folder, "whole", "cache").wait(timeout=120) == 0
    (folder / "seconds").write_text(str(time.monotonic() - began))
    return folder


def flags(folder, run, cache, *more):
    """Return the flags of a small run, or of going on with it."""
    if (folder / run / "config.json").exists():
        return ["--out", folder / run, "--cache-dir", folder / cache, "--resume"]
    sizes = "--image-size 16 --generator-channels 4 --critic-channels 4 --batch-size 8 --n-critic 2 --n-critic-boost 6"
    often = f"--boost-generator-steps 5 --boost-every 50 --generator-steps {STEPS} --checkpoint-every 9"
    data = ["--data", folder / "pictures", "--out", folder / run, "--cache-dir", folder / cache]
    return [*sizes.split(), *often.split(), "--sample-every", "30", *data, *more]


def start(folder, run, cache, *more):
    command = [sys.executable, SCRIPT, *flags(folder, run, cache, *more)]
    return subprocess.Popen(
        [str(word) for word in command], env=ENVIRONMENT, stderr=subprocess.DEVNULL, start_new_session=True
    )


def assert_same_end(folder, run, without_a_stop="whole"):
    names = (without_a_stop, run)
    ends = [folder / name / "checkpoints" / f"step_{STEPS:07d}" for name in names]
    for file in ("generator.params", "critic.params", "optimizer.params"):
        assert (ends[0] / file).read_bytes() == (ends[1] / file).read_bytes(), file
    whole, resumed = ([json.loads(line) for line in open(folder / name / "metrics.jsonl")] for name in names)
    for record in (*whole, *resumed):
        assert record.pop("seconds") >= 0
    assert whole == resumed  # every step once, without a gap, with the same numbers
    samples = sorted(path.name for path in (folder / without_a_stop / "samples").iterdir())
    assert samples == sorted(path.name for path in (folder / run / "samples").iterdir())
    for name in samples:
        assert (folder / without_a_stop / "samples" / name).read_bytes() == (
            folder / run / "samples" / name
        ).read_bytes()


def test_killed_at_random_moments_it_ends_in_the_same_bits(folder):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed of the moments: {seed}")  # noqa: T201 - shown by pytest if the test fails
    moments = random.Random(seed)
    kills = 0
    while kills < 4 or not (folder / "killed/metrics.jsonl").exists():
        process = start(folder, "killed", "cache")
        # of the time that a whole run takes, a good part of it before the first step
        wait = moments.uniform(0.3, 0.65) * float((folder / "seconds").read_text())
        try:
            process.wait(timeout=wait)
            break  # it was done before we struck
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        until = time.monotonic() + 10  # a child that dies with its parent takes a moment
        while left := [other.pid for other in psutil.process_iter() if _session(other.pid) == process.pid]:
            assert time.monotonic() < until, left
    assert kills >= 1
    # to the end; where it was there already, this changes nothing
    assert start(folder, "killed", "cache").wait(timeout=120) == 0
    assert_same_end(folder, "killed")


def _session(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


@pytest.mark.parametrize(
    ("place", "condition", "nth"),
    [
        ("nd.save", "1", 2),  # two files of the second checkpoint are there, the third is not
        ("checkpoint.write_flushed", "1", 3),  # some of the files are written
        ("Path.rename", "arguments[0].name.startswith('.step')", 2),  # whole, but without its name
        ("Path.symlink_to", "1", 2),  # named, but `latest` is the one before
        ("prepared.write_atomic", "1", 4),  # in the middle of preparing
        ("prepared._finish", "1", 1),  # every picture prepared, but not finished
    ],
)
def test_killed_while_it_writes_it_ends_in_the_same_bits(folder, place, condition, nth):
    run, cache = f"at-{place}", f"cache-{place}"
    code = KILLER.format(condition=condition)
    command = [sys.executable, "-c", code, place, nth, *flags(folder, run, cache)]
    killed = subprocess.run(
        [str(word) for word in command], env=ENVIRONMENT, stderr=subprocess.DEVNULL, timeout=120, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert start(folder, run, cache).wait(timeout=120) == 0
    assert_same_end(folder, run)
    assert list((folder / run / "checkpoints").glob(".*")) == []


def test_a_penalised_run_with_compiled_kernels_killed_ends_in_the_same_bits(folder):
    penalised = ("--preset", "wgan-gp")
    assert start(folder, "penalised", "cache", *penalised).wait(timeout=120) == 0
    code = KILLER.format(condition="1")
    command = [sys.executable, "-c", code, "nd.save", 8, *flags(folder, "penalised-killed", "cache", *penalised)]
    killed = subprocess.run(
        [str(word) for word in command], env=ENVIRONMENT, stderr=subprocess.DEVNULL, timeout=120, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert list((folder / "penalised-killed/checkpoints").glob("step_*"))  # from which it goes on
    assert start(folder, "penalised-killed", "cache").wait(timeout=120) == 0
    assert_same_end(folder, "penalised-killed", "penalised")
    starts = json.loads((folder / "penalised-killed/environment.json").read_text())["starts"]
    assert [begun["gluon_wgan_kernels"] for begun in starts] == [ENVIRONMENT.get("GLUON_WGAN_KERNELS")] * 2
    assert all(begun["packages"]["numba"] for begun in starts)


def test_interrupted_it_writes_a_checkpoint_between_two_critic_updates(folder):
    process = start(folder, "stopped", "cache")
    while not (folder / "stopped/metrics.jsonl").exists() or not (folder / "stopped/metrics.jsonl").read_text():
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert list((folder / "stopped/checkpoints").glob("step_*"))
    again = start(folder, "stopped", "cache")
    while len(json.loads((folder / "stopped/environment.json").read_text())["starts"]) < 2:
        time.sleep(0.01)
        assert again.poll() is None
    again.send_signal(signal.SIGTERM)
    assert again.wait(timeout=60) in (130, 0)
    assert start(folder, "stopped", "cache").wait(timeout=120) == 0
    assert_same_end(folder, "stopped")


def test_another_thread_count_may_resume_and_is_recorded(folder):
    process = start(folder, "threads", "cache")
    while not list((folder / "threads/checkpoints").glob("step_*")):
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)
    known = len(list(open(folder / "threads/metrics.jsonl")))
    command = [sys.executable, SCRIPT, *flags(folder, "threads", "cache")]
    two_threads = {**ENVIRONMENT, "OMP_NUM_THREADS": "2"}
    resumed = subprocess.Popen([str(word) for word in command], env=two_threads, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 100  # beside another process two threads mostly wait for each other
    while len(list(open(folder / "threads/metrics.jsonl"))) <= known:
        assert resumed.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    resumed.send_signal(signal.SIGTERM)
    _, said = resumed.communicate(timeout=60)
    assert resumed.returncode == 130
    assert "OMP_NUM_THREADS was 1 and is 2" in said
    starts = json.loads((folder / "threads/environment.json").read_text())["starts"]
    assert [entry["omp_num_threads"] for entry in starts] == ["1", "2"]


def test_the_engine_does_not_move_a_bit(folder):
    command = [sys.executable, SCRIPT, *flags(folder, "engine", "cache")]
    threaded = {**ENVIRONMENT, "MXNET_ENGINE_TYPE": "ThreadedEnginePerDevice"}
    subprocess.run([str(word) for word in command], env=threaded, capture_output=True, timeout=120, check=True)
    engines = [
        json.loads((folder / run / "environment.json").read_text())["starts"][0]["mxnet_engine_type"]
        for run in ("whole", "engine")
    ]
    assert engines == ["NaiveEngine", "ThreadedEnginePerDevice"]
    assert_same_end(folder, "engine")
