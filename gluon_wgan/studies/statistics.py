"""Arms over their seeds: means, the differences from the baseline arm, paired by seed, and what they decide."""

import math

import numpy as np
from scipy import stats

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
            measure: interval([values[measure] for values in of_seed.values()]) for measure in sorted(measures)
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
    return {**interval(values), "differs": differs}


def interval(values):
    """Return mean, low and high of values by bootstrap, None of one, and the values, a dict."""
    mean, low, high = bootstrap_interval(values)
    if len(values) == 1:  # which has no spread
        low = high = None
    return {"mean": mean, "low": low, "high": high, "values": [float(value) for value in values]}


def decide(differences, margin, level=0.95):
    """Say of each arm whether it differs from the baseline, is equal for practical purposes, or neither.

    The interval of the mean is Student's, of differences paired by seed, which are taken to be normal. Over the arms it
    is corrected by Holm's step-down (Scand. J. Statist. 6, 1979, p. 65): of m arms the one with the smallest p value
    has to differ at 1 - (1 - level) / m, the next at 1 - (1 - level) / (m - 1), and so on; from the first that does not
    all others are held to what it was held to.

    Parameters
    ----------
    differences : dict of str to sequence of float
        {arm: arm minus baseline, of each seed}; two seeds or more.
    margin : float
        Above 0, in the measure's unit: within it, arms are equal for practical purposes.
    level : float
        Of all intervals together.

    Returns
    -------
    dict of str to dict
        Per arm: answer ("differs", "equal" or "undecided"), mean, low, high, p (of that arm alone), n, values;
        detectable: the difference that a study like this one sees with a chance of 80 % (at the same correction);
        seeds_needed: those with which this mean and spread would be decided, None where they are.

    Raises
    ------
    ValueError
        If an arm has fewer than two seeds.
    """
    if short := [arm for arm, values in differences.items() if len(values) < 2]:
        raise ValueError(f"fewer than two seeds: {', '.join(short)}")
    p_values = {arm: _p_value(np.asarray(values, float)) for arm, values in differences.items()}
    decided, wrong, stopped = {}, None, False
    for rank, arm in enumerate(sorted(differences, key=p_values.get)):
        if not stopped:
            wrong = (1 - level) / (len(differences) - rank)
            stopped = p_values[arm] >= wrong
        decided[arm] = _decision(np.asarray(differences[arm], float), p_values[arm], wrong, margin)
    return {arm: decided[arm] for arm in differences}


def _p_value(values):
    error = values.std(ddof=1) / math.sqrt(len(values))
    if error == 0:
        return 1.0 if values.mean() == 0 else 0.0
    return float(2 * stats.t.sf(abs(values.mean()) / error, len(values) - 1))


def _decision(values, p_value, wrong, margin):
    mean, spread, n = values.mean(), values.std(ddof=1), len(values)
    half = stats.t.isf(wrong / 2, n - 1) * spread / math.sqrt(n)
    low, high = mean - half, mean + half
    answer = "differs" if low > 0 or high < 0 else "equal" if -margin < low and high < margin else "undecided"
    needed = None
    if answer == "undecided":
        room = max(abs(mean), margin - abs(mean))  # that the half width has to fit into
        many = np.arange(n + 1, 1000)
        enough = many[stats.t.isf(wrong / 2, many - 1) * spread / np.sqrt(many) < room]
        needed = int(enough[0]) if len(enough) else None
    return {
        "answer": answer,
        "mean": float(mean),
        "low": float(low),
        "high": float(high),
        "p": p_value,
        "n": n,
        "values": values.tolist(),
        "detectable": float((stats.t.isf(wrong / 2, n - 1) + stats.t.isf(0.2, n - 1)) * spread / math.sqrt(n)),
        "seeds_needed": needed,
    }
