"""Time several ways of doing the same work in turns, so that what the machine does meanwhile falls on all alike."""

import time

import mxnet as mx
import numpy as np
from tqdm import tqdm

from gluon_wgan.models.flops import gemm_flops_per_second


def alternate(arms, seconds, name):
    """Let the arms, and matrix products, take turns; return {arm: seconds (turns, steps)}, {whose: FLOP/s}."""
    for take in arms.values():
        take(1)  # the first step builds graphs and memory
    steps_a_turn = 1 + int(1 / arms["ours"](1)[0])
    turns, gemm = {arm: [] for arm in arms}, {"oneDNN": [], "OpenBLAS": []}
    began = time.monotonic()
    with tqdm(
        total=round(seconds), unit="s", desc=f"steps {name}", bar_format="{desc}: {percentage:3.0f}%|{bar}|"
    ) as bar:
        while len(gemm["oneDNN"]) < 3 or time.monotonic() - began < seconds:
            for by, rates in gemm.items():
                rates.append(gemm_flops_per_second(mx.cpu(), repeats=1, by=by))
            for arm, take in arms.items():
                # the first of a turn finds the other's data in the caches, and counts only where it is the only one
                turn = take(steps_a_turn)
                turns[arm].append(turn[1:] or turn)
            bar.update(min(round(time.monotonic() - began), bar.total) - bar.n)
    return {arm: np.array(turns[arm]) for arm in arms}, gemm


def compare(arm, theirs, ours):
    """Return the results of another arm beside ours; both are seconds (turns, steps)."""
    step = float(np.median(theirs))
    neighbours = np.median(theirs, axis=1) / np.median(ours, axis=1)
    return {
        f"{arm}_step_seconds": step,
        f"ratio_{arm}": step / float(np.median(ours)),
        f"ratio_{arm}_spread": quartiles(neighbours),
    }


def quartiles(values):
    return np.percentile(values, [25, 75]).tolist()
