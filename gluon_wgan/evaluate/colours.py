"""How different two pictures look, pixel by pixel: CIEDE2000, by the library colour-science."""

import importlib.util

import numpy as np

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.checks import check_pictures

# A convention: the formula is scaled so that one unit is about what can just be noticed, large fields side by side.
# Thresholds that were measured depend on the colours, the size and the observer.
JUST_NOTICEABLE = 1.0


def installed():
    """Say whether the library is there."""
    return importlib.util.find_spec("colour") is not None


def colour_difference(pictures_a, pictures_b):
    """Return the colour difference of every pixel, CIEDE2000.

    After CIE 142:2001 and Sharma, Wu and Dalal 2005 (Color Research and Application 30, p. 21): the pictures are taken
    for sRGB with its white point, D65. It compares pixel with pixel, as an eye does that can tell the pixels apart.

    Parameters
    ----------
    pictures_a, pictures_b : numpy.ndarray
        uint8 or float32 (N, H, W, 3), 0 to 255, as many of each.

    Returns
    -------
    numpy.ndarray
        float64 (N, H, W), 0 and more; 1 is about what can just be noticed, by convention.

    Raises
    ------
    UserError
        If the shapes differ, the pictures have no colours, or colour-science is not installed.
    """
    check_pictures("pictures_a", pictures_a)
    check_pictures("pictures_b", pictures_b)
    if pictures_a.shape != pictures_b.shape or pictures_a.shape[3] != 3:
        raise UserError("pictures_b", pictures_b.shape, f"the shape of pictures_a, {pictures_a.shape}, with 3 channels")
    if not installed():
        needed = "with the package colour-science, which `make parity` installs"
        raise UserError("colour_difference", "a Python without colour-science", needed)
    import colour

    a, b = (colour.XYZ_to_Lab(colour.sRGB_to_XYZ(np.float64(one) / 255)) for one in (pictures_a, pictures_b))
    return colour.delta_E(a, b, method="CIE 2000")
