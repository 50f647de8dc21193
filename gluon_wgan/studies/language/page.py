"""What a language model that samples nothing learned: the answer, the course, and what it writes."""

from matplotlib.figure import Figure

from gluon_wgan.report.criteria import asked_of
from gluon_wgan.report.numbers import number
from gluon_wgan.report.page import Page, commands_of, table
from gluon_wgan.report.style import BLUE, GREEN, GREY, VERMILLION
from gluon_wgan.studies.language.question import ARMS, DECIDING, LEARNED_BELOW, PART, SEEDS

_COLOURS = {"penalty": BLUE, "clip": VERMILLION, "gan": GREEN}
_WITH = {"penalty": "with the gradient penalty", "clip": "with clipping", "gan": "as a plain GAN"}
_FLOORS = {"real lines": "real", "shuffled": "shuffled", "without a character": "empty"}


def page(data, reports):
    """Return the page of reports/data/language.json."""
    part = data[PART]
    return Page(answer(part), _body(part, asked_of("language.json", reports)), {"language_course": _figure(part)})


def answer(part):
    """Return the sentence that answers the question; until every run is in, how far it is."""
    done = {arm: part["arms"].get(arm, {}).get("n", 0) for arm in ARMS}
    if min(done.values()) < len(SEEDS):
        return f"Not answered yet: {sum(done.values())} of the {len(ARMS) * len(SEEDS)} trainings are done."
    ways = {_WITH[arm]: part["arms"][arm] for arm in ARMS}
    learn = {
        "yes": [way for way, found in ways.items() if found["learned"] == found["n"]],
        "in some seeds": [way for way, found in ways.items() if 0 < found["learned"] < found["n"]],
    }
    who = "; ".join(f"{word} {', '.join(of)}" for word, of in learn.items() if of) or "no, in none of the three ways"
    shuffled, steps = part["shuffled"]["js4"], part["settings"]["generator_steps"]
    ends = [
        f"{number(found['js4'] / shuffled)} {way} ({found['learned']} of {found['n']} seeds)"
        for way, found in ways.items()
    ]
    real, empty = (number(part[of]["js4"] / shuffled) for of in ("real", "empty"))
    return (
        f"{_capital(who)}, after {steps:,} generator steps where the paper has 200,000: a seed learns if its sequences "
        f"of four characters end less than {LEARNED_BELOW:g} times as far from held-out lines as shuffled characters "
        f"are. They end at {', '.join(ends)}; real lines are at {real}, lines without a character at {empty}."
    )


def _capital(words):
    return words[0].upper() + words[1:]  # str.capitalize would make GAN gan


def _body(part, criteria):
    settings, text = part["settings"], part["text"]
    hours = sum(run["seconds"] for run in part["runs"]) / 3600
    lengths = [f"n = {n}" for n in range(1, DECIDING + 1)]
    rows = [[name, "", *_cells(part[of]), ""] for name, of in _FLOORS.items()]
    for run in part["runs"]:
        rows.append([_WITH[run["arm"]], run["seed"], *_cells(run), f"{100 * run['verbatim']:.1f} %"])
    return f"""## What came out

{criteria}

![Divergence of 4-grams from held-out lines over generator steps](figures/language_course.png)

Each point and each grey line is of {part["course_lines"]} lines. So few are farther from the held-out lines than the
{part["held_out"]:,} of the table, which decide.

{table(["lines", "seed", *lengths, "written", "different lines", "of the training text"], rows)}

n-grams are sequences of n characters within a line. The figures are their Jensen-Shannon divergence from those of
{part["held_out"]:,} held-out lines, in bits: 0 where both are alike, 1 where they share none. Each is of as many lines.
The last column is how many of the samples are whole lines of the training text, short ones mostly.

**A small figure alone does not say that something is written.** Short lines are filled up, and the filling counts, as
in the paper's code: lines without a character are at {number(part["empty"]["js4"])}, shuffled ones at
{number(part["shuffled"]["js4"])}. *Written* is n = {DECIDING} where sequences that hold filling are left out;
*different lines* are counted among {part["held_out"]:,}. Both decide nothing: they were added when a plain GAN had been
seen to write one short line for all latents{_unknown(part["runs"])}.

## What they write

{"".join(_lines(f"{_capital(_WITH[run['arm']])}, seed {run['seed']}", run["lines"]) for run in part["runs"])}
The first samples of each run, not chosen. ¶ stands where a line ended too early.

## How it is trained

The networks of WGAN-GP's language model: five residual blocks of 1-D convolutions in the generator and in the critic,
with {settings["generator_channels"]} feature maps where the paper has 512. The critic sees a real line as zeros and
ones, and a generated one as the probabilities that the generator gives; its most likely characters are what is shown
and measured. Lines of {text["name"]} ({text["lines"]:,}), cut or filled to {settings["sequence_length"]} characters;
{settings["symbols"]} symbols; batches of {settings["batch_size"]}, {settings["n_critic"]} critic updates a generator
step, {settings["generator_steps"]:,} generator steps. Clipping has the same networks, WGAN's optimizer, rate and bound
(RMSprop, 5e-5, .01). So has the plain GAN, with DCGAN's optimizer (Adam, 2e-4, betas .5 and .999) and one update of
each network in turn; it was added when one seed of the two others was known, and the criterion does not ask for it.

{commands_of({PART: part})}
Hours of training, with whatever else ran on the machine: {hours:.1f}.

## Limits

One text, narrow networks, few steps beside the paper's. Divergences fall with the number of lines: compare those
of this page with each other alone.
"""


def _cells(found):
    """Return the cells of a row that samples and other lines share; the last two are empty where not measured."""
    written, different = found.get("written"), found.get("different")
    return [
        *map(number, found["js"]),
        "" if written is None else number(written),
        "" if different is None else f"{different:,}",
    ]


def _unknown(runs):
    left = sum("written" not in run for run in runs)
    return f", and the samples of {left} runs before it are not kept" if left else ""


def _lines(title, lines):
    shown = "\n".join(lines)
    return f"**{title}**\n\n```\n{shown}\n```\n\n"


def _figure(part):
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    named = set()
    for run in part["runs"]:
        label = None if run["arm"] in named else _WITH[run["arm"]]
        named.add(run["arm"])
        axes.plot(run["course"]["generator_step"], run["course"]["js"], color=_COLOURS[run["arm"]], label=label)
    shuffled = part["shuffled"]["course_js4"]
    for height, line, label in (
        (shuffled, ":", "shuffled"),
        (part["empty"]["course_js4"], "-.", "without a character"),
        (LEARNED_BELOW * shuffled, "--", "half of shuffled"),
        (part["real"]["course_js4"], "-", "real lines"),
    ):
        axes.axhline(height, color=GREY, linestyle=line, label=label)
    axes.set(xlabel="generator step", ylabel="divergence of 4-grams from held-out lines, bits", ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside upper center", ncols=3)
    return figure
