"""One picture resized by all, and how far apart two resizes of it are, pixel by pixel."""

import dataclasses

import numpy as np

from gluon_wgan.evaluate.colours import JUST_NOTICEABLE, colour_difference
from gluon_wgan.resize import as_array, get_resizer, known_resizers, resize_and_crop
from gluon_wgan.studies.compare_resize.question import CLAIMED_L1, CLAIMED_LARGEST


def resize_by_all(image, size, against):
    """Resize a decoded picture by every registered resize, all with the reference's centre crop.

    The offsets of the crops differ by a pixel for some widths, which would drown what the filters do. Where an arm
    gives float32 it is left as it is, not rounded.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode "RGB".
    size : int
        Pixels.
    against : str
        The reference.

    Returns
    -------
    dict
        {arm: (size, size, 3) of the arm's dtype, 0 to 255}.
    """
    pixels, truncates_crop = as_array(image), get_resizer(against).truncates_crop
    resized = {}
    for arm in known_resizers():
        resizer = dataclasses.replace(get_resizer(arm), truncates_crop=truncates_crop)
        resized[arm] = resize_and_crop(image if resizer.takes_images else pixels, size, resizer)
    return resized


def differences(pictures, reference):
    """Return (L1, largest) absolute difference of every picture.

    Parameters
    ----------
    pictures, reference : numpy.ndarray
        (N, H, W, C), uint8 or float32, 0 to 255.

    Returns
    -------
    l1, largest : numpy.ndarray
        float64 (N,): the sum over the H * W * C values, and the largest of them.
    """
    apart = np.abs(np.subtract(pictures, reference, dtype=np.float32)).reshape(len(pictures), -1)
    return apart.sum(axis=1, dtype=np.float64), apart.max(axis=1).astype(np.float64)


def share_seen(pictures, reference):
    """Return the share of each picture's pixels, float64 (N,), whose colour an eye would tell from the reference's.

    Parameters
    ----------
    pictures, reference : numpy.ndarray
        (N, H, W, 3), uint8 or float32, 0 to 255; what a sum of float32 puts outside is cut off.
    """
    a, b = (one.clip(0, 255) for one in (pictures, reference))
    return (colour_difference(a, b) > JUST_NOTICEABLE).mean(axis=(1, 2))


def summarise(l1, largest, values):
    """Return what is reported of the differences of N pictures of `values` values each; see `compare`."""
    quantiles = dict(zip(("p05", "p25", "median", "p75", "p95"), np.percentile(l1, [5, 25, 50, 75, 95])))
    return {
        **{f"l1_{name}": float(value) for name, value in quantiles.items()},
        "share_l1_above_20000": float((l1 > CLAIMED_L1).mean()),
        "max_median": float(np.median(largest)),
        "max": float(largest.max()),
        "share_ge_60": float((largest >= CLAIMED_LARGEST).mean()),
        "mean_abs": float(l1.mean() / values),
    }
