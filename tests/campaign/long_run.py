"""Train the smallest network for long, twice: once in one go, which is watched, and once stopped again and again.

python tests/campaign/long_run.py --generator-steps 400000 --stops 50 --reports reports
"""

import argparse
import contextlib
import json
import os
import shlex
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parent))

from disturbed import differing, popen
from tqdm import tqdm

from gluon_wgan.data.lsun import draw_bedrooms
from gluon_wgan.environment import describe_environment
from gluon_wgan.studies.reliability.question import LONG_RUN
from gluon_wgan.studies.results import Results

# The original's schedule at the smallest size, with samples and checkpoints often.
SETTINGS = (
    "--image-size 16 --generator-channels 4 --critic-channels 4 --latent-dim 8 --batch-size 8 "
    "--sample-every 500 --checkpoint-every 1000"
)
# what ends it: a user's Ctrl-C in the other process, or a machine that goes down
_SIGNALS = (signal.SIGTERM, signal.SIGKILL)
_POINTS = 400  # that are kept of a course


class Run:
    """A training in a folder: started, resumed, stopped; how far it is."""

    def __init__(self, place, pictures, generator_steps):
        place.mkdir()
        self.place, self.folder = place, place / "run"
        self._command = ["train", *SETTINGS.split(), "--data", str(pictures), "--generator-steps", str(generator_steps)]
        self._process = None

    def start(self):
        """Start it, or go on with it; return the process."""
        begun = (self.folder / "config.json").exists()
        command = ["train", "--resume"] if begun else self._command
        self._process = popen([*command, "--out", "run", "--cache-dir", "cache"], self.place)
        return self._process

    def stop(self, by):
        """Send a signal to it, unless it has ended; wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, by)
        self._process.wait()

    def ended(self):
        """Say whether the process has ended; raises if it failed."""
        status = self._process.poll()
        if status:
            sys.exit(f"{self.place.name}: it ended with {status}")
        return status == 0

    def generator_step(self):
        """Return the generator step of the last whole line of metrics.jsonl, 0 before the first."""
        file = self.folder / "metrics.jsonl"
        if not file.exists():
            return 0
        with open(file, "rb") as metrics:
            metrics.seek(max(0, file.stat().st_size - 4096))
            lines = metrics.read().split(b"\n")[:-1]
        return json.loads(lines[-1])["generator_step"] if lines else 0


def look_at(run, process):
    """Return what a training holds: a dict of numbers, see `gluon_wgan.studies.reliability.long_run`.

    The step is read last: what is seen before the last step is of a process that trains.
    """
    with process.oneshot():
        found = {"memory_mib": process.memory_info().rss / 2**20, "open_files": process.num_fds()}
        found["threads"] = process.num_threads()
    files = [path.stat().st_size for path in run.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {"generator_step": run.generator_step(), **found, "folder_mib": sum(files) / 2**20, "files": len(files)}


def train_both(whole, stopped, generator_steps, stops, every):
    """Train both to the end; return what was seen of the first, and how often the second was stopped by each signal."""
    process, seen, done = psutil.Process(whole.start().pid), [], 0
    stopped.start()
    looked, ended = time.monotonic(), [False, False]
    with contextlib.ExitStack() as stack:
        for run in (whole, stopped):
            stack.callback(run.stop, signal.SIGKILL)
        bar = stack.enter_context(tqdm(total=2 * generator_steps, unit="step", mininterval=_interval()))
        while not all(ended):
            time.sleep(0.5)
            steps = [run.generator_step() for run in (whole, stopped)]
            bar.update(max(0, sum(steps) - bar.n))
            ended = [run.ended() for run in (whole, stopped)]
            if not ended[0] and time.monotonic() - looked > every:
                looked = time.monotonic()
                with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # it has just ended
                    found = look_at(whole, process)
                    # before the first step, or after the last, when its files are closed, it is no training
                    seen += [found] if 0 < found["generator_step"] < generator_steps else []
            if not ended[1] and done < stops and steps[1] > generator_steps * (done + 1) / (stops + 1):
                stopped.stop(_SIGNALS[done % 2])
                done += 1
                stopped.start()
    return seen, done


def _interval():
    return 1 if sys.stderr.isatty() else 60


def seconds_a_step(folder, generator_steps):
    """Return (generator steps, seconds of a step in the part that ends there) from metrics.jsonl, lists."""
    steps, seconds, before = [], [], 0.0
    every = max(1, generator_steps // _POINTS)
    with open(folder / "metrics.jsonl") as metrics:
        for number, line in enumerate(metrics, 1):
            if number % every == 0:
                now = json.loads(line)["seconds"]
                steps.append(number)
                seconds.append((now - before) / every)
                before = now
    return steps, seconds


def main():
    """Do what the command line asks; the exit status is 1 if the two did not end alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator-steps", type=int, default=400_000, help="of each training (400000)")
    parser.add_argument("--stops", type=int, default=50, help="how often the second is stopped and resumed (50)")
    parser.add_argument("--seconds", type=float, default=10, help="between two looks at the first (10)")
    parser.add_argument("--reports", help="write what was seen to data/reliability.json there")
    flags = parser.parse_args()
    if not 0 <= flags.stops < flags.generator_steps:
        parser.error(f"--stops: given {flags.stops}; allowed: 0 or more, fewer than --generator-steps")
    environment = describe_environment()  # now: it says when this started, and at which commit
    with tempfile.TemporaryDirectory() as folder:
        pictures = draw_bedrooms(folder, 200)
        whole, stopped = (Run(Path(folder) / name, pictures, flags.generator_steps) for name in ("whole", "stopped"))
        began = time.monotonic()
        seen, stops = train_both(whole, stopped, flags.generator_steps, flags.stops, flags.seconds)
        hours = (time.monotonic() - began) / 3600
        results = (f"run/checkpoints/step_{flags.generator_steps:07d}", "run/samples", "run/metrics.jsonl")
        different = differing(results, stopped.place, whole.place)
        steps, seconds = seconds_a_step(whole.folder, flags.generator_steps)
    kept = seen[:: max(1, len(seen) // _POINTS)]
    words = ["python", "tests/campaign/long_run.py", *environment.pop("command")[1:]]
    found = {
        "command": shlex.join(words),
        "environment": environment,
        "settings": SETTINGS,
        "generator_steps": flags.generator_steps,
        "stops": stops,
        "hours": hours,
        "different": different,
        "course": {name: [one[name] for one in kept] for name in kept[0]} if kept else {},
        "pace": {"generator_step": steps, "seconds": seconds},
    }
    print(
        f"{flags.generator_steps:,} generator steps, {stops} stops, {hours:.2f} h; different: {different or 'nothing'}"
    )
    if flags.reports:
        Results(flags.reports, "reliability").keep(LONG_RUN, found)
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
