"""The page of the zoo: each model's pictures, its card, and how its recipes compare."""

from gluon_wgan.report.numbers import between
from gluon_wgan.report.page import Page, commands_of, table
from gluon_wgan.studies.zoo.question import MODELS

_RECIPES = {"penalty": "gradient penalty", "clip": "weight clipping"}


def page(data, reports):
    """Return the page of reports/data/zoo.json."""
    found = {name: data[name] for name in MODELS if name in data}  # the models' order
    sections = [_section(name, part, reports) for name, part in found.items()]
    return Page(answer(found), "\n".join([_USE, *sections, commands_of(found), _LIMITS]), {})


def kept(part):
    """Return the run that is in the zoo."""
    return next(run for run in part["runs"] if run["recipe"] == part["kept"])


def thousandths(value, error):
    """Return a kernel distance and its standard error, in thousandths."""
    return f"{1000 * value:.1f} ± {1000 * error:.1f}"


def answer(found):
    """Return the sentences that answer the question."""
    nearest = [kept(part) for part in found.values()]
    others = [run for part in found.values() for run in part["runs"] if run is not kept(part)]
    recipes = " or ".join(dict.fromkeys(_RECIPES[run["recipe"]] for run in nearest))
    floor = 1000 * max(part["floor"] for part in found.values())
    other = f", by the other recipe {_between(others, 'kernel_distance', 1000)}" if others else ""
    what = "; ".join(part["what"] for part in found.values())
    return (
        f"They make {what}. Trained with the {recipes} in {_between(nearest, 'seconds', 1 / 60)} minutes, their "
        f"pictures are {_between(nearest, 'kernel_distance', 1000)} thousandths of the kernel distance from pictures "
        f"that they never saw{other}; two sets of those are at most {floor:.1f} apart. One training of each recipe, so "
        "this is a choice, not a comparison of recipes."
    )


def _between(runs, name, factor):
    return between([factor * run[name] for run in runs], "{:.0f}".format)


_USE = """## Use

```
gluon-wgan generate zoo:rooms-64
gluon-wgan view
```

In Python `gluon_wgan.zoo.get_model("rooms-64")` gives the generator and its settings. Wherever a command asks for a
run, `zoo:NAME` is one: `convert_checkpoint.py export zoo:rooms-64 --to onnx --out rooms` writes it for other programs,
`--to torch` for the original PyTorch code. The weights come with the package; their checksums are verified each time.
"""


def _section(name, part, reports):
    run = kept(part)
    real = ""
    if (reports / "figures" / "zoo" / f"{name}-real.png").is_file():
        real = f"Pictures that it never saw:\n\n![Unseen pictures](figures/zoo/{name}-real.png)\n"
    rows = [
        [
            _RECIPES[one["recipe"]] + (" (in the zoo)" if one is run else ""),
            thousandths(one["kernel_distance"], one["kernel_distance_error"]),
            f"{one['generator_steps']:,}",
            f"{one['seconds'] / 60:.0f}",
            f"{one['nearer']:.0%}",
            f"{one['as_copies']:.1%}",
        ]
        for one in part["runs"]
    ]
    header = ["recipe", "kernel distance, thousandths", "generator steps", "minutes", "nearer", "as copies"]
    others = [
        f"\nBy {_RECIPES[one['recipe']]}:\n\n![Samples](figures/zoo/{name}-{one['recipe']}.png)\n"
        for one in part["runs"]
        if one is not run
    ]
    return f"""## {name}

{part["what"].capitalize()}. Its first {run["samples"]:,} pictures (seed 0) are measured, against {part["unseen"]:,}
that training never saw; halves of those are {thousandths(part["floor"], part["floor_error"])} apart.

![Samples of {name}](figures/zoo/{name}-{run["recipe"]}.png)

{real}
{table(header, rows)}

*Nearer*: share of 500 samples that are nearer to a training picture than the median of as many unseen pictures is, 50 %
where they are as new as those. *As copies*: nearer than all but a hundredth of those, 1 % there.

{_nearest(name, run, reports)}{"".join(others)}
Trained at commit {run["commit"]} by

```
{run["training"]}
```
"""


def _nearest(name, run, reports):
    file = f"figures/zoo/{name}-{run['recipe']}-nearest.png"
    if not (reports / file).is_file():
        return ""
    return f"""Left a sample, right of it the five training pictures that are most like it, by pixels:

![Samples, and the training pictures most like them]({file})

"""


_LIMITS = """## Limits

One seed of each recipe. Minutes are by the clock, on a machine that did other work too. The kernel distance (KID, in
the features of EfficientNet-lite0, a network trained on photographs) is small where such a network sees little
difference; it was trained on neither drawn rooms nor digits.
"""
