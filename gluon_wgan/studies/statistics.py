"""Arms over their seeds: means with intervals, and the differences from the baseline arm, paired by seed."""

import numpy as np

from gluon_wgan.evaluate import bootstrap_interval

# Fixed before any run was measured. An arm differs from the baseline in a measure if its differences, paired by seed,
# all have one sign, and their mean is more than twice the standard deviation of the baseline over the seeds.
_SPREADS = 2


def summarise(measured, baseline_arm):
    """Return each arm over its seeds, and against the baseline arm.

    Parameters
    ----------
    measured : dict of str to dict of int to dict
        {arm: {seed: {measure: number}}}.
    baseline_arm : str

    Returns
    -------
    dict
        arms: per arm n, seeds and measures, each with mean, low, high (bootstrap, 95 %), values. differences: per
        other arm and measure the same of arm minus baseline, paired by seed, and `differs`.
    """
    arms = {arm: _arm(of_seed) for arm, of_seed in measured.items()}
    baseline = measured.get(baseline_arm, {})
    differences = {}
    for arm, of_seed in measured.items():
        shared = [seed for seed in of_seed if seed in baseline]
        if arm != baseline_arm and shared:
            differences[arm] = {
                measure: difference(of_seed, baseline, shared, measure)
                for measure in sorted(arms[arm]["measures"].keys() & arms[baseline_arm]["measures"])
            }
    return {"baseline_arm": baseline_arm, "arms": arms, "differences": differences}


def _arm(of_seed):
    measures = set.intersection(*(set(values) for values in of_seed.values()))  # not all runs may have features
    return {
        "n": len(of_seed),
        "seeds": list(of_seed),
        "measures": {
            measure: _interval([values[measure] for values in of_seed.values()]) for measure in sorted(measures)
        },
    }


def difference(of_seed, of_baseline, seeds, measure):
    """Return a measure of an arm less the baseline's, paired by seed: mean, low, high, values, differs (None of one).

    Parameters
    ----------
    of_seed, of_baseline : dict of int to dict
        Measures by seed.
    seeds : sequence of int
        Those that both have.
    measure : str
    """
    values = [of_seed[seed][measure] - of_baseline[seed][measure] for seed in seeds]
    spread = np.std([of_baseline[seed][measure] for seed in seeds], ddof=1) if len(seeds) > 1 else np.nan
    one_sign = all(value > 0 for value in values) or all(value < 0 for value in values)
    differs = bool(one_sign and abs(np.mean(values)) > _SPREADS * spread) if len(seeds) > 1 else None
    return {**_interval(values), "differs": differs}


def _interval(values):
    mean, low, high = bootstrap_interval(values)
    if len(values) == 1:  # which has no spread
        low = high = None
    return {"mean": mean, "low": low, "high": high, "values": [float(value) for value in values]}
