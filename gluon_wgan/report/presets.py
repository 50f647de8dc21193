"""What presets learn of real pictures: the report."""

import json
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from gluon_wgan.errors import UserError
from gluon_wgan.report.arms import BLUE, GREEN, ORANGE, VERMILLION
from gluon_wgan.report.pages import origin, table, write_report

_NAME = "presets"
_TITLES = {"bedrooms": "Bedrooms", "faces": "Anime faces", "digits": "Digits"}
_DATA = {"bedrooms": "path/to/lsun", "faces": "path/to/anime_faces", "digits": "path/to/mnist"}
_STYLES = {
    "clip": ("clipping", BLUE),
    "penalty": ("gradient penalty", GREEN),
    "simple": ("plain GAN (simple)", VERMILLION),
    "medium": ("clipping (medium)", BLUE),
    "strong": ("gradient penalty (strong)", GREEN),
    "tutorial": ("the tutorial's clipping", ORANGE),
}
_MEASURES = {
    "swd_scaled": "sliced Wasserstein distance, scaled",
    "swd": "the same, not scaled",
    "spectrum": "difference of log power spectra, decades",
    "mean_picture": "correlation of the mean pictures",
    "agree": "5 nearest real digits agree, share",
    "distance": "to the nearest real digit, grey levels",
}
_NEARNESS = {
    "swd_scaled": "scaled sliced Wasserstein distance",
    "swd": "not scaled",
    "spectrum": "difference of log power spectra",
}
# Criteria, fixed before any run was looked at.
_HALF = 0.5  # of the untrained generator's distance, or of what real digits reach
_QUARTER = 0.25  # as the claim of the tutorial was to be judged
_NORM = (0.8, 1.2)
_LAST = 10  # points of the curve, of 100
_LAYOUT = 0.8  # correlation of the mean pictures
_LEAST_SHARE = 0.01  # of each of the ten digits


def _of(found, arm):
    return [run for run in found["runs"] if run["arm"] == arm]


def _arms(found):
    return list(dict.fromkeys(run["arm"] for run in found["runs"]))


def _values(found, arm, measure, when="trained"):
    return [run[when][measure] for run in _of(found, arm)]


def _mean(found, arm, measure, when="trained"):
    return float(np.mean(_values(found, arm, measure, when)))


def _shown(values):
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


def _norm(found):
    return float(np.median([np.median(run["curve"]["gradient_norm"][-_LAST:]) for run in _of(found, "penalty")]))


def _pictures_not_noise(found):
    return [
        (
            f"{_STYLES[arm][0]}: scaled sliced Wasserstein distance at most half of the untrained generator's",
            f"{_mean(found, arm, 'swd_scaled'):.3f} and {_mean(found, arm, 'swd_scaled', 'untrained'):.3f}",
            _mean(found, arm, "swd_scaled") <= _HALF * _mean(found, arm, "swd_scaled", "untrained"),
        )
        for arm in _arms(found)
    ]


def _bedrooms(found):
    norm = _norm(found)
    norms = (
        f"the penalised critic's mean gradient norm between the distributions is {_NORM[0]} to {_NORM[1]} in the last "
        "tenth of the training (median)"
    )
    return [*_pictures_not_noise(found), (norms, f"{norm:.3f}", _NORM[0] <= norm <= _NORM[1])]


def _faces(found):
    rows = [
        (
            f"{_STYLES[arm][0]}: the layout of faces, mean pictures that correlate by {_LAYOUT} or more",
            f"{_mean(found, arm, 'mean_picture'):.3f}",
            _mean(found, arm, "mean_picture") >= _LAYOUT,
        )
        for arm in _arms(found)
    ]
    return [*_pictures_not_noise(found), *rows]


