"""A command is disturbed, given again, and must end as if nothing had happened: the commands, and how they are held."""

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


_STUDY = (
    "language --measure --data text.txt --channels 4 --generator-steps 6 --seeds 0 1 --at-once 2 --reports reports "
    "--runs runs --cache-dir cache"
).split()


def _train(*more):
    return ["train", *more, "--out", "run", "--cache-dir", "cache"]


_CLIP = _train(*_SIZES, "--data", "pictures")
_END = ["run/checkpoints/step_0000040", "run/samples", "run/metrics.jsonl"]
SCENARIOS = {
    "train, clipped": Scenario(_CLIP, _END),
    "train, penalised": Scenario(_train(*_SIZES, *_PENALTY, "--data", "pictures"), _END),
    "train, two workers": Scenario(["launch", "--workers", "2", "--", *_CLIP], _END),
    "train, text": Scenario(_train(*_TEXT), ["run/checkpoints/step_0000020", "run/samples", "run/metrics.jsonl"]),
    "generate": Scenario(["generate", "run", "--count", "300", "--kind", "pictures"], ["run/generated"], _CLIP),
    "generate, a sheet": Scenario(["generate", "run", "--count", "100"], ["run/generated"], _CLIP),
    "generate, from the zoo": Scenario(
        ["generate", "zoo:digits-28", "--count", "100", "--kind", "pictures"], ["digits-28/generated"]
    ),
    "convert_checkpoint": Scenario(
        ["convert_checkpoint", "export", "run", "--to", "torch", "--out", "torch"], ["torch"], _CLIP
    ),
    "similar": Scenario(
        ["similar", "run", "--count", "4", "--out", "similar", "--cache-dir", "cache"], ["similar"], _CLIP
    ),
    "measure": Scenario(
        ["measure", "run", "--data", "pictures", "--count", "40", "--cache-dir", "cache"], ["run/measured"], _CLIP
    ),
    "a study": Scenario(_STUDY, ["reports/data/language.json"]),
    "make_reports": Scenario(
        ["make_reports", "--reports", "reports"],
        [f"reports/{name}" for name in ("index.md", "language.md", "language.html", "figures")],
        _STUDY,
    ),
}


class Disturbed:
    """Commands that are disturbed once, given again, and held against their undisturbed ends.

    Parameters
    ----------
    folder : str or pathlib.Path
        For the undisturbed ends, which are made when they are asked for the first time.
    ends : dict, optional
        Those that were made in this folder already.
    """

    def __init__(self, folder, ends=None):
        self._folder = Path(folder)
        self._ends = {} if ends is None else ends

    def try_case(self, kind, seed):
        """Disturb a scenario once, give it again; return how that ended.

        "right"; "refused", if disturbed it said what it lacked; or "FAILED: why".
        """
        rng = random.Random(f"{kind} {seed}")
        name = self.scenario(kind, rng)
        whole, seconds = self._end(name)
        scenario = SCENARIOS[name]
        place = self._folder / self.name_of_place(kind)
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self._start(scenario), place, symlinks=True)
        happened, found = self.disturb(kind, scenario, place, rng, seconds)
        if found not in ("right", "refused"):
            return f"FAILED: {name}, {happened}: {found}"
        status, said = _finish(scenario, place)
        if status:
            return f"FAILED: {name}, {happened}; given again, it ended with {status}: {said}"
        different = differing(scenario.results, place, whole)
        left = [str(path.relative_to(place)) for path in place.rglob("*.partial*")]
        if different or left:
            return f"FAILED: {name}, {happened}; not the same: {different}; left behind: {left}"
        return found

    def scenario(self, kind, rng):
        """Return the name of the scenario that a case of this kind disturbs."""
        raise NotImplementedError

    def name_of_place(self, kind):
        """Return the name of the folder in which it is disturbed."""
        return "case"

    def disturb(self, kind, scenario, place, rng, seconds):
        """Run a scenario and disturb it; return what happened, in words, and "right", "refused", or what was wrong.

        Undisturbed it takes so many seconds.
        """
        raise NotImplementedError

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
                assert popen(scenario.before, place).wait(PATIENCE) == 0
        return place

    def _end(self, name):
        if name not in self._ends:
            scenario, place = SCENARIOS[name], self._folder / f"whole {name}"
            shutil.copytree(self._start(scenario), place, symlinks=True)
            began = time.monotonic()
            assert popen(scenario.command, place).wait(PATIENCE) == 0, name
            self._ends[name] = place, time.monotonic() - began
        return self._ends[name]


def popen(command, place, before=(), environment=None, **more):
    """Start a command of gluon-wgan in a folder, in a process group of its own."""
    words = [*before, sys.executable, "-m", "gluon_wgan", *command]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **(environment or {})}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **more}
    return subprocess.Popen(words, cwd=place, env=environment, start_new_session=True, **quiet)


def _finish(scenario, place):
    """Give a command again, as a user would after a kill; return (exit status, its last line)."""
    command = list(scenario.command)
    if "train" in command and (place / "run/config.json").exists():
        resumed = ["--out", "run", "--cache-dir", "cache", "--resume"]
        command = [*command[: command.index("train") + 1], *resumed]
    process = popen(command, place, stderr=subprocess.PIPE)
    try:
        _, said = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return "no answer", f"in {PATIENCE} s"
    lines = said.decode(errors="replace").strip().splitlines()
    return process.returncode, lines[-1] if lines else ""


def differing(results, place, whole):
    """Return which of some files and folders do not hold the same in two places, a list."""
    return [name for name in results if _content(place / name, place) != _content(whole / name, whole)]


def _content(path, place):
    """Return what a file or a folder holds, but for times and the name of the place."""
    if path.is_dir():
        files = (file for file in sorted(path.rglob("*")) if file.is_file())
        return {str(file.relative_to(path)): _content(file, place) for file in files}
    if not path.exists():
        return None
    content = path.read_bytes()
    for name in (str(place), json.dumps(str(place))[1:-1]):
        content = content.replace(name.encode(), b"")
    if path.name == "metrics.jsonl":
        return [{**json.loads(line), "seconds": 0} for line in content.splitlines()]
    if path.name == "state.json":
        timeless = ("seconds", "sha256_of_the_rest", "by_clock")
        return {key: value for key, value in json.loads(content).items() if key not in timeless}
    if path.parent.name == "data":  # of a study: when it was started, and how often, is another
        parts = {name: part for name, part in json.loads(content).items() if name != "schema"}
        timeless = ("seconds", "start")
        for part in parts.values():
            del part["starts"]
            part["runs"] = [{key: value for key, value in run.items() if key not in timeless} for run in part["runs"]]
        return parts
    return content
