"""Two Gaussians: the optimal and trained discriminators, and the optimal and trained critics, and their gradients.

As Arjovsky, Chintala, Bottou: Wasserstein GAN (2017), Figure 2.
"""

import numpy as np
from scipy.special import expit
from scipy.stats import norm
from tqdm import tqdm

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.critics import HeldOut, input_gradients, scores
from gluon_wgan.studies.distances.critics import MOST_UPDATES, describe, train

# Fixed before anything was trained: as far apart as in claims_arithmetic, around 0, as pictures in [-1, 1] are.
REAL_MEAN, FAKE_MEAN = -5.0, 5.0  # both of spread 1
SEEDS = (0, 1, 2, 3, 4)
BETWEEN = 1001  # places between the means at which gradients are taken
SHOWN = np.linspace(-8, 8, 161)  # places at which values and gradients are kept for the figures


def optimal_discriminator(x, real_mean=REAL_MEAN, fake_mean=FAKE_MEAN):
    """Return (D, d log(1 - D) / dx) of the optimal discriminator D = p / (p + q) of N(real_mean, 1), N(fake_mean, 1).

    The logit of D is linear: (real_mean - fake_mean) x + (fake_mean**2 - real_mean**2) / 2; and
    d log(1 - D) / dx = -D times its slope.

    Parameters
    ----------
    x : numpy.ndarray
    real_mean, fake_mean : float

    Raises
    ------
    UserError
        If a mean is not finite.
    """
    for name, mean in (("real_mean", real_mean), ("fake_mean", fake_mean)):
        if not np.isfinite(mean):
            raise UserError(name, mean, "a finite number")
    slope = real_mean - fake_mean
    found = expit(slope * np.asarray(x, float) + (fake_mean**2 - real_mean**2) / 2)
    return found, -found * slope


def quadrature(cells=4000):
    """Return a `HeldOut` whose weighted sums are the expectations over the two Gaussians."""
    low, high = min(REAL_MEAN, FAKE_MEAN) - 7, max(REAL_MEAN, FAKE_MEAN) + 7
    x = low + (high - low) * (np.arange(cells) + 0.5) / cells
    weights = [norm.pdf(x, mean) for mean in (REAL_MEAN, FAKE_MEAN)]
    return HeldOut(x[:, None], x[:, None], *(weight / weight.sum() for weight in weights))


def _draw(random, count):
    normal = random.standard_normal((count, 1))
    return normal + REAL_MEAN, normal + FAKE_MEAN


def values_and_gradients(loss, critic, x):
    """Return what a figure shows of a trained critic at places x (N,), two arrays (N,).

    - minimax: D = sigmoid(f), and d log(1 - D) / dx = -D f', the gradient that the generator's minimax loss passes on
    - wasserstein: f, and f'
    """
    value, gradient = scores(critic, x[:, None]), input_gradients(critic, x[:, None])[:, 0]
    if loss == "wasserstein":
        return value, gradient
    return expit(value), -expit(value) * gradient


def _rounded(values):
    return [float(f"{value:.6g}") for value in values]


def _of_seed(loss, seed, held_out, bar, most_updates):
    trained = train(loss, _draw, held_out, seed, bar, most_updates)
    between = np.linspace(REAL_MEAN, FAKE_MEAN, BETWEEN)
    size = np.abs(values_and_gradients(loss, trained.critic, between)[1])
    value, gradient = values_and_gradients(loss, trained.critic, SHOWN)
    return {
        "seed": seed,
        "updates": trained.updates,
        "settled": trained.settled,
        "estimate": trained.estimate,
        "smallest": float(size.min()),
        "largest": float(size.max()),
        "smallest_over_largest": float(size.min() / size.max()),
        "value": _rounded(value),
        "gradient": _rounded(gradient),
    }


def measure(seeds=SEEDS, most_updates=MOST_UPDATES):
    """Train a discriminator and a critic from every seed; return them beside the optimal ones, JSON values.

    `smallest_over_largest` of each is the median over the seeds of the smallest over the largest size of the gradient
    between the means, see `values_and_gradients`; `low` and `high` are the smallest and the largest of the seeds.

    Parameters
    ----------
    seeds : sequence of int
    most_updates : int

    Raises
    ------
    UserError
        If there is no seed, or as of `gluon_wgan.studies.distances.critics.train`.
    """
    if not seeds:
        raise UserError("seeds", "none", "one or more")
    held_out = quadrature()
    optimal_value, optimal_gradient = optimal_discriminator(SHOWN)
    optimal_between = np.abs(optimal_discriminator(np.linspace(REAL_MEAN, FAKE_MEAN, BETWEEN))[1])
    found = {
        "real_mean": REAL_MEAN,
        "fake_mean": FAKE_MEAN,
        "training": {**describe(), "most_updates": most_updates},
        "places": BETWEEN,
        "x": _rounded(SHOWN),
        "discriminator": {
            "optimal": {"value": _rounded(optimal_value), "gradient": _rounded(optimal_gradient)},
            "optimal_smallest_over_largest": float(optimal_between.min() / optimal_between.max()),
        },
        # the best 1-Lipschitz function: what lies left of all that it is moved to
        "critic": {
            "optimal": {"value": _rounded(-SHOWN), "gradient": [-1.0] * len(SHOWN)},
            "optimal_smallest_over_largest": 1.0,
        },
    }
    with tqdm(total=2 * len(seeds) * most_updates, unit="update", desc="two Gaussians") as bar:
        for name, loss in (("discriminator", "minimax"), ("critic", "wasserstein")):
            of_seeds = [_of_seed(loss, seed, held_out, bar, most_updates) for seed in seeds]
            ratios = [one["smallest_over_largest"] for one in of_seeds]
            found[name] |= {
                "smallest_over_largest": float(np.median(ratios)),
                "low": min(ratios),
                "high": max(ratios),
                "seeds": of_seeds,
            }
    return found
