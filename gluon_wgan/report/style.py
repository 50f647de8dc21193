"""How the registered resizes are drawn: label, colour and line of each, the same in every figure. And the colours."""

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


# No two have the same colour and line. What is the same filter in another library shares its colour.
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
}


def style(arm):
    """Return the `Style` of an arm; one that is not known, such as a resize of your own, is a grey dotted line."""
    return _STYLES.get(arm, Style(arm, GREY, ":"))


def known_arms():
    """Return the resizes that have a style."""
    return list(_STYLES)
