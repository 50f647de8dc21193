"""Attack the suite by the clock, count what it survives, and print each failure with the command that repeats it.

python tests/campaign/campaign.py --minutes 10 --seed 7
python tests/campaign/campaign.py --kind "picture.jpeg" --case 123456
"""

import argparse
import queue
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from kills import AT_CALLS, KILLED, Kills, KillsAtCalls
from readers import READERS
from starvation import STARVATIONS, Starved
from tqdm import tqdm
from twice import TWICE, Twice
from worker import FLAGS

from gluon_wgan.run_folder import describe_environment
from gluon_wgan.studies.reliability.question import PART
from gluon_wgan.studies.results import Results

KINDS = [FLAGS, *READERS]
NEED_TORCH = ("pth", "pth, legacy", "convert_checkpoint")
SECONDS = 10  # that a case may take
_WORKER = [sys.executable, str(Path(__file__).with_name("worker.py"))]


class Worker:
    """A process that reads cases; a new one after each that dies or hangs."""

    def __init__(self):
        self._process = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._stop()

    def _start(self):
        self._process = subprocess.Popen(
            _WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, encoding="utf-8"
        )
        self._lines = queue.Queue()

        def listen(process, lines):
            for line in process.stdout:
                lines.put(line.rstrip("\n"))
            lines.put(None)

        threading.Thread(target=listen, args=(self._process, self._lines), daemon=True).start()

    def _stop(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def try_case(self, kind, seed):
        """Return "right", "refused", or "FAILED: why"."""
        if self._process is None:
            self._start()
        self._process.stdin.write(f"{kind} {seed}\n")
        # the first case of a kind waits for its sound files
        found = self._next(120)
        if found != "ready":
            self._stop()
            return f"FAILED: a sound file of {kind} was not made: {found}"
        found = self._next(SECONDS)
        if found is None:
            status = self._process.wait()
            self._stop()
            return f"FAILED: the process ended by signal {-status}" if status < 0 else f"FAILED: it ended with {status}"
        if found == "":
            self._stop()
            return f"FAILED: no answer in {SECONDS} seconds"
        return found

    def _next(self, seconds):
        try:
            return self._lines.get(timeout=seconds)
        except queue.Empty:
            return ""


class Counts:
    """How the cases of each kind ended, and the failures."""

    def __init__(self):
        self.kinds, self.failures = {}, []

    def add(self, kind, case, found):
        """Count a case; print a failure with the command that repeats it."""
        counts = self.kinds.setdefault(kind, {"tried": 0, "right": 0, "refused": 0, "failed": 0})
        counts["tried"] += 1
        failed = found not in ("right", "refused")
        counts["failed" if failed else found] += 1
        if failed:
            self.failures.append({"kind": kind, "case": case, "how": found})
            tqdm.write(f"{found}\n    python tests/campaign/campaign.py --kind {kind!r} --case {case}", file=sys.stdout)


def attack(minutes, seed, ways):
    """Draw cases until the time is over; return `Counts`.

    Parameters
    ----------
    minutes : float
    seed : int
    ways : list
        Of (kinds, what tries a case of these, how many to try in a round).
    """
    rng, counts = np.random.default_rng(seed), Counts()
    until = time.monotonic() + 60 * minutes
    with tqdm(unit="case", desc="campaign", mininterval=1 if sys.stderr.isatty() else 30) as bar:
        while time.monotonic() < until:
            for kinds, how, count in ways:
                for _ in range(count if kinds else 0):
                    kind, case = kinds[rng.integers(len(kinds))], int(rng.integers(2**31))
                    counts.add(kind, case, how.try_case(kind, case))
                    bar.update()
                    if time.monotonic() > until:
                        break
    return counts


def main():
    """Do what the command line asks; the exit status is 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="how long (10)")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")
    parser.add_argument("--kind", choices=[*KINDS, *KILLED, *AT_CALLS, *STARVATIONS, *TWICE], help="this kind alone")
    parser.add_argument("--case", type=int, help="with --kind: this one case")
    parser.add_argument("--reports", help="write what was counted, and the failures, to data/reliability.json there")
    flags = parser.parse_args()
    if flags.case is not None and flags.kind is None:
        parser.error("--case: given without --kind; allowed: both, as a failure prints them")
    with Worker() as worker, tempfile.TemporaryDirectory() as folder:
        # a kill takes as long as a hundred files
        ends = {}  # undisturbed, which all share
        ways = [(KINDS, worker, 100)]
        for kinds, how in ((KILLED, Kills), (AT_CALLS, KillsAtCalls), (STARVATIONS, Starved), (TWICE, Twice)):
            ways.append((kinds, how(folder, ends), 1))
        if flags.case is not None:
            (how,) = (how for kinds, how, _ in ways if flags.kind in kinds)
            found = how.try_case(flags.kind, flags.case)
            print(found)
            sys.exit(found not in ("right", "refused"))
        left_out = NEED_TORCH if find_spec("torch") is None else ()
        if left_out:
            print(f"without PyTorch, which `make parity` installs, not tried: {', '.join(left_out)}")
        wanted = {flags.kind} if flags.kind else {kind for kinds, _, _ in ways for kind in kinds} - {*left_out}
        ways = [([kind for kind in kinds if kind in wanted], how, count) for kinds, how, count in ways]
        counts = attack(flags.minutes, flags.seed, ways)
    for kind, found in sorted(counts.kinds.items()):
        print(f"{kind:20}", *(f"{name} {count:6}" for name, count in found.items()))
    if flags.reports:
        environment = describe_environment()
        words = ["python", "tests/campaign/campaign.py", *environment.pop("command")[1:]]
        found = {"minutes": flags.minutes, "seed": flags.seed, "command": shlex.join(words), "environment": environment}
        found |= {"kinds": dict(sorted(counts.kinds.items())), "failures": counts.failures}
        Results(flags.reports, "reliability").keep(PART, found)
    sys.exit(bool(counts.failures))


if __name__ == "__main__":
    main()
