"""Sliced Wasserstein distance between the patches of two picture sets, one number for each scale.

After Karras et al. 2018, "Progressive Growing of GANs", section 5 (https://arxiv.org/abs/1710.10196), and its code,
metrics/sliced_wasserstein.py of github.com/tkarras/progressive_growing_of_gans at 1c5876c. Where this departs:

1. Both sets give patches at the same places, so that a set has distance 0 from itself; the code draws places for each.
2. 32 patches a picture and level instead of 128, for a quarter of the time. `patches=128` restores it.
3. Pictures of one channel are allowed.
4. Not multiplied by 1000, as the paper's tables are.
"""

import numpy as np
from scipy.ndimage import correlate1d

from gluon_wgan import streams
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.checks import check_pictures, check_same_shape

COARSEST = 16  # pixels: the last level of the pyramid
PATCH = 7  # pixels, the side of a patch
BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16
CHUNK = 16  # projections at a time: POT keeps some ten arrays of (patches, projections), and is quickest in the cache


def _blur(pictures, weights):
    """Filter height and width; "mirror" does not repeat the edge, as OpenCV's BORDER_REFLECT_101."""
    for axis in (1, 2):
        pictures = correlate1d(pictures, weights, axis=axis, mode="mirror")
    return pictures


def _shrink(pictures):
    return _blur(pictures, BINOMIAL)[:, ::2, ::2]


def _grow(pictures):
    count, height, width, channels = pictures.shape
    spread = np.zeros((count, 2 * height, 2 * width, channels))
    spread[:, ::2, ::2] = pictures
    return _blur(spread, 2 * BINOMIAL)  # of each two pixels one is 0


def laplacian_pyramid(pictures, levels):
    """Split pictures into bands of detail, each level half the side of the one before (Burt and Adelson 1983).

    Level k < levels - 1 is what `shrink` loses there, x_k - grow(x_{k+1}) with x_0 = pictures and
    x_{k+1} = shrink(x_k); the last level is the rest, x_k itself. `shrink` blurs with [1 4 6 4 1] / 16 and keeps every
    other pixel, `grow` puts zeros between and blurs with twice that. So x_k = level_k + grow(x_{k+1}) gives the
    pictures back; the weights are powers of two, so for uint8 and up to four levels without any rounding.

    Parameters
    ----------
    pictures : numpy.ndarray
        uint8 or float32 (N, H, W, C), 0 to 255.
    levels : int
        1 or more; height and width are multiples of 2**(levels - 1).

    Returns
    -------
    list of numpy.ndarray
        float64 (N, H / 2**k, W / 2**k, C), the finest first.

    Raises
    ------
    UserError
        If the pictures are none, or cannot be halved that often.
    """
    check_pictures("pictures", pictures)
    if levels < 1 or any(side % 2 ** (levels - 1) for side in pictures.shape[1:3]):
        raise UserError(
            "levels of a Laplacian pyramid",
            f"{levels} for pictures of {pictures.shape[1:3]}",
            "1 or more, with sides that are multiples of 2**(levels - 1)",
        )
    pyramid = [pictures.astype(np.float64)]
    for _ in range(levels - 1):
        smaller = _shrink(pyramid[-1])
        pyramid[-1] -= _grow(smaller)
        pyramid.append(smaller)
    return pyramid


