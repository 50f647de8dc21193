"""A long training's part of the page: memory, files, threads, time and disk against the generator steps."""

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import linregress
from scipy.stats import t as student

from gluon_wgan.report.page import table
from gluon_wgan.studies.reliability.question import BLOCKS, LOOKED_AT

_A_STEP = 1e5  # slopes are those of so many generator steps


def courses(found):
    """Return {name of LOOKED_AT: (generator steps, values)}."""
    course, pace = found["course"], found["pace"]
    lines = {name: (course["generator_step"], course[name]) for name in LOOKED_AT if name in course}
    lines["milliseconds"] = pace["generator_step"], [1000 * seconds for seconds in pace["seconds"]]
    return {name: lines[name] for name in LOOKED_AT if name in lines}


def slope(steps, values):
    """Return a line's growth in 100,000 generator steps, and the ends of its interval of 95 %.

    The line is fitted to the means of BLOCKS blocks, the first left out: neighbouring values depend on each other, and
    means of blocks hardly do.
    """
    blocks = [np.mean(block) for block in np.array_split(np.asarray(values, float), BLOCKS)][1:]
    places = [np.mean(block) for block in np.array_split(np.asarray(steps, float), BLOCKS)][1:]
    if np.ptp(blocks) == 0:  # of which some versions of SciPy have no interval
        return 0.0, 0.0, 0.0
    line = linregress(places, blocks)
    reach = student.ppf(0.975, len(blocks) - 2) * line.stderr
    return tuple(_A_STEP * value for value in (line.slope, line.slope - reach, line.slope + reach))


def answer(found):
    """Return the sentence on the long training."""
    alike = "with the same bits" if not found["different"] else f"with other {', '.join(found['different'])}"
    memory, _, high = slope(*courses(found)["memory_mib"])
    return (
        f"A training of {found['generator_steps']:,} generator steps, stopped and resumed {found['stops']} times, "
        f"ended {alike} as one that ran through; that one's memory grew by {memory:.2g} MiB in 100,000 steps (at most "
        f"{high:.2g}, 95 %)."
    )


def section(found):
    """Return the section of the page, Markdown."""
    rows = []
    for name, (steps, values) in courses(found).items():
        shown = (values[0], values[-1], *slope(steps, values))
        rows.append([LOOKED_AT[name], *(f"{value:.4g}" for value in shown)])
    header = ["", "first", "last", "grows in 100,000 steps", "from", "to"]
    return f"""## A long training

{found["generator_steps"]:,} generator steps of the smallest network, twice at the same time, in
{found["hours"]:.1f} hours: once in one process, which was looked at, and once stopped {found["stops"]} times, in turn
by SIGTERM, after which it writes a checkpoint, and by SIGKILL. The last checkpoints, all samples and all lines of
metrics.jsonl are compared, but for times; different: {", ".join(found["different"]) or "nothing"}. The settings:
`{found["settings"]}`.

![Memory, open files, threads, time and disk against the generator steps](figures/reliability_long_run.png)

{table(header, rows)}

Slopes of lines through the means of {BLOCKS - 1} blocks, with intervals of 95 %. The folder grows, as it should: each
step has a line in metrics.jsonl, and checkpoints and samples stay.
"""


def figure(found):
    """Return the figure: a panel for each of what was looked at."""
    lines = courses(found)
    drawing = Figure(figsize=(9, 2 * len(lines)), layout="constrained")
    panels = drawing.subplots(len(lines), 1, sharex=True, squeeze=False)
    for axes, (name, (steps, values)) in zip(panels[:, 0], lines.items()):
        axes.plot(steps, values, linewidth=1)
        axes.set_ylim(0, 1.1 * max(values))
        axes.set_ylabel(LOOKED_AT[name], fontsize=9)
        axes.grid(alpha=0.3)
    panels[-1, 0].set_xlabel("generator steps")
    return drawing
