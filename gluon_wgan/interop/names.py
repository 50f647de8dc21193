"""Names of the original's layers in its older versions, and in today's."""

import re

from gluon_wgan.errors import UserError

# main.initial.conv.3-64.weight, main.pyramid.128.batchnorm.bias: dots, as PyTorch allowed them before 0.4
_LAYER = re.compile(r"main\.(initial|pyramid|final|extra-layers-\d+)[.:]([\w-]+)[.:]([\w-]+)\.(\w+)")
_OPERATORS = ("conv", "convt", "batchnorm")
_NUMBERED = re.compile(r"main\.(\d{1,4})\.(weight|bias|running_mean|running_var|num_batches_tracked)")


def with_todays_names(tensors, file):
    """Return a state dict with the names of the original's last version: `main.initial:3-64:conv.weight`.

    An older version had dots for colons; a critic's first layer was `initial.conv.3-64`. DataParallel puts `module.` in
    front of every name.

    Raises
    ------
    UserError
        If the same layer is there under two names.
    """
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    renamed = {_todays_name(name): tensor for name, tensor in tensors.items()}
    if len(renamed) < len(tensors):
        raise UserError(file, "a layer under two names", "each layer once")
    return renamed


def _todays_name(name):
    found = _LAYER.fullmatch(name)
    if not found:
        return name
    stage, width, operator, kind = found.groups()
    if width in _OPERATORS:
        width, operator = operator, width
    return f"main.{stage}:{width}:{operator}.{kind}"


def with_our_names(tensors):
    """Return {our name: tensor} of the very first version, whose layers have numbers alone, else None.

    `main.0.weight`, `main.1.running_mean`: the numbers are those of our layers, a BatchNorm's weight is our gamma. (An
    MLP has such names to this day.)
    """
    found = {name: _NUMBERED.fullmatch(name) for name in tensors}
    if not all(found.values()) or not any(tensor.ndim == 4 for tensor in tensors.values()):
        return None
    normalised = {match[1] for match in found.values() if match[2] == "running_mean"}
    ours = {"weight": "gamma", "bias": "beta"}
    return {
        f"main.{match[1]}.{ours.get(match[2], match[2]) if match[1] in normalised else match[2]}": tensors[name]
        for name, match in found.items()
        if match[2] != "num_batches_tracked"
    }
