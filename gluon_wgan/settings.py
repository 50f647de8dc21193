"""The settings of a run: one typed class. A field is a flag is a key of config.json; ranges are checked here."""

import hashlib
import math
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, get_args, get_origin

from gluon_wgan.errors import UserError
from gluon_wgan.files import short_name
from gluon_wgan.flags import optional
from gluon_wgan.presets import PRESETS
from gluon_wgan.resize import get_resizer
from gluon_wgan.run_folder import SEALED_SINCE

# What other networks do not have, and what the code that dcgan comes from has.
DCGAN_ONLY = {"generator_nonlinearity": "relu", "critic_nonlinearity": "leaky_relu", "critic_extra_layers": None}
# What the code did before these were settings: a run of that time has no value for them. A new setting is added here.
_BEFORE_THEY_WERE_SETTINGS = {
    "epoch_end": "run_on",
    "rmsprop_initial_square": 0.0,
    "generator_turn": "after_critic",
    "depth": 101,
    **DCGAN_ONLY,
    "initial_weights": "reference",
    "sequence_length": 32,
    "symbols": 0,
    "classes": 0,
    "critic_labels": "seen",
}

# What else is in a config.json.
_BESIDE_SETTINGS = {"schema", "overrides", "pictures"}

MOST_SYMBOLS = 2048  # of an alphabet, as in WGAN-GP's code


