"""Precision and recall (Kynkaanniemi et al. 2019), density and coverage (Naeem et al. 2020) of two sets of features."""

import numpy as np
from scipy.spatial.distance import cdist

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.checks import two_sets_of_points


def precision_recall(real, fake, nearest=5):
    """Return how far two sets of points share their neighbourhoods: a ball around each point, to its k-th neighbour.

    Parameters
    ----------
    real, fake : numpy.ndarray
        Floats (n, D) and (m, D), more than `nearest` of each.
    nearest : int
        The k of a neighbourhood: its radius is the distance to the k-th neighbour in the point's own set, itself not
        counted. 5 as in Naeem et al.; Kynkaanniemi et al. take 3.

    Returns
    -------
    dict of str to float
        precision: share of the fake points in a ball of any real one; recall: share of the real points in a ball of any
        fake one (https://arxiv.org/abs/1904.06991, eq. 1 and 2). density: how many balls of real points hold a fake one
        on average, over k, 1 in expectation for equal sets and not bounded by it; coverage: share of the real points
        with a fake one in their ball (https://arxiv.org/abs/2002.09797, eq. 3 and 4). A point on a ball's edge is
        outside, as in the code of the latter.

    Raises
    ------
    UserError
        If the shapes do not match, there are too few points, or a value is not finite.
    """
    if nearest < 1:
        raise UserError("nearest", nearest, "1 or more")
    sets = real, fake = two_sets_of_points(nearest + 1, real=real, fake=fake)
    # the nearest of all is the point itself
    real_radii, fake_radii = (np.partition(cdist(points, points), nearest, axis=1)[:, nearest] for points in sets)
    between = cdist(real, fake)
    in_real, in_fake = between < real_radii[:, np.newaxis], between < fake_radii
    return {
        "precision": float(in_real.any(axis=0).mean()),
        "recall": float(in_fake.any(axis=1).mean()),
        "density": float(in_real.sum(axis=0).mean() / nearest),
        "coverage": float(in_real.any(axis=1).mean()),
    }
