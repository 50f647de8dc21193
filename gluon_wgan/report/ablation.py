"""The two ablations: who shrinks the pictures, and RMSprop's epsilon. Tables, distances, curves, samples."""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from gluon_wgan.pictures import median_filtered
from gluon_wgan.report import denominators as denominators_of
from gluon_wgan.report import full_size as full_size_of
from gluon_wgan.report.ablation_answer import DECIDING, answer
from gluon_wgan.report.arms import GREY, style
from gluon_wgan.report.pages import origin, table, write_report

_TITLES = {
    "resize": "Does the library that shrinks the pictures matter for what a WGAN learns?",
    "epsilon": "Does RMSprop's epsilon matter for what a WGAN learns?",
}
_QUESTIONS = {
    "resize": "With everything else equal to the last bit, does it matter for the generated pictures who shrinks the "
    "training pictures, and is bicubic, the fix that was documented, the fix?",
    "epsilon": "With everything else equal to the last bit, does it matter where RMSprop's epsilon stands and how "
    "large it is, and which setting of MXNet's kind equals PyTorch?",
}
_SHOWN = {
    "swd_same": "sliced Wasserstein distance to held-out pictures prepared the same way",
    "swd_reference": "the same, to held-out pictures prepared by Pillow",
    "swd_scaled_same": "prepared the same way, both sets scaled by the real one's mean and spread",
    "swd_scaled_reference": "prepared by Pillow, so scaled",
    "spectrum_same": "difference of log power spectra, decades, prepared the same way",
    "spectrum_reference": "the same, prepared by Pillow",
    "frechet_same": "Fréchet distance in the features of a classifier, prepared the same way",
    "frechet_reference": "the same, prepared by Pillow",
    "em_estimate_end": "EM estimate, median of the last 200 generator steps",
    "early_spread": "early instability: interquartile range of the estimate around its running median / the median, "
    "generator steps 26 to 500",
    "early_sign_changes": "sign changes of the estimate in the first 500 generator steps",
}


def _cell(found):
    if len(found["values"]) == 1:
        return f"{found['mean']:.4g}"
    return f"{found['mean']:.4g} ({found['low']:.4g} to {found['high']:.4g})"


