"""The figures of what presets learn of real pictures: samples, and curves of the training."""

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from gluon_wgan.report.style import BLUE, GREEN, ORANGE, VERMILLION

STYLES = {
    "clip": ("clipping", BLUE),
    "penalty": ("gradient penalty", GREEN),
    "simple": ("plain GAN (simple)", VERMILLION),
    "medium": ("clipping (medium)", BLUE),
    "strong": ("gradient penalty (strong)", GREEN),
    "tutorial": ("the tutorial's clipping", ORANGE),
}


def runs_of(found, arm):
    """Return the runs of an arm."""
    return [run for run in found["runs"] if run["arm"] == arm]


def arms_of(found):
    """Return the arms of a subject, in the order of its runs."""
    return list(dict.fromkeys(run["arm"] for run in found["runs"]))


def figures(data, reports):
    """Return the figures of all subjects; the samples are of the sheets in reports/figures/presets/."""
    drawn = {}
    for subject, found in data.items():
        drawn[f"presets_{subject}_samples"] = _draw_samples(subject, found, reports / "figures" / "presets")
        drawn[f"presets_{subject}_curves"] = _draw_curves(found)
    return drawn


def _draw_samples(subject, found, folder):
    arms = arms_of(found)
    figure = Figure(figsize=(4.2, 2.4 * len(arms)), layout="constrained")
    for axes, arm in zip(figure.subplots(len(arms), 1, squeeze=False)[:, 0], arms):
        sheet = folder / f"{subject}-{arm}-seed{runs_of(found, arm)[0]['seed']}.png"
        if sheet.is_file():
            with Image.open(sheet) as image:
                axes.imshow(np.asarray(image.convert("RGB"))[: image.height // 2], interpolation="nearest")
        axes.set_title(STYLES[arm][0])
        axes.axis("off")
    return figure


def _draw_curves(found):
    arms = arms_of(found)
    panels = [(arm, "em_distance_estimate", "mean f(real) - mean f(generated)") for arm in arms]
    panels += [
        (arm, "gradient_norm", "mean norm of the input gradient")
        for arm in arms
        if "gradient_norm" in runs_of(found, arm)[0]["curve"]
    ]
    figure = Figure(figsize=(4.2 * len(panels), 3.2), layout="constrained")
    for axes, (arm, name, label) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        title, colour = STYLES[arm]
        for run in runs_of(found, arm):
            axes.plot(run["curve"]["generator_step"], run["curve"][name], color=colour)
        if name == "gradient_norm":
            axes.axhline(1, color="#777777", linestyle=":")
        # the first tenth may be far above all that follows: the picture is of the rest, and the title names the peak
        curves = [run["curve"][name] for run in runs_of(found, arm)]
        values = np.concatenate([curve[len(curve) // 10 :] for curve in curves])
        low, high, peak = values.min(), values.max(), max(map(max, curves))
        margin = 0.05 * (high - low)
        axes.set_ylim(min(0, low - margin), high + margin)
        if peak > high + margin:
            title += f", peak {peak:.2g}"
        axes.set(title=title, xlabel="generator step", ylabel=label)
        axes.grid(alpha=0.3)
    return figure
