"""How the epsilons are drawn, the same in every figure."""

from gluon_wgan.report.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, Style

_STYLES = {
    "outside-1e-8": Style("epsilon 1e-8 outside the root (PyTorch)", BLACK, "-"),
    "inside-1e-8": Style("epsilon 1e-8 inside the root (MXNet)", VERMILLION, "--"),
    "mxnet-defaults": Style("MXNet's RMSprop as it comes, decay 0.9", ORANGE, "--"),
    "inside-gluoncv": Style("epsilon 1e-12, 1e-14 inside the root (GluonCV)", PURPLE, "--"),
    "inside-1e-16": Style("epsilon 1e-16 inside the root", BLUE, "--"),
    "tensorflow": Style("TensorFlow's RMSprop", GREEN, "--"),
}


def style(arm):
    """Return the `Style` of an arm; one that is not known is a grey dotted line."""
    return _STYLES.get(arm, Style(arm, GREY, ":"))
