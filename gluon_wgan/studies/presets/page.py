"""What presets learn of real pictures: the report."""

from textwrap import fill

import numpy as np

from gluon_wgan.report.numbers import between
from gluon_wgan.report.page import Page, origins, starts_of, table
from gluon_wgan.studies.presets.figures import STYLES, arms_of, figures, runs_of
from gluon_wgan.studies.presets.question import HALF, LAST, LAYOUT, LEAST_SHARE, NORM, QUARTER

_NAME = "presets"
_TITLES = {"bedrooms": "Bedrooms", "faces": "Anime faces", "digits": "Digits"}
_DATA = {"bedrooms": "path/to/lsun", "faces": "path/to/anime_faces", "digits": "path/to/mnist"}
# Arms that the answer sets beside each other.
_BESIDE = {"clip": "clipping", "medium": "clipping", "penalty": "the penalty", "strong": "the penalty"}
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


def _values(found, arm, measure, when="trained"):
    return [run[when][measure] for run in runs_of(found, arm)]


def _mean(found, arm, measure, when="trained"):
    return float(np.mean(_values(found, arm, measure, when)))


def _shown(values):
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


def _norm(found):
    return float(np.median([np.median(run["curve"]["gradient_norm"][-LAST:]) for run in runs_of(found, "penalty")]))


def _pictures_not_noise(found):
    return [
        (
            f"{STYLES[arm][0]}: scaled sliced Wasserstein distance at most half of the untrained generator's",
            f"{_mean(found, arm, 'swd_scaled'):.3f} and {_mean(found, arm, 'swd_scaled', 'untrained'):.3f}",
            _mean(found, arm, "swd_scaled") <= HALF * _mean(found, arm, "swd_scaled", "untrained"),
        )
        for arm in arms_of(found)
    ]


def _bedrooms(found):
    norm = _norm(found)
    norms = (
        f"the penalised critic's mean gradient norm between the distributions is {NORM[0]} to {NORM[1]} in the last "
        "tenth of the training (median)"
    )
    return [*_pictures_not_noise(found), (norms, f"{norm:.3f}", NORM[0] <= norm <= NORM[1])]


def _faces(found):
    rows = [
        (
            f"{STYLES[arm][0]}: the layout of faces, mean pictures that correlate by {LAYOUT} or more",
            f"{_mean(found, arm, 'mean_picture'):.3f}",
            _mean(found, arm, "mean_picture") >= LAYOUT,
        )
        for arm in arms_of(found)
    ]
    return [*_pictures_not_noise(found), *rows]


def _digits(found):
    (arm,) = arms_of(found)
    least = min(min(run["trained"]["shares"]) for run in found["runs"])
    agree, of_real = _mean(found, arm, "agree"), found["real"]["agree"]
    return [
        (
            f"all ten digits, each in {LEAST_SHARE:.0%} of the samples or more",
            f"least: {least:.1%}",
            least >= LEAST_SHARE,
        ),
        (
            "digits, not blots: the 5 nearest real digits agree at least half as often as for real digits held out",
            f"{agree:.1%} and {of_real:.1%}",
            agree >= HALF * of_real,
        ),
        (
            f"sliced Wasserstein distance (not scaled) below {QUARTER} of the untrained generator's",
            f"{found['arms'][arm]['swd_ratio']:.3f}",
            found["arms"][arm]["swd_ratio"] < QUARTER,
        ),
    ]


_CRITERIA = {"bedrooms": _bedrooms, "faces": _faces, "digits": _digits}


def _sentence(subject, found):
    steps = f"{found['runs'][0]['generator_steps']:,} generator steps"
    if subject == "digits":
        (arm,) = arms_of(found)
        least = min(min(run["trained"]["shares"]) for run in found["runs"])
        return f"""Digits: after {steps} the 5 nearest real digits agree for {_mean(found, arm, "agree"):.0%} of the
samples (real digits: {found["real"]["agree"]:.0%}, untrained: {_mean(found, arm, "agree", "untrained"):.0%}), and the
rarest digit is {least:.1%} of them."""
    measures = [
        f"{title} {', '.join(f'{_mean(found, arm, name):.3f} with {STYLES[arm][0]}' for arm in arms_of(found))} "
        f"({found['real'][name]:.3f} of real pictures)"
        for name, title in _NEARNESS.items()
    ]
    text = f"{_TITLES[subject]}: after {steps}, against held-out pictures: {'; '.join(measures)}."
    if subject == "bedrooms":
        text += f" The penalised critic's gradient norm is {_norm(found):.2f}."
    return text