def sliced_wasserstein(real, fake, *, seed=0, patches=32, projections=512, normalise_by="each"):
    """Measure how far the patches of two picture sets are apart, at each scale.

    For each level of the Laplacian pyramid down to 16x16, 7x7 patches are drawn at uniform places, every channel is
    normalised to mean 0 and standard deviation 1 over all patches, and the patches, as points of 49 C dimensions, are
    projected onto random unit vectors u. The distance is the mean over u of the 1-Wasserstein distance of the two sets
    of projections, mean |sorted(<u, real>) - sorted(<u, fake>)|.

    The finest level tells of texture and sharpness, the coarsest of layout and broad shading.

    Warning: with `normalise_by="each"`, as in the paper, each set is normalised by its own mean and standard deviation,
    which hides a difference of brightness or contrast, and most of a blur. `"real"` normalises both sets by the real
    one's, and sees it; there the two sets are not exchangeable.

    Warning: two samples of the same pictures are not at distance 0. This floor falls as the root of the number of
    pictures (the paper has 16384), on the fine levels also with more patches. Measure it on two disjoint sets of real
    pictures, as many as are compared, and compare only distances with the same number and arguments.

    For the size of both: 500 procedural bedrooms against 500 others, 32x32 by Pillow, are at 0.015 to 0.017 (32 pixels)
    and 0.014 to 0.031 (16 pixels) by "each", 0.015 to 0.017 and 0.018 to 0.036 by "real" (4 pairs, seed 0). By "each"
    and "real", at 32 pixels, the others with 0.8 of the contrast: 0.016 and 0.143; blurred by 0.5 pixels: 0.026 and
    0.131; resized by OpenCV, which aliases: 0.042 and 0.406.

    Parameters
    ----------
    real, fake : numpy.ndarray
        uint8 or float32 (N, side, side, C), 0 to 255: as many of each, 2 or more, the side a power of two from 16 on.
    seed : int
        Of the places and projections. Two sets compared with a third want the same seed.
    patches, projections : int
        Patches a picture and level; random directions a level.
    normalise_by : str
        "each" or "real".

    Returns
    -------
    dict
        {side of the level in pixels (int): distance (float), in standard deviations}, the finest first.

    Raises
    ------
    UserError
        If an argument is none of these, or if a set has no contrast to be normalised by.
    """
    _check(real, fake, patches, projections, normalise_by)
    side = real.shape[1]
    levels = side.bit_length() - COARSEST.bit_length() + 1
    distances = {}
    for real_level, fake_level in zip(laplacian_pyramid(real, levels), laplacian_pyramid(fake, levels), strict=True):
        side = real_level.shape[1]
        rng = streams.generator(seed, "sliced_wasserstein_patches", side)
        corners = rng.integers(0, side - PATCH + 1, (len(real), patches, 2))
        size = (projections, PATCH**2 * real.shape[3])
        directions = streams.normal(seed, "sliced_wasserstein_directions", side, size)
        points = _normalise(_cut(real_level, corners), _cut(fake_level, corners), normalise_by)
        distances[side] = _distance(*points, directions.astype(np.float64))
    return distances


def _check(real, fake, patches, projections, normalise_by):
    check_pictures("real", real, least=2)
    check_pictures("fake", fake, least=2)
    check_same_shape(real, fake)
    if len(real) != len(fake):
        given = f"{len(real)} real and {len(fake)} fake pictures"
        raise UserError("sliced_wasserstein", given, "as many of each: the distance falls with their number")
    height, width = real.shape[1:3]
    if height != width or height < COARSEST or height & (height - 1):
        raise UserError("sliced_wasserstein", f"pictures of {height}x{width}", "squares of 16, 32, 64, ... pixels")
    for name, value in (("patches", patches), ("projections", projections)):
        if value < 1:
            raise UserError(name, value, "1 or more")
    if normalise_by not in ("each", "real"):
        raise UserError("normalise_by", repr(normalise_by), "'each' or 'real'")


def _cut(level, corners):
    """Cut patches out: level (N, side, side, C), corners (N, patches, 2) -> (N * patches, 7, 7, C)."""
    windows = np.lib.stride_tricks.sliding_window_view(level, (PATCH, PATCH), axis=(1, 2))  # (N, y, x, C, 7, 7)
    picture = np.arange(len(level))[:, np.newaxis]
    cut = windows[picture, corners[..., 0], corners[..., 1]]  # (N, patches, C, 7, 7)
    return np.moveaxis(cut.reshape(-1, *cut.shape[2:]), 1, 3)


def _normalise(real, fake, normalise_by):
    """Return both as points (N * patches, 49 C)."""
    points = []
    for name, patches in (("real", real), ("fake", fake)):
        scale = real if normalise_by == "real" else patches
        mean, deviation = scale.mean(axis=(0, 1, 2)), scale.std(axis=(0, 1, 2))  # (C,)
        # far below a step of uint8, far above rounding: a constant channel
        if deviation.min() < 1e-6:
            raise UserError(name, "a channel without contrast", "pictures that differ within, or normalise_by='real'")
        points.append(((patches - mean) / deviation).reshape(len(patches), -1))
    return points


def _distance(real, fake, directions):
    """Mean over directions (projections, D), of any length, of the 1-Wasserstein distance between points (n, D)."""
    import ot  # late: it imports every framework that it finds, PyTorch among them

    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    total = 0.0
    for start in range(0, len(directions), CHUNK):
        chunk = directions[start : start + CHUNK].T
        # POT returns (mean over directions of W_p^p)^(1/p), with p = 1 the mean itself
        total += ot.sliced_wasserstein_distance(real, fake, projections=chunk, p=1) * chunk.shape[1]
    return float(total / len(directions))
