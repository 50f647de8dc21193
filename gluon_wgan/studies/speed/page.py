"""What an update costs, and where its time goes: the answer, the tables, the figures."""

from textwrap import fill as fold

import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.report.page import Page, commands_of, origins, table
from gluon_wgan.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, SKY, VERMILLION
from gluon_wgan.schedule import Schedule
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies.results import Results
from gluon_wgan.studies.speed.fit import fit
from gluon_wgan.studies.speed.question import AXES, FULL, SMALL, WORK

_COLOURS = dict(zip(WORK, (BLUE, VERMILLION, GREEN)))
_ORIGINAL = preset_settings("wassersteingan")
_PARTS = {"convolutions": BLUE, "compiled loops": ORANGE, "other operators": SKY, "between operators": GREY}


def page(data, reports):
    """Return the page of reports/data/speed.json and, where it is there, profile.json."""
    sizes = data["sizes"]["runs"]
    profiles = Results(reports, "profile").read()
    figures = {"speed_sizes": _sizes_figure(sizes)}
    if profiles:
        figures["speed_profile"] = _profile_figure(profiles["now"]["runs"])
    return Page(answer(sizes), _body(data, sizes, profiles), figures)


def on_axis(sizes, points):
    """Return the measured sizes of an axis, see `question.AXES`, and what changes along it: (key, values, runs)."""
    (key,) = (key for key in points[0] if len({point[key] for point in points}) > 1)
    return key, [point[key] for point in points], [at(sizes, point) for point in points]


def at(sizes, point):
    """Return what was measured at a point."""
    return next(run for run in sizes if run.items() >= point.items())


def step_seconds(run):
    """Return the seconds of a step of the original: 5 critic updates and one of the generator."""
    work = run["work"]
    return _ORIGINAL.n_critic * work["clipped critic"]["seconds"] + work["generator"]["seconds"]


def whole_seconds(run):
    """Return the seconds of the original's 400,000 generator steps, boosts included."""
    steps, schedule = _ORIGINAL.generator_steps, Schedule()
    updates = schedule.critic_updates_until(steps)
    return updates * run["work"]["clipped critic"]["seconds"] + steps * run["work"]["generator"]["seconds"]


def share(run, work):
    """Return the part of an update that its convolutions would take at the matrix product's rate."""
    found = run["work"][work]
    return found["gflop"] / run["gemm_gflops"] / found["seconds"]


def answer(sizes):
    """Return the sentences that answer the question."""
    small, full = at(sizes, SMALL), at(sizes, FULL)
    powers, half = [], []
    for axis in ("image size, 16 channels", "image size, 64 channels"):
        _, values, runs = on_axis(sizes, AXES[axis])
        powers.append(fit(values, [run["work"]["clipped critic"]["seconds"] for run in runs]).power)
        half.append(next((side for side, run in zip(values, runs) if share(run, "clipped critic") >= 0.5), None))
    from_where = " and ".join(
        f"from {side} pixels on with {channels}" if side else f"at none of these sizes with {channels}"
        for side, channels in zip(half, (16, 64))
    )
    return (
        f"A clipped critic update's time grows with the picture's side to the power {powers[0]:.1f} with 16 channels "
        f"and {powers[1]:.1f} with 64; convolutions are half of it and more {from_where}. An hour buys "
        f"{3600 / step_seconds(small):,.0f} generator steps at 32x32 with 16 channels and "
        f"{3600 / step_seconds(full):,.0f} at 64x64 with 64, where the original's {_ORIGINAL.generator_steps:,} would "
        f"take {whole_seconds(full) / 86400:.0f} days (one run on the machine below)."
    )