def _commands(subject, found):
    """Return the commands that measured a subject; of older data, which has none, what it must have been."""
    usual = f"python experiments/presets.py --measure {subject} --data {_DATA[subject]}"
    return "\n".join(dict.fromkeys(start.get("command", usual) for start in starts_of(found)))


def _section(subject, found):
    arms = arms_of(found)
    measures = [name for name in _MEASURES if name in found["real"]]
    rows = [
        [STYLES[arm][0], len(runs_of(found, arm)), *(_shown(_values(found, arm, name)) for name in measures)]
        for arm in arms
    ]
    rows += [
        [
            f"{STYLES[arm][0]}, untrained",
            len(runs_of(found, arm)),
            *(_shown(_values(found, arm, name, "untrained")) for name in measures),
        ]
        for arm in arms
    ]
    rows.append(["real pictures", 1, *(f"{found['real'][name]:.3f}" for name in measures)])
    runs = [
        [
            STYLES[run["arm"]][0],
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

{fill(_sentence(subject, found), 120)}

{table(["criterion, fixed before the runs were looked at", "measured", "holds"], criteria)}

{table(["pictures", "n", *(_MEASURES[name] for name in measures)], rows)}

```
{_commands(subject, found)}
```

{table(header, runs)}

Trained at commit {", ".join(sorted({run["commit"] for run in found["runs"]}))},
OMP_NUM_THREADS={", ".join(sorted({str(run["threads"]) for run in found["runs"]}))}. Settings beside the presets':
{changes}. {found["held_out"]} held-out pictures ({found["pictures"]}) are compared with as many samples.
Measured by:
{origins({subject: found}, [subject])}
"""


def page(data, reports):
    """Return the page of reports/data/presets.json."""
    return Page(_answer(data), _body(data), figures(data, reports))


def _answer(data):
    held = [holds for subject, found in data.items() for _, _, holds in _CRITERIA[subject](found)]
    runs = [len(runs_of(found, arm)) for found in data.values() for arm in arms_of(found)]
    seeds = f"n = {between(runs, '{:.0f}'.format)} for each"
    sentences = [
        f"What was to show that these networks learn, fixed beforehand, holds in {sum(held)} of {len(held)} criteria "
        f"({seeds})."
    ]
    beside = []
    for subject, found in data.items():
        arms = {arm: words for arm, words in _BESIDE.items() if arm in arms_of(found)}
        if arms:
            each = ", ".join(f"{_mean(found, arm, 'swd_scaled'):.3f} with {words}" for arm, words in arms.items())
            beside.append(f"{_TITLES[subject].lower()}, {each} ({found['real']['swd_scaled']:.3f} of real pictures)")
    if beside:
        sentences.append(f"The distance of samples' patches to held-out pictures' is, on {'; on '.join(beside)}.")
    if "digits" in data:
        found = data["digits"]
        (arm,) = arms_of(found)
        agree, before = (_mean(found, arm, "agree", when) for when in ("trained", "untrained"))
        sentences.append(
            f"Of the digits {agree:.0%} have five nearest real digits that agree (of real ones "
            f"{found['real']['agree']:.0%}, before training {before:.0%})."
        )
    return " ".join(sentences)


def _body(data):
    sections = "\n".join(_section(subject, found) for subject, found in data.items())
    return f"""*Real pictures*: others of the training set in the place of samples, which tells what two sets of the
same pictures differ by (of digits those held out, whose neighbours are looked for among the others). *Untrained*: the
generator with its initial weights. Means, and from the least to the largest where there are several seeds.

{sections}
## Limits

- One seed unless n says otherwise: what happened once need not happen always.
- The arms of a subject differ as their presets do: in the critic's normalisation and the optimizer too, on bedrooms
  also in the start-up boost. This compares recipes, not the penalty alone.
- Few channels, few steps. The scaled sliced Wasserstein distance sees patches of 7x7 pixels at two or three scales.
- The estimates of two arms are on different scales: clipping bounds the critic's slope by some other number than 1, and
  a plain GAN's scores measure no distance.
- The homework's document shows pictures of its three baselines; its data, steps and optimizers are not known.
"""
