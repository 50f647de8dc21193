"""What every distance asks of its pictures."""

import numpy as np

from gluon_wgan.errors import UserError


def check_pictures(what, pictures, least=1):
    """Raise UserError unless `pictures` is a set of pictures as this room takes them.

    Parameters
    ----------
    what : str
        The argument that the message names.
    pictures : numpy.ndarray
        uint8 or float32 of shape (N, H, W, C), 0 to 255; C is 1 or 3.
    least : int
        The smallest N.

    Raises
    ------
    UserError
        If shape, dtype or range is another, or a value is not finite.
    """
    if not isinstance(pictures, np.ndarray) or pictures.dtype not in (np.uint8, np.float32):
        given = pictures.dtype if isinstance(pictures, np.ndarray) else type(pictures).__name__
        raise UserError(what, given, "a numpy array of uint8 or float32")
    if pictures.ndim != 4 or pictures.shape[3] not in (1, 3) or 0 in pictures.shape or len(pictures) < least:
        raise UserError(what, pictures.shape, f"(N, height, width, 1 or 3), N at least {least}")
    if pictures.dtype == np.float32:
        # not a number fails both comparisons, so it is caught here too
        lowest, highest = pictures.min(), pictures.max()
        if not (lowest >= 0 and highest <= 255):
            raise UserError(what, f"values from {lowest} to {highest}", "finite values from 0 to 255")


def two_sets_of_points(least, **given):
    """Return two sets of points as float64 (n, D) and (m, D).

    Parameters
    ----------
    least : int
        The smallest n.
    **given : array-like
        The two, under the names that messages have.

    Raises
    ------
    UserError
        If the shapes do not match, there are fewer points, or a value is not finite.
    """
    sets = []
    for name, values in given.items():
        points = np.asarray(values, dtype=np.float64)
        if points.ndim != 2 or len(points) < least or points.shape[1] < 1:
            raise UserError(name, points.shape, f"(n, D) with n at least {least}")
        if not np.isfinite(points).all():
            raise UserError(name, "values that are not finite", "finite numbers")
        sets.append(points)
    a, b = sets
    if a.shape[1] != b.shape[1]:
        raise UserError(" and ".join(given), f"{a.shape[1]} and {b.shape[1]} dimensions", "the same D")
    return a, b


def check_same_shape(a, b):
    """Raise UserError unless two sets hold pictures (H, W, C) of one shape; N may differ."""
    if a.shape[1:] != b.shape[1:]:
        raise UserError("pictures of two sets", f"{a.shape[1:]} and {b.shape[1:]}", "one height, width and channels")
