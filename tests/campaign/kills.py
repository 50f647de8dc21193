"""Kills: a command is killed at a random instant, given again, and must end as if nothing had happened."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180  # seconds that a command may take after a kill
_SIZES = (
    "--image-size 16 --generator-channels 4 --critic-channels 4 --latent-dim 5 --batch-size 8 --n-critic 2 "
    "--n-critic-boost 5 --boost-generator-steps 2 --boost-every 20 --generator-steps 40 --checkpoint-every 7 "
    "--sample-every 10 --checkpoint-minutes 0.005"
).split()
_PENALTY = "--lipschitz gradient_penalty --critic dcgan-layer-norm --optimizer adam".split()
_TEXT = (
    "--preset wgan-gp-text --sequence-length 8 --generator-channels 4 --critic-channels 4 --latent-dim 5 "
    "--batch-size 8 --n-critic 2 --generator-steps 20 --checkpoint-every 6 --sample-every 10 --data text.txt"
).split()


class Scenario(NamedTuple):
    """A command, run in a folder with pictures/ and text.txt.

    Attributes
    ----------
    command : list of str
        Of `gluon-wgan`.
    results : list of str
        Files and folders whose content must be the same afterwards.
    before : list of str
        A command whose results must be there first, undisturbed.
    """

    command: list
    results: list
    before: list = ()


def _train(*more):
    return ["train", *more, "--out", "run", "--cache-dir", "cache"]


_CLIP = _train(*_SIZES, "--data", "pictures")
_END = ["run/checkpoints/step_0000040", "run/samples", "run/metrics.jsonl"]
SCENARIOS = {
    "train, clipped": Scenario(_CLIP, _END),
    "train, penalised": Scenario(_train(*_SIZES, *_PENALTY, "--data", "pictures"), _END),
    "train, text": Scenario(_train(*_TEXT), ["run/checkpoints/step_0000020", "run/samples", "run/metrics.jsonl"]),
    "generate": Scenario(["generate", "run", "--count", "300", "--kind", "pictures"], ["run/generated"], _CLIP),
    "generate, a sheet": Scenario(["generate", "run", "--count", "100"], ["run/generated"], _CLIP),
    "convert_checkpoint": Scenario(
        ["convert_checkpoint", "export", "run", "--to", "torch", "--out", "torch"], ["torch"], _CLIP
    ),
    "similar": Scenario(
        ["similar", "run", "--count", "4", "--out", "similar", "--cache-dir", "cache"], ["similar"], _CLIP
    ),
}


class Kills:
    """The undisturbed ends of the scenarios, made when they are asked for the first time, in a folder of its own."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._ends = {}

    def try_case(self, name, seed):
        """Kill a scenario once, give it again; return "right", or "FAILED: why"."""
        whole, seconds = self._end(name)
        scenario, rng = SCENARIOS[name], random.Random(f"{name} {seed}")
        place = self._folder / "case"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self._start(scenario), place, symlinks=True)
        after = rng.uniform(0, 1.05 * seconds)
        process = _popen(scenario.command, place)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        status, said = _finish(scenario, place)
        if status:
            return f"FAILED: killed after {after:.2f} s, it ended with {status}: {said}"
        different = [
            name for name in scenario.results if _content(place / name, place) != _content(whole / name, whole)
        ]
        left = [str(path.relative_to(place)) for path in place.rglob("*.partial*")]
        if different or left:
            return f"FAILED: killed after {after:.2f} s; not the same: {different}; left behind: {left}"
        return "right"

    def _start(self, scenario):
        """Return a folder from which a scenario starts."""
        place = self._folder / ("start" if not scenario.before else f"before {' '.join(scenario.before)[:40]}")
        if not place.exists():
            (place / "pictures").mkdir(parents=True)
            for index in range(40):
                pixels = np.random.default_rng(index).integers(0, 256, (20, 24, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / "pictures" / f"{index}.png")
            lines = [f"line {index} of {index % 7} or {index % 5}" for index in range(100)]
            (place / "text.txt").write_text("\n".join(lines))
            if scenario.before:
                assert _popen(scenario.before, place).wait(PATIENCE) == 0
        return place

    def _end(self, name):
        if name not in self._ends:
            scenario, place = SCENARIOS[name], self._folder / f"whole {name}"
            shutil.copytree(self._start(scenario), place, symlinks=True)
            began = time.monotonic()
            assert _popen(scenario.command, place).wait(PATIENCE) == 0, name
            self._ends[name] = place, time.monotonic() - began
        return self._ends[name]


def _popen(command, place, **more):
    words = [sys.executable, "-m", "gluon_wgan", *command]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **more}
    return subprocess.Popen(words, cwd=place, env=environment, start_new_session=True, **quiet)


def _finish(scenario, place):
    """Give a command again, as a user would after a kill; return (exit status, its last line)."""
    command = list(scenario.command)
    if command[0] == "train" and (place / "run/config.json").exists():
        command = ["train", "--out", "run", "--cache-dir", "cache", "--resume"]
    process = _popen(command, place, stderr=subprocess.PIPE)
    try:
        _, said = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return "no answer", f"in {PATIENCE} s"
    lines = said.decode(errors="replace").strip().splitlines()
    return process.returncode, lines[-1] if lines else ""


def _content(path, place):
    """Return what a file or a folder holds, but for times and the name of the place."""
    if path.is_dir():
        files = (file for file in sorted(path.rglob("*")) if file.is_file())
        return {str(file.relative_to(path)): _content(file, place) for file in files}
    if not path.exists():
        return None
    content = path.read_bytes().replace(str(place).encode(), b"")
    if path.name == "metrics.jsonl":
        return [{**json.loads(line), "seconds": 0} for line in content.splitlines()]
    if path.name == "state.json":
        timeless = ("seconds", "sha256_of_the_rest", "by_clock")
        return {key: value for key, value in json.loads(content).items() if key not in timeless}
    return content
