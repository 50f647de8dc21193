"""Two parallel lines: KL, JS, total variation and EM by their distance, in closed form and from samples.

Arjovsky, Chintala, Bottou: Wasserstein GAN (2017), Example 1. With Z uniform on [0, 1], P0 is the law of (0, Z), and
the generator g_theta(z) = (theta, z) gives P_theta. But for theta = 0 the two have no point in common.
"""

import math

import numpy as np
from tqdm import tqdm

from gluon_wgan import streams
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.divergences import em_of_samples, js, kl, total_variation

# Fixed before anything was measured.
_SIDE = (0.04, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
THETAS = (*(-theta for theta in reversed(_SIDE)), 0.0, *_SIDE)
POINTS = 500  # drawn of each distribution
BIN_WIDTH = 0.1  # of the square cells of the histograms; one is centred on the origin
STEP = 0.02  # half the distance over which the slopes of the estimates are taken
SEEDS = (0, 1, 2, 3, 4)


def closed_form(theta):
    """Return the distances of P0 and P_theta: em = |theta|; js, tv, kl are 0 at 0, else log 2, 1 and infinity.

    Parameters
    ----------
    theta : float

    Raises
    ------
    UserError
        If theta is not finite.
    """
    _check_theta(theta)
    apart = theta != 0
    return {
        "em": abs(float(theta)),
        "js": math.log(2) * apart,
        "tv": 1.0 * apart,
        "kl": math.inf if apart else 0.0,
    }


def closed_form_slope(theta):
    """Return the derivatives of em and js with respect to theta: its sign, and 0; None at 0, where there are none."""
    _check_theta(theta)
    return {"em": math.copysign(1.0, theta), "js": 0.0} if theta else {"em": None, "js": None}


def _check_theta(theta):
    if not math.isfinite(theta):
        raise UserError("theta", theta, "a finite number")


def histograms(first, second, bin_width):
    """Return the shares of two samples in the cells that hold a point of either, one of which is centred on 0.

    Parameters
    ----------
    first, second : numpy.ndarray
        (N, dims) and (M, dims).
    bin_width : float
        Side of the cells.

    Returns
    -------
    two numpy.ndarray
        Of the same length, each with the sum 1.

    Raises
    ------
    UserError
        If the width is not a finite number above 0.
    """
    if not 0 < bin_width < math.inf:
        raise UserError("bin_width", bin_width, "a finite number above 0")
    cells = np.floor(np.concatenate([first, second]) / bin_width + 0.5).astype(int)
    found, place = np.unique(cells, axis=0, return_inverse=True)
    place = place.ravel()
    shares = [np.bincount(part, minlength=len(found)) / len(part) for part in np.split(place, [len(first)])]
    return shares[0], shares[1]


def estimates(first, second, bin_width):
    """Return em of two samples by optimal transport, and js, tv and kl (of the first from the second) of histograms."""
    p, q = histograms(first, second, bin_width)
    return {"em": em_of_samples(first, second), "js": js(p, q), "tv": total_variation(p, q), "kl": kl(p, q)}


def draw(theta, points, seed):
    """Return samples of P0 and P_theta, (points, 2) each; the same heights for every theta."""
    random = streams.generator(seed, "distances: parallel lines")
    heights = random.random((2, points))
    return np.column_stack([np.zeros(points), heights[0]]), np.column_stack([np.full(points, theta), heights[1]])


def estimated_slope(theta, points, bin_width, seed, step=STEP):
    """Return the central differences of the estimates of em and js with respect to theta, for the same numbers z."""
    after, before = (estimates(*draw(theta + side * step, points, seed), bin_width) for side in (1, -1))
    return {name: (after[name] - before[name]) / (2 * step) for name in ("em", "js")}


def _json(number):
    """Return the number, infinity as the text "inf": JSON has none."""
    return "inf" if number is not None and math.isinf(number) else number


def _spread(dicts):
    """Return {name: mean, low, high} over dicts of numbers; low and high are the smallest and the largest."""
    values = {name: [one[name] for one in dicts] for name in dicts[0]}
    return {
        name: {"mean": _json(float(np.mean(found))), "low": _json(min(found)), "high": _json(max(found))}
        for name, found in values.items()
    }


def measure(thetas=THETAS, points=POINTS, bin_width=BIN_WIDTH, seeds=SEEDS):
    """Return the distances and the slopes at every theta, in closed form and from samples of every seed; JSON values.

    Parameters
    ----------
    thetas : sequence of float
    points : int
        Drawn of each distribution, 1 or more.
    bin_width : float
    seeds : sequence of int

    Raises
    ------
    UserError
        If a value is out of its range.
    """
    if points < 1:
        raise UserError("points", points, "1 or more")
    rows = []
    for theta in tqdm(thetas, unit="place", desc="parallel lines"):
        estimated = [estimates(*draw(theta, points, seed), bin_width) for seed in seeds]
        slopes = [estimated_slope(theta, points, bin_width, seed) for seed in seeds]
        rows.append(
            {
                "theta": theta,
                "exact": {name: _json(value) for name, value in closed_form(theta).items()},
                "estimate": _spread(estimated),
                "slope_exact": closed_form_slope(theta),
                "slope_estimate": _spread(slopes),
            }
        )
    return {"points": points, "bin_width": bin_width, "step": STEP, "seeds": list(seeds), "rows": rows}
