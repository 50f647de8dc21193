"""What a clipped critic's value is worth: its estimate over the exact EM distance, on pairs whose distance is known."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from gluon_wgan import streams
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.critics import HeldOut
from gluon_wgan.studies.distances.critics import MOST_UPDATES, describe, train

# Fixed before anything was trained. The critic is the same for all pairs: two inputs; what lies on a line lies on the
# first axis.
SEEDS = (0, 1, 2)
HELD_OUT = 4096  # points of each distribution


class Pair(NamedTuple):
    """Two distributions in the plane.

    Attributes
    ----------
    name : str
    exact : float
        Their EM distance.
    draw : callable
        `draw(random, count)` returns samples (count, 2) of both, from the same random numbers: matched in an optimal
        way, so that their difference is as little noisy as can be.
    """

    name: str
    exact: float
    draw: Callable


def _gaussians(shift, middle=(0.0, 0.0)):
    def draw(random, count):
        first = random.standard_normal((count, 2)) + middle
        return first, first + shift

    return draw


def _widths(random, count):
    first = np.column_stack([random.standard_normal(count), np.zeros(count)])
    return first, 3 * first


def _lines(random, count):
    first = np.column_stack([np.zeros(count), random.random(count)])
    return first, first + np.array([1.0, 0.0])


def _points(random, count):
    second = np.column_stack([random.choice([-1.0, 1.0], count), np.zeros(count)])
    return np.zeros((count, 2)), second


def _circles(random, count):
    angle = 2 * np.pi * random.random(count)
    first = np.column_stack([np.cos(angle), np.sin(angle)])
    return first, 2 * first


# Where one is the other moved by a vector, EM is its length; where all points of one move straight away from the origin
# to make the other, EM is the mean length of their ways (the critic |x| shows that no less will do).
PAIRS = (
    Pair("Gaussians, 1 apart", 1.0, _gaussians((1.0, 0.0))),
    Pair("Gaussians, 4 apart", 4.0, _gaussians((4.0, 0.0))),
    Pair("Gaussians, 2 apart on a slant", 2.0, _gaussians((1.2, 1.6))),
    Pair("Gaussians, 1 apart, far from 0", 1.0, _gaussians((1.0, 0.0), (5.0, 5.0))),
    Pair("Gaussians of width 1 and 3", 2 * float(np.sqrt(2 / np.pi)), _widths),
    Pair("parallel lines, 1 apart", 1.0, _lines),
    Pair("a point and two around it", 1.0, _points),
    Pair("circles of radius 1 and 2", 1.0, _circles),
)


def held_out(pair, count=HELD_OUT):
    """Return a `HeldOut` of `count` points of each distribution of a pair, the same for all seeds."""
    if count < 1:
        raise UserError("count", count, "1 or more")
    weights = np.full(count, 1 / count)
    return HeldOut(*pair.draw(streams.generator(0, "distances: held out"), count), weights, weights)


def measure(pairs=PAIRS, seeds=SEEDS, most_updates=MOST_UPDATES):
    """Train a clipped critic on every pair from every seed; return estimate / exact distance, JSON values.

    A pair's factor is the median over the seeds; `largest` and `smallest` are of the pairs' factors.

    Parameters
    ----------
    pairs : sequence of Pair
    seeds : sequence of int
    most_updates : int

    Raises
    ------
    UserError
        If there is no pair or no seed, or as of `gluon_wgan.studies.distances.critics.train`.
    """
    for name, given in (("pairs", pairs), ("seeds", seeds)):
        if not given:
            raise UserError(name, "none", "one or more")
    rows = []
    with tqdm(total=len(pairs) * len(seeds) * most_updates, unit="update", desc="pairs of known distance") as bar:
        for pair in pairs:
            points = held_out(pair)
            trained = [train("wasserstein", pair.draw, points, seed, bar, most_updates) for seed in seeds]
            factors = [one.estimate / pair.exact for one in trained]
            rows.append(
                {
                    "name": pair.name,
                    "exact": pair.exact,
                    "factor": float(np.median(factors)),
                    "factors": factors,
                    "updates": [one.updates for one in trained],
                    "settled": [one.settled for one in trained],
                }
            )
    factors = [row["factor"] for row in rows]
    return {
        "seeds": list(seeds),
        "training": {**describe(), "most_updates": most_updates},
        "held_out": HELD_OUT,
        "pairs": rows,
        "largest": max(factors),
        "smallest": min(factors),
    }
