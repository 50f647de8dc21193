"""From the measured runs of an ablation to one table: each arm over its seeds, and against the baseline arm."""

import json
from pathlib import Path

import numpy as np

from gluon_wgan.evaluate import bootstrap_interval
from gluon_wgan.run_folder import write_atomic

# Fixed before any run was measured. an arm differs from the baseline in a measure if its differences, paired by seed,
# all have one sign, and their mean is more than twice the standard deviation of the baseline over the seeds.
_SPREADS = 2


def summarise(runs, reports, baseline_arm):
    """Return {"arms": ..., "differences": ...} of the runs that are measured.

    Parameters
    ----------
    runs : list of gluon_wgan.studies.ablation.Run
        As planned; those without data in reports/data/ablations/ are left out, and n says so.
    reports : str or pathlib.Path
    baseline_arm : str

    Returns
    -------
    dict
        arms: per arm n, seeds and measures, each with mean, low, high (bootstrap, 95 %), values. differences: per
        other arm and measure the same of arm minus baseline, paired by seed, and `differs`.
    """
    found = {}
    for run in runs:
        file = Path(reports) / "data" / "ablations" / f"{run.folder.name}.json"
        if file.exists():
            found.setdefault(run.arm, {})[run.seed] = json.loads(file.read_text())["measures"]
    arms = {arm: _arm(of_seed) for arm, of_seed in found.items()}
    differences = {}
    for arm, of_seed in found.items():
        shared = [seed for seed in of_seed if seed in found.get(baseline_arm, {})]
        if arm != baseline_arm and shared:
            differences[arm] = {
                measure: difference(of_seed, found[baseline_arm], shared, measure)
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
    return {"mean": float(mean), "low": float(low), "high": float(high), "values": [float(value) for value in values]}


def write_summary(name, runs, reports, baseline_arm, more):
    """Write reports/data/NAME.json: `summarise`, and what else the report says of the study (a dict)."""
    file = Path(reports) / "data" / f"{name}.json"
    write_atomic(file, json.dumps({**more, **summarise(runs, reports, baseline_arm)}, indent=1).encode())
    return file
