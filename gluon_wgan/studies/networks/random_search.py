"""The random architectures' part of the page: who learns with which, all runs, failures included."""

import numpy as np
from matplotlib.figure import Figure

from gluon_wgan.report.numbers import count_of, listed
from gluon_wgan.report.page import table, wrapped
from gluon_wgan.report.style import GREY
from gluon_wgan.studies.networks.question import (
    ARCHITECTURES,
    BASES,
    BASES_TOLD,
    LEARNED_BELOW,
    SHOWN_PARTS,
    drawn,
    of_untrained,
)
from gluon_wgan.studies.networks.sheets import sheets

_DEEP = 12  # layers; chosen when the runs were known, and said so


def parts_of(part):
    """Return {base: {number: where that architecture ended, as a part of where it was untrained}}."""
    found = {base: {} for base in BASES}
    for run in part["runs"]:
        base, _, network = run["arm"].partition(", ")
        found[base][int(network.split()[-1])] = of_untrained(run)
    return found


def answer(part):
    """Return the clause that answers the question."""
    learned = {
        base: sum(value < LEARNED_BELOW for value in of_base.values()) for base, of_base in parts_of(part).items()
    }
    shown = listed([f"{learned[base]} with the {BASES_TOLD[base]}" for base in BASES])
    return f"of {ARCHITECTURES} random architectures {shown} come below {LEARNED_BELOW} of the untrained distance"


def section(part, reports):
    """Return the section of the page, Markdown."""
    found = parts_of(part)
    shares = []
    for base, of_base in found.items():
        below = [sum(value < limit for value in of_base.values()) for limit in SHOWN_PARTS]
        shares.append([BASES_TOLD[base], *(count_of(count, len(of_base)) for count in below)])
    rows = []
    for number in range(1, ARCHITECTURES + 1):
        one = drawn(number)
        networks = [
            f"{one[f'{network}_depth']} layers of {one[f'{network}_channels']}, {one[f'{network}_nonlinearity']}"
            + ("" if one[f"{network}_norm"] else ", no norm")
            for network in ("generator", "critic")
        ]
        ends = [f"{found[base][number]:.2f}" if number in found[base] else "" for base in BASES]
        rows.append([number, *networks, *ends])
    told = [BASES_TOLD[base] for base in BASES]
    return f"""## Random architectures

![Where each architecture ended](figures/networks_random.png)

{ARCHITECTURES} architectures, drawn from the ranges of the penalty's paper (its Table 1; an eighth of its filters),
each trained in the three ways for {part["generator_steps"]} generator steps on {part["pictures"]}, one seed. Numbers
are the kernel distance at the end over that of the same networks untrained; a run that broke off has 1.

{table(["below", *SHOWN_PARTS], shares)}

{table(["", "generator", "critic", *told], rows)}

### Which of them learn

{_by_depth(found)}

### Their pictures

{sheets("random", part["networks"], reports)}
"""


def _by_depth(found):
    bare = {number for number in range(1, ARCHITECTURES + 1) if _is_bare(drawn(number))}
    rows = []
    for base, of_base in found.items():
        groups = (of_base, of_base.keys() & bare, of_base.keys() - bare)
        learned = [count_of(sum(of_base[number] < LEARNED_BELOW for number in group), len(group)) for group in groups]
        rows.append([BASES_TOLD[base], *learned])
    told = wrapped(
        f"Trainings that come below {LEARNED_BELOW} of the untrained distance. Looked at when the runs were known: "
        f"{len(bare)} of the {ARCHITECTURES} architectures have a generator or a critic of {_DEEP} layers or more "
        "without norm. All convolutions begin as normal(0, 0.02), as in the original, and with the deviation of the "
        "DCGANs in the paper's code. Without norm a layer of 8 feature maps then makes what passes through it some six "
        "times smaller (0.02 √(8 · 9) = 0.17), and the eight layers that 12 have beyond DCGAN's four a million times. "
        "The paper's code, which holds no random search, begins its residual and dense networks with larger weights "
        "(He et al. 2015), and takes 200,000 steps."
    )
    return f"""{told}

{table(["trained as", "all", f"{_DEEP} layers or more without norm", "the others"], rows)}"""


def _is_bare(one):
    return any(one[f"{network}_depth"] >= _DEEP and not one[f"{network}_norm"] for network in ("generator", "critic"))


def figure(part):
    """Return the figure: an architecture a row, where the three ways of training ended."""
    drawing = Figure(figsize=(9, 7), layout="constrained")
    axes = drawing.subplots()
    for place, (base, of_base) in enumerate(parts_of(part).items()):
        rows = np.array(list(of_base)) + 0.25 * (place - 1)  # one above the other: many end at the same place
        axes.plot(list(of_base.values()), rows, "o", markersize=5, color=f"C{place}", label=BASES_TOLD[base])
    axes.axvline(LEARNED_BELOW, color=GREY, linewidth=1, linestyle=":")
    axes.set_yticks(np.arange(1, ARCHITECTURES + 1))
    axes.set_ylim(ARCHITECTURES + 0.7, 0.3)
    axes.set_xlim(left=0)
    axes.set_xlabel("kernel distance, as a part of the untrained (dotted: what is called learned)")
    axes.set_ylabel("architecture")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    return drawing
