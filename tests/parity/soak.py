"""Compare critics drawn at random with PyTorch's double backward, a thousand by default, in fresh processes.

    python tests/parity/soak.py [--trials 1000] [--per-process 50] [--first-seed 1000]

Each trial: draw, compare (plain and hybridized), one update, compare again, as tests/parity/test_gradient_penalty.py
does. The exit status is 1, and the seed is printed, at the first disagreement or crash (a negative return code is a
signal).

Of many critics some have a gradient that all but cancels, such as that of a bias in front of a LayerNorm, and whose
float32 error is many times PyTorch's by chance of rounding: here a hundred times is allowed, and how many pass ten
times is said.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # this file's own folder is there already


def main():
    """Run the trials; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--per-process", type=int, default=50)
    parser.add_argument("--first-seed", type=int, default=1000, help="the tests hold the first seeds")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.trials)
    worst, ratios = {}, []
    with tqdm(total=len(seeds), unit="trial") as bar:
        for start in range(0, len(seeds), arguments.per_process):
            some = seeds[start : start + arguments.per_process]
            failed = run_child(some, worst, ratios, bar)
            if failed is not None:
                return failed
    lines = (f"  {key}: {value}" for key, value in worst.items())
    say("\n".join([f"{len(seeds)} trials agree; the worst (error, tensor, seed):", *lines]))
    over = sum(ratio > 10 for ratio in ratios)
    say(f"  float32 ratio: median {statistics.median(ratios):.2f}, above 10: {over} of {len(ratios)}")
    return 0


def run_child(seeds, worst, ratios, bar):
    """Run some seeds in a process of their own; return None, or the exit status after telling which one failed."""
    command = [sys.executable, __file__, "--child", str(seeds.start), str(seeds.stop)]
    done = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            if line.startswith("{"):
                found = json.loads(line)
                ratios.append(found["float32 ratio"][0])
                for key, (error, tensor) in found.items():
                    worst[key] = max(worst.get(key, [0.0]), [error, tensor, seeds[done]])
                done += 1
                bar.update()
    if child.returncode or done < len(seeds):
        where = f"seed {seeds[done]}" if done < len(seeds) else "the end of the process"
        say(f"failed at {where}, return code {child.returncode}")
        return 1
    return None


def child(start, stop):
    """Compare the seeds, a line of JSON for each."""
    os.environ.setdefault("MXNET_ENGINE_TYPE", "NaiveEngine")  # as the tests
    from random_critics import Trial, check

    for seed in range(start, stop):
        found = Trial(seed).compare(None, {"static_alloc": seed % 2 == 0})
        check(found, 100)
        say(json.dumps(found))


def say(line):
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*map(int, sys.argv[2:]))
    else:
        sys.exit(main())
