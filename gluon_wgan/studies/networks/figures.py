"""The figures that all pictures have: where each training ended, and how it came there."""

import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.report.style import GREY
from gluon_wgan.studies.networks.question import BASES_TOLD, arm_of

_SMALL = 0.01  # of the critic's value: nearer to 0 its axis is linear


def ends(found):
    figure = Figure(figsize=(9, 1.2 + 0.3 * sum(map(len, found["networks"].values()))), layout="constrained")
    axes = figure.subplots()
    labels = []
    for number, (base, networks) in enumerate(found["networks"].items()):
        for network in networks:
            ends = [1000 * run["kernel_distance"] for run in found["runs"] if run["arm"] == arm_of(base, network)]
            axes.plot(ends, [len(labels)] * len(ends), "o", color=f"C{number}", alpha=0.7)
            axes.plot([np.mean(ends)], [len(labels)], "|", color=f"C{number}", markersize=18)
            labels.append(f"{BASES_TOLD[base]}: {network}")
    axes.axvline(1000 * np.mean([run["untrained"] for run in found["runs"]]), color=GREY, linewidth=1, linestyle=":")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel("kernel distance, thousandths (bar: mean; dotted: untrained)")
    axes.grid(axis="x", alpha=0.3)
    return figure


def courses(found):
    bases = found["networks"]
    order, lines = list(dict.fromkeys(name for networks in bases.values() for name in networks)), {}
    figure = Figure(figsize=(9, 5.8), layout="constrained")
    panels = figure.subplots(2, len(bases), sharex=True, squeeze=False)
    for column, (base, networks) in enumerate(bases.items()):
        panels[1, column].set_yscale("symlog", linthresh=_SMALL)  # before the lines: its margins are theirs
        for network in networks:
            colour = f"C{order.index(network)}"
            for run in found["runs"]:
                if run["arm"] == arm_of(base, network):
                    steps = run["course"]["generator_step"]
                    distances = 1000 * np.array(run["course"]["kernel_distance"])
                    lines[network] = panels[0, column].plot(steps, distances, color=colour, linewidth=1)[0]
                    panels[1, column].plot(steps, run["course"]["value"], color=colour, linewidth=1)
        if np.abs(panels[1, column].dataLim.intervaly).max() < _SMALL:  # nothing, and not the shape of its rounding
            panels[1, column].set_ylim(-_SMALL, _SMALL)
        panels[0, column].set_title(BASES_TOLD[base], fontsize=10)
        panels[0, column].sharey(panels[0, 0])
    panels[0, 0].set_ylim(bottom=0)
    figure.legend(lines.values(), lines, loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    panels[0, 0].set_ylabel("kernel distance, thousandths")
    panels[1, 0].set_ylabel("the critic's value")
    figure.supxlabel("generator steps", fontsize=10)
    for axes in panels.ravel():
        axes.grid(alpha=0.3)
    return figure