def _body(data, sizes, profiles):
    return f"""## Time against size

Medians of {min(found["n"] for run in sizes for found in run["work"].values())} updates and more at each size, in one
process on noise; the line is the fit seconds = fixed + factor x size^power. Clipped: the preset `wassersteingan`;
penalised: `wgan-gp`, critic with LayerNorm.

![Milliseconds of an update against size, and the convolutions' part of it](figures/speed_sizes.png)

{_fits(sizes)}

{_sizes_table(sizes)}

*Convolutions' part*: what the convolutions of the algorithm would take at the rate of the fastest matrix product here,
over what the update takes.

## Where the time goes

{_profile_section(profiles) if profiles else "Not measured."}
{commands_of({"sizes": data["sizes"]})}
## Limits

One machine, one process, the pictures already prepared. A fit of three numbers to four to six sizes describes these
sizes, and foretells no others. Turns with PyTorch are in the [README](../README.md#speed).
"""


def _fits(sizes):
    rows = []
    for axis, points in AXES.items():
        _, values, runs = on_axis(sizes, points)
        for work in WORK:
            cost = fit(values, [run["work"][work]["seconds"] for run in runs])
            within = values[0] <= cost.crossing() <= values[-1]
            crossing = f"{cost.crossing():.0f}" if within else ("below" if cost.crossing() < values[0] else "above")
            rows.append([axis, work, f"{1e3 * cost.fixed:.1f}", f"{cost.power:.2f}", crossing])
    return table(["along", "update", "fixed, ms", "power", "the growing part is the larger from"], rows)


def _sizes_table(sizes):
    rows = []
    for run in sizes:
        cells = [f"{1e3 * run['work'][work]['seconds']:,.1f}" for work in WORK]
        rows.append(
            [
                f"{run['image_size']}x{run['image_size']}/{run['channels']}",
                run["batch_size"],
                *cells,
                f"{share(run, 'clipped critic'):.2f}",
                f"{share(run, 'penalised critic'):.2f}",
                f"{3600 / step_seconds(run):,.0f}",
                f"{whole_seconds(run) / 3600:,.0f}",
            ]
        )
    header = ["size/channels", "batch", *(f"{work}, ms" for work in WORK), "convolutions' part, clipped", "penalised"]
    return table([*header, "steps an hour", f"hours for {_ORIGINAL.generator_steps:,}"], rows)


def _profile_section(profiles):
    now = profiles["now"]["runs"]
    parts = [
        """MXNet's profiler, milliseconds an update. *Compiled loops* are numba's; *between operators* is Python,
MXNet's way from it to an operator, and waiting. Profiled alone, in a process for each row.

![Milliseconds of an update by what they are spent on](figures/speed_profile.png)
""",
        table(
            ["size/channels", "threads", "loops", "update", "in all", *_PARTS, "operators called"],
            [
                [
                    f"{run['image_size']}x{run['image_size']}/{run['channels']}",
                    run["threads"],
                    "on" if run["kernels"] else "off",
                    work,
                    f"{1e3 * found['seconds']:,.1f}",
                    *(f"{part:,.1f}" for part in divided(found).values()),
                    f"{sum(calls for _, calls, _ in found['operators']):,.0f}",
                ]
                for run in now
                for work, found in run["work"].items()
                if run["kernels"] or work == "penalised critic"  # the others have no loops
            ],
        ),
        "The five operators that take most, with loops, two threads:\n",
        _longest(now),
        f"\nMeasured by: {origins(profiles, ['now'])}\n",
        _before_and_now(profiles) if "before" in profiles else "",
    ]
    return "\n".join(parts)


def _before_and_now(profiles):
    """Return the table of what it was before the penalised critic was differentiated layer by layer."""
    rows = []
    for before in profiles["before"]["runs"]:
        key = {name: before[name] for name in ("image_size", "channels", "batch_size", "threads")}
        now = next(run for run in profiles["now"]["runs"] if run["kernels"] and run.items() >= key.items())
        for work in before["work"]:
            then, later = before["work"][work], now["work"][work]
            cells = [f"{1e3 * found['seconds']:,.1f}" for found in (then, later)]
            cells += [f"{sum(calls for _, calls, _ in found['operators']):,.0f}" for found in (then, later)]
            side = before["image_size"]
            rows.append([f"{side}x{side}/{before['channels']}", before["threads"], work, *cells])
    commit = profiles["before"]["starts"][0]["commit"][:7]
    return f"""The same profile at commit {commit}, before critics were differentiated layer by layer, at
another hour of the same machine, by a script that is not kept:

{table(["size/channels", "threads", "update", "then, ms", "now, ms", "operators then", "now"], rows)}
"""


