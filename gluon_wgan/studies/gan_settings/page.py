"""What a GAN's settings change: the answer, a table and a figure for each subject."""

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from gluon_wgan.report.criteria import asked_of
from gluon_wgan.report.numbers import listed, number
from gluon_wgan.report.page import Page, commands_of, table, wrapped
from gluon_wgan.report.style import BLUE, GREY, ORANGE, VERMILLION
from gluon_wgan.studies.gan_settings.question import FAILED_ABOVE, FAR, LAST, PART, SEEDS, SEEDS_OF, SUBJECTS, planned

_COLOURS = {"clip": BLUE, "minimax": VERMILLION, "penalty": ORANGE}
_NAMES = {
    "sensitivity": "rate and width",
    "balance": "critic updates a generator step",
    "optimizers": "the optimizer",
    "sides": "the side of the penalty",
    "deep_critics": "the critic's depth",
    "dcgan_rules": "DCGAN's rules",
}


def page(data, reports):
    """Return the page of reports/data/gan_settings.json."""
    part = data[PART]
    figures = {f"gan_settings_{subject}": _figure(part, subject) for subject in SUBJECTS if subject in part}
    return Page(answer(part), _body(part, asked_of("gan_settings.json", reports)), figures)


def answer(part):
    """Return how much the distance changes with each subject whose trainings are all done, and how far the rest is."""
    whole = [subject for subject in SUBJECTS if _is_whole(part, subject)]
    said = []
    for base, told in _TOLD.items():
        times = []
        for subject in whole:
            ends = [part[subject]["arms"][arm]["em"] for arm in _arms(subject, base)]
            times += [f"{number(max(ends) / min(ends))} times with {_NAMES[subject]}"] if ends else []
        said += [f"{told} {', '.join(times)}"] if times else []
    grows = f"From best to worst setting the median distance to the data (n = {len(SEEDS)} seeds or more) grows"
    sentences = [f"{grows} {'; '.join(said)}."] if said else []
    jobs = planned()
    done = sum(job.items() <= run.items() for job in jobs for run in part["runs"])
    if done < len(jobs):
        what = "Not all is" if said else "Not"
        sentences.append(f"{what} answered yet: {done} of the {len(jobs)} trainings are done.")
    return " ".join(sentences)


_TOLD = {"minimax": "for a plain GAN", "clip": "for a clipped WGAN", "penalty": "for a penalised one"}


def _arms(subject, base):
    return [arm for arm, (of, _) in SUBJECTS[subject].items() if of == base]


def _sensitivity(found):
    plain, clipped = (number(found[base]["range"]) for base in ("minimax", "clip"))
    return (
        "Halving and doubling rate and width moves the distance of a plain GAN to the data over a range of "
        f"{plain}, and a clipped WGAN's over {clipped}."
    )


def _balance(found):
    plain, clipped = (number(found[base]["ratio_25_to_5"]) for base in ("minimax", "clip"))
    return (
        f"25 critic updates in the place of 5 make it {plain} times for the plain GAN, {clipped} times for the clipped "
        "WGAN."
    )


def _optimizers(found):
    rmsprop, sgd, adam, half = (number(found[name]) for name in ("rmsprop", "sgd", "adam", "adam_half"))
    return (
        f"The clipped WGAN ends at {rmsprop} with RMSprop, {sgd} with the best of three rates of SGD, {adam} with "
        f"Adam at its usual momentum of 0.9, and {half} at 0.5."
    )


def _sides(found):
    return f"The two-sided penalty ends {number(found['two'] / found['one'])} times as far as the one-sided."


def _deep_critics(found):
    plain, norm = (listed([str(one["failed"]) for one in found[kind].values()]) for kind in ("plain", "batch_norm"))
    return (
        f"With {listed([*found['plain']])} layers {plain} of {found['plain']['16']['n']} clipped critics fail without "
        f"BatchNorm, and {norm} with it."
    )


def _dcgan_rules(found):
    every, none = found["all"], found["none"]
    return (
        f"A plain GAN misses a mode in {every['failed']} of {every['n']} runs with DCGAN's rules, and in "
        f"{none['failed']} without them."
    )


_IN_WORDS = {
    "sensitivity": _sensitivity,
    "balance": _balance,
    "optimizers": _optimizers,
    "sides": _sides,
    "deep_critics": _deep_critics,
    "dcgan_rules": _dcgan_rules,
}


def _is_whole(part, subject):
    """Say whether each arm of a subject has all its seeds."""
    arms, seeds = part.get(subject, {}).get("arms", {}), len(SEEDS_OF.get(subject, SEEDS))
    return all(arm in arms and arms[arm]["n"] >= seeds for arm in SUBJECTS[subject])


def _body(part, criteria):
    hours = sum(run["seconds"] for run in part["runs"]) / 3600
    settings = part["settings"]
    sections = "\n".join(_section(part, subject) for subject in SUBJECTS if subject in part)
    return f"""## What came out

{criteria}

The claims' page judges by the same rules.

## How it is measured

Critic and generator are MLPs of 3 hidden layers of {settings["width"]} units, as on [the toys' page](toy.md), trained
for {settings["generator_steps"]:,} generator steps. The distance is the exact EM distance, by optimal transport,
between {settings["points"]} held-out points and as many samples, a mean over the last {LAST} of
{settings["evaluations"]} evaluations; tables have the median over the seeds, and the smallest and the largest. A run
whose numbers were not finite counts as {FAR:g} away. *clip* is WGAN, clipped, with RMSprop; *minimax* a plain GAN with
Adam; *penalty* WGAN-GP.

{sections}
{commands_of({PART: part})}
Hours of training, with whatever else ran on the machine: {hours:.1f}.

## Limits

Points in the plane and small networks: what holds here may not hold for pictures. Settings were fixed beforehand and
not tuned.
"""


def _section(part, subject):
    arms, rows = part[subject]["arms"], []
    for arm, found in arms.items():
        middle, low, high = (number(found[name]) for name in ("em", "em_low", "em_high"))
        rows.append([arm, found["n"], f"{middle} ({low} to {high})", found["failed"]])
    failed = "that miss a mode" if subject == "dcgan_rules" else f"that end above {FAILED_ABOVE:g} of their start"
    seeds = len(SEEDS_OF.get(subject, SEEDS))
    missing = f"Not all of the {len(SUBJECTS[subject])} arms with {seeds} seeds each are measured yet."
    name = _NAMES[subject]
    return f"""## {name[0].upper()}{name[1:]}

{wrapped(_IN_WORDS[subject](part[subject]) if _is_whole(part, subject) else missing)}

{table(["arm", "n", "EM distance to the data", f"runs {failed}"], rows)}

![EM distance to the data, arm by arm](figures/gan_settings_{subject}.png)
"""


def _figure(part, subject):
    arms = [arm for arm in SUBJECTS[subject] if arm in part[subject]["arms"]]
    figure = Figure(figsize=(8, 1.2 + 0.4 * len(arms)), layout="constrained")
    axes = figure.subplots()
    for place, arm in enumerate(arms):
        found, base = part[subject]["arms"][arm], SUBJECTS[subject][arm][0]
        axes.plot([found["em_low"], found["em_high"]], [place, place], color=_COLOURS[base], linewidth=2)
        axes.plot(found["em"], place, "o", color=_COLOURS[base])
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(arms)), arms)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3, color=GREY)
    axes.set_xlabel("EM distance to the data (dot: median; line: smallest to largest)")
    return figure
