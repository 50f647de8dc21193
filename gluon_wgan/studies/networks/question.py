"""Which networks does each way of training stand? Arms, seeds, measures and criteria, fixed before any run."""

import os
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gluon_wgan import streams
from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional
from gluon_wgan.studies.plan import TrainingFlags

PLACE = 50
TITLE = "Which networks does a GAN stand?"
QUESTION = (
    "How near to real pictures do a plain GAN, a clipped WGAN and a penalised one come with one network and with "
    "another, and does what they minimise say how near they are?"
)
# By the times of updates in reports/speed.md at most some ten minutes of a core for a DCGAN. As many generator steps
# for all: the papers compare so.
GENERATOR_STEPS = 3000
SEEDS = (30, 31, 32)
# Each as its authors set it: the original WGAN; the penalty's paper; DCGAN's plain GAN, one update of each in turn.
BASES = {
    "clip": {"preset": "wassersteingan"},
    "penalty": {"preset": "wgan-gp"},
    "gan": {
        "preset": "wassersteingan",
        "loss": "non_saturating",
        "lipschitz": "none",
        "optimizer": "adam",
        "learning_rate": 2e-4,
        "adam_beta1": 0.5,
        "n_critic": 1,
        "boost_generator_steps": 0,
        "boost_every": 0,
    },
}
BASES_TOLD = {"clip": "clipped WGAN", "penalty": "penalised WGAN", "gan": "plain GAN"}
DCGAN = "DCGAN"
RESIDUAL = "residual, 20 layers"
CIFARS_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
_SIZES = {"image_size": 32, "generator_channels": 16, "critic_channels": 16}
_NO_NORM = {"generator": "dcgan-no-bn"}
_MLP = {"generator": "mlp", "generator_channels": 512}
_BARE_CRITIC = {"critic": "dcgan-no-bn"}
_RESIDUAL = {"generator": "resnet", "critic": "resnet-layer-norm", "depth": 20}
# As the penalty's code for CIFAR-10 has them, the critic naming labels; or seeing them, the other way in use.
_LABELS = {
    f"{RESIDUAL}, labels {how}": {**_RESIDUAL, "classes": len(CIFARS_CLASSES), "critic_labels": how}
    for how in ("seen", "named")
}
_EVERYWHERE = {DCGAN: {}, "generator without BatchNorm": _NO_NORM, "generator of dense layers": _MLP}
# The pair of the penalty's code for MNIST, which has no norm; the others' has BatchNorm in both.
_DIGITS = {"generator": "conv5", "critic": "conv5"}
_BARE_DIGITS = {"generator": "conv5", "critic": "conv5-no-bn"}


class Subject(NamedTuple):
    """A set of pictures, and what is trained on it.

    Attributes
    ----------
    what : str
    sizes : dict
        Settings of all arms.
    networks : dict of str to dict
        {base: {network: settings}}; the first network of a base is what its others are held against.
    seeds : tuple of int
    bases : dict of str to dict
        {base: settings}, the papers' by default.
    generator_steps : int
    tenths : tuple of int
        Of a run, at which it is measured.
    """

    what: str
    sizes: dict
    networks: dict
    bases: dict = BASES
    seeds: tuple = SEEDS
    generator_steps: int = GENERATOR_STEPS
    tenths: tuple = tuple(range(1, 11))


# Layers of both residual networks. The penalty as the zoo's rooms are trained, one critic update a step at twice its
# paper's rate: found with DCGAN at 64 pixels, and untouched here. Clipping keeps its five updates.
DEPTHS = (11, 20, 50, 101)
_ROOMS = {"n_critic": 1, "learning_rate": 2e-4}


def of_depth(depth):
    """Return the name of a network of the depths: "11 layers"."""
    return f"{depth} layers"


def _depths(critic, changes):
    networks = {"generator": "resnet", "critic": critic, **changes}
    return {of_depth(depth): {**networks, "depth": depth} for depth in DEPTHS}


