"""What presets learn of real pictures: the comparisons, the criteria's thresholds, and the flags. Fixed beforehand."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional
from gluon_wgan.studies.plan import TrainingFlags

PLACE = 40
TITLE = "What the presets learn of real pictures"
QUESTION = (
    "Trained on real pictures for less than an hour on a core, what do the presets learn: the gradient penalty beside "
    "clipping on bedrooms, a homework's plain GAN, clipping and penalty on anime faces, a tutorial's MLPs on MNIST?"
)


class Subject(NamedTuple):
    """One comparison.

    Attributes
    ----------
    arms : dict of str to str
        The preset of each arm.
    changes : dict
        The settings, of all arms, that differ from the presets', so that a core trains them in less than an hour.
    """

    arms: dict
    changes: dict


# Fixed before any run was looked at.
_SMALL = {"generator_channels": 16, "critic_channels": 16}
SUBJECTS = {
    "bedrooms": Subject(
        {"clip": "wassersteingan", "penalty": "wgan-gp"}, {**_SMALL, "image_size": 32, "generator_steps": 2500}
    ),
    "faces": Subject(
        {"simple": "hw6-simple", "medium": "hw6-medium", "strong": "hw6"}, {**_SMALL, "generator_steps": 3000}
    ),
    "digits": Subject({"tutorial": "mlp-mnist"}, {"generator_steps": 12_000}),
}
COMPARED = 1000  # pictures of each set, at most
POINTS = 100  # of a curve: medians of as many windows
# The criteria's thresholds.
HALF = 0.5  # of the untrained generator's distance, or of what real digits reach
QUARTER = 0.25  # as the claim of the tutorial was to be judged
NORM = (0.8, 1.2)
LAST = 10  # points of the curve, of 100
LAYOUT = 0.8  # correlation of the mean pictures
LEAST_SHARE = 0.01  # of each of the ten digits


@dataclass(frozen=True)
class Flags(TrainingFlags):
    """Write reports/presets.md and .html: what presets learn of real pictures, as their samples and measures show."""

    measure: optional(Literal["bedrooms", "faces", "digits"], "render the page again") = None
    """first train and measure bedrooms (clipping, penalty), faces (the homework's three) or digits (the tutorial), half
    an hour and more; what is finished is kept, so that the same command goes on"""
    data: optional(str, "none") = None
    """with --measure: as of train_lsun.py; for digits, MNIST's files with the labels"""
    seeds: tuple[int, ...] = (0,)
    """each arm is trained with each"""
    generator_steps: optional(int, "the study's own") = None
    """updates of the generator, of every arm"""
    runs: str = "runs/presets"
    """folder of the run folders"""

    def measures(self):
        return self.measure is not None

    def check(self):
        super().check()
        if self.measures() and self.data is None:
            raise UserError("--data", "nothing", "the real pictures to train on, as of train_lsun.py")
