"""Trained generators that come with the package, each a run folder without its optimizer's averages.

Wherever a run is asked for, zoo:NAME is one: `gluon-wgan generate zoo:rooms-64`. reports/zoo.md shows them.
"""

import os
from importlib import import_module
from pathlib import Path

from gluon_wgan.errors import UserError

_FOLDER = Path(__file__).parent
_PREFIX = "zoo:"


def names():
    """Return the names of the models, a list of str."""
    return sorted(file.parent.name for file in _FOLDER.glob("*/config.json"))


def located(run):
    """Return the folder of a run: of zoo:NAME the model's, of any other path itself, a pathlib.Path.

    Raises
    ------
    UserError
        If there is no model of that name.
    """
    prefix, given, name = os.fspath(run).partition(_PREFIX)
    if prefix or not given:
        return Path(run)
    if name not in names():
        raise UserError("run", f"{_PREFIX}{name}", ", ".join(_PREFIX + known for known in names()) or "no model at all")
    return _FOLDER / name


def shown(checkpoint):
    """Return a checkpoint as a command line names it: zoo:NAME of a model's, of any other its path."""
    run = Path(checkpoint).parent.parent
    return f"{_PREFIX}{run.name}" if run.parent == _FOLDER else str(checkpoint)


def folder_of_results(checkpoint):
    """Return where what is made of a checkpoint goes: its run folder; of a model's, NAME in the current folder."""
    run = Path(checkpoint).parent.parent
    return Path(run.name) if run.parent == _FOLDER else run


def get_model(name, pretrained=True):
    """Return a model of the zoo, as `gluoncv.model_zoo.get_model` does.

    Parameters
    ----------
    name : str
        One of `names()`.
    pretrained : bool
        With its trained weights, whose checksums are verified; else with those that training began with.

    Returns
    -------
    tuple of (mxnet.gluon.HybridBlock, gluon_wgan.settings.Settings)
        The generator, float32 latents (N, latent_dim, 1, 1) to pictures (N, C, H, W) in [-1, 1], and the settings that
        it was trained with. `gluon_wgan.models.sampling.samples(generator, settings, count)` draws with it.

    Raises
    ------
    UserError
        If there is no such model, or its files are damaged.
    """
    models, sampling = (import_module(f"gluon_wgan.models{part}") for part in ("", ".sampling"))  # above this floor
    generator, settings, _ = sampling.load_generator(located(_PREFIX + name))
    return (generator if pretrained else models.build_generator(settings)), settings
