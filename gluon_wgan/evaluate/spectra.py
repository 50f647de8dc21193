"""How much power pictures have at each spatial frequency: blur, aliasing and checkerboards show there."""

import numpy as np

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.checks import check_pictures, check_same_shape

ROUNDING_POWER = 1 / 12  # the variance of rounding to whole grey levels, which is white


def radial_power_spectrum(pictures):
    """Return the power of pictures over frequency, whatever the direction.

    P(f_y, f_x) = |FFT(x - mean(x))|^2 / (H W), with the mean of each picture and channel, averaged over pictures and
    channels, and then over the ring k - 1/2 <= side * |f| < k + 1/2. So white noise of variance s^2 has power s^2 at
    every frequency, and the mean of P over all H W frequencies is the variance (Parseval). The unit is grey levels
    squared per (cycle per pixel) squared.

    The rings beyond 0.5 cycles per pixel lie in the corners of the frequency plane: not whole, but the checkerboard of
    a transposed convolution, at sqrt(0.5), is there. The finest ring is that one frequency, where the side is even.

    Parameters
    ----------
    pictures : numpy.ndarray
        uint8 or float32 (N, side, side, C), 0 to 255, the side 2 or more.

    Returns
    -------
    frequencies : numpy.ndarray
        float64, k / side for k = 1, 2, ...: cycles per pixel, at the middle of each ring.
    power : numpy.ndarray
        float64, of that shape.

    Raises
    ------
    UserError
        If the pictures are none, or not square.
    """
    check_pictures("pictures", pictures)
    side = pictures.shape[1]
    if pictures.shape[2] != side or side < 2:
        raise UserError("pictures of a spectrum", pictures.shape, "squares of 2 or more pixels")
    power = np.zeros((side, side))
    for picture in pictures:  # one at a time: the complex transform of a set takes much memory
        picture = picture.astype(np.float64)
        transform = np.fft.fft2(picture - picture.mean(axis=(0, 1)), axes=(0, 1))  # (side, side, C)
        power += (np.abs(transform) ** 2).mean(axis=2)
    power /= len(pictures) * side**2
    rings = rings_of(side)
    counts, sums = np.bincount(rings.ravel()), np.bincount(rings.ravel(), weights=power.ravel())
    return np.arange(1, len(counts)) / side, sums[1:] / counts[1:]


def rings_of(side):
    """Return the ring (int, 0 is the mean) of every frequency of a transform (side, side)."""
    cycles = np.fft.fftfreq(side, d=1 / side)
    return np.floor(np.hypot(cycles[:, np.newaxis], cycles) + 0.5).astype(int)


def log_spectrum_difference(a, b):
    """Return how far the spectra of two picture sets are apart, in decades.

    sqrt(mean over rings of (log10 P_a - log10 P_b)^2): 1 if one set has ten times the other's power everywhere, 0.3 for
    twice. Every ring counts alike, however few frequencies it has and however little power. Power below 1/12, that of
    rounding to whole grey levels, counts as 1/12, so that pictures of a single colour have a spectrum too.

    Not to be confused with a distance between sets: noise of the right spectrum is at 0. Two samples of the same
    pictures are at a little more than 0; 500 procedural bedrooms of 32x32 against 500 others, at 0.011 to 0.013.

    Parameters
    ----------
    a, b : numpy.ndarray
        As `radial_power_spectrum` takes them; N may differ.

    Returns
    -------
    float
        0 or more.

    Raises
    ------
    UserError
        As `radial_power_spectrum`, or if the pictures of a and b differ in shape.
    """
    logarithms = [np.log10(np.maximum(radial_power_spectrum(pictures)[1], ROUNDING_POWER)) for pictures in (a, b)]
    check_same_shape(a, b)
    return float(np.sqrt(np.mean((logarithms[0] - logarithms[1]) ** 2)))
