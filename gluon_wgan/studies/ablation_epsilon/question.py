"""RMSprop's epsilon: the arms, the measures that decide, and the flags. Fixed before any run."""

from gluon_wgan.studies.deciding import REFERENCE
from gluon_wgan.studies.plan import AblationFlags as Flags

__all__ = [
    "ARMS",
    "AT",
    "COMMAND",
    "DECIDING",
    "EQUAL",
    "EXPLORED",
    "PERCENTILES",
    "PLACE",
    "QUESTION",
    "TITLE",
    "Flags",
]

COMMAND = "ablate_epsilon"
PLACE = 20
TITLE = "Does RMSprop's epsilon matter for what a WGAN learns?"
QUESTION = (
    "With everything else equal to the last bit, does it matter where RMSprop's epsilon stands and how large it is, "
    "and which setting of MXNet's kind equals PyTorch?"
)


def _inside(critic, generator):
    return {
        "epsilon_placement": "inside_sqrt",
        "critic_rmsprop_epsilon": critic,
        "generator_rmsprop_epsilon": generator,
    }


# The settings in which each arm differs from the original's.
ARMS = {
    "outside-1e-8": {},
    "inside-1e-8": _inside(1e-8, 1e-8),  # MXNet's epsilon
    # what mx.optimizer.RMSProp(learning_rate) is without a word: its decay is another too
    "mxnet-defaults": {**_inside(1e-8, 1e-8), "rmsprop_decay": 0.9},
    "inside-gluoncv": _inside(1e-12, 1e-14),  # GluonCV's script
    "inside-1e-16": _inside(1e-16, 1e-16),  # the floor of PyTorch's 1e-8
    # TensorFlow 1's defaults
    "tensorflow": {**_inside(1e-10, 1e-10), "rmsprop_decay": 0.9, "rmsprop_initial_square": 1.0},
}
# Whose difference from the baseline arm answers the question. All arms see the same pictures, by Pillow, so that there
# is no second one.
DECIDING = REFERENCE
EXPLORED = "swd_same"  # what was to decide the exploratory study, which had no `mxnet-defaults`
# What RMSprop divides by is noted after these generator steps, as these percentiles of the weights.
AT = (1, 10, 100, 1000)
PERCENTILES = (5, 25, 50, 75, 95)
# An epsilon equals the reference's if nine of ten weights, in both networks and at every step that was noted, move by
# as much to this share.
EQUAL = 0.01
