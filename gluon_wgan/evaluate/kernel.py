"""Kernel distance between two picture sets (KID), after Binkowski et al. 2018, in the features of EfficientNet-lite0.

Not comparable with published numbers, which take Inception-v3's features: the kernel distance is that of the paper, the
features are others.
"""

import sys
from functools import cache

import numpy as np
from tqdm import tqdm

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.checks import check_pictures, two_sets_of_points
from gluon_wgan.resize import get_resizer

_BLOCKS = 10  # of the standard error
LEAST_POINTS = 2 * _BLOCKS
_LEVELS = (np.arange(256, dtype=np.float32) / np.float32(255) - np.float32(0.5)) / np.float32(0.5)


def features(pictures, batch_size=16):
    """Return what EfficientNet-lite0, trained on ImageNet, sees in pictures: its features before the last layer.

    The pictures are rounded to uint8, resized to 224x224 by Pillow (bicubic), grey ones repeated to three channels, and
    mapped to [-1, 1].

    Parameters
    ----------
    pictures : numpy.ndarray
        uint8 or float32 (N, H, W, C), 0 to 255; C is 1 or 3.
    batch_size : int
        Pictures at a time.

    Returns
    -------
    numpy.ndarray
        float32 (N, 1280), 0 to 6.

    Raises
    ------
    UserError
        If the pictures are none, or the network's trained weights are not installed.
    """
    check_pictures("pictures", pictures)
    if batch_size < 1:
        raise UserError("batch_size", batch_size, "1 or more")
    from mxnet import nd

    network = _network()
    found = []
    starts = range(0, len(pictures), batch_size)
    interval = 0.5 if sys.stderr.isatty() else 30
    for start in tqdm(starts, unit="batch", desc="features", delay=5, mininterval=interval, leave=False):
        found.append(network(nd.array(_as_seen(pictures[start : start + batch_size]))).asnumpy())
    return np.concatenate(found)


@cache
def _network():
    from gluon_wgan.evaluate.efficientnet import trained

    return trained()


def _as_seen(pictures):
    """(N, H, W, C), 0 to 255 -> float32 (N, 3, 224, 224) in [-1, 1]."""
    from gluon_wgan.evaluate.efficientnet import SIDE

    resizer = get_resizer("pil-bicubic")
    rounded = np.rint(pictures).astype(np.uint8)
    resized = np.stack([resizer(picture, SIDE, SIDE).transpose(2, 0, 1) for picture in rounded])
    seen = _LEVELS[resized]
    return seen if seen.shape[1] == 3 else np.repeat(seen, 3, axis=1)


def kernel_distance(features_a, features_b):
    """Return the squared maximum mean discrepancy between two sets of points, without bias, and its standard error.

    With the kernel k(x, y) = (x . y / D + 1)^3 of Binkowski et al. 2018 (https://arxiv.org/abs/1801.01401), section 4;
    the estimator is eq. 4 of Gretton et al. 2012 (JMLR 13, p. 723) with n and m points: the means of k over the pairs
    of different points within each set, less twice that over all pairs between them. Its mean does not depend on n,
    unlike the Fréchet distance's, and it may come out below 0 for sets of one distribution.

    The standard error is a jackknife's: each of ten blocks, a tenth of both sets in their order, is left out in turn.

    Parameters
    ----------
    features_a, features_b : numpy.ndarray
        Floats (n, D) and (m, D), n and m 20 or more.

    Returns
    -------
    (float, float)

    Raises
    ------
    UserError
        If the shapes do not match, there are fewer points, or a value is not finite.
    """
    a, b = two_sets_of_points(LEAST_POINTS, features_a=features_a, features_b=features_b)
    within_a, within_b, between = _block_sums(a, a), _block_sums(b, b), _block_sums(a, b)
    sizes_a, sizes_b = _block_sizes(a), _block_sizes(b)

    def distance(kept):
        n, m = sizes_a[kept].sum(), sizes_b[kept].sum()
        chosen = np.ix_(kept, kept)
        return (
            within_a[chosen].sum() / (n * (n - 1))
            + within_b[chosen].sum() / (m * (m - 1))
            - 2 * between[chosen].sum() / (n * m)
        )

    everything = np.arange(_BLOCKS)
    without = np.array([distance(np.delete(everything, block)) for block in everything])
    error = np.sqrt((_BLOCKS - 1) / _BLOCKS * np.square(without - without.mean()).sum())
    return float(distance(everything)), float(error)


def _block_sizes(points):
    return np.array([len(block) for block in np.array_split(points, _BLOCKS)])


def _block_sums(a, b):
    """Return the sums (blocks, blocks) of the kernel between blocks; of one set with itself, without its diagonal."""
    kernel = (a @ b.T / a.shape[1] + 1) ** 3
    if a is b:
        np.fill_diagonal(kernel, 0)
    rows = np.add.reduceat(kernel, np.cumsum(_block_sizes(a)) - _block_sizes(a), axis=0)
    return np.add.reduceat(rows, np.cumsum(_block_sizes(b)) - _block_sizes(b), axis=1)
