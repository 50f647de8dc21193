"""generator_config.json of the original PyTorch code: read with suspicion, and written."""

import json
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.files import parse_json
from gluon_wgan.interop.layout import GeneratorShape

# Larger networks do not exist; the bound keeps a wrong number from becoming an endless loop.
_LARGEST = 2**20


def read_generator_config(path):
    """Return the `GeneratorShape` of a generator_config.json.

    imageSize, nc, nz, ngf, n_extra_layers, noBN and mlp_G are needed; ngpu and other keys are not looked at. noBN wins
    over mlp_G, as in the original; extra layers are recorded for an mlp too, since its critic may have them.

    Parameters
    ----------
    path : str or pathlib.Path

    Raises
    ------
    UserError
        Naming file and key.
    """
    path = Path(path)
    try:
        config = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(
            path, f"no configuration ({reason})", "the generator_config.json of the original code"
        ) from error
    if not isinstance(config, dict):
        raise UserError(path, f"JSON of type {type(config).__name__}", "an object with the keys imageSize, nz, ...")

    no_bn, mlp = _flag(config, "noBN", path), _flag(config, "mlp_G", path)
    network = "dcgan-no-bn" if no_bn else "mlp" if mlp else "dcgan"
    image_size = _number(config, "imageSize", path, 1)
    power_of_two = image_size & (image_size - 1) == 0
    if network != "mlp" and not (image_size >= 16 and power_of_two):
        raise UserError(f"{path}: imageSize", image_size, "16, 32, 64, 128, ... for dcgan")
    image_channels = _number(config, "nc", path, 1)
    if image_channels not in (1, 3):
        raise UserError(f"{path}: nc", image_channels, "1 or 3")
    extra_layers = _number(config, "n_extra_layers", path, 0, 1000)
    latent_dim, channels = _number(config, "nz", path, 1), _number(config, "ngf", path, 1)
    return GeneratorShape(network, image_size, image_channels, latent_dim, channels, extra_layers)


def generator_config(settings):
    """Return the configuration, a dict, that the original's generate.py reads for a generator of these settings."""
    return {
        "imageSize": settings.image_size,
        "nz": settings.latent_dim,
        "nc": settings.image_channels,
        "ngf": settings.generator_channels,
        "ngpu": 1,
        "n_extra_layers": settings.extra_layers,
        "noBN": settings.generator == "dcgan-no-bn",
        "mlp_G": settings.generator == "mlp",
    }


def _value(config, key, path):
    if key not in config:
        raise UserError(f"{path}: {key}", "nothing", "the key and its value, as the original code writes it")
    return config[key]


def _flag(config, key, path):
    value = _value(config, key, path)
    if not isinstance(value, bool):
        raise UserError(f"{path}: {key}", json.dumps(value)[:80], "true or false")
    return value


def _number(config, key, path, least, most=_LARGEST):
    value = _value(config, key, path)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UserError(f"{path}: {key}", json.dumps(value)[:80], f"a whole number from {least} to {most}")
    return value
