"""The models of the zoo: what each learns, by which recipes, and the flags."""

import os
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional
from gluon_wgan.studies.plan import TrainingFlags

PLACE = 12
TITLE = "The zoo: trained generators that come with the package"
QUESTION = "What do they make, how were they trained, and how near do they come to pictures that they never saw?"


class Model(NamedTuple):
    """What a model learns, and by which recipes it was tried; the one whose pictures come nearest is kept.

    Attributes
    ----------
    what : str
    data : str or None
        The folder of real pictures that it wants; None for those that the project draws.
    sizes : dict
        Settings of all recipes.
    recipes : dict of str to dict
        Settings of each.
    """

    what: str
    data: str | None
    sizes: dict
    recipes: dict


# Clipping has the original's optimizer, rate and five updates of the critic; the penalty twice its paper's rate and,
# in the place of five, one, so that the generator makes more steps in about the same time. A short trial of the
# penalty on rooms of 32 pixels, which was looked at, came before.
_PENALTY = {"n_critic": 1, "learning_rate": 2e-4}


def _rooms(side, channels):
    """Of 2,000 rooms, all of them; a generator takes less than 1.5 MB, and some half an hour of a core."""
    sizes = {"image_size": side, "latent_dim": 64, "generator_channels": channels, "critic_channels": channels}
    recipes = {
        "penalty": {"preset": "wgan-gp", **_PENALTY, "generator_steps": 10_000},
        "clip": {"preset": "wassersteingan", "generator_steps": 4000},
    }
    return Model(f"bedrooms that the project draws, {side} pixels a side", None, sizes, recipes)


MODELS = {
    "rooms-32": _rooms(32, 24),
    "rooms-64": _rooms(64, 16),
    "digits-28": Model(
        "handwritten digits of MNIST, 28 pixels a side",
        "mnist",
        {"hold_out": True, "latent_dim": 64, "generator_channels": 16, "critic_channels": 16},
        {
            "penalty": {"preset": "wgan-gp-mnist", **_PENALTY, "generator_steps": 8000},
            "clip": {
                "preset": "wassersteingan",
                "generator": "conv5",
                "critic": "conv5",
                "image_size": 28,
                "image_channels": 1,
                "generator_steps": 4000,
            },
        },
    ),
}
COMPARED = 2000  # samples, and pictures that training never saw
TOGETHER = 500  # of both, whose nearest training pictures are looked for
SHOWN = 48
ROWS, NEAREST = 8, 5  # of samples, each with the training pictures that are most like it


@dataclass(frozen=True)
class Flags(TrainingFlags):
    """Write reports/zoo.md and .html: what the models of the zoo make, and how they were trained.

    With --measure, first train a model by each recipe, an hour or some, and put the one whose pictures come nearest to
    unseen ones into the zoo. It may be stopped at any moment: the same command goes on.
    """

    measure: optional(Literal["rooms-32", "rooms-64", "digits-28"], "render the page again") = None
    """the model to train"""
    data: optional(str, "none") = None
    """of digits-28: the folder of MNIST's files; rooms are drawn"""
    generator_steps: optional(int, "the recipe's own") = None
    """updates of the generator"""
    runs: str = "runs/zoo"
    """folder of the run folders"""
    zoo: str = os.path.join("gluon_wgan", "zoo")
    """folder of the zoo, in which the model is put"""

    def measures(self):
        return self.measure is not None

    def check(self):
        super().check()
        if not self.measures():
            return
        needed = MODELS[self.measure].data
        if needed is not None and self.data is None:
            raise UserError("--data", "nothing", f"the folder of {needed}, for {self.measure}")
        if needed is None and self.data is not None:
            raise UserError("--data", self.data, f"none for {self.measure}, whose pictures the project draws")