def _digits(found):
    (arm,) = _arms(found)
    least = min(min(run["trained"]["shares"]) for run in found["runs"])
    agree, of_real = _mean(found, arm, "agree"), found["real"]["agree"]
    return [
        (
            f"all ten digits, each in {_LEAST_SHARE:.0%} of the samples or more",
            f"least: {least:.1%}",
            least >= _LEAST_SHARE,
        ),
        (
            "digits, not blots: the 5 nearest real digits agree at least half as often as for real digits held out",
            f"{agree:.1%} and {of_real:.1%}",
            agree >= _HALF * of_real,
        ),
        (
            f"sliced Wasserstein distance (not scaled) below {_QUARTER} of the untrained generator's",
            f"{found['arms'][arm]['swd_ratio']:.3f}",
            found["arms"][arm]["swd_ratio"] < _QUARTER,
        ),
    ]


_CRITERIA = {"bedrooms": _bedrooms, "faces": _faces, "digits": _digits}


def _sentence(subject, found):
    steps = f"{found['runs'][0]['generator_steps']:,} generator steps"
    if subject == "digits":
        (arm,) = _arms(found)
        least = min(min(run["trained"]["shares"]) for run in found["runs"])
        return f"""Digits: after {steps} the 5 nearest real digits agree for {_mean(found, arm, "agree"):.0%} of the
samples (real digits: {found["real"]["agree"]:.0%}, untrained: {_mean(found, arm, "agree", "untrained"):.0%}), and the
rarest digit is {least:.1%} of them."""
    measures = [
        f"{title} {', '.join(f'{_mean(found, arm, name):.3f} with {_STYLES[arm][0]}' for arm in _arms(found))} "
        f"({found['real'][name]:.3f} of real pictures)"
        for name, title in _NEARNESS.items()
    ]
    text = f"{_TITLES[subject]}: after {steps}, against held-out pictures: {'; '.join(measures)}."
    if subject == "bedrooms":
        text += f" The penalised critic's gradient norm is {_norm(found):.2f}."
    return text


def _section(subject, found):
    arms = _arms(found)
    measures = [name for name in _MEASURES if name in found["real"]]
    rows = [
        [_STYLES[arm][0], len(_of(found, arm)), *(_shown(_values(found, arm, name)) for name in measures)]
        for arm in arms
    ]
    rows += [
        [
            f"{_STYLES[arm][0]}, untrained",
            len(_of(found, arm)),
            *(_shown(_values(found, arm, name, "untrained")) for name in measures),
        ]
        for arm in arms
    ]
    rows.append(["real pictures", 1, *(f"{found['real'][name]:.3f}" for name in measures)])
    runs = [
        [
            _STYLES[run["arm"]][0],
            f"`{run['preset']}`",
            run["seed"],
            f"{run['generator_steps']:,}",
            f"{run['critic_steps']:,}",
            f"{run['seconds'] / 60:.1f}",
            run["starts"],
            "" if run["finished"] else "a loss was not finite",
        ]
        for run in found["runs"]
    ]
    changes = ", ".join(f"{name} {value}" for name, value in found["changes"].items())
    criteria = [
        (criterion, measured, "yes" if holds else "no") for criterion, measured, holds in _CRITERIA[subject](found)
    ]
    header = ["arm", "preset", "seed", "generator steps", "critic updates", "minutes", "starts", ""]
    return f"""## {_TITLES[subject]}

![{_TITLES[subject]}: samples of the same latents, last step, first seed](figures/{_NAME}_{subject}_samples.png)

Half of each grid of 64; the whole ones are in `figures/{_NAME}/`.

![{_TITLES[subject]}: curves of the training](figures/{_NAME}_{subject}_curves.png)

{table(["criterion, fixed before the runs were looked at", "measured", "holds"], criteria)}

{table(["pictures", "n", *(_MEASURES[name] for name in measures)], rows)}

```
python experiments/presets.py --measure {subject} --data {_DATA[subject]}
```

{table(header, runs)}

Trained at commit {", ".join(sorted({run["commit"] for run in found["runs"]}))},
OMP_NUM_THREADS={", ".join(sorted({str(run["threads"]) for run in found["runs"]}))}. Settings beside the presets':
{changes}. {found["held_out"]} held-out pictures ({found["pictures"]}) are compared with as many samples.
Measured by:
{origin(found["environment"])}
"""


