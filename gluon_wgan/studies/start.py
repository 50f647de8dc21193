"""The start of training, measured by more than one window, from what an ablation kept of its runs. Without mxnet.

None of it decides anything: these measures were added after the first runs of the confirmation.
"""

import json
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.pictures import median_filtered
from gluon_wgan.report.page import table
from gluon_wgan.studies.statistics import summarise

BOOSTED, END = 25, 500  # generator steps: the critic's boost is over, and the start too
WINDOWS = (11, 101)
_TITLES = {
    "raw_spread": "raw spread",
    **{f"spread_{window}": f"spread around the median of {window} steps" for window in WINDOWS},
    "jump": "jump between neighbours",
    "halved_at": "steps until halved",
}


def measures(estimates):
    """Return how steady the EM estimate is in the generator steps 26 to 500, and when it has halved.

    Parameters
    ----------
    estimates : sequence of float
        One per generator step, from the first; 500 or more.

    Returns
    -------
    dict of str to float
        In terms of the median estimate of these steps: raw_spread, the interquartile range; spread_11 and spread_101,
        that of the difference from the running median, whose window also takes the steps before 26 and after 500; jump,
        the median of the absolute difference from the step before. halved_at: the generator step from which the median
        of 11 is half of its first after the boost, or less; the number of steps where that never comes.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    estimates = np.asarray(estimates, dtype=float)
    if len(estimates) < END:
        raise ValueError(f"{len(estimates)} estimates; {END} or more")
    steps = slice(BOOSTED, END)
    early = estimates[steps]
    level = abs(np.median(early))
    smooth = {window: median_filtered(estimates, window) for window in WINDOWS}
    found = {"raw_spread": _range(early) / level}
    for window in WINDOWS:
        found[f"spread_{window}"] = _range((estimates - smooth[window])[steps]) / level
    found["jump"] = float(np.median(np.abs(np.diff(estimates))[BOOSTED - 1 : END - 1]) / level)
    after = smooth[WINDOWS[0]][BOOSTED:]
    halved = np.flatnonzero(after <= after[0] / 2)
    found["halved_at"] = float(BOOSTED + halved[0] + 1 if len(halved) else len(estimates))
    return found


def _range(values):
    upper, lower = np.percentile(values, [75, 25])
    return float(upper - lower)


def section(name, data, reports, style):
    """Return the section about the start of an ablation's trainings, Markdown, and its figures; none of shorter ones.

    Parameters
    ----------
    name : str
        Of the study.
    data : dict
        Its table, as reports/data/NAME.json.
    reports : pathlib.Path
    style : callable
        `style(arm)` is the `Style` of an arm.
    """
    curves = {
        arm: {int(seed): _kept(reports, run["name"]) for seed, run in seeds.items()}
        for arm, seeds in data["runs"].items()
    }
    if min(len(curve) for seeds in curves.values() for curve in seeds.values()) < END:
        return "", {}
    found = summarise(
        {arm: {seed: measures(curve) for seed, curve in seeds.items()} for arm, seeds in curves.items()},
        data["baseline_arm"],
    )
    seeds = {seed for of_seed in curves.values() for seed in of_seed}
    rows = []
    for arm, whole in found["arms"].items():
        cells = []
        for measure in _TITLES:
            difference = found["differences"].get(arm, {}).get(measure, {})
            mark = " *" if difference.get("differs") else ""
            cells.append(f"{whole['measures'][measure]['mean']:.3g}{mark}")
        rows.append([style(arm).label, whole["n"], *cells])
    text = f"""

## The start of training

The documents tell of an unsteady start, seen in the raw curve of the critic's loss: GluonCV's script draws it at every
generator step, with a batch of 64. So is this curve drawn: the EM estimate, which is that loss with the other sign,
at each of the first {END} generator steps, first seed, no filter. Arms differ in nothing but what their name says.

![EM estimate of the first {END} generator steps, raw, an arm each](figures/{name}_start.png)

Generator steps {BOOSTED + 1} to {END}, in terms of their median estimate, means over the seeds
({", ".join(map(str, sorted(seeds)))}). A star: in every seed
on one side of {style(data["baseline_arm"]).label}'s, and by more than twice its spread over the seeds. These measures
were added after the first runs, and decide nothing.

{table(["arm", "n", *_TITLES.values()], rows)}
"""
    return text, {f"{name}_start": _figure(curves, style)}


def _kept(reports, name):
    return json.loads((reports / "data" / "ablations" / f"{name}.json").read_text())["estimates"]


def _figure(curves, style):
    columns = 3
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(9, 2.3 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, (arm, seeds) in zip(panels, curves.items()):
        label, colour, _ = style(arm)
        curve = next(iter(seeds.values()))[:END]
        axes.plot(range(1, len(curve) + 1), curve, color=colour, linewidth=0.7)
        axes.set_title(fill(label, 34), fontsize=9)
        axes.grid(alpha=0.3)
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    figure.supxlabel("generator steps", fontsize=10)
    figure.supylabel("EM estimate", fontsize=10)
    return figure
