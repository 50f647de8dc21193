"""The figures of the comparison of resizes: distances, spectra, responses to gratings, the worst picture."""

import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.report.style import GREY, style

AMPLIFIED = 2  # times, the differences shown of the worst picture


def is_claims_case(data):
    """Return whether this is what the claim under test is about: against Pillow, at 64x64."""
    return data["against"] == "pil" and data["main_size"] == 64


def draw_l1(data):
    """Draw the L1 distance of every arm from the reference, of the first source at the main size, as boxes."""
    source = data["sources"][0]
    rows = {arm: row for arm, row in source["sizes"][str(data["main_size"])].items() if arm != data["against"]}
    boxes = [
        {
            "label": style(arm).label,
            "med": row["l1_median"],
            "q1": row["l1_p25"],
            "q3": row["l1_p75"],
            "whislo": row["l1_p05"],
            "whishi": row["l1_p95"],
        }
        for arm, row in rows.items()
    ][::-1]
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots()
    median = {"color": "black", "linewidth": 2}
    drawn = axes.bxp(
        boxes, orientation="horizontal", showfliers=False, patch_artist=True, widths=0.6, medianprops=median
    )
    for patch, arm in zip(drawn["boxes"], reversed(rows)):
        patch.set(facecolor=style(arm).colour)
    if is_claims_case(data):
        axes.axvline(20_000, color=GREY, linestyle="--", linewidth=1, label="20,000, the claim's")
        axes.legend()
    axes.set_xlim(left=0)
    size = data["main_size"]
    axes.set_xlabel(f"L1 distance from {style(data['against']).label} (sum over {size}x{size}x3 values of 0 to 255)")
    axes.set_title(f"{source['name']}, {source['count']:,} pictures")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.grid(axis="x", alpha=0.3)
    return figure


def draw_spectra(data):
    """Draw the power spectrum of the pictures of every arm, of the first source at the main size."""
    source, size, against = data["sources"][0], str(data["main_size"]), data["against"]
    spectra = source["spectra"][size]
    frequency, reference = np.array(spectra["frequency"]), np.array(spectra["power"][against])
    shown = (frequency > 0) & (reference > 0)
    figure = Figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for arm in _drawing_order(spectra["power"]):
        label, colour, line = style(arm)
        power = np.array(spectra["power"][arm])
        left.loglog(frequency[shown], power[shown], color=colour, linestyle=line, label=label)
        right.plot(frequency[shown], power[shown] / reference[shown], color=colour, linestyle=line)
    left.set(
        xlabel="frequency (cycles per pixel)",
        ylabel="power (squared levels per squared cycle per pixel)",
        title="green channel, mean over the pictures",
    )
    right.set(xlabel="frequency (cycles per pixel)", ylabel=f"power / power of {style(against).label}", yscale="log")
    right.set_title(f"{source['name']}, {size}x{size}")
    for axes in (left, right):
        axes.grid(alpha=0.3, which="both")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    return figure


def _drawing_order(arms):
    """Return the arms so that a broken line is drawn over the whole one that it coincides with."""
    return sorted(arms, key=lambda arm: (style(arm).line != "-", arm != "gluoncv"))


# One panel for each family, so that lines that lie on each other are told apart.
_PANELS = (("Pillow", "pil"), ("OpenCV", "cv2"), ("MXNet and GluonCV", ""))


def draw_response(data):
    """Draw the amplitude of gratings by frequency, passed and folded, of every arm at the main size."""
    size = data["main_size"]
    response = data["response"][str(size)]
    frequency, nyquist = np.array(response["frequency"]), size / response["width"] / 2
    figure = Figure(figsize=(11, 5), layout="constrained")
    left_over = dict(response["amplitude"])
    for axes, (title, library) in zip(figure.subplots(1, len(_PANELS), sharey=True), _PANELS):
        for arm in _drawing_order(arm for arm in left_over if arm.startswith(library)):
            label, colour, line = style(arm)
            axes.plot(frequency, left_over.pop(arm), color=colour, linestyle=line, label=label)
        axes.axvspan(nyquist, 0.5, color=GREY, alpha=0.15, linewidth=0)
        for text, place in (("passed", nyquist / 2), ("folded", (nyquist + 0.5) / 2)):
            axes.text(place, 1.1, text, ha="center", fontsize=9)
        axes.set(title=title, xlabel="frequency (cycles per source pixel)", xlim=(0, 0.5), ylim=(0, 1.17))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)  # hides no line there
    figure.axes[0].set_ylabel(f"amplitude, {response['width']} to {size} pixels (1: unchanged)")
    return figure


def draw_worst(pictures):
    """Draw a picture as the reference and the arms give it, and their amplified differences.

    Parameters
    ----------
    pictures : dict
        {arm: (H, W, 3), 0 to 255}, the reference first.
    file : pathlib.Path
    """
    reference = next(iter(pictures.values())).astype(float)
    figure = Figure(figsize=(2.8 * len(pictures), 6), layout="constrained")
    above, below = figure.subplots(2, len(pictures))
    for place, (arm, pixels) in enumerate(pictures.items()):
        above[place].imshow(np.rint(pixels).astype(np.uint8), interpolation="nearest")
        above[place].set_title(style(arm).label, color="black", fontsize=11)
        if place:
            difference = 128 + AMPLIFIED * (pixels - reference)
            below[place].imshow(np.clip(difference, 0, 255).astype(np.uint8), interpolation="nearest")
            below[place].set_title(f"difference, {AMPLIFIED} times", fontsize=9)
    for axes in figure.axes:
        axes.set_axis_off()
    return figure
