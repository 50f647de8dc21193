"""What a network is, told from its tensors."""

import math
import re
from collections import Counter

from gluon_wgan.errors import UserError
from gluon_wgan.interop.layout import CriticShape, GeneratorShape, critic_layout, generator_layout
from gluon_wgan.interop.match import kind_of

_INITIAL = re.compile(r"main\.initial:(\d{1,9})-(\d{1,9}):conv\.weight")


def critic_of_state_dict(tensors, generator, file):
    """Return the `CriticShape` that the names of a state dict tell; it must fit the generator beside it.

    Parameters
    ----------
    tensors : dict of str to numpy.ndarray
    generator : GeneratorShape
        Its critic sees pictures of its size and channels, and has as many extra layers: one setting for both.
    file : str or pathlib.Path

    Raises
    ------
    UserError
        If the names are not those of a critic, or not of one that fits.
    """
    wanted = (
        f"a critic of {generator.image_size}x{generator.image_size} pictures of {generator.image_channels} channels"
    )
    first = tensors.get("main.0.weight")
    if first is not None and len(first.shape) == 2:
        units, inputs = first.shape
        pixels = generator.image_channels * generator.image_size**2
        if inputs != pixels:
            raise UserError(file, f"main.0.weight of shape {first.shape}", f"{wanted}, which has {pixels} inputs")
        return CriticShape("mlp", generator.image_size, generator.image_channels, units, generator.extra_layers)
    initial = [match for match in map(_INITIAL.fullmatch, tensors) if match]
    if len(initial) != 1:
        listed = ", ".join(list(tensors)[:3]) or "none"
        allowed = "main.initial:3-64:conv.weight (dcgan) or main.0.weight (mlp), as the original's critic has"
        raise UserError(file, f"tensors {listed}, ...", allowed)
    image_channels, channels = int(initial[0][1]), int(initial[0][2])
    image_size = 8 * 2 ** sum(name.startswith("main.pyramid:") and name.endswith(":conv.weight") for name in tensors)
    extra = sum(name.startswith("main.extra-layers-") and name.endswith(":conv.weight") for name in tensors)
    if (image_size, image_channels) != (generator.image_size, generator.image_channels):
        given = f"a critic of {image_size}x{image_size} pictures of {image_channels} channels, by its names"
        raise UserError(file, given, f"{wanted}, which the generator draws")
    if extra != generator.extra_layers:
        given = f"a critic with {extra} extra layers, by its names"
        raise UserError(
            file, given, f"{generator.extra_layers}, n_extra_layers of the generator (one setting for both)"
        )
    batch_norm = any(":batchnorm." in name for name in tensors)
    return CriticShape("dcgan" if batch_norm else "dcgan-no-bn", image_size, image_channels, channels, extra)


def generator_of_arrays(tensors, file):
    """Return the `GeneratorShape` whose tensors have these kinds and shapes, whatever their names and order.

    Parameters
    ----------
    tensors : dict of str to numpy.ndarray
        Of a Gluon file.
    file : str or pathlib.Path

    Raises
    ------
    UserError
        If there is none.
    """
    dense = [tensor.shape for tensor in tensors.values() if tensor.ndim == 2]
    wide, network, extra = _convolutions(tensors)
    candidates = [
        GeneratorShape(network, 4 * 2 ** (len(wide) - 1), last[1], first[0], last[0], extra)
        for first in wide
        for last in wide
    ]
    for units, latent_dim in dense:
        for outputs, inputs in dense:
            side = _side_and_channels(outputs)
            if inputs == units and side:
                candidates.append(GeneratorShape("mlp", *side, latent_dim, units, 0))
    return _the_one_that_fits(candidates, generator_layout, tensors, "generator", file)


def critic_of_arrays(tensors, file):
    """Return the `CriticShape` whose tensors have these kinds and shapes; raises UserError if there is none."""
    dense = [tensor.shape for tensor in tensors.values() if tensor.ndim == 2]
    wide, network, extra = _convolutions(tensors)
    side = 4 * 2 ** (len(wide) - 1)
    candidates = [CriticShape(network, side, first[1], first[0], extra) for first in wide]
    for units, inputs in dense:
        if _side_and_channels(inputs):
            candidates.append(CriticShape("mlp", *_side_and_channels(inputs), units, 0))
    return _the_one_that_fits(candidates, critic_layout, tensors, "critic", file)


def check_fits(critic, generator, file):
    """Raise UserError unless a critic, told from its tensors, sees what a generator draws and has as many layers."""
    for setting in ("image_size", "image_channels"):
        if getattr(critic, setting) != getattr(generator, setting):
            raise UserError(file, f"{critic}", f"a critic that fits {generator}")
    if "mlp" not in (generator.network, critic.network) and critic.extra_layers != generator.extra_layers:
        raise UserError(file, f"{critic}", f"{generator.extra_layers} extra layers, as its generator has")


def _convolutions(tensors):
    """Return (shapes of the 4x4 kernels, dcgan or dcgan-no-bn, number of 3x3 kernels)."""
    kernels = [tensor.shape for tensor in tensors.values() if tensor.ndim == 4]
    network = "dcgan" if any(name.endswith("gamma") for name in tensors) else "dcgan-no-bn"
    return [shape for shape in kernels if shape[2:] == (4, 4)], network, len([s for s in kernels if s[2:] == (3, 3)])


def _side_and_channels(values):
    """Return (image_size, image_channels) of a picture of so many values, else None; 3 s**2 is never a square."""
    for channels in (1, 3):
        side = math.isqrt(values // channels)
        if side and channels * side**2 == values:
            return side, channels
    return None


def _the_one_that_fits(candidates, layout, tensors, role, file):
    # a candidate has about as many layers as the file has tensors, so that trying a few dozen costs nothing
    present = Counter((kind_of(name, file), tensor.shape) for name, tensor in tensors.items())
    for shape in candidates:
        plausible = shape.image_channels in (1, 3) and shape.image_size <= 2**20
        if plausible and Counter((entry.kind, entry.shape) for entry in layout(shape)) == present:
            return shape
    listed = ", ".join(f"{name} {tensor.shape}" for name, tensor in list(tensors.items())[:4]) or "none"
    allowed = f"those of a dcgan, dcgan-no-bn or mlp {role}, each once and of a shape that fits its neighbours"
    raise UserError(file, f"{len(tensors)} tensors ({listed}, ...)", allowed)
