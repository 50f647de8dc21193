"""Parity with the PyTorch reference: the error of every stage, the lockstep, and the numbered departures."""

from matplotlib.figure import Figure

from gluon_wgan.report.page import Page, commands_of, table
from gluon_wgan.report.style import BLACK, BLUE, ORANGE, PURPLE

_MARKS = (1, 10, 100)  # generator steps shown in the table


def _worst(rows, key):
    """Return the largest value of the rows, None if there are none."""
    return max((row[key] for row in rows), default=None)


def _number(value):
    return "" if value is None else f"{value:.1e}" if value else "0"


def _stages(data):
    """Return the lines of the table of stages: the worst over the networks, in the order measured."""
    lines = []
    for stage in dict.fromkeys(row["stage"] for row in data["stages"]):
        for dtype in ("float32", "float64"):
            rows = [row for row in data["stages"] if (row["stage"], row["dtype"]) == (stage, dtype)]
            if rows:
                plain = [row for row in rows if not row["hybridized"]]
                hybridized = [row for row in rows if row["hybridized"]]
                lines.append(
                    [
                        stage,
                        "bytes" if stage in ("decode", "resize", "resize, triangle filter", "crop offset") else dtype,
                        _number(_worst(rows, "max_abs")),
                        _number(_worst(plain, "max_rel")),
                        _number(_worst(hybridized, "max_rel")),
                        _number(rows[0]["tolerance"]),
                    ]
                )
    return lines


def _lockstep(data):
    lines = []
    for name, rows in data["trajectories"].items():
        by_step = {row["generator_step"]: row for row in rows}
        for mark in _MARKS:
            if mark in by_step:
                row = by_step[mark]
                shown = [mark, f"{row['critic_steps']:,}", _number(row["loss"]), _number(row["weight"])]
                shown.append(row["tensor"] or "")
                lines.append([name if mark == _MARKS[0] else "", *shown])
    return lines


def _size(value):
    return "not measured" if value is None else f"{value:.2g}"


def _overview(data):
    return [
        [
            entry["number"],
            f"{entry['name']} ({entry['who']})",
            _size(entry["size"]),
            _number(entry["restored"]),
            f"`{entry['flag']}`" if entry["flag"].startswith("--") else "none",
        ]
        for entry in data["departures"]
    ]


def _departures(data):
    lines = []
    for entry in data["departures"]:
        restored = "" if entry["restored"] is None else f"; restored: {_number(entry['restored'])}"
        flag = f"`{entry['flag']}`" if entry["flag"].startswith("--") else entry["flag"]
        lines += [
            f"{entry['number']}. **{entry['name']}** ({entry['who']})",
            f"    - original: {entry['original']}",
            f"    - departure: {entry['departure']}",
            f"    - size: **{_size(entry['size'])}** ({entry['measure']}){restored}",
            f"    - the flag that restores the original: {flag}",
            f"    - test: `{entry['test']}`",
        ]
    return "\n".join(lines)


def page(data, reports):
    """Return the page of the dict that tests/parity/measure.py wrote."""
    drawn = {"parity_stages": _draw_stages(data), "parity_lockstep": _draw_lockstep(data)}
    return Page(_answer(data), _body(data), drawn)


def _answer(data):
    last = {name: rows[-1] for name, rows in data["trajectories"].items()}
    rounded = [row for row in data["stages"] if row["dtype"] == "float64"]
    broken = [row for row in data["stages"] if row["max_rel"] > row["tolerance"]]
    ours, nudged = last["float32, ours hybridized"], last["float32, reference nudged by 1 ulp"]
    exact = last["float64, ours hybridized"]
    tolerated = "Every stage is within its published tolerance" if not broken else f"{len(broken)} rows are too far off"
    return f"""{tolerated}:
in float64 the largest relative error of a stage is {_number(_worst(rounded, "max_rel"))}, and after
{exact["generator_step"]} generator steps in lockstep ({exact["critic_steps"]:,} critic updates) the weights differ by
{_number(exact["weight"])}. In float32 they have parted by {_number(ours["weight"])}; PyTorch parts from itself by
{_number(nudged["weight"])} when its first weights are moved to the next number."""


