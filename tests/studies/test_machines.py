"""A study's runs on a real Dask scheduler and two real workers, one of which is killed: the same numbers as here."""

import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import small_study
from training_fixtures import TINY_RUN

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies import machines
from gluon_wgan.studies.plan import plan
from gluon_wgan.studies.runner import train_and_measure

pytestmark = pytest.mark.thorough  # `make test-thorough`, which brings Dask


@pytest.fixture
def dask(tmp_path):
    """Return the address of a scheduler, and its two workers of a thread each, which work in a folder of their own."""
    pytest.importorskip("distributed", reason="the extra cluster")
    started = []
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])

    def start(*command):
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{command[0]}", "--host", "127.0.0.1", *command[1:]],
            cwd=tmp_path / "there",
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},  # as many as a local training has
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    (tmp_path / "there").mkdir()
    scheduler = start("dask_scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0")
    address = next(found[0] for line in scheduler.stderr if (found := re.search(r"tcp://127\.0\.0\.1:\d+", line)))
    workers = [start("dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard") for _ in range(2)]
    yield address, workers
    for process in started:
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
            child.kill()
        process.kill()
        process.communicate()


def train(tmp_path, where, runs, address=None):
    """Return {(arm, seed): what was found}, and {name: content} of the pictures."""
    found, figures = {}, tmp_path / where / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    flags = small_study.Flags(str(tmp_path / "cache"), address)

    def keep(run, what):
        assert (run.arm, run.seed) not in found
        found[run.arm, run.seed] = what

    train_and_measure(runs, flags, small_study.measure_run, figures, lambda run: False, keep)
    return found, {str(file.relative_to(figures)): file.read_bytes() for file in figures.rglob("*.png")}


@pytest.fixture
def runs_in(tmp_path, picture_folder):
    """Return a function that plans two arms of two seeds, of a second or so each, with folders below a place."""
    base = replace(preset_settings("wassersteingan"), data=str(picture_folder), **{**TINY_RUN, "generator_steps": 400})
    arms = {"pil": base, "cv2": replace(base, resize="cv2")}
    return lambda where, seeds=(0, 1): plan(arms, seeds, tmp_path / where)


def kill_once_it_trains(worker, runs):
    until = time.monotonic() + 300  # a study measures its floors first, which on a busy machine takes minutes
    while len(list(runs.glob("*/metrics.jsonl"))) < 2:  # each worker is at one
        assert time.monotonic() < until
        time.sleep(0.02)
    left = psutil.Process(worker.pid).children(recursive=True)
    worker.kill()
    return left


def test_the_same_numbers_with_a_worker_killed(tmp_path, dask, runs_in):
    address, workers = dask
    with ThreadPoolExecutor(1) as beside:
        killed = beside.submit(kill_once_it_trains, workers[0], tmp_path / "runs-there")
        there = train(tmp_path, "there", runs_in("runs-there"), address)
        left = killed.result()
    here = train(tmp_path, "here", runs_in("runs-here"))
    assert len(here[0]) == len(here[1]) == 4
    assert there == here
    assert psutil.wait_procs(left, timeout=30)[1] == []  # what the killed one had begun is gone with it


def test_a_finished_run_is_not_trained_again(tmp_path, dask, runs_in):
    address, _ = dask
    (run,) = runs_in("runs", (0,))[:1]
    first = train(tmp_path, "there", [run], address)[0]
    metrics = (run.folder / "metrics.jsonl").stat().st_mtime_ns
    assert train(tmp_path, "there", [run], address)[0] == first
    assert (run.folder / "metrics.jsonl").stat().st_mtime_ns == metrics


def test_a_run_that_fails_is_named_and_the_others_are_finished(tmp_path, dask, runs_in):
    address, _ = dask
    runs = [runs_in("runs", (seed,))[0] for seed in (13, 1)]
    found = {}
    flags = small_study.Flags(str(tmp_path / "cache"), address)
    with pytest.raises(UserError, match=r"(?s)runs: given pil, seed 13: status 1: .*a lucky number"):
        train_and_measure(
            runs,
            flags,
            small_study.measure_run,
            tmp_path,
            lambda run: False,
            lambda run, what: found.update({run.seed: what}),
        )
    assert list(found) == [1]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x"])
def test_nobody_listens(tmp_path, monkeypatch, runs_in, address):
    pytest.importorskip("distributed", reason="the extra cluster")
    monkeypatch.setattr(machines, "_PATIENCE", 0.5)
    with pytest.raises(UserError, match=rf"--cluster: given {address} .*allowed: the address of a dask scheduler"):
        train(tmp_path, "there", runs_in("runs"), address)


def test_a_picture_outside_the_folder_is_refused(tmp_path):
    (tmp_path / "figures").mkdir()
    for name in ("../stray.png", str(tmp_path / "stray.png")):
        with pytest.raises(UserError, match="--cluster: given a worker that sends"):
            machines._write(tmp_path / "figures", name, b"")
    assert not (tmp_path / "stray.png").exists()
    machines._write(tmp_path / "figures", "of/a run.png", b"x")
    assert (tmp_path / "figures/of/a run.png").read_bytes() == b"x"


def test_an_ablation_on_a_cluster(tmp_path, dask):
    """With a worker killed too: the same numbers and pictures as on this machine alone, but for the seconds."""

    def measure(where, *more):
        sizes = "--image-size 16 --channels 2 --generator-steps 30 --arms cv2 --seeds 0".split()
        places = ["--reports", str(tmp_path / where), "--runs", f"{tmp_path}/runs-{where}"]
        call("ablate_resize", [*sizes, *places, "--cache-dir", str(tmp_path / "cache"), *more])
        found = {}
        for file in (tmp_path / where / "data/ablations").iterdir():
            found[file.name] = json.loads(file.read_text())
            assert found[file.name].pop("seconds") > 0
            found[file.name].pop("starts")
        pictures = {file.name: file.read_bytes() for file in (tmp_path / where / "figures/ablations").iterdir()}
        return found, pictures

    address, _ = dask
    here = measure("here")
    assert len(here[0]) == 2
    with ThreadPoolExecutor(1) as beside:
        killed = beside.submit(kill_once_it_trains, dask[1][0], tmp_path / "runs-there")
        assert measure("there", "--cluster", address) == here
        killed.result()
