"""Which networks each way of training stands: the answer, the table, the figures and the pictures in rows."""

import numpy as np

from gluon_wgan.report.criteria import asked_of
from gluon_wgan.report.numbers import between, listed
from gluon_wgan.report.page import Page, commands_of, table, wrapped
from gluon_wgan.studies.networks import depth, random_search
from gluon_wgan.studies.networks import figures as figures_of
from gluon_wgan.studies.networks.question import (
    BASES_TOLD,
    BESIDE,
    CIFARS_CLASSES,
    OF_A_CLASS,
    SUBJECTS,
)
from gluon_wgan.studies.networks.sheets import sheets

_NAME = "networks"


def page(data, reports):
    """Return the page of reports/data/networks.json."""
    found = {subject: data[subject] for subject in SUBJECTS if subject in data}
    figures, sections = {}, [f"## What came out\n\n{asked_of('networks.json', reports)}\n"]
    for subject, part in found.items():
        if subject == "random":
            figures[f"{_NAME}_random"] = random_search.figure(part)
            sections.append(random_search.section(part, reports))
            continue
        figures |= {f"{_NAME}_{subject}": figures_of.ends(part), f"{_NAME}_{subject}_courses": figures_of.courses(part)}
        sections += [_table(subject, part), _pictures(subject, part, reports)]
        if subject == "depth":
            figures[f"{_NAME}_depth_gradients"] = depth.figure(part)
            sections.append(depth.section(part, found.get("bedrooms")))
        sections += [_beside(part), _losses(subject, part), *_classes(part)]
    return Page(answer(found), "\n".join([*sections, _commands(found), _LIMITS]), figures)


def _commands(found):
    hours = [
        f"{SUBJECTS[subject].what} {sum(run['seconds'] for run in part['runs']) / 3600:.1f}"
        for subject, part in found.items()
    ]
    return f"""{commands_of(found)}
Hours of training by the clock, with pauses and whatever else ran on the machine: {", ".join(hours)}.
"""


def answer(found):
    """Return the sentences that answer the question, of what is whole; and how far the rest is."""
    whole, waiting = {}, []
    for subject, part in found.items():
        of_subject = SUBJECTS[subject]
        planned = sum(map(len, of_subject.networks.values())) * len(of_subject.seeds)
        if len(part["runs"]) < planned:
            waiting.append(f"{of_subject.what} ({len(part['runs'])} of {planned} trainings)")
        else:
            whole[subject] = part
    pictures = {subject: part["networks"] for subject, part in whole.items() if subject not in _COUNTED}
    counted = [of(whole[subject]) for subject, of in _COUNTED.items() if subject in whole]
    told = [_sentence("; ".join(counted))] if counted else []
    if "bedrooms" in pictures:
        told.append(_spread_told(pictures["bedrooms"]))
    if pictures:
        told.append(_losses_told(pictures))
    if waiting:
        still = f"not answered yet: {', '.join(waiting)}"
        told = [*told[:-1], f"{told[-1][:-1]}; {still}."] if told else [_sentence(still)]
    return " ".join(told)


def _sentence(clause):
    return f"{clause[0].upper()}{clause[1:]}."


# Of these the answer counts who learns, in a clause each.
_COUNTED = {"random": random_search.answer, "depth": depth.answer}


def _spread_told(networks):
    shown = []
    for base, of_base in networks.items():
        ends = [one["kernel_distance"]["mean"] for one in of_base.values()]
        far = "" if shown else " as far from real pictures as the best"
        shown.append(f"{max(ends) / min(ends):.2g} times{far} with the {BASES_TOLD[base]} (of {len(ends)})")
    return f"On bedrooms the worst network ends {listed(shown)}."


def _losses_told(pictures):
    shown = {}
    for base in ("clip", "gan"):
        first = [next(iter(networks[base].values())) for networks in pictures.values()]
        known = [one["correlation"]["value"] for one in first]
        known = [value for value in known if value is not None]
        shown[base] = between(known, _number) if known else _number(None)
    return (
        f"What the clipped WGAN maximises goes with the distance by a rank correlation of {shown['clip']}, what the "
        f"plain GAN maximises by {shown['gan']} (1: the smaller, the nearer)."
    )


def _thousandths(value):
    return f"{1000 * value:.0f}"


def _interval(found):
    mean = _thousandths(found["mean"])
    return mean if found["low"] is None else f"{mean} ({between((found['low'], found['high']), _thousandths)})"


def _number(value):
    return "none" if value is None else f"{value:.2f}"


def _rows(part):
    networks = part["networks"]
    return [(BASES_TOLD[base], network, one) for base in networks for network, one in networks[base].items()]


def _more(paired):
    return f"{1000 * paired['mean']:+.0f}{' *' if paired['differs'] else ''}" if paired else ""


