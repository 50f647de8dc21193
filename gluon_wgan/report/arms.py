"""The arms of all comparisons: label, colour and line of each, the same in every figure. Without mxnet."""

from typing import NamedTuple

# Okabe and Ito's colours, which colour-blind people can tell apart. Yellow is left out: it is too pale for lines.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#777777"


class Style(NamedTuple):
    """How an arm is drawn.

    Attributes
    ----------
    label : str
        What a reader calls it.
    colour : str
        "#RRGGBB".
    line : str
        A line style of matplotlib.
    """

    label: str
    colour: str
    line: str


# No two have the same colour and line. The arms of the ablations have a colour of their own among themselves; what is
# the same filter elsewhere shares its colour.
_STYLES = {
    "pil": Style("Pillow bilinear", BLUE, "-"),
    "pil-nearest": Style("Pillow nearest", GREY, "-"),
    "pil-box": Style("Pillow box", SKY, "-"),
    "pil-hamming": Style("Pillow Hamming", SKY, ":"),
    "pil-bicubic": Style("Pillow bicubic", SKY, "--"),
    "pil-lanczos": Style("Pillow Lanczos", SKY, "-."),
    "cv2": Style("OpenCV bilinear", VERMILLION, "-"),
    "cv2-nearest": Style("OpenCV nearest", GREY, "--"),
    "cv2-bicubic": Style("OpenCV bicubic", ORANGE, "-"),
    "cv2-area": Style("OpenCV area", GREEN, "-"),
    "cv2-lanczos": Style("OpenCV Lanczos", ORANGE, "-."),
    "mxnet": Style("MXNet bilinear", VERMILLION, ":"),
    "mxnet-bicubic": Style("MXNet bicubic", ORANGE, ":"),
    "mxnet-area": Style("MXNet area", GREEN, ":"),
    "gluoncv": Style("GluonCV (area, not rounded)", PURPLE, "-"),
    "outside-1e-8": Style("epsilon 1e-8 outside the root (PyTorch)", BLACK, "-"),
    "inside-1e-8": Style("epsilon 1e-8 inside the root (MXNet)", VERMILLION, "--"),
    "inside-gluoncv": Style("epsilon 1e-12, 1e-14 inside the root (GluonCV)", PURPLE, "--"),
    "inside-1e-16": Style("epsilon 1e-16 inside the root", BLUE, "--"),
    "tensorflow": Style("TensorFlow's RMSprop", GREEN, "--"),
}


def style(arm):
    """Return the `Style` of an arm; one that is not known, such as a resize of your own, is a grey dotted line."""
    return _STYLES.get(arm, Style(arm, GREY, ":"))


def known_arms():
    """Return the names that have a style."""
    return list(_STYLES)