# WGAN-GP's random search (Table 1): what each of its architectures is drawn from. Filters are an eighth of the paper's;
# its depth 4 is DCGAN's at 32 pixels, and what is more lies at the largest picture.
RANDOM = {
    "generator_nonlinearity": ("relu", "leaky_relu", "softplus", "tanh"),
    "critic_nonlinearity": ("relu", "leaky_relu", "softplus", "tanh"),
    "generator_depth": (4, 8, 12, 20),
    "critic_depth": (4, 8, 12, 20),
    "generator_norm": (True, False),
    "critic_norm": (True, False),
    "generator_channels": (4, 8, 16),
    "critic_channels": (4, 8, 16),
}
ARCHITECTURES = 30
# A random or a deep network has learned if it ends below this part of where it was untrained. The other parts are
# shown.
LEARNED_BELOW, SHOWN_PARTS = 0.8, (0.9, 0.8, 0.7, 0.6, 0.5)


def drawn(number):
    """Return the architecture of a number, {name: value}, of `RANDOM`."""
    rng = streams.generator(0, "networks: random architecture", number)
    return {name: values[rng.integers(len(values))] for name, values in RANDOM.items()}


def _random(base):
    """Return {name: settings} of the random architectures; the penalty's critic has LayerNorm in BatchNorm's place."""
    norm = "dcgan-layer-norm" if base == "penalty" else "dcgan"
    found = {}
    for number in range(1, ARCHITECTURES + 1):
        one = drawn(number)
        found[f"architecture {number}"] = {
            "generator": "dcgan" if one["generator_norm"] else "dcgan-no-bn",
            "critic": norm if one["critic_norm"] else "dcgan-no-bn",
            "extra_layers": one["generator_depth"] - 4,
            "critic_extra_layers": one["critic_depth"] - 4,
            **{name: value for name, value in one.items() if name.endswith(("nonlinearity", "channels"))},
        }
    return found


# The papers' figures have the bedrooms' rows. The penalty's critic has LayerNorm where those of others have BatchNorm.
SUBJECTS = {
    "bedrooms": Subject(
        "bedrooms",
        _SIZES,
        {
            "clip": {
                **_EVERYWHERE,
                "critic without norm": _BARE_CRITIC,
                "initial weights of MXNet": {"initial_weights": "mxnet"},
            },
            "penalty": {
                **_EVERYWHERE,
                "critic without norm": _BARE_CRITIC,
                "no norm at all": {**_NO_NORM, **_BARE_CRITIC},
                RESIDUAL: _RESIDUAL,
            },
            "gan": _EVERYWHERE,
        },
    ),
    "cifar10": Subject(
        "CIFAR-10's pictures",
        _SIZES,
        {
            "clip": {DCGAN: {}},
            "penalty": {DCGAN: {}, RESIDUAL: _RESIDUAL, **_LABELS},
            "gan": {DCGAN: {}},
        },
        # a penalised step of the residual pair takes a second of a core: timed before any of these runs
        generator_steps=1500,
    ),
    "digits": Subject(
        "handwritten digits",
        {**_SIZES, "image_size": 28, "image_channels": 1},
        {
            "clip": {"BatchNorm in both": _DIGITS, "critic without norm": _BARE_DIGITS},
            "penalty": {
                "critic without norm": _BARE_DIGITS,
                "no norm at all": {"generator": "conv5-no-bn", "critic": "conv5-no-bn"},
            },
            "gan": {"BatchNorm in both": _DIGITS, "critic without norm": _BARE_DIGITS},
        },
    ),
    # a course's homework on anime faces: its simple, medium and strong baseline, at a fourth of its filters
    "faces": Subject(
        "anime faces",
        {**_SIZES, "image_size": 64},
        {base: {"the course's": {}} for base in ("clip", "penalty", "gan")},
        {"clip": {"preset": "hw6-medium"}, "penalty": {"preset": "hw6"}, "gan": {"preset": "hw6-simple"}},
        seeds=(60, 61, 62),
        generator_steps=2000,
    ),
    # a fourth of the paper's filters; BatchNorm in the clipped critics, LayerNorm in the penalised ones
    "depth": Subject(
        "depths of residual networks",
        {**_SIZES, "boost_generator_steps": 0, "boost_every": 0},
        {"clip": _depths("resnet", {}), "penalty": _depths("resnet-layer-norm", _ROOMS)},
        seeds=(50, 51, 52),
        generator_steps=1000,
    ),
    # one seed and few steps of each, without the start-up boost, which would be most of them
    "random": Subject(
        "random architectures",
        {"image_size": 32, "boost_generator_steps": 0, "boost_every": 0},
        {base: _random(base) for base in BASES},
        seeds=(40,),
        generator_steps=600,
        tenths=(8, 9, 10),
    ),
}
# The kernel distance (KID, in the features of EfficientNet-lite0) of so many samples to held-out pictures is measured
# at tenths of a run. Where a run ends is the mean over the last of these.
LAST = 3
SAMPLES = 500
# What is measured beside it, of the last samples: but for the first and the last in the same features.
BESIDE = {
    "sliced_wasserstein": "sliced Wasserstein",
    "frechet_distance": "Fréchet",
    "precision": "precision",
    "recall": "recall",
    "face_share": "a face is found",
}
# The value of the loss at a tenth: the mean over so many generator steps before it. How surely it goes with the
# distance: Spearman's rank correlation over the tenths.
WINDOW = 100
LOSSES = ("value", "generator_loss")
SHOWN = 16  # samples of the first seed
OF_A_CLASS = 200  # samples that are held against the held-out pictures of each class, where there are labels


