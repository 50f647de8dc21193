"""Train: flags from the settings class, and the way from flags to a run."""

import argparse
import contextlib
import dataclasses
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gluon_wgan import use_synchronous_engine
from gluon_wgan.data.sentences import LONGEST, SYMBOLS, draw_sentences
from gluon_wgan.data.text import Text
from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional, parse
from gluon_wgan.roles import WORKER, take_place
from gluon_wgan.run_folder import RunFolder
from gluon_wgan.settings import Settings, default_run_name, preset_settings

log = logging.getLogger(__name__)

_TRAIN_DESCRIPTION = """\
Train a WGAN on LSUN or other pictures. The flags override the preset.

  train_lsun.py --preset demo                       a first look, on drawn bedrooms
  train_lsun.py --data lsun --resize pil            the original, on your LSUN
  train_lsun.py --out runs/demo-pil-seed0 --resume  go on with a run

The run folder holds config.json, metrics.jsonl, samples/, curves.png, checkpoints/ and
TensorBoard events. A run may be stopped at any moment; resumed, it gives the same weights.
Exit status: 0 done, 2 a mistake in the flags or files, 3 a number was not finite, 4 a file could
not be written or read (a full disk, say), 130 interrupted (a checkpoint is written)."""


@dataclass(frozen=True)
class TrainFlags(Settings):
    """`Settings`, and the flags that say where and whether to run."""

    rmsprop_epsilon: optional(float, "the preset's") = None
    """sets RMSprop's epsilon of both networks, over a preset's two values"""
    out: optional(str, "runs/PRESET-RESIZE-seedN, with overrides in the name") = None
    """the run folder"""
    resume: bool = False
    """go on with the run in --out; other flags need not be given again, and may not differ (--data may: its place)"""
    allow_unreadable: bool = False
    """go on although more than 1 % of the pictures cannot be read (and more than one): they are left out and listed"""
    checkpoint_minutes: float = 5.0
    """minutes after which a checkpoint is due, beside --checkpoint-every; of these only the newest is kept"""
    cache_dir: str = "cache"
    """folder for the prepared pictures (and for the bedrooms drawn without --data)"""
    devices: str = "0"
    """numbers of this process's devices, as in 0,1: each takes its share of every batch"""
    kvstore: optional(Literal["device", "dist_sync"], "device where --devices names several") = None
    """how gradients are added up: device, within this process; dist_sync, over all workers of `gluon-wgan launch`"""
    dry_run: bool = False
    """print the settings, the parameter counts and the shapes, and stop"""


def parse_train_flags(arguments, prog=None):
    """Return (settings, flags) of a command line.

    The flags' defaults are the preset's; with --resume and --out, the settings of the run in that folder.

    Raises
    ------
    UserError
        Naming the flag.
    """
    # A first, small pass: these three decide what the defaults of all other flags are.
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--preset", default="wassersteingan")
    first.add_argument("--out")
    first.add_argument("--resume", action="store_true")
    first.add_argument("--kvstore")
    chosen, _ = first.parse_known_args(arguments)
    # of a job's workers only the first one needs the run folder
    elsewhere = chosen.kvstore == "dist_sync" and not (Path(chosen.out or "") / "config.json").exists()
    if chosen.resume and chosen.out is not None and not elsewhere:
        defaults = Settings.from_json(RunFolder(chosen.out).read_config(), f"{chosen.out}/config.json")
    else:
        defaults = preset_settings(chosen.preset)
    defaults = TrainFlags(**dataclasses.asdict(defaults))
    flags = parse(TrainFlags, arguments, prog, default=defaults, description=_TRAIN_DESCRIPTION)
    values = {field.name: getattr(flags, field.name) for field in dataclasses.fields(Settings)}
    if flags.rmsprop_epsilon is not None:
        values["critic_rmsprop_epsilon"] = values["generator_rmsprop_epsilon"] = flags.rmsprop_epsilon
    if flags.data is not None:
        values["data"] = os.path.abspath(flags.data)
    if values["generator"] == "text" and not values["symbols"]:
        # the networks' shapes are settings, so the alphabet is looked up before there are any
        data, length = values["data"], values["sequence_length"]
        if data is None and length >= LONGEST:
            values["symbols"] = SYMBOLS
        else:
            values["symbols"] = len(Text(data or draw_sentences(flags.cache_dir), length).alphabet)
    return Settings(**values), flags