def _body(data):
    lockstep = data["recipes"]["lockstep"]
    return f"""The reference is `tests/parity/reference.py`, written from the description of the original code
(github.com/martinarjovsky/WassersteinGAN). Both sides draw initial weights, latents and the order of the data from the
same streams, and see the same bedrooms, drawn by the project. The reference's critic is the mirror image of ours: its
last layer, scores and losses have the other sign, and are turned for the comparison.

## Every stage

Absolute and relative errors, the worst over three networks (DCGAN, DCGAN without BatchNorm, MLP; 16x16 or 8x8 pixels,
4 or 8 channels, batch 8) and over their tensors. Relative to the tensor's largest number. The tests assert the
tolerances.

{
        table(
            ["stage", "precision", "max. absolute", "max. relative", "the same, hybridized", "tolerance (relative)"],
            _stages(data),
        )
    }

![Relative error of every stage beside its tolerance](figures/parity_stages.png)

- *resize* is Pillow's own call with torchvision's arithmetic of sizes and crops; *triangle filter* is the antialiased
  filter written out in float64, which Pillow rounds to whole levels; *code 3* is MXNet's resize against the mean of 4x4
  pixels.
- *running statistics* are compared with what PyTorch's activations say MXNet should gather: the biased variance, in
  backward only, with the momentum .9 in float32. Against PyTorch's own they differ: see the departures.
- The gradients of a bias-like weight are what is left of real minus fake, so their float32 error is larger.

## Lockstep

The original's schedule (25 boosts of 100 critic updates, then 5 a generator step), {lockstep["image_size"]}x\
{lockstep["image_size"]}, {lockstep["critic_channels"]} channels, batch {lockstep["batch_size"]},
{data["recipes"]["lockstep_pictures"]} bedrooms. *loss*: largest difference so far / largest loss so far. *weight*: the
largest over the tensors of largest difference / largest weight; *where*: the tensor that has it. "again", "two threads"
and "nudged" compare the reference with itself: the noise that a port cannot be told from. The tests assert, in float64,
{_number(data["lockstep_tolerances"]["loss"])} for the losses and {_number(data["lockstep_tolerances"]["weight"])} for
the weights.

{
        table(
            ["sides (against the reference)", "generator step", "critic updates", "loss", "weight", "where"],
            _lockstep(data),
        )
    }

![How the weights part over the critic updates](figures/parity_lockstep.png)

On bedrooms float64 stays together, and float32 parts about as PyTorch does from itself: RMSprop divides by the root of
tiny squares, which turns the last bits into visible differences. On pictures of pure noise, where there is nothing to
learn, the training itself is chaotic: even float64 parts, and so does PyTorch from itself.

## Departures

Ways in which a port departs from the original, each measured on its own, everything else being the original's.

{table(["", "departure (who departs)", "size", "restored", "the flag that restores the original"], _overview(data))}

What each size is:

{_departures(data)}

{commands_of({"parity": data})}
One run of {data["seconds"]:.0f} seconds; seed 0.

## Limits

One machine, one seed, small networks: rounding grows with the number of products that a layer sums. The reference was
written from a description, not run from the original's files, whose PyTorch (0.1) no longer installs. The lockstep says
that the arithmetic is the same, not that a training is good.
"""


def _draw_stages(data):
    stages = list(dict.fromkeys(row["stage"] for row in data["stages"]))[::-1]
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    axes = figure.subplots()
    floor = 1e-17  # where exact stages are drawn
    for dtype, colour, mark in (("float32", ORANGE, "o"), ("float64", BLUE, "s")):
        axes.plot([], [], mark, color=colour, label=dtype)
        shift = 0.12 if dtype == "float32" else -0.12  # where both are exact, both are seen
        for place, stage in enumerate(stages):
            rows = [row for row in data["stages"] if (row["stage"], row["dtype"]) == (stage, dtype)]
            if rows:
                axes.plot(max(_worst(rows, "max_rel"), floor), place + shift, mark, color=colour)
                axes.plot(max(rows[0]["tolerance"], floor), place + shift, "|", color=colour, markersize=12)
    axes.set_xscale("log")
    axes.set_yticks(range(len(stages)), stages)
    axes.set_xlabel("largest relative error (bar: tolerance; at the left edge: exactly 0)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    return figure


def _draw_lockstep(data):
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    styles = {
        "ours hybridized": (BLUE, "-"),
        "ours not hybridized": (BLACK, "--"),
        "reference with two threads": (PURPLE, "-"),
        "reference nudged by 1 ulp": (ORANGE, "-"),
        "ours, on noise": (BLUE, ":"),
        "reference nudged by 1 ulp, on noise": (ORANGE, ":"),
    }
    for axes, dtype in zip(figure.subplots(1, 2, sharey=True), ("float64", "float32")):
        for name, (colour, line) in styles.items():
            rows = data["trajectories"].get(f"{dtype}, {name}", [])
            shown = [(row["critic_steps"], row["weight"]) for row in rows if row["weight"] > 0]
            if shown:
                axes.plot(*zip(*shown), line, color=colour, label=name)
        axes.set_yscale("log")
        axes.set_title(dtype)
        axes.set_xlabel("critic updates")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.axes[0].set_ylabel("largest weight difference, relative")
    return figure
