"""Critics held by other constraints than clipping and the penalty: whether their surfaces have clipping's problems.

Gulrajani et al. 2017, section 3, says so of them, without a figure. The generator is held, as in `surfaces`.
"""

import time
from statistics import median

from mxnet import nd

from gluon_wgan.layers import Dense
from gluon_wgan.studies.plane.distributions import DATA, draw
from gluon_wgan.studies.plane.networks import build_trainer
from gluon_wgan.studies.toy import surfaces
from gluon_wgan.studies.toy.question import CONSTRAINTS, STRENGTHS

SEEDS = surfaces.SEEDS


def describe():
    """Return the settings of this part, as they stand in its data."""
    return {**surfaces.describe(), "strengths": {kind: list(some) for kind, some in STRENGTHS.items()}}


def jobs(seeds=None):
    """Return (data, arm, seed) of every run."""
    return [(data, arm, seed) for seed in seeds or SEEDS for data in DATA for arm in CONSTRAINTS]


def updates(job, generator_steps):
    """Return the critic updates of a run."""
    return surfaces.UPDATES_A_STEP * generator_steps


def run(job, width, generator_steps, bar):
    """Train one critic; return what came out, JSON values.

    Parameters and errors as of `gluon_wgan.studies.toy.modes.run`, for any number of steps.
    """
    data, arm, seed = job
    kind, strength = CONSTRAINTS[arm]
    began = time.perf_counter()
    decay = strength if kind == "weight decay" else 0.0
    trainer = build_trainer(data, "clip", seed, width, held=True, clip_bound=None, weight_decay=decay)
    real = draw(data, seed, "toy: held out", 0, surfaces.POINTS)

    def constrain():
        if kind != "weight decay":
            hold_norms(trainer.critic, strength, exactly=kind == "weight normalisation")

    found = surfaces.train_critic(trainer, arm, real, updates(job, generator_steps), bar, constrain)
    return {
        **{"data": data, "arm": arm, "seed": seed},
        **found,
        **surfaces.compared(trainer, real, seed),
        "seconds": round(time.perf_counter() - began, 1),
    }


def hold_norms(critic, bound, exactly):
    """Scale the weights into each unit of a critic's dense layers to the norm `bound`, or only those above it."""
    for layer in critic:
        if isinstance(layer, Dense):
            weight = layer.weight.data()
            # (units, inputs) -> (units, 1); a unit whose weights are all 0 stays
            norm = nd.maximum(nd.norm(weight, axis=1, keepdims=True), 1e-12)
            factor = bound / norm if exactly else nd.minimum(bound / norm, 1)
            nd.broadcast_mul(weight, factor, out=weight)


def summarise(runs):
    """Return {data: {arm: median correlation over the seeds}} of the runs that there are."""
    found = {}
    for data in DATA:
        of_arms = {arm: _correlations(runs, data, arm) for arm in CONSTRAINTS}
        found[data] = {arm: median(values.values()) for arm, values in of_arms.items() if values}
    return found


def _correlations(runs, data, arm):
    return {run["seed"]: run["correlation"] for run in runs if (run["data"], run["arm"]) == (data, arm)}


def lost(runs, penalised):
    """Return what each kind loses against the penalty in correlation with the optimal critic.

    Parameters
    ----------
    runs : list of dict
        Of this part.
    penalised : list of dict
        Of the part `surfaces`, whose penalised ones are taken.

    Returns
    -------
    dict
        {kind: {correlation_lost: the least of the distributions, n: seeds, data: {distribution: {arm: of the best
        strength, correlation: its median, lost: median over the seeds of what the penalty has more}}}}, of the kinds of
        which every strength has a seed in common with the penalty on every distribution.
    """
    found = {}
    for kind in STRENGTHS:
        arms, of_data, counts = [arm for arm, (its, _) in CONSTRAINTS.items() if its == kind], {}, []
        for data in DATA:
            penalty = _correlations(penalised, data, "penalty")
            of_arms = {arm: _correlations(runs, data, arm) for arm in arms}
            seeds = set(penalty).intersection(*of_arms.values())
            counts.append(len(seeds))
            if not seeds:
                break
            best = max(arms, key=lambda arm: median(of_arms[arm][seed] for seed in seeds))
            of_data[data] = {
                "arm": best,
                "correlation": median(of_arms[best][seed] for seed in seeds),
                "lost": median(penalty[seed] - of_arms[best][seed] for seed in seeds),
            }
        if min(counts):
            least = min(one["lost"] for one in of_data.values())
            found[kind] = {"correlation_lost": least, "n": min(counts), "data": of_data}
    return found
