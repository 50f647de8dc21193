"""Attack the suite by the clock, count what it survives, and print each failure with the command that repeats it.

python tests/campaign/campaign.py --minutes 10 --seed 7
python tests/campaign/campaign.py --kind "picture.jpeg" --case 123456
"""

import argparse
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from readers import READERS
from tqdm import tqdm
from worker import FLAGS

KINDS = [FLAGS, *READERS]
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


def attack(minutes, seed, kinds, worker):
    """Draw cases until the time is over; return {kind: {"tried", "right", "refused", "failed"}} and the failures."""
    rng = np.random.default_rng(seed)
    counts = {kind: {"tried": 0, "right": 0, "refused": 0, "failed": 0} for kind in kinds}
    failures = []
    until = time.monotonic() + 60 * minutes
    with tqdm(unit="case", desc="rubbish", mininterval=1 if sys.stderr.isatty() else 30) as bar:
        while time.monotonic() < until:
            kind, case = kinds[rng.integers(len(kinds))], int(rng.integers(2**31))
            found = worker.try_case(kind, case)
            counts[kind]["tried"] += 1
            counts[kind]["failed" if found.startswith("FAILED") else found] += 1
            if found.startswith("FAILED"):
                failures.append({"kind": kind, "case": case, "how": found})
                bar.write(
                    f"{found}\n    python tests/campaign/campaign.py --kind {kind!r} --case {case}", file=sys.stdout
                )
            bar.update()
    return counts, failures


def main():
    """Do what the command line asks; the exit status is 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="how long (10)")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")
    parser.add_argument("--kind", choices=KINDS, help="this kind alone")
    parser.add_argument("--case", type=int, help="with --kind: this one case")
    flags = parser.parse_args()
    with Worker() as worker:
        if flags.case is not None:
            print(worker.try_case(flags.kind, flags.case))
            return
        counts, failures = attack(flags.minutes, flags.seed, [flags.kind] if flags.kind else KINDS, worker)
    for kind, found in counts.items():
        print(f"{kind:20}", *(f"{name} {count:6}" for name, count in found.items()))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
