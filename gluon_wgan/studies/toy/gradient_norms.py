"""Deep WGANs on the Swiss roll: how gradients grow or vanish from layer to layer, and where the weights lie.

As Gulrajani et al. 2017, Figure 1b: generator and critic are ReLU MLPs of 12 layers, without BatchNorm.
"""

import time

import numpy as np

from gluon_wgan.errors import NotFiniteError
from gluon_wgan.studies.plane.distributions import draw
from gluon_wgan.studies.plane.networks import N_CRITIC, build_trainer, generated, layers_of, train_until
from gluon_wgan.studies.toy.numbers import gradient_norms, rounded, weight_histogram

# Fixed before any run.
DATA = "swiss roll"
HIDDEN_LAYERS = 12  # and a last, linear one
BOUNDS = ("0.1", "0.01", "0.001")
ARMS = (*(f"clip {bound}" for bound in BOUNDS), "penalty")
SEEDS = (0, 1, 2)
STEPS_DIVISOR = 10  # generator steps are --generator-steps over this: 500 of 5,000
LEAST_RATIO = 1e-99  # where all units of a layer are dead the ratio is 0, and ratios of ratios would have no value
POINTS = 256  # held-out points of each side on which the norms are taken: a batch


def describe():
    """Return the settings of this part, as they stand in its data."""
    return {"data": DATA, "hidden_layers": HIDDEN_LAYERS, "points": POINTS, "steps_divisor": STEPS_DIVISOR}


def jobs(seeds=None):
    """Return (data, arm, seed) of every run."""
    return [(DATA, arm, seed) for seed in seeds or SEEDS for arm in ARMS]


def updates(job, generator_steps):
    """Return the critic updates of a run."""
    return N_CRITIC * (generator_steps // STEPS_DIVISOR)


def run(job, width, generator_steps, bar):
    """Train one GAN; return the norms and the histogram of its critic, JSON values.

    The norm is of the gradient of mean f(fake) - mean f(real), without the penalty, with respect to the activations of
    each hidden layer. Parameters and errors as of `gluon_wgan.studies.toy.modes.run`, for any number of steps.
    """
    data, arm, seed = job
    start = time.perf_counter()
    kind, _, bound = arm.partition(" ")
    bounds = {"clip_bound": float(bound)} if bound else {}
    trainer = build_trainer(data, kind, seed, width, HIDDEN_LAYERS, **bounds)
    real = draw(data, seed, "toy: held out", 0, POINTS)
    at_start = gradient_norms(layers_of(trainer.critic), real, generated(trainer, "toy: held-out latents", POINTS))
    train_until(trainer, generator_steps // STEPS_DIVISOR, bar)
    weights = layers_of(trainer.critic)
    norms = gradient_norms(weights, real, generated(trainer, "toy: held-out latents", POINTS))
    if not np.isfinite(norms).all():
        raise NotFiniteError(f"gradient norms, {arm}: {norms} at step {trainer.generator_steps}")
    histogram = weight_histogram(weights)
    return {
        **{"data": data, "arm": arm, "seed": seed},
        "ratio": max(float(norms[0] / norms[-1]), LEAST_RATIO),
        "norms": rounded(norms),
        "norms_at_start": rounded(at_start),
        "histogram": {"reach": histogram["reach"], "shares": rounded(histogram["shares"])},
        "seconds": round(time.perf_counter() - start, 1),
    }


def summarise(runs):
    """Return the ratio of the first hidden layer's norm to the last's, a median over the seeds, of each arm.

    Returns
    -------
    dict
        {"clip": {bound: {"ratio", "low", "high", "n"}}, "penalty": the same}, of the arms that have runs.
    """
    found = {}
    for arm in ARMS:
        ratios = [run["ratio"] for run in runs if run["arm"] == arm]
        if not ratios:
            continue
        kind, _, bound = arm.partition(" ")
        one = {"ratio": float(np.median(ratios)), "low": min(ratios), "high": max(ratios), "n": len(ratios)}
        if bound:
            found.setdefault(kind, {})[bound] = one
        else:
            found[kind] = one
    return found
