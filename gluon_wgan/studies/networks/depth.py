"""The depths' part of the page: which of them learn, how gradients run through the critic, and what depth costs."""

import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.report.numbers import count_of
from gluon_wgan.report.page import table, wrapped
from gluon_wgan.studies.networks.question import (
    BASES_TOLD,
    DCGAN,
    DEPTHS,
    LEARNED_BELOW,
    SUBJECTS,
    arm_of,
    of_depth,
    of_untrained,
)

_BASES = tuple(SUBJECTS["depth"].networks)


def answer(part):
    """Return the clause that answers the question."""
    planned = len(DEPTHS) * len(SUBJECTS["depth"].seeds)
    shown = " and ".join(
        f"{sum(_learned(part, base, deep) for deep in DEPTHS)} with the {BASES_TOLD[base]}" for base in _BASES
    )
    return (
        f"of {planned} trainings of residual networks of {DEPTHS[0]} to {DEPTHS[-1]} layers {shown} come below "
        f"{LEARNED_BELOW} of the untrained distance"
    )


def _learned(part, base, deep):
    return sum(of_untrained(run) < LEARNED_BELOW for run in _runs(part, base, deep))


def _runs(part, base, deep):
    return [run for run in part["runs"] if run["arm"] == arm_of(base, of_depth(deep))]


def section(part, bedrooms=None):
    """Return the section of the page that only the depths have, Markdown; `bedrooms`: what was measured of them."""
    rows = []
    for base in _BASES:
        for deep in DEPTHS:
            for run in _first(part, base, deep):
                cost, norms = run["cost"], run["norms"]
                step = cost["n_critic"] * cost["critic_seconds"] + cost["generator_seconds"]
                rows.append(
                    [
                        BASES_TOLD[base],
                        deep,
                        *(f"{1000 * cost[name]:,.0f}" for name in ("critic_seconds", "generator_seconds")),
                        cost["n_critic"],
                        f"{step:.2f}",
                        f"{cost['peak_memory_mib']:,.0f}",
                        *(_ratio(norms[when]) if when in norms else "broke off" for when in ("start", "end")),
                    ]
                )
    learned = [
        [BASES_TOLD[base], *(count_of(_learned(part, base, deep), len(_runs(part, base, deep))) for deep in DEPTHS)]
        for base in _BASES
    ]
    header = ["trained as", "layers", "critic update, ms", "generator update, ms", "critic updates a step", "step, s"]
    header += ["peak memory, MiB", "first over last norm, untrained", "trained"]
    return f"""### Which depths learn

Trainings that come below {LEARNED_BELOW} of the untrained distance, by layers.

{table(["trained as", *map(str, DEPTHS)], learned)}

{wrapped(_as_dcgan(part["generator_steps"], bedrooms)) if bedrooms else ""}

### What depth does to gradients, and what it costs

![Norm of the gradient by the output of each block of the critic](figures/networks_depth_gradients.png)

The norm of the gradient of mean f(fake) - mean f(real) by the output of each block of the critic, the block at the
pictures first, of the first seed: dotted before training, drawn through after it. As in the penalty's paper (Figure 1),
where a line that falls towards the pictures is a gradient that vanishes on its way to the generator. An identity
shortcut passes a gradient on as it is; where a block halves the picture the shortcut is a convolution, which a bound on
the weights holds down too. The table has the first block's norm over the last one's. Times are medians of one thread,
beside another training.

{table(header, rows)}
"""


def _as_dcgan(generator_steps, bedrooms):
    """Return how far the same steps bring DCGAN, so that no one takes too deep for too few of them."""
    shown = []
    for base in _BASES:
        parts = []
        for run in bedrooms["runs"]:
            if run["arm"] == arm_of(base, DCGAN):
                course = run["course"]
                last = np.searchsorted(course["generator_step"], generator_steps, side="right") - 1
                parts.append(course["kernel_distance"][last] / run["untrained"])
                step = course["generator_step"][last]
        shown.append(f"the {BASES_TOLD[base]} to {np.mean(parts):.2f}")
    return f"""Are {generator_steps:,} steps too few? With DCGAN, on the same pictures, {step:,} of them bring
    {" and ".join(shown)} of the untrained distance (n = {len(parts)} seeds). There the critic has the updates that its
    authors give it: many in the first steps with clipping, five a step at half this rate with the penalty."""


def _first(part, base, deep):
    return [run for run in _runs(part, base, deep) if "cost" in run]


def _ratio(norms):
    return f"{norms[0] / norms[-1]:.3g}" if norms[-1] else "none"


def figure(part):
    """Return the figure of the gradients' norms: a panel each way that was trained, a line each depth."""
    drawing = Figure(figsize=(9, 4), layout="constrained")
    bases = [base for base in _BASES if base in part["networks"]]
    panels = drawing.subplots(1, len(bases), sharey=True, squeeze=False)[0]
    for axes, base in zip(panels, bases):
        for number, deep in enumerate(DEPTHS):
            for run in _first(part, base, deep):
                for when, norms in run["norms"].items():
                    place = np.linspace(0, 1, len(norms))
                    line, label = (":", None) if when == "start" else ("-", of_depth(deep))
                    axes.plot(place, norms, line, color=f"C{number}", label=label, linewidth=1.2)
        axes.set_yscale("log")
        axes.set_title(BASES_TOLD[base], fontsize=10)
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    panels[0].set_ylabel("norm of the gradient")
    drawing.supxlabel("way through the critic (0: at the pictures, 1: at the score)", fontsize=10)
    return drawing
