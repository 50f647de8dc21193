"""Attack the suite by the clock, count what it survives, and print each failure with the command that repeats it.

python tests/campaign/campaign.py --minutes 10 --seed 7
python tests/campaign/campaign.py --kind "picture.jpeg" --case 123456
"""

import argparse
import contextlib
import itertools
import queue
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
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

from gluon_wgan.environment import describe_environment
from gluon_wgan.studies.reliability.question import PART
from gluon_wgan.studies.results import Results

KINDS = [FLAGS, *READERS]
NEED_TORCH = ("pth", "pth, legacy", "convert_checkpoint")
SECONDS = 10  # that a case may take
AT_ONCE = 2  # cases that are tried, one for each core of a small machine
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
        self._one_at_a_time = threading.Lock()

    def add(self, kind, case, found):
        """Count a case; print a failure with the command that repeats it."""
        failed = found not in ("right", "refused")
        with self._one_at_a_time:
            counts = self.kinds.setdefault(kind, {"tried": 0, "right": 0, "refused": 0, "failed": 0})
            counts["tried"] += 1
            counts["failed" if failed else found] += 1
            if failed:
                self.failures.append({"kind": kind, "case": case, "how": found})
        if failed:
            tqdm.write(f"{found}\n    python tests/campaign/campaign.py --kind {kind!r} --case {case}", file=sys.stdout)


@contextlib.contextmanager
def ways():
    """Yield (kinds, what tries a case of these, how many to try in a round), in turn."""
    with Worker() as worker, tempfile.TemporaryDirectory() as folder:
        ends = {}  # undisturbed, which all share
        # a kill takes as long as a hundred files
        yield [
            (KINDS, worker, 300),
            (KILLED, Kills(folder, ends), 2),
            (AT_CALLS, KillsAtCalls(folder, ends), 2),
            (STARVATIONS, Starved(folder, ends), 2),
            (TWICE, Twice(folder, ends), 1),
        ]


def attack(minutes, seed, wanted):
    """Draw cases until the time is over, AT_ONCE at a time; return `Counts`.

    Parameters
    ----------
    minutes : float
    seed : int
    wanted : set of str
        The kinds to draw from.
    """
    counts, until = Counts(), time.monotonic() + 60 * minutes

    def rounds(which, bar):
        rng = np.random.default_rng([seed, which])
        with ways() as all_ways:
            chosen = [([kind for kind in kinds if kind in wanted], how, count) for kinds, how, count in all_ways]
            drawn = [(kinds, how) for kinds, how, count in chosen if kinds for _ in range(count)]
            for kinds, how in itertools.cycle(drawn):
                kind, case = kinds[rng.integers(len(kinds))], int(rng.integers(2**31))
                counts.add(kind, case, how.try_case(kind, case))
                bar.update()
                if time.monotonic() > until:
                    return

    interval = 1 if sys.stderr.isatty() else 30
    with tqdm(unit="case", desc="campaign", mininterval=interval) as bar, ThreadPoolExecutor(AT_ONCE) as threads:
        for attacker in [threads.submit(rounds, which, bar) for which in range(AT_ONCE)]:
            attacker.result()
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
    if flags.case is not None:
        with ways() as all_ways:
            (how,) = (how for kinds, how, _ in all_ways if flags.kind in kinds)
            found = how.try_case(flags.kind, flags.case)
        print(found)
        sys.exit(found not in ("right", "refused"))
    left_out = NEED_TORCH if find_spec("torch") is None else ()
    if left_out:
        print(f"without PyTorch, which `make parity` installs, not tried: {', '.join(left_out)}")
    environment = describe_environment()  # now: it says when this started, and at which commit
    every = {*KINDS, *KILLED, *AT_CALLS, *STARVATIONS, *TWICE}
    counts = attack(flags.minutes, flags.seed, {flags.kind} if flags.kind else every - {*left_out})
    for kind, found in sorted(counts.kinds.items()):
        print(f"{kind:30}", *(f"{count:6} {name}" for name, count in found.items()))
    if flags.reports:
        words = ["python", "tests/campaign/campaign.py", *environment.pop("command")[1:]]
        found = {"minutes": flags.minutes, "seed": flags.seed, "command": shlex.join(words), "environment": environment}
        found |= {"kinds": dict(sorted(counts.kinds.items())), "failures": counts.failures}
        Results(flags.reports, "reliability").keep(PART, found)
    sys.exit(bool(counts.failures))


if __name__ == "__main__":
    main()
