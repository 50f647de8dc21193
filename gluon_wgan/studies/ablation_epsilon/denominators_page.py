"""The part of the epsilon report that needs no second training: denominators, their floors, and the steps' ratios."""

import math

from matplotlib.figure import Figure

from gluon_wgan.report.page import origin, table
from gluon_wgan.report.style import GREY
from gluon_wgan.studies.ablation_epsilon.question import EQUAL
from gluon_wgan.studies.ablation_epsilon.styles import style


def equals(data, arm):
    """Say whether an arm's steps are the reference's, by the criterion above."""
    return _worst(data, arm) <= math.log1p(EQUAL)


def _worst(data, arm):
    ratios = [ratio for row in data["ratios"] if row["arm"] == arm for ratio in (row["ratio"][0], row["ratio"][-1])]
    return max(abs(math.log(ratio)) for ratio in ratios)


def answer(data, baseline_arm):
    """Return the sentence, without its full stop, that says which epsilons equal the baseline's."""
    others = sorted((arm for arm in data["floors"] if arm != baseline_arm), key=lambda arm: _worst(data, arm))
    same = [style(arm).label for arm in others if equals(data, arm)]
    off = [f"{math.exp(_worst(data, arm)):,.3g} ({style(arm).label})" for arm in others if not equals(data, arm)]
    return f"of the same gradients {' and '.join(same) or 'none'} makes the steps of {style(baseline_arm).label}" + (
        f"; those of the others are off by factors of up to {', '.join(off)}" if off else ""
    )


def section(data, baseline_arm):
    """Return the section, Markdown, of reports/data/denominators.json."""
    rows = [
        [
            f"after generator step {step:,}",
            network,
            *(
                "{2:.3g} ({0:.3g} to {4:.3g})".format(
                    *_find(data["ratios"], arm=arm, network=network, step=step)["ratio"]
                )
                for arm in data["floors"]
            ),
        ]
        for step in data["at"]
        for network in ("critic", "generator")
    ]
    floors = [
        [arm, *(f"{data['floors'][arm][network]:.0e}" for network in ("critic", "generator"))] for arm in data["floors"]
    ]
    return f"""## What RMSprop divides by

RMSprop divides the gradient by the root of its running mean square n, and epsilon is there for the case that n is 0: it
puts a floor under the denominator, of epsilon itself where it stands outside the root, and of *the root of* epsilon
where it stands inside. So 1e-8 inside is a floor of 1e-4.

{table(["arm", "floor, critic", "floor, generator"], floors)}

Whether a floor is felt depends on the gradients. Below, root n of every weight in a real training of {baseline_arm}
(seed {data["seed"]}, {data["pictures"]}), layer by layer, from the pictures' side of the critic and from the latents'
side of the generator; weights whose floor lies above them move as in plain gradient descent.

![The root of the mean square gradient, layer by layer, and the floors](figures/denominators_layers.png)

How far each arm would have moved the same weights by the same gradients, over how far {baseline_arm} moved them: median
(5 to 95 % of the weights). An arm counts as equal if all of these are within {EQUAL:.0%} of 1.

{table(["", "network", *data["floors"]], rows)}

![Ratios of the steps](figures/denominators_ratios.png)

Measured by: {origin(data["environment"])}
"""


def _find(rows, **wanted):
    return next(row for row in rows if all(row[key] == value for key, value in wanted.items()))


def figures(data):
    """Return the figures of the section."""
    return {"denominators_layers": _draw_layers(data), "denominators_ratios": _draw_ratios(data)}


def _draw_layers(data):
    figure = Figure(figsize=(10, 7), layout="constrained")
    panels = figure.subplots(2, len(data["at"]), sharey=True, squeeze=False)
    for network, row in zip(("critic", "generator"), panels):
        for step, axes in zip(data["at"], row):
            layers = [entry for entry in data["layers"] if (entry["network"], entry["step"]) == (network, step)]
            for place, entry in enumerate(layers):
                # a logarithmic axis has no place for 0: it is drawn at the bottom
                low, lower, middle, upper, high = (max(value, 2e-9) for value in entry["root"])
                axes.plot([place, place], [low, high], color=GREY, linewidth=1)
                axes.plot([place, place], [lower, upper], color=GREY, linewidth=5)
                axes.plot(place, middle, "o", color="black", markersize=4)
            for arm in data["floors"]:
                label, colour, line = style(arm)
                axes.axhline(data["floors"][arm][network], color=colour, linewidth=1.5, linestyle=line, label=label)
            axes.set_yscale("log")
            axes.set_ylim(2e-9, 1)
            axes.set_xticks(range(len(layers)), [entry["layer"].removeprefix("main.") for entry in layers], rotation=90)
            axes.tick_params(labelsize=7)
            axes.set_title(f"{network}, step {step:,}", fontsize=9)
    figure.supylabel("root of the mean square gradient (score per unit of weight)", fontsize=9)
    figure.legend(
        *panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8, title="floors"
    )
    return figure


def _draw_ratios(data):
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    arms = list(data["floors"])
    for network, axes in zip(("critic", "generator"), figure.subplots(1, 2, sharey=True)):
        for number, arm in enumerate(arms):
            label, colour, _ = style(arm)
            for place, step in enumerate(data["at"]):
                low, _, middle, _, high = _find(data["ratios"], arm=arm, network=network, step=step)["ratio"]
                where = place + 0.15 * (number - (len(arms) - 1) / 2)
                axes.plot([where, where], [low, high], color=colour, linewidth=2)
                axes.plot(where, middle, "o", color=colour, markersize=5, label=label if place == 0 else None)
        axes.axhline(1, color=GREY, linewidth=0.8)
        axes.set_yscale("log")
        axes.set_xticks(range(len(data["at"])), [f"{step:,}" for step in data["at"]])
        axes.set_xlabel("generator step")
        axes.set_title(network, fontsize=10)
    figure.axes[0].set_ylabel("step / PyTorch's step\n(dot: median; bar: 5 to 95 %)", fontsize=9)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    return figure
