"""What the page and the claims ask of all runs: of each way of training and network, over the seeds."""

import numpy as np

from gluon_wgan.studies.networks.question import BESIDE, LEARNED_BELOW, LOSSES, arm_of, of_untrained
from gluon_wgan.studies.statistics import difference, interval


def summarise(runs, networks):
    """Return what the page and the claims ask of all runs: of each base and network, over the seeds.

    Parameters
    ----------
    runs : list of dict
        Of `measure_run`.
    networks : dict of str to dict
        Of the `Subject`.

    Returns
    -------
    dict
        learned: {base: how many runs ended below LEARNED_BELOW of their untrained distance}.
        networks: {base: {network: {n, kernel_distance (mean, low, high), of_untrained (mean of the ratios),
        worst_of_untrained (of the seeds), correlation (medians over the seeds); from_first, from_clip, from_gan: what
        it has more than the first network of its base, and than those of clip and of gan, paired by seed, see
        `difference`; of_first: the ratio of the means; further measures, means over the seeds; of faces beats_gan: in
        how many seeds more faces are found than with gan, and the Fréchet distance is smaller}}}.
    """
    by_arm = {}
    for run in runs:
        by_arm.setdefault(run["arm"], {})[run["seed"]] = run
    first = {base: by_arm.get(arm_of(base, next(iter(of_base))), {}) for base, of_base in networks.items()}
    found = {}
    for base, of_base in networks.items():
        for network in of_base:
            of_seed = by_arm.get(arm_of(base, network))
            if of_seed:
                found.setdefault(base, {})[network] = _over_seeds(of_seed, first[base], first)
    learned = {
        base: sum(of_untrained(run) < LEARNED_BELOW for run in runs if run["arm"].startswith(arm_of(base, "")))
        for base in found
    }
    return {"learned": learned, "networks": found}


def _over_seeds(of_seed, first, firsts):
    plain = firsts.get("gan", {})
    runs = list(of_seed.values())
    shared = [seed for seed in of_seed if seed in first]
    of_both = [np.mean([one[seed]["kernel_distance"] for seed in shared]) for one in (of_seed, first) if shared]
    return {
        "n": len(runs),
        "kernel_distance": interval([run["kernel_distance"] for run in runs]),
        "of_untrained": float(np.mean([of_untrained(run) for run in runs])),
        "worst_of_untrained": max(of_untrained(run) for run in runs),
        "correlation": {name: _median([run["correlation"][name] for run in runs]) for name in LOSSES},
        "from_first": _paired(of_seed, first),
        "from_clip": _paired(of_seed, firsts["clip"]),
        "from_gan": _paired(of_seed, plain),
        "of_first": float(of_both[0] / of_both[1]) if shared else None,
        **{name: _mean(runs, name) for name in BESIDE if any(name in run for run in runs)},
        **({"beats_gan": _beats(of_seed, plain)} if plain and any("face_share" in run for run in runs) else {}),
    }


def _mean(runs, name):
    """Return the mean of what runs have, None where none has it; a run that broke off has but a few measures."""
    known = [run[name] for run in runs if run.get(name) is not None]
    return float(np.mean(known)) if known else None


def _beats(of_seed, other):
    """Return in how many seeds there are more faces, and a smaller Fréchet distance."""
    pairs = [(run, other[seed]) for seed, run in of_seed.items() if seed in other]
    return sum(
        run["face_share"] > one["face_share"] and run["frechet_distance"] < one["frechet_distance"]
        for run, one in pairs
        if run["finished"] and one["finished"]
    )


def _median(values):
    known = [value for value in values if value is not None]
    return float(np.median(known)) if len(known) == len(values) else None


def _paired(of_seed, other):
    shared = [seed for seed in of_seed if seed in other]
    return difference(of_seed, other, shared, "kernel_distance") if len(shared) > 1 and of_seed is not other else None
