"""What a confirmed ablation says: its first sentence, its table, and the figures of the deciding measure. No mxnet.

The numbers are kernel distances (KID), shown in thousandths, and what `decide` of `gluon_wgan.studies.statistics` says
of each arm's differences from the baseline, paired by seed.
"""

import json
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.report.numbers import listed
from gluon_wgan.report.page import table
from gluon_wgan.report.style import GREY

_WORDS = {"differs": "differs", "equal": "equal for practical purposes", "undecided": "undecided"}


def complete(data):
    """Say whether every arm has been measured with every seed that was planned."""
    planned = data["planned"]
    return all(len(data["runs"].get(arm, {})) == len(planned["seeds"]) for arm in planned["arms"])


def sentence(data, measure, style, beside, margin):
    """Return the sentence that answers, by a deciding measure; of an unfinished study, how far it is.

    Parameters
    ----------
    data : dict
        reports/data/NAME.json.
    measure : str
        Of `data["decisions"]`.
    style : callable
        `style(arm).label` is what the sentence calls an arm.
    beside : str
        The pictures that the distance is to.
    margin : float
        What is equal for practical purposes.
    """
    planned, found = data["planned"], data.get("decisions", {}).get(measure)
    if not complete(data):
        done = sum(map(len, data["runs"].values()))
        of = len(planned["arms"]) * len(planned["seeds"])
        return f"Not decided yet: {done} of the {of} trainings that decide are done."
    if not any(measure in whole["measures"] for whole in data["arms"].values()):
        return "Not answered: the kernel distance, which decides, was not measured (`make parity` brings its network)."
    if not found:
        return "Not decided: no arm has two seeds."
    answers = {one["answer"] for one in found.values()}
    word = "Yes" if "differs" in answers else "Undecided" if "undecided" in answers else "No"
    least = min(one["n"] for one in found.values())
    over = {1: "", 2: " over both comparisons"}.get(len(found), f" over all {len(found)} comparisons")
    return (
        f"{word}: compared with the samples of {style(data['baseline_arm']).label}, {verdicts(found, style, beside)} "
        f"(kernel distance in thousandths, after {planned['generator_steps']:,} generator steps; 95 % intervals"
        f"{over}, n = {least} seeds; equal is within {1000 * margin:.0f}{_power(found)})."
    )


def _power(found):
    """Return what the undecided comparisons would have seen, words."""
    seen = [1000 * one["detectable"] for one in found.values() if one["answer"] == "undecided"]
    if not seen:
        return ""
    least, most = (f"{value:.0f}" for value in (min(seen), max(seen)))
    return f"; where undecided, {least if least == most else f'{least} to {most}'} would be seen four times in five"


def verdicts(found, style, beside=""):
    """Return what is said of each arm, such as "those of A (by 2.0, 1.0 to 3.0) end nearer; those of B are undecided".

    Parameters
    ----------
    found : dict
        Of one measure, from `data["decisions"]`.
    style : callable
    beside : str
        To what they end nearer, or from what farther.
    """
    arms_that = {
        "end nearer": [arm for arm, one in found.items() if one["answer"] == "differs" and one["mean"] < 0],
        "end farther": [arm for arm, one in found.items() if one["answer"] == "differs" and one["mean"] > 0],
        "are equal for practical purposes": [arm for arm, one in found.items() if one["answer"] == "equal"],
        "are undecided": [arm for arm, one in found.items() if one["answer"] == "undecided"],
    }
    parts, beside = [], {"end nearer": f" to {beside}", "end farther": f" from {beside}"} if beside else {}
    for words, arms in arms_that.items():
        if arms:
            alike = len(arms) == len(found) > 2 and not any(map(_span, found.values()))
            names = [style(arm).label + _span(found[arm]) for arm in arms]
            parts.append(f"those of {f'all {len(arms)} others' if alike else listed(names)} {words}")
            if words in beside:
                parts[-1] += beside[words]
                beside = {}  # said once
    return "; ".join(parts)


def _span(one):
    if one["answer"] != "differs":
        return ""
    mean, low, high = (1000 * abs(one[name]) for name in ("mean", "low", "high"))
    return f" (by {mean:.1f}, {min(low, high):.1f} to {max(low, high):.1f})"


def section(name, data, measures, style, margin):
    """Return how it is decided, the figures and a table of each deciding measure, Markdown.

    Parameters
    ----------
    name : str
        Of the study.
    data : dict
    measures : dict of str to str
        {measure: title}.
    style, margin
        As of `sentence`.
    """
    shown = []
    if any(data.get("decisions", {}).get(measure) for measure in measures):
        shown.append(f"![Differences of the kernel distance from the baseline](figures/{name}_decided.png)\n\n")
    if any(set(measures) & set(whole["measures"]) for whole in data["arms"].values()):
        shown.append(f"![Kernel distance over generator steps](figures/{name}_kernel.png)\n\n")
    return f"""The kernel distance (KID, Binkowski et al. 2018, in the features of EfficientNet-lite0) of a run's
samples to held-out real pictures, the mean over the checkpoints of the last fifth of the run, paired by seed. An arm
*differs* from {style(data["baseline_arm"]).label} if Student's interval of the mean difference, corrected by Holm over
the arms, excludes 0; it is *equal for practical purposes* if that lies within {1000 * margin:.0f} thousandths; else it
is *undecided*, and the table says how many seeds it would take. *Would see*: the difference that as many seeds with
this spread would tell from 0 four times in five. Measure, seeds, margin and correction were fixed before
any of these runs.

{"".join(shown)}{tables(data, measures, style)}"""


