"""From settings to networks with their initial weights."""

from gluon_wgan.models.dcgan import DCGANCritic, DCGANGenerator
from gluon_wgan.models.initialise import initialise
from gluon_wgan.models.mlp import MLPCritic, MLPGenerator


def build_generator(settings):
    """Return the generator that the settings describe, initialised from their seed, not hybridized.

    `generator(latent (N, latent_dim, 1, 1))` gives pictures (N, image_channels, image_size, image_size), float32, in
    [-1, 1] for dcgan.

    Parameters
    ----------
    settings : gluon_wgan.settings.Settings
    """
    sizes = (settings.image_size, settings.image_channels, settings.latent_dim, settings.generator_channels)
    if settings.generator == "mlp":
        generator = MLPGenerator(*sizes)
    else:
        generator = DCGANGenerator(*sizes, settings.generator == "dcgan", settings.extra_layers)
    initialise(generator, settings.seed, "generator_weights")
    return generator


def build_critic(settings):
    """Return the critic that the settings describe, initialised from their seed, not hybridized.

    `critic(images (N, image_channels, image_size, image_size))` gives scores (N,), unbounded.

    Parameters
    ----------
    settings : gluon_wgan.settings.Settings
    """
    sizes = (settings.image_size, settings.image_channels, settings.critic_channels)
    if settings.critic == "mlp":
        critic = MLPCritic(*sizes)
    else:
        critic = DCGANCritic(*sizes, settings.critic == "dcgan", settings.extra_layers)
    initialise(critic, settings.seed, "critic_weights")
    return critic


def parameter_count(block):
    """Return the number of trainable numbers in a block; running statistics do not count."""
    return sum(parameter.data().size for parameter in block.collect_params().values() if parameter.grad_req != "null")