def _tables(data):
    parts = []
    for measure, title in _SHOWN.items():
        if not all(measure in found["measures"] for found in data["arms"].values()):
            continue  # the Fréchet distance wants --features
        rows = []
        for arm, found in data["arms"].items():
            difference = data["differences"].get(arm, {}).get(measure)
            floor = data["floors"].get(arm, {}).get(measure)
            verdict = (
                "" if difference is None or difference["differs"] is None else "no yes".split()[difference["differs"]]
            )
            rows.append(
                [
                    arm,
                    found["n"],
                    _cell(found["measures"][measure]),
                    "" if difference is None else _cell(difference),
                    verdict,
                    "" if floor is None else f"{floor:.4g}",
                ]
            )
        header = ["arm", "n", "mean (interval)", "minus baseline", "differs", "floor: real pictures"]
        parts.append(f"**`{measure}`**: {title}\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def render(subject, data, denominators=None, full_size=None):
    """Return the report, Markdown; parameters as of `answer`, and reports/data/full_size.json."""
    planned = data["planned"]
    settings = ", ".join(f"{key} {value}" for key, value in data["settings"].items())
    done = [f"{arm}: {len(data['runs'].get(arm, {}))} of {len(planned['seeds'])}" for arm in planned["arms"]]
    unfinished = [
        f"{arm}, seed {seed}, stopped at step {run['generator_steps']:,} (a loss was not finite)"
        for arm, seeds in data["runs"].items()
        for seed, run in seeds.items()
        if not run["finished"]
    ]
    hours = sum(run["seconds"] for seeds in data["runs"].values() for run in seeds.values()) / 3600
    commits = sorted({run["commit"] for seeds in data["runs"].values() for run in seeds.values()})
    trained = f"{', '.join(commits)}: {hours:.1f} hours in all"
    if any(commit.endswith("-dirty") for commit in commits):
        trained += " (-dirty: the study had begun to write its data into the\ncheckout's reports/)"
    return f"""# {_TITLES[subject]}

**Question.** {_QUESTIONS[subject]}

**Answer.** {answer(subject, data, denominators)}

## Command

```
python experiments/ablate_{subject}.py --data path/to/lsun
```

Measured by: {origin(data["environment"])}
Trained at commit {trained}. Pictures: {data["pictures"]}; {data["held_out"]} of
them are held out. Settings beside the original's: {settings}. Seeds {", ".join(map(str, planned["seeds"]))}: the same
initial weights, latents and order of the data in every arm of a seed.

Finished runs: {"; ".join(done)}. {"Broken off: " + "; ".join(unfinished) + "." if unfinished else ""}

## What was learned

![Samples of the same 8 latents, each arm, the first seed](figures/ablation_{subject}_samples.png)

![Distances of each arm to held-out pictures](figures/ablation_{subject}_distances.png)

![EM estimates over generator steps](figures/ablation_{subject}_curves.png)

{denominators_of.section(denominators, data["baseline_arm"]) if denominators else ""}
## Measures

Samples are {data["held_out"]} pictures of the same latents, batch statistics, compared with as many held-out real
pictures. Intervals: bootstrap over the seeds, 95 % in name (of 3 seeds it is from the least to the largest). *minus
baseline* is paired by seed; *differs*: all differences have one sign, and their mean is more than twice the standard
deviation of the baseline over the seeds. *floor*: real pictures of the training set, prepared as the arm's, in the
place of samples; to Pillow's it holds what the two preparations of real pictures differ by, with no GAN in it. The
question is answered by `{DECIDING[subject]}`. Measures and criterion were fixed before any run was measured.

{_tables(data)}

{full_size_of.section(full_size) if subject == "resize" else ""}
## Limits

Small pictures, few channels, few steps, few seeds, one data set: an arm that does not differ here may differ at full
size. The sliced Wasserstein distance (Karras et al. 2018) sees patches of 7x7 pixels, not rooms. The full size is
`python experiments/ablate_{subject}.py --data path/to/lsun --image-size 64 --channels 64 --generator-steps 30000`.
"""


def _curves(subject, data, reports, file):
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    for arm, seeds in data["runs"].items():
        label, colour, line = style(arm)
        curves = []
        for run in seeds.values():
            kept = json.loads((Path(reports) / "data" / "ablations" / f"{run['name']}.json").read_text())
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
    figure.savefig(file, dpi=110)


def _distances(subject, data, file):
    measures = ["swd_same", "swd_reference", "swd_scaled_same", "swd_scaled_reference", "spectrum_reference"]
    figure = Figure(figsize=(11, 1 + 0.45 * len(data["arms"])), layout="constrained")
    for axes, measure in zip(figure.subplots(1, len(measures), sharey=True), measures):
        for place, (arm, found) in enumerate(data["arms"].items()):
            colour = style(arm).colour
            values = found["measures"][measure]["values"]
            axes.plot(values, [place] * len(values), "o", color=colour, alpha=0.5)
            axes.plot(np.mean(values), place, "|", color=colour, markersize=16, markeredgewidth=2)
            axes.plot(data["floors"][arm][measure], place, "x", color=GREY)
        axes.set_title(measure, fontsize=9)
        axes.set_xlim(left=0)
        axes.grid(axis="x", alpha=0.3)
        axes.tick_params(labelsize=8)
        axes.set_yticks(range(len(data["arms"])), list(data["arms"]))
    figure.axes[0].invert_yaxis()
    figure.supxlabel("distance (dots: seeds; bar: mean; cross: floor, real pictures without a GAN)", fontsize=9)
    figure.savefig(file, dpi=110)


def _samples(data, reports, file):
    arms = [(arm, next(iter(seeds.values()))) for arm, seeds in data["runs"].items()]
    strips = []
    for arm, run in arms:
        strip = Path(reports) / "figures" / "ablations" / f"{run['name']}.png"
        if strip.is_file():
            with Image.open(strip) as image:
                strips.append((arm, np.asarray(image)))
    if not strips:
        return
    figure = Figure(figsize=(8.6, 2.4 * -(-len(strips) // 2)), layout="constrained")
    for axes, (arm, strip) in zip(figure.subplots(-(-len(strips) // 2), 2, squeeze=False).ravel(), strips):
        axes.imshow(strip)
        axes.set_title(f"{style(arm).label}", fontsize=9)
    for axes in figure.axes:
        axes.axis("off")
    figure.suptitle(
        "rows: generator steps 500, 1,000, 2,500, 5,000 (as far as trained); the same 8 latents", fontsize=9
    )
    figure.savefig(file, dpi=110)


def draw(subject, data, reports):
    """Draw the figures of an ablation into reports/figures/, from the runs' data in reports/data/."""
    folder = Path(reports) / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    _curves(subject, data, reports, folder / f"ablation_{subject}_curves.png")
    _distances(subject, data, folder / f"ablation_{subject}_distances.png")
    _samples(data, reports, folder / f"ablation_{subject}_samples.png")


def write(subject, reports):
    """Render reports/data/ablation_SUBJECT.json to its figures, Markdown and HTML; return the second."""
    folder = Path(reports) / "data"
    data = json.loads((folder / f"ablation_{subject}.json").read_text())
    draw(subject, data, reports)
    more = folder / {"resize": "full_size.json", "epsilon": "denominators.json"}[subject]
    extra = json.loads(more.read_text()) if more.is_file() else None
    if subject == "resize":
        return write_report(reports, "ablation_resize", render(subject, data, full_size=extra))
    if extra:
        denominators_of.draw(extra, Path(reports) / "figures")
    return write_report(reports, "ablation_epsilon", render(subject, data, denominators=extra))
