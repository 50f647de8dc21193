"""The samples of all arms on the page, as in the penalty paper's figure."""

from gluon_wgan.report.page import table
from gluon_wgan.studies.networks.question import BASES_TOLD, arm_of, sheet_of


def sheets(subject, networks, reports):
    """Return a table of the first seed's samples, Markdown: a network a row, a way of training a column."""
    rows = [
        [network, *(_sheet(subject, arm_of(base, network), reports) for base in networks)]
        for network in dict.fromkeys(network for of_base in networks.values() for network in of_base)
    ]
    return table(["", *(BASES_TOLD[base] for base in networks)], rows)


def _sheet(subject, arm, reports):
    file = f"figures/{sheet_of(subject, arm)}"
    return f"![Samples of {arm}]({file})" if (reports / file).is_file() else ""  # nothing of a run that broke off
