"""The toy data of WGAN-GP (Gulrajani et al. 2017, Figure 1): 8 Gaussians, 25 Gaussians and the Swiss roll, in 2-D.

The numbers are those of the paper's code, github.com/igul222/improved_wgan_training, gan_toy.py. There 25 Gaussians
are 100,000 points, as many of each, in one order; here every batch is drawn afresh.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from gluon_wgan import streams
from gluon_wgan.errors import UserError


class Toy(NamedTuple):
    """One of the distributions: (place + spread * normal numbers) / scale.

    Attributes
    ----------
    centres : numpy.ndarray or None
        (modes, 2), all equally probable; None for the Swiss roll.
    spread, scale : float
    """

    centres: np.ndarray | None
    spread: float
    scale: float


_ANGLES = np.arange(8) * np.pi / 4
_GRID = 2.0 * np.arange(-2, 3)
DATA = {
    "8 gaussians": Toy(2 * np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)]), 0.02, 1.414),
    "25 gaussians": Toy(np.stack(np.meshgrid(_GRID, _GRID), axis=-1).reshape(-1, 2), 0.05, 2.828),
    "swiss roll": Toy(None, 0.25, 7.5),
}
# Fixed before any run. A sample is near a mode within a fifth of the distance between two neighbouring centres, and a
# mode is covered if at least a quarter of its fair share of the samples is near it. So blurred modes count, and samples
# strewn evenly over the square of the data cover none: a mode gets 13 % of its share on the grid, 15 % on the circle.
# Three spreads are what "within 3 sigma" means.
NEAR = 0.2
LEAST_SHARE = 0.25
SIGMAS = 3
HELD_LATENTS = 5  # numbers that `beside` makes a point of


def look_up(name):
    """Return the `Toy` of a name; raise UserError if there is none."""
    if name not in DATA:
        raise UserError("data", repr(name), ", ".join(DATA))
    return DATA[name]


def points(name, place, noise):
    """Return points (N, 2), float64, of a distribution.

    - Gaussians: centre number floor(place * modes)
    - Swiss roll: (t cos t, t sin t) with t = 1.5 pi (1 + 2 place), columns 0 and 2 of scikit-learn's

    Parameters
    ----------
    name : str
        Of `DATA`; another raises UserError.
    place : numpy.ndarray
        (N,), uniform in [0, 1).
    noise : numpy.ndarray
        (N, 2), standard normal.
    """
    toy = look_up(name)
    if toy.centres is None:
        t = 1.5 * np.pi * (1 + 2 * np.asarray(place, np.float64))
        middle = np.column_stack([t * np.cos(t), t * np.sin(t)])
    else:
        modes = len(toy.centres)
        # a float32 place, or a normal number's, may round up to 1
        middle = toy.centres[np.minimum(np.floor(np.asarray(place) * modes).astype(int), modes - 1)]
    return (middle + toy.spread * noise) / toy.scale


def draw(name, seed, purpose, index, count):
    """Return `count` points (count, 2), float64, of a stream."""
    random = streams.generator(seed, purpose, index)
    return points(name, random.random(count), random.standard_normal((count, 2)))


def beside(name, latents):
    """Return points of a distribution plus a unit Gaussian, the paper's generator that is held: (N, 2), float64.

    Parameters
    ----------
    name : str
    latents : numpy.ndarray
        (N, 5), standard normal: the place on the data (as its quantile), the data's own noise, the added one.

    Raises
    ------
    UserError
        If there are not five numbers a point.
    """
    if latents.ndim != 2 or latents.shape[1] != HELD_LATENTS:
        raise UserError("latents", latents.shape, f"(N, {HELD_LATENTS})")
    return points(name, ndtr(latents[:, 0].astype(np.float64)), latents[:, 1:3]) + latents[:, 3:5]


class Batches:
    """Batches of a distribution for `gluon_wgan.training.trainer.Trainer`: `batches[number]` is float32 (N, 2, 1, 1).

    Parameters
    ----------
    name : str
        Of `DATA`; another raises UserError.
    batch_size, seed : int
    """

    def __init__(self, name, batch_size, seed):
        look_up(name)
        self._name, self._seed = name, seed
        self.batch_size = batch_size

    def __getitem__(self, number):
        drawn = draw(self._name, self._seed, "toy: batches", number, self.batch_size)
        return drawn.astype(np.float32)[:, :, None, None]


def describe(name):
    """Return (centres, distance that is near a mode, 3 sigma) of a mixture as it is drawn; UserError if it is none."""
    toy = look_up(name)
    if toy.centres is None:
        raise UserError("data", repr(name), ", ".join(known for known in DATA if DATA[known].centres is not None))
    centres = toy.centres / toy.scale
    between = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    return centres, NEAR * between[between > 0].min(), SIGMAS * toy.spread / toy.scale


def count_modes(name, samples):
    """Return how samples (N, 2) lie on the modes of a mixture.

    Returns
    -------
    dict
        covered: modes with at least a quarter of their fair share of the samples near them; sharp: the same within 3
        sigma; reached: modes with one sample or more within 3 sigma; share_within_3_sigma: of all samples.

    Raises
    ------
    UserError
        If the data has no modes, or there is no sample.
    """
    centres, near, three_sigma = describe(name)
    if not len(samples):
        raise UserError("samples", "none", "one or more")
    distances = np.hypot(*(samples[:, None] - centres[None]).transpose(2, 0, 1))  # (N, modes)
    least = LEAST_SHARE * len(samples) / len(centres)
    near, within = ((distances <= radius).sum(axis=0) for radius in (near, three_sigma))
    return {
        "covered": int((near >= least).sum()),
        "sharp": int((within >= least).sum()),
        "reached": int((within >= 1).sum()),
        "share_within_3_sigma": float(within.sum() / len(samples)),
    }