def tables(data, measures, style, prefix=""):
    """Return a table of each measure that decides, Markdown; `prefix` of their anchors, the others as of `section`."""
    # an answer before the last planned run would be a look at the cards
    answered, parts = complete(data), []
    for measure, title in measures.items():
        found = data.get("decisions", {}).get(measure, {})
        rows = []
        for arm, whole in data["arms"].items():
            if measure not in whole["measures"]:
                continue
            floor = data["floors"].get(arm, {}).get(measure)
            cells = ["", "", "", "", ""]
            if arm in found:
                one = found[arm]
                cells = [
                    f"{1000 * one['mean']:+.1f} ({1000 * one['low']:+.1f} to {1000 * one['high']:+.1f})",
                    f"{one['p']:.2g}",
                    _WORDS[one["answer"]] if answered else "not all runs are in",
                    f"{1000 * one['detectable']:.1f}",
                    "" if one["answer"] != "undecided" or not answered else one["seeds_needed"] or "1,000 or more",
                ]
            values = whole["measures"][measure]["values"]
            shown = f"{1000 * whole['measures'][measure]['mean']:.1f} ({', '.join(f'{1000 * v:.0f}' for v in values)})"
            rows.append([style(arm).label, whole["n"], shown, *cells, "" if floor is None else f"{1000 * floor:.1f}"])
        header = ["arm", "n", "mean (seeds)", "minus baseline (interval)", "p of this alone", "answer"]
        header += ["would see (80 %)", "seeds to decide", "real pictures, no GAN"]
        if rows:
            filled = [place for place, cells in enumerate(zip(*rows)) if any(cell != "" for cell in cells)]
            header, *rows = ([line[place] for place in filled] for line in (header, *rows))
            parts.append(f'<a id="{prefix}{measure}"></a>**{title}**, in thousandths\n\n{table(header, rows)}')
    return "\n\n".join(parts)


def figure_of_differences(data, measures, style, margin):
    """Draw the differences from the baseline, a panel for each measure: seeds, mean and interval, and the margin."""
    measures = {measure: title for measure, title in measures.items() if data.get("decisions", {}).get(measure)}
    if not measures:
        return None
    arms = list(next(iter(data["decisions"].values())))
    figure = Figure(figsize=(9, 1.6 + 0.55 * len(arms)), layout="constrained")
    for axes, (measure, title) in zip(
        figure.subplots(1, len(measures), sharey=True, squeeze=False)[0], measures.items()
    ):
        axes.axvspan(-1000 * margin, 1000 * margin, color=GREY, alpha=0.2, linewidth=0)
        axes.axvline(0, color=GREY, linewidth=0.8)
        for place, arm in enumerate(arms):
            one, colour = data["decisions"][measure][arm], style(arm).colour
            axes.plot(1000 * np.array(one["values"]), [place] * one["n"], "o", color=colour, alpha=0.4)
            axes.plot([1000 * one["low"], 1000 * one["high"]], [place, place], color=colour, linewidth=2)
            axes.plot(1000 * one["mean"], place, "|", color=colour, markersize=16, markeredgewidth=3)
        axes.set_title(fill(title, 44), fontsize=10)
        axes.set_yticks(range(len(arms)), [fill(style(arm).label, 22) for arm in arms])
        axes.grid(axis="x", alpha=0.3)
    figure.axes[0].invert_yaxis()
    base = style(data["baseline_arm"]).label
    figure.supxlabel(f"kernel distance less that with {base}, thousandths (dots: seeds; grey: equal)", fontsize=10)
    return figure


def figure_of_curves(data, reports, measures, style):
    """Draw the deciding measures over generator steps, mean and range over the seeds, of what was kept of each run."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    drawn = False
    for axes, (measure, title) in zip(
        figure.subplots(1, len(measures), sharey=True, squeeze=False)[0], measures.items()
    ):
        for arm, seeds in data["runs"].items():
            label, colour, line = style(arm)
            points = {}
            for run in seeds.values():
                kept = json.loads((reports / "data" / "ablations" / f"{run['name']}.json").read_text())
                for point in kept.get("kernel", []):
                    points.setdefault(point["step"], []).append(1000 * point[measure][0])
            if not points:
                continue
            drawn = True
            steps = sorted(points)
            axes.plot(steps, [np.mean(points[step]) for step in steps], line, color=colour, label=label)
            low, high = ([end(points[step]) for step in steps] for end in (min, max))
            axes.fill_between(steps, low, high, color=colour, alpha=0.12, linewidth=0)
        axes.set_title(fill(title, 44), fontsize=10)
        axes.set_xlabel("generator steps")
        axes.grid(alpha=0.3)
    if not drawn:
        return None
    figure.axes[0].set_ylabel("kernel distance, thousandths")
    figure.axes[0].legend(fontsize=8)
    return figure
