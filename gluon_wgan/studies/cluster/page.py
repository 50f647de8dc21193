"""Several workers against one: the answer, the tables, the figure, and what is foretold."""

import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.report.page import Page, commands_of, table
from gluon_wgan.report.style import BLACK, BLUE, GREEN, ORANGE, VERMILLION
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies.cluster.question import AT, FORETOLD, PARTS, STEPS
from gluon_wgan.studies.results import Results

_UPDATES = preset_settings("wassersteingan").n_critic
_COLOURS = {"with BatchNorm": VERMILLION, "without": BLUE}


def page(data, reports):
    """Return the page of reports/data/cluster.json; sizes that speed.json has are foretold too."""
    there = [part for part in PARTS if part in data]
    figures, sections = {}, []
    speed = Results(reports, "speed").read()
    if "same" in data:
        figures["cluster_same"] = _same_figure(data["same"]["arms"])
        sections.append(_same(data["same"]))
    if "speed" in data:
        sections.append(_speed(data["speed"]))
    if "links" in data:
        sections.append(_links(data["links"]))
    if "links" in data and speed:
        times = step_seconds(speed, data["links"])
        figures["cluster_foretold"] = _foretold_figure(times, data["links"])
        sections.append(_foretold(times, data["links"]))
    body = [*sections, commands_of({part: data[part] for part in there}), _LIMITS]
    return Page(answer(data, speed), "\n\n".join(body) + "\n", figures)


def answer(data, speed):
    """Return the sentences that answer the question, of what was measured."""
    found = []
    if "same" in data:
        with_it, without = (data["same"]["arms"][arm]["weights"][str(AT[-1])]["critic"] for arm in _COLOURS)
        found.append(
            f"Without BatchNorm yes, up to roundings; with it no, since it sees half a batch: after {STEPS} steps the "
            f"critic's weights are off by {without:.0e} and by {with_it:.0e} of their size."
        )
    if "speed" in data:
        ratios = " and ".join(f"{size['ratio']:.2f} at {_name(size)}" for size in data["speed"]["sizes"])
        found.append(f"On one machine two workers of a thread each reach {ratios} of one process's speed.")
    if "links" in data and speed:
        most = " and ".join(
            f"{max(speed_up(seconds, data['links'], size, n, n) for n in FORETOLD):.1f} times sooner at {size}"
            for size, seconds in step_seconds(speed, data["links"]).items()
        )
        found.append(f"However many machines as this one, joined by 1 Gbit/s, would end at most {most}.")
    return " ".join(found)


def _name(size):
    return f"{size['image_size']}x{size['image_size']}/{size['channels']}"


# --- the same numbers


def _same(same):
    rows = [
        [arm, *(f"{found['weights'][str(step)][network]:.1e}" for network in ("generator", "critic") for step in AT)]
        for arm, found in same["arms"].items()
    ]
    header = ["networks", *(f"{network}, step {step}" for network in ("generator", "critic") for step in AT)]
    return f"""## The same numbers

One process with whole batches beside one that computes the two halves on two devices and adds them, in float32, at
32x32 with 16 channels, without the boost at the start: the relative distance of the weights, and the critic's estimate
of the distance at each step. That two workers give the bits of two devices in one process, killed or not, is a test
(`tests/test_jobs.py`).

{table(header, rows)}

![The estimate of the distance with one process and with two](figures/cluster_same.png)"""


def _same_figure(arms):
    figure = Figure(figsize=(8, 3), layout="constrained")
    for axes, (arm, found) in zip(figure.subplots(1, len(arms)), arms.items()):
        one, two = np.array(found["estimates"]).T
        steps = np.arange(1, len(one) + 1)
        axes.plot(steps, one, color=BLACK, linewidth=2.5, label="one process")
        axes.plot(steps, two, color=_COLOURS[arm], linewidth=1, label="two shares")
        axes.set(title=f"BatchNorm: {'yes' if arm == 'with BatchNorm' else 'no'}", xlabel="generator step")
        axes.legend()
    figure.supylabel("EM estimate")
    return figure


# --- seconds


def _speed(speed):
    rows = []
    for size in speed["sizes"]:
        one, workers = (np.median(np.concatenate(size["seconds"][way])) for way in ("one", "workers"))
        low, high = size["quartiles"]
        sent = 2 * (_UPDATES * size["bytes"]["critic"] + size["bytes"]["generator"]) / 2**20
        rows.append(
            [
                _name(size),
                f"{one:.3f}",
                f"{workers:.3f}",
                f"{size['ratio']:.2f} ({low:.2f} to {high:.2f})",
                f"{sent:.1f}",
            ]
        )
    header = ["size/channels", "one process, s a step", f"{speed['workers']} workers, s", "one / workers (quartiles)"]
    return f"""## On one machine

Real trainings in turns: one process with two threads, and two workers with a thread each, a scheduler and a server
beside them. A step is {_UPDATES} critic updates and one of the generator. Every worker sends and gets each network's
gradients at each of its updates.

{table([*header, "MiB a worker and step"], rows)}"""


