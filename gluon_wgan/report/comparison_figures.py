"""The figures of all ablations' pages: curves and distances of each arm over its seeds, and its samples."""

import json
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from gluon_wgan.pictures import median_filtered
from gluon_wgan.report import decision
from gluon_wgan.report.style import GREY

# Short names of measures; of the figure's panels: above beside held-out pictures prepared alike, below beside Pillow's.
TITLES = {
    "swd_same": "patches,\nprepared alike",
    "swd_scaled_same": "patches, scaled,\nprepared alike",
    "spectrum_same": "spectra,\nprepared alike",
    "swd_reference": "patches,\nby Pillow",
    "swd_scaled_reference": "patches, scaled,\nby Pillow",
    "spectrum_reference": "spectra,\nby Pillow",
}


def figures(name, data, reports, measures, style, margin):
    """Return {figure: drawn} of an ablation; `style(arm)` is the `Style` of each arm, the others as of `body`."""
    drawn = {f"{name}_curves": _curves(data, reports, style), f"{name}_distances": _distances(data, style)}
    drawn[f"{name}_samples"] = _samples(data, reports, style)
    drawn[f"{name}_decided"] = decision.figure_of_differences(data, measures, style, margin)
    drawn[f"{name}_kernel"] = decision.figure_of_curves(data, reports, measures, style)
    return {figure: one for figure, one in drawn.items() if one is not None}


def _curves(data, reports, style):
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    for arm, seeds in data["runs"].items():
        label, colour, line = style(arm)
        curves = []
        for run in seeds.values():
            kept = json.loads((reports / "data" / "ablations" / f"{run['name']}.json").read_text())
            curves.append(kept["estimates"])
        steps = min(map(len, curves))
        filtered = [median_filtered(curve[:steps]) for curve in curves]
        axes.plot(range(1, steps + 1), curves[0][:steps], color=colour, alpha=0.12, linewidth=0.5)
        axes.plot(
            range(1, steps + 1), np.mean(filtered, axis=0), line, color=colour, label=f"{label} (n = {len(curves)})"
        )
    axes.set_yscale("log")
    axes.set_xlabel("generator steps")
    axes.set_ylabel("EM distance estimate")
    axes.set_title("thin: raw, first seed; thick: median over 101 steps, mean of the seeds", fontsize=9)
    axes.legend(fontsize=8)
    return figure


def _distances(data, style):
    figure = Figure(figsize=(9, 2.2 + 0.9 * len(data["arms"])), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True).ravel()
    for axes, measure in zip(panels, TITLES):
        for place, (arm, found) in enumerate(data["arms"].items()):
            colour = style(arm).colour
            values = found["measures"][measure]["values"]
            axes.plot(values, [place] * len(values), "o", color=colour, alpha=0.5)
            axes.plot(np.mean(values), place, "|", color=colour, markersize=16, markeredgewidth=2)
            axes.plot(data["floors"][arm][measure], place, "x", color=GREY)
        axes.set_title(TITLES[measure], fontsize=10)
        axes.set_xlim(left=0)
        axes.grid(axis="x", alpha=0.3)
        axes.set_yticks(range(len(data["arms"])), [fill(style(arm).label, 20) for arm in data["arms"]])
    figure.axes[0].invert_yaxis()
    figure.supxlabel("distance (dots: seeds; bar: mean; cross: floor, real pictures without a GAN)", fontsize=10)
    return figure


def strip_of(run, reports):
    """Return what `keep_samples` of `gluon_wgan.studies.ablation` kept of a run, uint8 (H, W, 3); None without it."""
    file = reports / "figures" / "ablations" / f"{run['name']}.png"
    if not file.is_file():
        return None
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))  # kept with a palette


def _samples(data, reports, style):
    firsts = [(arm, strip_of(next(iter(seeds.values())), reports)) for arm, seeds in data["runs"].items()]
    strips = [(arm, strip) for arm, strip in firsts if strip is not None]
    if not strips:
        return None
    figure = Figure(figsize=(8.6, 2.4 * -(-len(strips) // 2)), layout="constrained")
    for axes, (arm, strip) in zip(figure.subplots(-(-len(strips) // 2), 2, squeeze=False).ravel(), strips):
        axes.imshow(strip, interpolation="nearest")
        axes.set_title(style(arm).label, fontsize=10)
    for axes in figure.axes:
        axes.axis("off")
    figure.suptitle(
        "rows: generator steps 500, 1,000, 2,500 and the last, as far as trained; the same 8 latents", fontsize=9
    )
    return figure
