"""How far two distributions are: KL, JS, total variation of probabilities; EM of points."""

import numpy as np
from scipy.special import rel_entr


def kl(first, second):
    """Return the Kullback-Leibler divergence of two arrays of probabilities, in nats."""
    return float(rel_entr(first, second).sum())


def js(first, second):
    """Return the Jensen-Shannon divergence: the mean of both divergences from the mixture; at most log 2."""
    mixture = (first + second) / 2
    return (kl(first, mixture) + kl(second, mixture)) / 2


def total_variation(first, second):
    """Return the total variation distance of two arrays of probabilities: half the sum of their differences."""
    return float(np.abs(first - second).sum() / 2)


def em_of_samples(first, second):
    """Return the EM distance of two samples (N, dims), (M, dims) of equal weights, by exact optimal transport (POT)."""
    import ot  # late: it imports every framework that it finds

    return float(ot.emd2([], [], ot.dist(first, second, metric="euclidean"), numItermax=1_000_000))