# What a network's distance is held against, {name in the data: column}.
_MINUS = {"from_first": "minus the first", "from_clip": "minus clipped", "from_gan": "minus plain"}


def _table(subject, part):
    rows = _rows(part)
    minus = {name: label for name, label in _MINUS.items() if any(one[name] for _, _, one in rows)}
    cells = [
        [
            base,
            network,
            _interval(one["kernel_distance"]),
            f"{one['of_untrained']:.2f}",
            *(_more(one[name]) for name in minus),
            one["n"],
        ]
        for base, network, one in rows
    ]
    header = ["trained as", "network", "kernel distance", "of untrained", *minus.values(), "n"]
    untrained = _thousandths(np.mean([run["untrained"] for run in part["runs"]]))
    what, side = SUBJECTS[subject].what, part["sizes"]["image_size"]
    about = f"""{part["pictures"]}, {part["generator_steps"]:,} generator steps at {side}x{side} pixels. Kernel
    distances in thousandths to {part["held_out"]:,} held-out pictures: mean over the last three tenths of a run, then
    over the seeds; intervals of 95 % by bootstrap; untrained networks are at {untrained}. *Minus*
    takes off, seed by seed, the distance of the first network that is trained so, of the clipped WGAN's first, or of
    the plain GAN's first; a star: in every seed on one side, and by more than twice the other's spread. A run that
    broke off counts as untrained."""
    return f"""## {what[0].upper()}{what[1:]}

![Kernel distance at the end, each seed](figures/{_NAME}_{subject}.png)

{wrapped(about)}

{table(header, cells)}
"""


def _beside(part):
    named = {
        name: label
        for name, label in BESIDE.items()
        if any(one.get(name) is not None for of_base in part["networks"].values() for one in of_base.values())
    }
    rows = [[base, network, *(_number(one.get(name)) for name in named)] for base, network, one in _rows(part)]
    what = "they decide nothing."
    if "face_share" in part:
        what = f"""the faces that are found and the Fréchet distance decide the course's baselines, the others nothing.
        A face is found in {100 * part["face_share"]:.0f} % of the held-out pictures."""
    about = f"""Of the samples after the last generator step, means over the seeds; {what} Precision: the share of
    samples that lie among real pictures; recall: of real pictures that lie among samples. The Fréchet distance is
    larger the fewer pictures there are, and the two sets have as many in all rows."""
    return f"""### Other measures

{wrapped(about)}

{table(["trained as", "network", *named.values()], rows)}
"""


def _losses(subject, part):
    rows = [[base, network, *map(_number, one["correlation"].values())] for base, network, one in _rows(part)]
    header = ["trained as", "network", "the critic's value", "the generator's loss"]
    return f"""### Do the losses tell how near it is

![Kernel distance and the critic's value over the generator steps](figures/{_NAME}_{subject}_courses.png)

Rank correlation with the kernel distance over the tenths of a run, median over the seeds: 1 where a smaller value
always means nearer pictures, 0 where it says nothing. The critic's value is what it maximises: the EM estimate, or the
plain GAN's log-likelihood.

{table(header, rows)}
"""


def _classes(part):
    """Return the sections on what is drawn with labels; none of runs without."""
    labelled = [run for run in part["runs"] if "by_class" in run]
    return [
        _classes_of(arm, np.array([run["by_class"] for run in labelled if run["arm"] == arm]))
        for arm in dict.fromkeys(run["arm"] for run in labelled)
    ]


def _classes_of(arm, by_class):
    means = by_class.mean(axis=0)
    nearest = means.argmin(axis=1)
    rows = []
    for number, name in enumerate(CIFARS_CLASSES):
        others = np.delete(means[number], number).mean()
        rows.append([name, _thousandths(means[number, number]), _thousandths(others), CIFARS_CLASSES[nearest[number]]])
    own = int((nearest == np.arange(len(nearest))).sum())
    return f"""### Is it the class that was asked for: {arm}

Kernel distances in thousandths of {OF_A_CLASS} samples of a class to the held-out pictures of each, means over
{len(by_class)} seeds. For {own} of {len(nearest)} classes the nearest is their own.

{table(["class", "to its own", "to the others, mean", "nearest class"], rows)}
"""


def _pictures(subject, part, reports):
    return f"""### The pictures

The first seed's samples after the last generator step; a click enlarges them. The same place in two sheets is the same
latent.

{sheets(subject, part["networks"], reports)}
"""


_LIMITS = """## Limits

One small size, few steps, each way of training with its authors' settings, which differ in more
than the loss: optimizer, rate, and updates of the critic. As many generator steps are not as much computing: the
penalised WGAN's take the longest, the plain GAN's the shortest.
"""