@dataclass(frozen=True)
class Settings:
    """Every setting that can move a number of a run. The defaults are the original PyTorch code's."""

    preset: Literal[
        "wassersteingan", "gluoncv", "paper", "demo", "wgan-gp", "wgan-gp-cifar", "wgan-gp-mnist",
        "wgan-gp-text", "hw6", "hw6-medium", "hw6-simple", "mlp-mnist",
    ] = "wassersteingan"  # fmt: skip
    """defaults of all other flags: the original PyTorch code, GluonCV's script, Algorithm 1, minutes on a laptop; the
    gradient penalty's paper at 64x64, 32x32, 28x28, on text; a course's homework (penalty, clipping, plain GAN); a
    tutorial"""

    data: optional(str, "bedrooms that the project draws, or sentences") = None
    """an LSUN root, *_lmdb folder, folder of pictures, MNIST idx files or CIFAR-10; for text, a file in UTF-8"""
    category: tuple[str, ...] = ("bedroom_train",)
    """LSUN categories, read from ROOT/CATEGORY_lmdb; several are joined"""
    hold_out: bool = False
    """keep a tenth of the pictures, or lines, from training (those whose key has a SHA-1 divisible by 10)"""
    resize: str = "pil"
    """who shrinks the pictures, LIBRARY[-FILTER]: pil, cv2, cv2-area, gluoncv, ... (a wrong name lists them all)"""
    image_size: int = 64
    """pixels per side: 16, 32, 64, 128, ... for dcgan"""
    image_channels: int = 3
    """3 (RGB) or 1 (grey)"""
    sequence_length: int = 32
    """text: symbols of a line; longer lines are cut, shorter ones filled up"""
    symbols: int = 0
    """text: of the alphabet, which is the most frequent characters and two more, for a line's end and all others; 0 for
    all that the text has"""

    generator: Literal["dcgan", "dcgan-no-bn", "conv5", "conv5-no-bn", "mlp", "mlp-mnist", "resnet", "text"] = "dcgan"
    """network of the generator"""
    critic: Literal[
        "dcgan",
        "dcgan-layer-norm",
        "dcgan-no-bn",
        "conv5",
        "conv5-instance-norm",
        "conv5-no-bn",
        "mlp",
        "mlp-mnist",
        "resnet",
        "resnet-layer-norm",
        "text",
    ] = "dcgan"
    """network of the critic; a gradient penalty wants one without BatchNorm: any but dcgan, conv5 and resnet"""
    generator_channels: int = 64
    """feature maps at the generator's largest picture (mlp: units per hidden layer; text: of every block)"""
    critic_channels: int = 64
    """feature maps at the critic's largest picture (mlp: units per hidden layer; text: of every block)"""
    extra_layers: int = 0
    """3x3 convolutions added at the largest picture of both dcgan networks"""
    critic_extra_layers: optional(int, "as --extra-layers") = None
    """of the dcgan critic alone"""
    generator_nonlinearity: Literal["relu", "leaky_relu", "softplus", "tanh"] = "relu"
    """of the dcgan generator; softplus is that of WGAN-GP's random architectures, softplus(2x + 2) / 2 - 1"""
    critic_nonlinearity: Literal["relu", "leaky_relu", "softplus", "tanh"] = "leaky_relu"
    """of the dcgan critic"""
    depth: int = 101
    """layers of both resnet networks: 3 for each block, and 2"""
    latent_dim: int = 100
    """numbers in one latent z ~ N(0, 1)"""
    classes: int = 0
    """labels of the pictures, 10 of CIFAR-10 and MNIST, each beside its latent, so that the generator draws what is
    asked for; 0 for none"""
    critic_labels: Literal["seen", "named"] = "seen"
    """--classes: the critic sees a picture's label beside it, or learns to name it, an auxiliary classifier"""
    initial_weights: Literal["reference", "mxnet"] = "reference"
    """reference: as the code that the networks come from, N(0, .02) for dcgan; mxnet: MXNet's own, uniform in +-.07"""

    batch_size: int = 64
    """real pictures, and latents, per update"""
    generator_steps: int = 400_000
    """updates of the generator to train for; a resumed run may ask for more"""
    n_critic: int = 5
    """critic updates per generator update"""
    n_critic_boost: int = 100
    """critic updates in a boosted generator step"""
    boost_generator_steps: int = 25
    """how many generator steps at the start are boosted; 0 for none"""
    boost_every: int = 500
    """every so many generator steps one more is boosted (steps 501, 1001, ...); 0 for none"""
    epoch_end: Literal["run_on", "cut"] = "run_on"
    """run_on: drop an epoch's tail; cut (the original code): train on it, and end critic updates, a boost too, there"""
    generator_turn: Literal["after_critic", "with_critic"] = "after_critic"
    """after_critic: after n_critic critic updates, on latents of its own; with_critic (the tutorial on MNIST): after
    batches 0, n_critic, 2 n_critic, ... of every epoch, tail included, on the latents of the critic's last update"""
    loss: Literal["wasserstein", "minimax", "non_saturating"] = "wasserstein"
    """wasserstein, or one of the two plain GAN losses, for comparison"""
    lipschitz: Literal["clip", "gradient_penalty", "none"] = "clip"
    """how the critic is kept Lipschitz; none is for the plain GAN losses"""
    clip_bound: float = 0.01
    """clip: every trainable critic weight is kept in [-clip_bound, clip_bound]"""
    clip_order: Literal["before_update", "after_update"] = "before_update"
    """clip before each critic update (the original code) or after it (the paper)"""
    gp_lambda: float = 10.0
    """gradient_penalty: its weight in the critic's loss"""
    gp_one_sided: bool = False
    """gradient_penalty: only norms above 1 cost"""

    optimizer: Literal["rmsprop", "adam", "sgd"] = "rmsprop"
    """optimizer of both networks"""
    learning_rate: float = 5e-5
    """learning rate of both networks"""
    critic_rmsprop_epsilon: float = 1e-8
    """RMSprop's epsilon for the critic"""
    generator_rmsprop_epsilon: float = 1e-8
    """RMSprop's epsilon for the generator"""
    rmsprop_decay: float = 0.99
    """RMSprop's decay of the average of squared gradients (alpha in PyTorch, gamma1 in MXNet)"""
    rmsprop_initial_square: float = 0.0
    """where RMSprop's average of squared gradients starts: 0, or 1 as in TensorFlow 1"""
    epsilon_placement: Literal["inside_sqrt", "outside_sqrt"] = "outside_sqrt"
    """lr * g / sqrt(n + epsilon) as in MXNet 1.x, or lr * g / (sqrt(n) + epsilon) as in PyTorch"""
    adam_beta1: float = 0.5
    """Adam's decay of the average gradient"""
    adam_beta2: float = 0.999
    """Adam's decay of the average squared gradient"""

    bn_mode: Literal["batch", "running"] = "batch"
    """whose statistics the generator's BatchNorm takes in samples: the batch's (the original) or the running ones"""
    sample_every: int = 500
    """generator steps between sample grids"""
    checkpoint_every: int = 1000
    """generator steps between checkpoints"""
    seed: int = 0
    """of the initial weights, the latents and the order of the data"""
    device: Literal["cpu", "gpu"] = "cpu"
    """gpu needs an MXNet that was built with CUDA"""

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type in (int, float):
                _check_number(field.name, value, field.type)
            elif get_origin(field.type) is Literal and value not in get_args(field.type):
                raise UserError(flag_of(field.name), repr(value), ", ".join(get_args(field.type)))
        if self.critic_extra_layers is not None:
            _check_number("critic_extra_layers", self.critic_extra_layers, int)
        self._check_dcgan()
        get_resizer(self.resize)
        if self.image_channels not in (1, 3):
            raise UserError("--image-channels", self.image_channels, "1 or 3")
        if self.generator_turn == "with_critic" and (self.boost_generator_steps or self.boost_every):
            given = f"{self.boost_generator_steps}, and --boost-every {self.boost_every}, with with_critic turns"
            raise UserError("--boost-generator-steps", given, "0 for both: an epoch's turns are fixed")
        if self.symbols and not 3 <= self.symbols <= MOST_SYMBOLS:
            raise UserError("--symbols", self.symbols, f"3 to {MOST_SYMBOLS}, or 0 for all that the text has")
        networks = {name.partition("-")[0] for name in (self.generator, self.critic)}
        if "text" in networks and len(networks) > 1:
            raise UserError("--critic", f"{self.critic}, with --generator {self.generator}", "text for both or neither")
        if self.critic_labels == "named" and not self.classes:
            raise UserError("--critic-labels", "named, without labels", "it with --classes")
        if self.classes:
            self._check_classes()
        doubled = self.image_size >= 16 and math.log2(self.image_size).is_integer()
        if "dcgan" in networks and not doubled:
            raise UserError("--image-size", self.image_size, "16, 32, 64, 128, ... (16 times a power of 2) for dcgan")
        if "resnet" in networks:
            self._check_resnet(doubled)
        if "conv5" in networks and not (doubled or self.image_size == 28):
            raise UserError("--image-size", self.image_size, "28, or 16, 32, 64, 128, ... for conv5")
        if self.batch_size == 1 and self.generator == "mlp-mnist":
            raise UserError("--batch-size", 1, "2 or more for mlp-mnist: of one sample BatchNorm makes a constant")
        if self.lipschitz == "gradient_penalty" and self.critic in ("dcgan", "conv5", "resnet"):
            given = f"{self.critic}, whose BatchNorm ties samples together, with a penalty per sample"
            raise UserError("--critic", given, "one with -layer-norm, -instance-norm or -no-bn in its name, or an mlp")

    def _check_dcgan(self):
        """Refuse what other networks would pass over."""
        for name, default in DCGAN_ONLY.items():
            network, given = getattr(self, name.partition("_")[0]), getattr(self, name)
            if given != default and not network.startswith("dcgan"):
                raise UserError(flag_of(name), f"{given}, with {network}", "it with dcgan alone")

    def _check_classes(self):
        if self.classes == 1 or self.classes > 256:
            raise UserError("--classes", self.classes, "0, or 2 to 256")
        if self.generator == "text":
            raise UserError("--classes", f"{self.classes}, with a text generator", "0: lines have no labels")
        if self.epoch_end == "cut" or self.generator_turn == "with_critic":
            given = f"{self.classes}, with --epoch-end {self.epoch_end} --generator-turn {self.generator_turn}"
            raise UserError("--classes", given, "0, or batches that are all full: run_on and after_critic")

    @property
    def latent_numbers(self):
        """What a generator takes for one picture: numbers of its latent, and as many as there are classes."""
        return self.latent_dim + self.classes

    @property
    def critic_inputs(self):
        """Return the channels of what a critic takes: a picture's, and a plane for each label that it sees."""
        return self.image_channels + (self.classes if self.critic_labels == "seen" else 0)

    @property
    def critic_outputs(self):
        """Return the numbers that a critic gives for a picture: its score, and one for each label that it names."""
        return 1 + (self.classes if self.critic_labels == "named" else 0)

    def _check_resnet(self, doubled):
        if not doubled:
            raise UserError("--image-size", self.image_size, "16, 32, 64, 128, ... for resnet")
        least = 2 + 3 * int(math.log2(self.image_size // 4))
        if self.depth < least or self.depth % 3 != 2:
            allowed = f"{least}, {least + 3}, {least + 6}, ... for resnet at {self.image_size} pixels: 3 a block, and 2"
            raise UserError("--depth", self.depth, allowed)
        for name in ("generator_channels", "critic_channels"):
            if getattr(self, name) % 4:
                raise UserError(flag_of(name), getattr(self, name), "a multiple of 4 for resnet, which halves it twice")

    def to_json(self):
        """Return the settings as a dict of JSON values."""
        return {**asdict(self), "category": list(self.category)}

    @classmethod
    def from_json(cls, config, file):
        """Return the settings in a dict, other keys ignored; raises UserError, naming `file`, if one is missing.

        Those that an older version did not have take the value of what it did. In a file of a version that left no
        fingerprint there, an unknown key is refused: it may be a known one, damaged.
        """
        strange = config.keys() - {field.name for field in fields(cls)} - _BESIDE_SETTINGS
        if strange and config.get("schema", 1) < SEALED_SINCE:
            raise UserError(file, f"the unknown {', '.join(sorted(strange))}", "the config.json that a run wrote")
        config = {**_BEFORE_THEY_WERE_SETTINGS, **config}
        missing = [field.name for field in fields(cls) if field.name not in config]
        if missing:
            raise UserError(file, f"no value for {', '.join(missing)}", "the config.json that a run wrote")
        values = {field.name: config[field.name] for field in fields(cls)}
        return cls(**{**values, "category": tuple(config["category"])})

    def overrides(self):
        """Return the names of the fields that differ from their preset's value."""
        base = preset_settings(self.preset)
        return [field.name for field in fields(self) if getattr(self, field.name) != getattr(base, field.name)]


def flag_of(name):
    """Return the flag of a field: "--clip-bound" for "clip_bound"."""
    return "--" + name.replace("_", "-")


def _check_number(name, value, kind):
    flag = flag_of(name)
    # bool is an int to Python; an int may stand for a float, but 2.5 or nan for no int
    if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
        raise UserError(flag, repr(value), "a whole number" if kind is int else "a number")
    may_be_zero = (
        "seed boost_generator_steps boost_every extra_layers critic_extra_layers gp_lambda rmsprop_initial_square "
        "symbols classes"
    ).split()
    below_one = {"rmsprop_decay", "adam_beta1", "adam_beta2"}
    if not math.isfinite(value):
        raise UserError(flag, value, "a finite number")
    if name in below_one:
        if not 0 <= value < 1:
            raise UserError(flag, value, "0 <= value < 1")
    elif name in may_be_zero:
        if not 0 <= value < 2**63:
            raise UserError(flag, value, "0 or more")
    elif not 0 < value:
        raise UserError(flag, value, "more than 0")


# The embedded data: drawn once, the same for every seed, so that seeds compare training and not data.
PROCEDURAL_PICTURES = 2000


def preset_settings(name):
    """Return the `Settings` of a preset; raises UserError, with the presets' names, if there is none of that name."""
    if name not in PRESETS:
        raise UserError("--preset", repr(name), ", ".join(PRESETS))
    return Settings(preset=name, **PRESETS[name])


def default_run_name(settings):
    """Return `PRESET-RESIZE-seedN` and every other override, such as `demo-cv2-seed1-clip_bound0.02`.

    The number of steps and how often samples and checkpoints are written are left out: they change no weight.
    """
    parts = [settings.preset, *([] if settings.generator == "text" else [settings.resize]), f"seed{settings.seed}"]
    silent = {"resize", "seed", "generator_steps", "sample_every", "checkpoint_every", "device"}
    for name in settings.overrides():
        if name == "data":
            parts.append(Path(settings.data).name)
        elif name not in silent:
            value = getattr(settings, name)
            parts.append(name + ("+".join(value) if isinstance(value, tuple) else str(value)))
    name = "-".join(parts)
    short = short_name(name)
    if short == name:
        return name
    # two runs whose names differ behind the cut are two
    return f"{short_name(name, 190)}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"


def command_line(settings):
    """Return the flags of train_lsun.py that give these settings: the preset and every override, a list of str."""
    flags = ["--preset", settings.preset]
    for name in settings.overrides():
        value = getattr(settings, name)
        if isinstance(value, bool):
            flags.append(flag_of(name) if value else "--no-" + flag_of(name)[2:])
        elif isinstance(value, tuple):
            flags += [flag_of(name), *value]
        else:
            flags += [flag_of(name), str(value)]
    return flags