def divided(found):
    """Return {part: milliseconds} of an update's profile; together they are its time."""
    convolutions = sum(ms for name, _, ms in found["operators"] if "onvolution" in name)
    others = sum(ms for name, _, ms in found["operators"]) - convolutions
    loops = found["loops"][2]
    rest = 1e3 * found["seconds"] - convolutions - others - loops
    return dict(zip(_PARTS, (convolutions, loops, others, max(rest, 0.0))))


def _longest(runs):
    rows = []
    for run in runs:
        if run["threads"] == 2 and run["kernels"]:
            for work, found in run["work"].items():
                told = ", ".join(f"{name} {ms:.1f} ({calls:.0f})" for name, calls, ms in found["operators"][:5])
                rows.append([f"{run['image_size']}x{run['image_size']}/{run['channels']}", work, told])
    return table(["size/channels", "update", "operator, ms (calls)"], rows)


def _sizes_figure(sizes):
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = figure.subplots(2, len(AXES), sharey="row", sharex="col")
    for (above, below), (axis, points) in zip(panels.T, AXES.items()):
        key, values, runs = on_axis(sizes, points)
        for work in WORK:
            colour = _COLOURS[work]
            seconds = [run["work"][work]["seconds"] for run in runs]
            along = np.geomspace(values[0], values[-1], 50)
            above.plot(along, 1e3 * fit(values, seconds)(along), color=colour, alpha=0.6)
            above.plot(values, 1e3 * np.array(seconds), "o", color=colour, label=work)
            below.plot(values, [share(run, work) for run in runs], "o-", color=colour)
        above.set_xscale("log", base=2)
        above.set_yscale("log")
        above.set_title(fold(axis, 24), fontsize=10)
        above.grid(alpha=0.3)
        below.grid(alpha=0.3)
        below.set_ylim(0, 1)
        below.set_xticks(values, values)
        below.set_xlabel({"image_size": "pixels a side", "channels": "channels", "batch_size": "pictures"}[key])
    panels[0, 0].set_ylabel("ms an update")
    panels[1, 0].set_ylabel("convolutions' part")
    panels[0, 0].legend(fontsize=8)
    return figure


def _profile_figure(runs):
    chosen = [run for run in runs if run["threads"] == 2]
    sizes = list(dict.fromkeys((run["image_size"], run["channels"]) for run in chosen))
    figure = Figure(figsize=(9, 1 + 1.6 * len(sizes)), layout="constrained")
    for axes, size in zip(figure.subplots(len(sizes), 1, squeeze=False).ravel(), sizes):
        bars = [
            (f"{work}{'' if run['kernels'] else ', no loops'}", divided(found))
            for run in chosen
            if (run["image_size"], run["channels"]) == size
            for work, found in run["work"].items()
            if run["kernels"] or work == "penalised critic"
        ]
        left = np.zeros(len(bars))
        for part, colour in _PARTS.items():
            widths = np.array([parts[part] for _, parts in bars])
            axes.barh([name for name, _ in bars], widths, left=left, color=colour, edgecolor=BLACK, linewidth=0.3)
            left += widths
        axes.invert_yaxis()
        axes.set_title(f"{size[0]}x{size[0]} with {size[1]} channels, two threads", fontsize=10)
    figure.legend(list(_PARTS), loc="outside lower center", ncols=len(_PARTS), fontsize=9)
    figure.axes[-1].set_xlabel("ms an update")
    return figure
