"""Seconds against size: a part that no size changes, and a power. Without mxnet."""

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares


class Cost(NamedTuple):
    """seconds = fixed + factor * size ** power; numbers of 0 or more."""

    fixed: float
    factor: float
    power: float

    def __call__(self, size):
        return self.fixed + self.factor * np.asarray(size, float) ** self.power

    def crossing(self):
        """Return the size from which on the growing part is the larger."""
        exponent = math.log(self.fixed / self.factor) / self.power
        return math.exp(exponent) if exponent < 700 else math.inf


def fit(sizes, seconds):
    """Fit a `Cost` by least squares of the logarithms, so that each size counts alike.

    Parameters
    ----------
    sizes, seconds : sequence of float
        4 or more, above 0.

    Raises
    ------
    ValueError
        If there are fewer, which three numbers always fit.
    """
    sizes, seconds = np.asarray(sizes, float), np.asarray(seconds, float)
    if len(sizes) < 4:
        raise ValueError(f"{len(sizes)} sizes; 4 or more")

    def misses(logarithms):
        return np.log(Cost(*np.exp(logarithms))(sizes)) - np.log(seconds)

    slope = np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2])
    power = min(max(slope, 0.1), 5)
    start = np.log([seconds.min() / 2, seconds[-1] / sizes[-1] ** power, power])
    # a nanosecond is none, and a power beyond these is no size's
    bounds = np.log([1e-9, 1e-20, 0.05]), np.log([seconds.min(), np.inf, 6])
    return Cost(*np.exp(least_squares(misses, start, bounds=bounds).x))
