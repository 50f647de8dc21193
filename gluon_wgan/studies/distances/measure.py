"""The distances behind GANs: what they say of how far two distributions are, and the gradients that they give."""

import time

from gluon_wgan.studies.distances import gaussians, gradients, lines, pairs, told_apart
from gluon_wgan.studies.distances.question import PARTS
from gluon_wgan.studies.results import start_of_study


def measure(flags, results):
    """Measure into data/distances.json, part by part; the other parts stay."""
    for part in flags.parts or PARTS:
        start = time.perf_counter()
        found = _measure(part, flags.cache_dir)
        seconds = time.perf_counter() - start
        results.keep(part, {**found, "seconds": seconds, "starts": [start_of_study()]})


def _measure(part, cache_dir):
    return {
        "parallel_lines": lines.measure,
        "two_gaussians": gaussians.measure,
        "estimate_over_exact": pairs.measure,
        "generator_gradients": lambda: gradients.measure(cache_dir),
        "told_apart": lambda: told_apart.measure(cache_dir),
    }[part]()
