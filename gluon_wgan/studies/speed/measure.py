"""Measure what an update costs by size, and where its time goes."""

import json
import os
import subprocess
import sys
import time

import mxnet as mx
import numpy as np
from tqdm import tqdm

from gluon_wgan.models.flops import gemm_flops_per_second
from gluon_wgan.studies.speed import profile
from gluon_wgan.studies.speed.question import AXES, PROFILED, SECONDS, THREADS
from gluon_wgan.training.timing import seconds_of

# in its own process, whose engine starts without a word
_PROFILE = f"""
import json, sys
from gluon_wgan import use_synchronous_engine
use_synchronous_engine()
from {profile.__name__} import profile
print(json.dumps(profile(json.loads(sys.argv[1]))))
"""
_LEAST = 3  # updates, however long one takes


def measure(flags, results):
    """Measure into reports/data/speed.json, and where the time goes into profile.json; what was there is replaced."""
    sizes = []
    for points in AXES.values():
        sizes += [point for point in points if point not in sizes]
    sizes.sort(key=lambda size: size["image_size"] ** 2 * size["channels"] * size["batch_size"])
    cases = [(size, threads, on) for size in PROFILED for threads in THREADS for on in (True, False)]
    with tqdm(total=len(cases) + len(sizes), unit="size", mininterval=0.5 if sys.stderr.isatty() else 30) as bar:
        profiled = results.beside("profile")
        profiled.replace({})
        for size, threads, on in cases:
            bar.set_postfix_str(f"profile of {size}", refresh=False)
            found = {**size, "threads": threads, "kernels": on, **_apart(size, threads, on)}
            profiled.keep_run("now", {"updates": profile.UPDATES}, found, _place_of_profile, lambda runs: {})
            bar.update()
        results.replace({})
        for size in sizes:
            bar.set_postfix_str(str(size), refresh=False)
            results.keep_run("sizes", {"at_least_seconds": SECONDS}, _cost(size), _place, lambda runs: {})
            bar.update()


def _place(run):
    return run["image_size"], run["channels"], run["batch_size"]


def _place_of_profile(run):
    return *_place(run), run["threads"], not run["kernels"]


def _apart(size, threads, on):
    """Profile in a process of its own: threads and kernels are fixed when one starts."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "GLUON_WGAN_KERNELS": str(int(on))}
    command = [sys.executable, "-c", _PROFILE, json.dumps(size)]
    said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(said.splitlines()[-1])


def _cost(size):
    found = {}
    for work, (once, gflop) in profile.works(size).items():
        once(), once()  # the first builds graphs and memory
        seconds = []
        began = time.monotonic()
        while len(seconds) < _LEAST or time.monotonic() - began < SECONDS:
            seconds.append(seconds_of(once))
        found[work] = {
            "seconds": float(np.median(seconds)),
            "quartiles": np.percentile(seconds, [25, 75]).tolist(),
            "n": len(seconds),
            "gflop": gflop,
        }
    rate = max(gemm_flops_per_second(mx.cpu(), by=by) for by in ("oneDNN", "OpenBLAS"))
    return {**size, "gemm_gflops": rate / 1e9, "work": found}
