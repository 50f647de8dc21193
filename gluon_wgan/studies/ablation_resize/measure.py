"""Train and measure every library with every seed."""

from gluon_wgan.studies import ablation
from gluon_wgan.studies.ablation_resize import question


def measure(flags, results):
    """Measure into reports/data/ablation_resize.json; see `gluon_wgan.studies.ablation.measure`."""
    return ablation.measure(flags, results, question.ARMS)
