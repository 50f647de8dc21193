"""Names of the original's layers in its older versions, and in today's."""

import re

from gluon_wgan.errors import UserError

# main.initial.conv.3-64.weight, main.pyramid.128.batchnorm.bias: dots, as PyTorch allowed them before 0.4
_LAYER = re.compile(r"main\.(initial|pyramid|final|extra-layers-\d+)[.:]([\w-]+)[.:]([\w-]+)\.(\w+)")
_OPERATORS = ("conv", "convt", "batchnorm")


def with_todays_names(tensors, file):
    """Return a state dict with the names of the original's last version: `main.initial:3-64:conv.weight`.

    Its first version had dots for colons; a critic's first layer was `initial.conv.3-64`.

    Raises
    ------
    UserError
        If the same layer is there under two names.
    """
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