def render(data):
    """Return the report, Markdown, of the dict that `gluon_wgan.studies.presets.write` wrote."""
    held = [holds for subject, found in data.items() for _, _, holds in _CRITERIA[subject](found)]
    sentences = "\n".join(fill(_sentence(subject, found), 120) for subject, found in data.items())
    return f"""# What the presets learn of real pictures

**Question.** Trained on real pictures for less than an hour on a core, what do the presets learn: the gradient penalty
beside clipping on bedrooms, a homework's plain GAN, clipping and penalty on anime faces, a tutorial's MLPs on MNIST?

**Answer.** What was to show that they learn holds in {sum(held)} of {len(held)} criteria, fixed beforehand.
{sentences}

*Real pictures*: others of the training set in the place of samples, which tells what two sets of the same pictures
differ by (of digits those held out, whose neighbours are looked for among the others). *Untrained*: the generator with
its initial weights. Means, and from the least to the largest where there are several seeds.

{chr(10).join(_section(subject, found) for subject, found in data.items())}
## Limits

- One seed unless n says otherwise: what happened once need not happen always.
- The arms of a subject differ as their presets do: in the critic's normalisation and the optimizer too, on bedrooms
  also in the start-up boost. This compares recipes, not the penalty alone.
- Few channels, few steps. The scaled sliced Wasserstein distance sees patches of 7x7 pixels at two or three scales.
- The estimates of two arms are on different scales: clipping bounds the critic's slope by some other number than 1, and
  a plain GAN's scores measure no distance.
- The homework's document shows pictures of its three baselines; its data, steps and optimizers are not known.
"""


def draw(data, reports):
    """Draw the figures into figures/ below a folder of reports."""
    folder = Path(reports) / "figures"
    for subject, found in data.items():
        _draw_samples(subject, found, folder)
        _draw_curves(found, folder / f"{_NAME}_{subject}_curves.png")


def _draw_samples(subject, found, folder):
    arms = _arms(found)
    figure = Figure(figsize=(4.2, 2.4 * len(arms)), layout="constrained")
    for axes, arm in zip(figure.subplots(len(arms), 1, squeeze=False)[:, 0], arms):
        sheet = folder / _NAME / f"{subject}-{arm}-seed{_of(found, arm)[0]['seed']}.png"
        if sheet.is_file():
            with Image.open(sheet) as image:
                axes.imshow(np.asarray(image.convert("RGB"))[: image.height // 2], interpolation="nearest")
        axes.set_title(_STYLES[arm][0])
        axes.axis("off")
    figure.savefig(folder / f"{_NAME}_{subject}_samples.png", dpi=150)


def _draw_curves(found, file):
    arms = _arms(found)
    panels = [(arm, "em_distance_estimate", "mean f(real) - mean f(generated)") for arm in arms]
    panels += [
        (arm, "gradient_norm", "mean norm of the input gradient")
        for arm in arms
        if "gradient_norm" in _of(found, arm)[0]["curve"]
    ]
    figure = Figure(figsize=(4.2 * len(panels), 3.2), layout="constrained")
    for axes, (arm, name, label) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        title, colour = _STYLES[arm]
        for run in _of(found, arm):
            axes.plot(run["curve"]["generator_step"], run["curve"][name], color=colour)
        if name == "gradient_norm":
            axes.axhline(1, color="#777777", linestyle=":")
        # the first steps are far above all others
        values = np.concatenate([run["curve"][name][2:] for run in _of(found, arm)])
        low, high = values.min(), values.max()
        axes.set_ylim(min(0, low - 0.05 * (high - low)), high + 0.05 * (high - low))
        axes.set(title=title, xlabel="generator step", ylabel=label)
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=110)


def write(reports):
    """Render data/presets.json below a folder of reports to the figures, presets.md and .html; return the second.

    Raises
    ------
    UserError
        If it is not there.
    """
    file = Path(reports) / "data" / f"{_NAME}.json"
    if not file.is_file():
        raise UserError("--reports", f"{reports} (no data/{_NAME}.json in it)", "a folder measured into; see --measure")
    data = json.loads(file.read_text())
    draw(data, reports)
    return write_report(reports, _NAME, render(data))
