"""From settings to networks with their initial weights."""

from gluon_wgan.errors import UserError
from gluon_wgan.models.conv5 import Conv5Critic, Conv5Generator
from gluon_wgan.models.dcgan import DCGANCritic, DCGANGenerator
from gluon_wgan.models.initialise import initialise
from gluon_wgan.models.mlp import LeakyMLPCritic, LeakyMLPGenerator, MLPCritic, MLPGenerator
from gluon_wgan.models.resnet import ResNetCritic, ResNetGenerator
from gluon_wgan.models.text import TextCritic, TextGenerator

# whose initial weights
_START = {"text": "wgan-gp", "resnet": "wgan-gp"}
# what follows the critic's name
_NORMS = {"": "batch", "layer-norm": "layer", "instance-norm": "instance", "no-bn": None}


def build_generator(settings):
    """Return the generator that the settings describe, initialised from their seed, not hybridized.

    `generator(latent (N, latent_numbers, 1, 1))` gives pictures (N, image_channels, image_size, image_size), float32,
    in [-1, 1] for dcgan; of a text generator lines (N, symbols, sequence_length), probabilities.

    Parameters
    ----------
    settings : gluon_wgan.settings.Settings

    Raises
    ------
    UserError
        If it is a text generator, and the settings do not say how many symbols there are.
    """
    sizes = (settings.image_size, settings.image_channels, settings.latent_numbers, settings.generator_channels)
    network, _, norm = settings.generator.partition("-")
    if network == "text":
        generator = TextGenerator(*_line(settings), settings.latent_dim, settings.generator_channels)
    elif network == "mlp":
        generator = (LeakyMLPGenerator if norm == "mnist" else MLPGenerator)(*sizes)
    elif network == "resnet":
        generator = ResNetGenerator(*sizes, settings.depth)
    elif network == "conv5":
        generator = Conv5Generator(*sizes, norm != "no-bn")
    else:
        generator = DCGANGenerator(*sizes, norm != "no-bn", settings.extra_layers, settings.generator_nonlinearity)
    initialise(generator, settings.seed, "generator_weights", _start(settings, network))
    return generator


def build_critic(settings):
    """Return the critic that the settings describe, initialised from their seed, not hybridized.

    `critic(images (N, critic_inputs, image_size, image_size))` gives scores (N,), unbounded, or (N, critic_outputs); a
    text critic takes lines (N, symbols, sequence_length).

    Parameters
    ----------
    settings : gluon_wgan.settings.Settings

    Raises
    ------
    UserError
        As `build_generator`.
    """
    sizes = (settings.image_size, settings.critic_inputs, settings.critic_channels)
    outputs = settings.critic_outputs
    network, _, norm = settings.critic.partition("-")
    if network == "text":
        critic = TextCritic(*_line(settings), settings.critic_channels)
    elif network == "mlp":
        critic = (LeakyMLPCritic if norm == "mnist" else MLPCritic)(*sizes, outputs)
    elif network == "resnet":
        critic = ResNetCritic(*sizes, _NORMS[norm], settings.depth, outputs)
    elif network == "conv5":
        critic = Conv5Critic(*sizes, _NORMS[norm], outputs)
    else:
        extra = settings.extra_layers if settings.critic_extra_layers is None else settings.critic_extra_layers
        critic = DCGANCritic(*sizes, _NORMS[norm], extra, settings.critic_nonlinearity, outputs)
    initialise(critic, settings.seed, "critic_weights", _start(settings, network))
    return critic


def _start(settings, network):
    return "mxnet" if settings.initial_weights == "mxnet" else _START.get(network, "dcgan")


def _line(settings):
    if settings.symbols == 0:
        raise UserError("symbols", 0, "how many the text has: len(Text(path, sequence_length).alphabet)")
    return settings.sequence_length, settings.symbols


def parameter_count(block):
    """Return the number of trainable numbers in a block; running statistics do not count."""
    return sum(parameter.data().size for parameter in block.collect_params().values() if parameter.grad_req != "null")
