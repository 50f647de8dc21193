"""Critics trained while the generator is held: how near their surfaces come to the optimal critic's.

As Gulrajani et al. 2017, Figure 1a: the generator is real data plus a unit Gaussian.
"""

import time

import numpy as np

from gluon_wgan import streams
from gluon_wgan.errors import NotFiniteError
from gluon_wgan.evaluate.critics import scores
from gluon_wgan.studies.plane.distributions import DATA, HELD_LATENTS, beside, draw
from gluon_wgan.studies.plane.networks import (
    CLIP_BOUND,
    build_trainer,
    generated,
    layers_of,
    norm_between,
)
from gluon_wgan.studies.toy.numbers import (
    REACH,
    correlation,
    extend,
    grid,
    optimal_critic,
    rounded,
    share_at_bound,
)

# Fixed before any run.
ARMS = ("optimal", "clip", "penalty")
SEEDS = (0, 1, 2)
UPDATES_A_STEP = 2  # critic updates for each of --generator-steps: 10,000 of 5,000
CHECKS = 10  # evenly spread, at which the critic's value is looked at: has it settled?
POINTS = 1000  # of each side, at which critics are compared
SHOWN = 300  # real points kept for the figure


def describe():
    """Return the settings of this part, as they stand in its data."""
    return {"points": POINTS, "updates_a_step": UPDATES_A_STEP, "checks": CHECKS, "reach": REACH}


def jobs(seeds=None):
    """Return (data, arm, seed) of every run; the arm optimal trains nothing."""
    return [(data, arm, seed) for seed in seeds or SEEDS for data in DATA for arm in ARMS]


def updates(job, generator_steps):
    """Return the critic updates of a run."""
    return 0 if job[1] == "optimal" else UPDATES_A_STEP * generator_steps


def run(job, width, generator_steps, bar):
    """Train one critic, or find the optimal one; return what came out, JSON values.

    Parameters and errors as of `gluon_wgan.studies.toy.modes.run`, for any number of steps.
    """
    data, arm, seed = job
    start = time.perf_counter()
    real = draw(data, seed, "toy: held out", 0, POINTS)
    if arm == "optimal":
        fake = beside(data, _held_latents(seed))
        em, _, at_fake = optimal_critic(real, fake)
        found = {"exact_em": em, "shown": [rounded(axis, 3) for axis in real[:SHOWN].T]}
        surface = extend(at_fake, fake, grid())
    else:
        trainer = build_trainer(data, arm, seed, width, held=True)
        clipped = arm == "clip"
        # He's start is mostly outside the bound, so that the first clip alone puts weights there
        at_start = share_at_bound(layers_of(trainer.critic), CLIP_BOUND) if clipped else None
        found = train_critic(trainer, arm, real, updates(job, generator_steps), bar)
        if clipped:
            at_end = share_at_bound(layers_of(trainer.critic), CLIP_BOUND)
            found |= {"share_at_bound_at_start": at_start, "share_at_bound": at_end}
        found |= compared(trainer, real, seed)
        surface = scores(trainer.critic, grid())
    return {
        **{"data": data, "arm": arm, "seed": seed},
        **found,
        "surface": rounded(surface),
        "seconds": round(time.perf_counter() - start, 1),
    }


def _held_latents(seed):
    """Return what a `HeldGenerator`'s trainer draws for the same purpose."""
    return streams.normal(seed, "toy: held-out latents", 0, (POINTS, HELD_LATENTS))


def train_critic(trainer, arm, real, count, bar, after_update=None):
    """Update the critic so often, each time with a call of `after_update`; return its value and its course.

    Raises
    ------
    NotFiniteError
        If its value is not finite at one of the checks.
    """
    course = {"update": [], "value": []}
    fake = generated(trainer, "toy: held-out latents", POINTS)
    for check in range(1, CHECKS + 1):
        while trainer.critic_steps < count * check // CHECKS:
            trainer.critic_step()
            if after_update:
                after_update()
            bar.update()
        value = float(scores(trainer.critic, real).mean() - scores(trainer.critic, fake).mean())
        if not np.isfinite(value):
            raise NotFiniteError(f"{arm}: critic's value {value} at update {trainer.critic_steps}")
        course["update"].append(trainer.critic_steps)
        course["value"].append(value)
    return {"value": value, "course": {name: rounded(values, 6) for name, values in course.items()}}


def compared(trainer, real, seed):
    """Return how near a trained critic is to the optimal one: exact_em, correlation; and its mean gradient_norm."""
    fake = generated(trainer, "toy: held-out latents", POINTS)
    em, at_real, at_fake = optimal_critic(real, fake)
    trained = scores(trainer.critic, np.concatenate([real, fake]))
    return {
        "exact_em": em,
        "correlation": correlation(trained, np.concatenate([at_real, at_fake])),
        "gradient_norm": norm_between(trainer.critic, real, fake, seed),
    }


def summarise(runs):
    """Return what the claims ask of the runs of each distribution: medians over the seeds that have both arms.

    correlation_gained is the median of the differences, penalty - clip.
    """
    found = {}
    for data in DATA:
        of_arms = {
            arm: {run["seed"]: run for run in runs if (run["data"], run["arm"]) == (data, arm)}
            for arm in ("clip", "penalty")
        }
        clip, penalty = of_arms["clip"], of_arms["penalty"]
        seeds = sorted(set(clip) & set(penalty))
        if not seeds:
            continue
        gained = [penalty[seed]["correlation"] - clip[seed]["correlation"] for seed in seeds]
        found[data] = {
            "n": len(seeds),
            "correlation_gained": float(np.median(gained)),
            "low": min(gained),
            "high": max(gained),
            **{
                f"correlation_{arm}": float(np.median([of_arms[arm][seed]["correlation"] for seed in seeds]))
                for arm in of_arms
            },
            **{
                name: float(np.median([clip[seed][name] for seed in seeds]))
                for name in ("share_at_bound", "share_at_bound_at_start")
            },
        }
    return found
