"""Note what RMSprop divides by in a training, then train and measure every epsilon with every seed."""

from gluon_wgan.studies import ablation
from gluon_wgan.studies.ablation_epsilon import denominators, question


def measure(flags, results):
    """Measure into reports/data/denominators.json and ablation_epsilon.json; return what keeps the latter."""
    denominators.keep(flags.base(), question.ARMS, flags.cache_dir, results.beside("denominators"))
    return ablation.measure(flags, results, question.ARMS)