def run(arguments=None, prog=None):
    """Do what the command line asks, and log where the result lies."""
    settings, flags = parse_train_flags(arguments, prog)
    folder = RunFolder(flags.out if flags.out is not None else Path("runs") / default_run_name(settings))
    devices, place = _devices(flags.devices), _place(flags)
    if settings.device == "cpu":
        use_synchronous_engine()
    from gluon_wgan.training import build, cluster  # mxnet loads here: a wrong flag is answered before
    from gluon_wgan.training import run as training

    build.find_devices(settings.device, devices)
    if place is not None or len(devices) > 1:
        build.check_parts(settings, len(devices) * (place.workers if place else 1))
    if flags.dry_run:
        source = build.open_data(settings, flags.cache_dir) if settings.data else None
        training.describe(settings, folder.path, source)
        return
    if place is not None:
        place.check_scheduler()
        if place.role != WORKER:
            cluster.serve(place)
            return
    store = cluster.Store(place) if place or len(devices) > 1 or flags.kvstore else None
    with store or contextlib.nullcontext():
        first = store is None or store.worker == 0
        checkpoint = None
        if first:
            checkpoint = training.check_resume(folder, settings) if flags.resume else folder.check_new()
        source = build.open_data(settings, flags.cache_dir)
        training.train(
            settings,
            folder,
            checkpoint,
            source,
            flags.cache_dir,
            allow_unreadable=flags.allow_unreadable,
            checkpoint_minutes=flags.checkpoint_minutes,
            devices=devices,
            store=store,
        )
    if first:
        log.info("samples: %s", folder.samples)
        log.info("curves:  %s", folder.path / "curves.png")


def train(settings, out, cache_dir="cache"):
    """Train in a run folder to the settings' last generator step; a run of these settings that is there goes on.

    For a notebook, or a script: the bar shows there too, and an interrupted cell goes on when it is run again.

    Parameters
    ----------
    settings : gluon_wgan.settings.Settings
    out : str or pathlib.Path
        The run folder.
    cache_dir : str or pathlib.Path
        For the prepared pictures.

    Returns
    -------
    gluon_wgan.run_folder.RunFolder
        Which shows its curve and its newest samples in a notebook.

    Raises
    ------
    UserError
        If the settings are not those of the run that is there, or the pictures cannot be found.
    NotFiniteError, Interrupted, OSError
        As the command ends with status 3, 130 and 4.
    """
    if settings.device == "cpu":
        use_synchronous_engine()
    from gluon_wgan.training import build
    from gluon_wgan.training import run as training

    folder = RunFolder(out)
    begun = (folder.path / "config.json").is_file()
    checkpoint = training.check_resume(folder, settings) if begun else folder.check_new()
    training.train(settings, folder, checkpoint, build.open_data(settings, cache_dir), cache_dir)
    return folder


def _devices(text):
    numbers = text.split(",")
    if not all(number.isascii() and number.isdecimal() for number in numbers):
        raise UserError("--devices", repr(text), "numbers with commas between, as in 0,1")
    return [int(number) for number in numbers]


def _place(flags):
    if flags.kvstore == "dist_sync" and ("DMLC_ROLE" in os.environ or not flags.dry_run):
        return take_place()
    if "DMLC_ROLE" in os.environ:  # with it, importing mxnet may never return
        raise UserError("DMLC_ROLE", os.environ["DMLC_ROLE"], "with --kvstore dist_sync; else take it out")
    return None