# --- links


def _links(links):
    rows = []
    for each in links["sums"]:
        seconds = 1e3 * np.median(each["seconds"][3:])
        error = (
            f"{each['errors'][0]:.0%}, of all together {each['errors'][-1]:.0%}" if each["threshold"] else "roundings"
        )
        link = "this machine" if each["link"] == "loopback" else each["link"]
        rows.append([link, each["workers"], 2 if each["threshold"] else 32, f"{seconds:.0f}", error])
    megabytes = links["bytes"]["64x64/64"]["critic"] / 1e6
    return f"""## Over a network

One sum of the gradients of the documents' critic (64x64, 64 channels: {megabytes:.1f} MB) over all workers, one server
on the first machine. The machines are network namespaces of one, each with a link of that rate.

{table(["link", "workers", "bits a number", "ms a sum", "error of the first sum"], rows)}

MXNet's compression to 2 bits sends -t, 0 or t for each number; here t is the numbers' spread. What is left out of one
sum comes with later ones only in part, since a number can send no more than t at a time. Trainings send all 32."""


def exchange_seconds(links, size, workers, servers):
    """Return the seconds of a sum over 1 Gbit/s, from those measured.

    With one server beside the first worker all others' numbers go through one link, in and out; with a server on every
    machine each link carries its share of them and its own.
    """
    measured = {
        each["workers"]: np.median(each["seconds"][3:])
        for each in links["sums"]
        if each["link"] != "loopback" and not each["threshold"]
    }
    through = {count: (count - 1) * links["bytes"]["64x64/64"]["critic"] for count in measured}
    a_byte = float(np.mean([measured[count] / through[count] for count in measured]))
    return a_byte * size * (workers - 1) * (1 if servers == 1 else 2 / workers)


def step_seconds(speed, links):
    """Return {size: seconds of a step on one machine}, of the sizes that both files have."""
    found = {}
    for run in speed["sizes"]["runs"]:
        if run["batch_size"] == 64 and _name(run) in links["bytes"]:
            work = run["work"]
            found[_name(run)] = _UPDATES * work["clipped critic"]["seconds"] + work["generator"]["seconds"]
    return found


def speed_up(seconds, links, size, workers, servers):
    """Return how much sooner so many machines end than one, if each needs its share of the time and all exchange."""
    sent = _UPDATES * links["bytes"][size]["critic"] + links["bytes"][size]["generator"]
    return seconds / (seconds / workers + exchange_seconds(links, sent, workers, servers))


def _foretold(times, links):
    rows = []
    for size, seconds in times.items():
        for servers in ("one", "each"):
            cells = [f"{speed_up(seconds, links, size, n, 1 if servers == 'one' else n):.1f}" for n in FORETOLD]
            rows.append([size, "one" if servers == "one" else "one a machine", *cells])
    return f"""## Foretold

How many times sooner so many machines as this one would end, joined by 1 Gbit/s, if a batch of 64 shared by n took each
a n-th of the time, which small shares do not reach, plus the sums at the rate measured above.

{table(["size/channels", "servers", *(f"{n} machines" if n > 1 else "1 machine" for n in FORETOLD)], rows)}

![Speed-up against the number of machines](figures/cluster_foretold.png)"""


def _foretold_figure(times, links):
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(FORETOLD, FORETOLD, color=BLACK, linewidth=1, label="perfect")
    for (size, seconds), colour in zip(times.items(), (BLUE, GREEN, ORANGE)):
        for servers, style in (("one", "--"), ("each", "-")):
            values = [speed_up(seconds, links, size, n, 1 if servers == "one" else n) for n in FORETOLD]
            label = f"{size}, {'one server' if servers == 'one' else 'a server a machine'}"
            axes.plot(FORETOLD, values, style, color=colour, marker="o", label=label)
    axes.set(xscale="log", yscale="log", xlabel="machines", ylabel="times sooner", ylim=(0.1, 80))
    axes.set_xticks(FORETOLD, [str(n) for n in FORETOLD])
    axes.legend()
    return figure


_LIMITS = """## Limits

One machine of two cores: workers share it, and the links are limited by the kernel's token buckets, without a delay
(this kernel has no netem). A real network adds a round trip or two to every update. Nobody has run it on several real
machines, nor on cards."""
