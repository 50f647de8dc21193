"""An ablation's repetitions on its page: the same question on other pictures, or at another size. No mxnet."""

import json
from dataclasses import replace

from matplotlib.figure import Figure

from gluon_wgan.pictures import GAP
from gluon_wgan.report import decision
from gluon_wgan.report.comparison_figures import strip_of
from gluon_wgan.report.page import wrapped
from gluon_wgan.settings import preset_settings


def repetitions(name, reports, answer, measures, style):
    """Return the sections about a study's repetitions, see `--again` of the ablations, and their figures.

    Parameters
    ----------
    name : str
        Of the study.
    reports : pathlib.Path
    answer : callable
        `answer(data)` is what a repetition says, Markdown.
    measures, style
        As of `decision.section`.
    """
    texts, figures = [], {}
    for file in sorted((reports / "data").glob(f"{name}_*.json")):
        again = file.stem.removeprefix(f"{name}_")
        if again == "exploratory":
            continue
        data = json.loads(file.read_text())
        drawn = {
            "samples": ("Samples of the same 8 latents, each arm, the first seed", _samples(data, reports, style)),
            "kernel": (
                "Kernel distance over generator steps",
                decision.figure_of_curves(data, reports, measures, style),
            ),
        }
        shown = []
        for what, (title, figure) in drawn.items():
            if figure is not None:
                figures[f"{file.stem}_{what}"] = figure
                shown.append(f"![{title}](figures/{file.stem}_{what}.png)\n\n")
        texts.append(f"""## Again: {again}

{answer(data)}

{_in_words(data)}

```
{data["command"]}
```

{decision.tables(data, measures, style, f"{file.stem}_")}

{"".join(shown)}
""")
    return "".join(texts), figures


def _in_words(data):
    settings = _settings(data)
    return wrapped(
        f"""On the pictures of {data["pictures"]}, {data["held_out"]} of them held out, at {settings.image_size} pixels
        with {settings.generator_channels} channels, for {settings.generator_steps:,} generator steps."""
    )


def _settings(data):
    return replace(preset_settings("wassersteingan"), **data["settings"])  # the data have what differs


def _samples(data, reports, style):
    """Draw the last row of each arm's strip, see `strip_of`; None without any."""
    size, rows, first = _settings(data).image_size, [], str(data["planned"]["seeds"][0])
    for arm in data["planned"]["arms"]:
        run = data["runs"].get(arm, {}).get(first)
        strip = run and strip_of(run, reports)
        if strip is not None:
            rows.append((arm, strip[-size - GAP : -GAP]))
    if not rows:
        return None
    figure = Figure(figsize=(8.6, 1.4 * len(rows)), layout="constrained")
    for axes, (arm, row) in zip(figure.subplots(len(rows), squeeze=False).ravel(), rows):
        axes.imshow(row, interpolation="nearest")
        axes.set_title(style(arm).label, fontsize=10)
        axes.axis("off")
    return figure
