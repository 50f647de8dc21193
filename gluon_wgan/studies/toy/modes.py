"""GANs on 8 and 25 Gaussians: the modes they cover, and the critic's value beside the exact EM distance."""

import time

import numpy as np
from scipy.stats import spearmanr

from gluon_wgan.errors import NotFiniteError
from gluon_wgan.evaluate.critics import HeldOut, estimate
from gluon_wgan.evaluate.divergences import em_of_samples
from gluon_wgan.studies.plane.distributions import DATA, LEAST_SHARE, NEAR, SIGMAS, count_modes, draw
from gluon_wgan.studies.plane.distributions import describe as describe_modes
from gluon_wgan.studies.plane.networks import LOSSES, N_CRITIC, build_trainer, generated, norm_between, train_until
from gluon_wgan.studies.toy.numbers import rounded
from gluon_wgan.studies.toy.question import EVALUATIONS

# Fixed before any run.
MIXTURES = ("8 gaussians", "25 gaussians")
ARMS = ("clip", "penalty", "minimax", "non_saturating")
SEEDS = (0, 1, 2, 3, 4)
COUNTED = 2500  # samples whose modes are counted
EM_POINTS = 800  # of each side, for the exact distance; the same real points and latents at every evaluation of a run
SHOWN_AT = (2, 4, 10, 20)  # evaluations at which samples are kept for the figures
SHOWN = 400  # of them


def describe():
    """Return the settings of this part, as they stand in its data."""
    return {
        "evaluations": EVALUATIONS,
        "counted": COUNTED,
        "em_points": EM_POINTS,
        "near": NEAR,
        "least_share": LEAST_SHARE,
        "sigmas": SIGMAS,
    }


def jobs(seeds=None):
    """Return (data, arm, seed) of every run, a mixture's all seeds before the next one's."""
    return [(data, arm, seed) for data in MIXTURES for seed in seeds or SEEDS for arm in ARMS]


def updates(job, generator_steps):
    """Return the critic updates of a run."""
    return N_CRITIC * generator_steps


def run(job, width, generator_steps, bar):
    """Train one GAN; return what came out, JSON values.

    Parameters
    ----------
    job : (str, str, int)
        Data, arm and seed.
    width, generator_steps : int
        20 steps or more, one for each evaluation.
    bar : tqdm.tqdm
        Gets the critic updates.

    Raises
    ------
    NotFiniteError
        If a value is not finite.
    """
    data, arm, seed = job
    start = time.perf_counter()
    trainer = build_trainer(data, arm, seed, width)
    real = draw(data, seed, "toy: held out", 0, EM_POINTS)
    course = {"step": [], "exact_em": [], "critic_value": [], "covered": []}
    shown = {}
    for evaluation in range(1, EVALUATIONS + 1):
        train_until(trainer, generator_steps * evaluation // EVALUATIONS, bar)
        fake = generated(trainer, "toy: held-out latents", EM_POINTS)
        samples = generated(trainer, "toy: counted latents", COUNTED)
        value = critic_value(trainer.critic, arm, real, fake)
        if not (np.isfinite(value) and np.isfinite(fake).all()):
            raise NotFiniteError(
                f"{', '.join(map(str, job))}: critic's value {value} at step {trainer.generator_steps}"
            )
        counts = count_modes(data, samples)
        found = (trainer.generator_steps, em_of_samples(real, fake), value, counts["covered"])
        for values, one in zip(course.values(), found):
            values.append(one)
        if evaluation in SHOWN_AT:
            shown[str(trainer.generator_steps)] = [rounded(axis, 3) for axis in samples[:SHOWN].T]
    return {
        "data": data,
        "arm": arm,
        "seed": seed,
        **counts,
        "exact_em": course["exact_em"][-1],
        # what two samples of the data are apart: no generator can be expected to come below it
        "floor": em_of_samples(real, draw(data, seed, "toy: held out", 1, EM_POINTS)),
        "value_follows_em": rank_correlation(course["critic_value"], course["exact_em"]),
        "gradient_norm": norm_between(trainer.critic, real, fake, seed),
        "course": {name: rounded(values, 5) for name, values in course.items()},
        "samples": shown,
        "seconds": round(time.perf_counter() - start, 1),
    }


def critic_value(critic, arm, real, fake):
    """Return what a critic says of the distance: mean f(real) - mean f(fake), or for a plain GAN JS in nats."""
    weights = [np.full(len(side), 1 / len(side)) for side in (real, fake)]
    # both plain GANs train the same discriminator
    loss = "wasserstein" if LOSSES[arm] == "wasserstein" else "minimax"
    return estimate(loss, critic, HeldOut(real, fake, *weights))


def rank_correlation(first, second):
    """Return Spearman's rank correlation of two sequences, None where one of them is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(spearmanr(first, second)[0])


def summarise(runs):
    """Return what the report and the claims ask of the runs: for each arm, of all runs and of each mixture's.

    A run has collapsed if a mode is not covered. Numbers of a mixture are medians over the seeds.
    """
    found = {
        "mixtures": {
            data: dict(zip(("centres", "near", "three_sigma"), _rounded_modes(*describe_modes(data))))
            for data in MIXTURES
        }
    }
    for arm in dict.fromkeys(run["arm"] for run in runs):
        of_arm = [run for run in runs if run["arm"] == arm]
        found[arm] = {**_collapsed(of_arm), "data": {}}
        for data in dict.fromkeys(run["data"] for run in of_arm):
            of_data = [run for run in of_arm if run["data"] == data]
            follows = [run["value_follows_em"] for run in of_data if run["value_follows_em"] is not None]
            found[arm]["data"][data] = {
                **_collapsed(of_data),
                **{name: float(np.median([run[name] for run in of_data])) for name in _MEDIANS},
                "value_follows_em": float(np.median(follows)) if follows else None,
            }
    return found


_MEDIANS = ("covered", "sharp", "reached", "share_within_3_sigma", "exact_em", "floor")


def _rounded_modes(centres, near, three_sigma):
    return centres.round(4).tolist(), float(near), float(three_sigma)


def _collapsed(runs):
    collapsed = sum(run["covered"] < len(DATA[run["data"]].centres) for run in runs)
    return {"n": len(runs), "collapsed": collapsed, "share_collapsed": collapsed / len(runs)}


def penalty_norm(runs):
    """Return the mean over the penalty's runs of the mean norm between the distributions, JSON values; None of none."""
    norms = [run["gradient_norm"] for run in runs if run["arm"] == "penalty"]
    if not norms:
        return None
    return {"mean": float(np.mean(norms)), "low": min(norms), "high": max(norms), "n": len(norms)}
