"""Real pictures, no GAN: the answer, the table and the figure."""

import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.report.page import Page, commands_of, table
from gluon_wgan.report.style import GREY, style
from gluon_wgan.studies.seen_by_network.question import REFERENCE, SIZES

_TOLD = ("cv2", "cv2-bicubic", "cv2-area", "pil-bicubic")  # of the answer


def page(data, reports):
    """Return the page of reports/data/seen_by_network.json."""
    figures = {f"seen_by_network_{part}": _figure(found["runs"]) for part, found in data.items()}
    sections = [_section(*one) for one in data.items()]
    return Page(answer(data), "\n".join([*sections, commands_of(data), _LIMITS]), figures)


def at(runs, size, resize):
    """Return the run of a size and resize, or None."""
    return next((run for run in runs if run["size"] == size and run["resize"] == resize), None)


def shown(run):
    """Return a distance and its standard error, in thousandths."""
    return f"{1000 * run['distance']:.1f} ± {1000 * run['error']:.1f}"


def answer(data):
    """Return the sentences that answer the question, of the first set of pictures."""
    found = next(iter(data.values()))
    size = min(run["size"] for run in found["runs"])
    floor = at(found["runs"], size, REFERENCE)
    told = [(resize, at(found["runs"], size, resize)) for resize in _TOLD]
    each = ", ".join(f"{style(resize).label} {shown(run)}" for resize, run in told if run)
    largest = max(run["size"] for run in found["runs"])
    far, near = at(found["runs"], size, "cv2"), at(found["runs"], largest, "cv2")
    return (
        f"At {size}x{size} pixels the kernel distance to other photographs by Pillow is, in thousandths, {each}; with "
        f"Pillow itself it is {shown(floor)} (n = {found['pictures'] // 2} on each side, one set of photographs). "
        f"OpenCV bilinear's falls from {1000 * far['distance']:.1f} at {size} pixels to {1000 * near['distance']:.1f} "
        f"at {largest}."
    )


def _section(part, found):
    rows = []
    for resize in dict.fromkeys(run["resize"] for run in found["runs"]):
        runs = [at(found["runs"], size, resize) for size in SIZES]
        rows.append([style(resize).label, *(shown(run) if run else "" for run in runs)])
    return f"""## {part.replace("_", " ")}

![Kernel distance of each library's pictures to Pillow's](figures/seen_by_network_{part}.png)

Kernel distances (KID, in the features of EfficientNet-lite0) in thousandths, with a jackknife's standard error.
{found["pictures"]} photographs: half of them shrunk by Pillow's bilinear, the other half by each library. Pillow
bilinear's own row is the floor: two sets that differ in nothing but the photographs.

{table(["library and filter", *(f"{size}x{size}" for size in SIZES)], rows)}
"""


_LIMITS = """## Limits

One network, trained on photographs of 224 pixels; it sees small pictures enlarged by Pillow's bicubic. The numbers are
not comparable with those of another network. Two sets may differ to it and be alike to people, or the other way round.
"""


def _figure(runs):
    resizes = list(dict.fromkeys(run["resize"] for run in runs))
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    panels = figure.subplots(1, len(SIZES), sharey=True)
    for axes, size in zip(panels, SIZES):
        for place, resize in enumerate(resizes):
            run = at(runs, size, resize)
            if run:
                found = np.array([run["distance"], 2 * run["error"]]) * 1000
                axes.errorbar(found[0], place, xerr=found[1], fmt="o", color=style(resize).colour, capsize=3)
        axes.axvline(0, color=GREY, linewidth=0.8)
        axes.set_title(f"{size}x{size} pixels", fontsize=10)
        axes.set_yticks(range(len(resizes)), [style(resize).label for resize in resizes])
        axes.grid(axis="x", alpha=0.3)
    panels[0].invert_yaxis()
    figure.supxlabel("kernel distance to Pillow's bilinear, thousandths (bars: two standard errors)", fontsize=10)
    return figure