@dataclass(frozen=True)
class Flags(TrainingFlags):
    """Write reports/networks.md and .html: which networks a plain GAN, a clipped and a penalised WGAN stand.

    Measuring takes many hours of one core, and the network that `make parity` installs; finished runs are kept, so
    that the same command goes on.
    """

    measure: optional(Literal["bedrooms", "cifar10", "digits", "faces", "depth", "random"], "render the page again") = (
        None
    )
    """first train and measure what is not yet measured on these pictures"""
    data: optional(str, "none") = None
    """with --measure: the pictures, as of train_lsun.py"""
    cascade: optional(str, "none") = None
    """with --measure faces: OpenCV's file that finds a face (lbpcascade_animeface.xml, as in the course); count them"""
    bases: optional(tuple[str, ...], "all") = None
    """measure no more than these: clip, penalty, gan"""
    seeds: optional(tuple[int, ...], "30 31 32; of faces 60 61 62, of depth 50 51 52, of random 40") = None
    """each arm is trained with each"""
    generator_steps: optional(int, "3,000; of faces 2,000, of cifar10 1,500, of depth 1,000, of random 600") = None
    """updates of the generator, 10 or more"""
    runs: str = "runs/networks"
    """folder of the run folders"""

    def measures(self):
        return self.measure is not None

    def check(self):
        super().check()
        if self.measures() and self.data is None:
            raise UserError("--data", "nothing", "the pictures to train on")
        if self.measures() and not os.path.exists(self.data):
            raise UserError("--data", self.data, "a folder that is there")
        if (self.measure == "faces") != (self.cascade is not None):
            given = "nothing" if self.cascade is None else f"{self.cascade}, with other pictures"
            raise UserError("--cascade", given, "OpenCV's file of a face detector with --measure faces, and only there")
        if unknown := [base for base in self.bases or () if base not in BASES]:
            raise UserError("--bases", ", ".join(unknown), ", ".join(BASES))
        if self.generator_steps is not None and self.generator_steps < 10:
            raise UserError("--generator-steps", self.generator_steps, "10 or more")


def of_untrained(run):
    """Return where a measured run ended, as a part of the kernel distance at which it was untrained."""
    return run["kernel_distance"] / run["untrained"]


def arm_of(base, network):
    """Return the name of an arm: "clip, DCGAN"."""
    return f"{base}, {network}"


def sheet_of(subject, arm):
    """Return the file of an arm's samples in the folder of the figures."""
    return "networks/" + re.sub(r"\W+", "-", f"{subject}, {arm}") + ".png"


def arms_of(subject):
    """Return {arm: the settings in which it differs from the defaults} of a subject."""
    return {
        arm_of(base, network): {**SUBJECTS[subject].sizes, **SUBJECTS[subject].bases[base], **changes}
        for base, networks in SUBJECTS[subject].networks.items()
        for network, changes in networks.items()
    }
