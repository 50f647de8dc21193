"""From the original's files to our networks."""

import dataclasses

from mxnet import nd

from gluon_wgan.errors import UserError
from gluon_wgan.interop.generator_config import read_generator_config
from gluon_wgan.interop.infer import check_fits, critic_of_arrays, critic_of_state_dict
from gluon_wgan.interop.layout import CriticShape, GeneratorShape, critic_layout, generator_layout
from gluon_wgan.interop.match import match_by_name, match_by_structure
from gluon_wgan.interop.names import with_our_names, with_todays_names
from gluon_wgan.interop.torch_files import read_state_dict
from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.settings import DCGAN_ONLY, preset_settings


def load_torch_generator(pth_path, generator_config_json_path):
    """Return the generator of a netG_epoch_N.pth of the original PyTorch code, not hybridized.

    Parameters
    ----------
    pth_path : str or pathlib.Path
    generator_config_json_path : str or pathlib.Path
        The generator_config.json that lay beside it.

    Raises
    ------
    UserError
        If a file is damaged, or the two do not fit; or if torch is not installed.
    """
    shape = read_generator_config(generator_config_json_path)
    values, _ = read_torch_generator(pth_path, shape)
    return fill(build_generator(settings_of(shape)), values)


def load_torch_critic(pth_path, generator_config_json_path):
    """Return the critic of a netD_epoch_N.pth of the original PyTorch code, not hybridized.

    Its scores are the original's with the other sign: real pictures score high here, low there.

    Parameters
    ----------
    pth_path : str or pathlib.Path
    generator_config_json_path : str or pathlib.Path
        Of the generator trained with it: the critic sees pictures of its size.

    Raises
    ------
    UserError
        If a file is damaged, or the two do not fit; or if torch is not installed.
    """
    generator = read_generator_config(generator_config_json_path)
    shape, values, _ = read_torch_critic(pth_path, generator)
    return fill(build_critic(settings_of(generator, shape)), values)


def read_torch_generator(path, shape):
    """Return ({our name: array}, {name: count}) of a netG_epoch_N.pth; see `match_by_name`."""
    tensors, layout = with_todays_names(read_state_dict(path), path), generator_layout(shape)
    numbered = with_our_names(tensors)
    if numbered is not None:
        return match_by_structure(numbered, layout, shape, path), {}
    return match_by_name(tensors, layout, shape, path)


def read_torch_critic(path, generator):
    """Return (`CriticShape`, {our name: array}, {name: count}) of a netD_epoch_N.pth, mirrored to our sign."""
    tensors = with_todays_names(read_state_dict(path), path)
    numbered = with_our_names(tensors)
    if numbered is not None:
        shape = critic_of_arrays(numbered, path)
        check_fits(shape, generator, path)
        return shape, match_by_structure(numbered, critic_layout(shape), shape, path), {}
    shape = critic_of_state_dict(tensors, generator, path)
    return shape, *match_by_name(tensors, critic_layout(shape), shape, path)


def settings_of(generator, critic=None, preset="wassersteingan"):
    """Return `Settings` with these networks and the defaults of a preset.

    Parameters
    ----------
    generator : gluon_wgan.interop.layout.GeneratorShape
    critic : gluon_wgan.interop.layout.CriticShape or None
        None where only the generator matters.
    preset : str
    """
    networks = {
        "image_size": generator.image_size,
        "image_channels": generator.image_channels,
        "latent_dim": generator.latent_dim,
        # one setting for both; an mlp has none
        "extra_layers": critic.extra_layers if critic and generator.network == "mlp" else generator.extra_layers,
        "generator": generator.network,
        "generator_channels": generator.channels,
        "critic": critic.network if critic else generator.network,
        "critic_channels": critic.channels if critic else generator.channels,
    }
    return dataclasses.replace(preset_settings(preset), **networks)


def fill(block, values):
    """Give a block's parameters the values of {name: array}, and return it."""
    parameters = block._collect_params_with_prefix()
    for name, array in values.items():
        parameters[name].set_data(nd.array(array))
    return block


def shapes_of(settings):
    """Return (`GeneratorShape`, `CriticShape`) of settings; the critic's is None if the originals have no such critic.

    Raises
    ------
    UserError
        If the originals have no such generator.
    """
    theirs = ("dcgan", "dcgan-no-bn", "mlp")
    if settings.generator not in theirs:
        given = f"one whose generator is {settings.generator}"
        raise UserError("run", given, "one with dcgan, dcgan-no-bn or mlp, as the originals have")
    if settings.classes:
        raise UserError("run", f"one with {settings.classes} classes", "one without, as the originals have")
    for name, reference in DCGAN_ONLY.items():
        if getattr(settings, name) != reference:
            given = f"one with {name} {getattr(settings, name)}"
            raise UserError("run", given, f"one with {reference}, as the originals have")
    pictures = (settings.image_size, settings.image_channels)
    extra = settings.extra_layers
    generator = GeneratorShape(settings.generator, *pictures, settings.latent_dim, settings.generator_channels, extra)
    if settings.critic not in theirs:
        return generator, None
    return generator, CriticShape(settings.critic, *pictures, settings.critic_channels, extra)
