"""Make a run folder of ours from the files of the original PyTorch code or of GluonCV's script."""

import dataclasses
import hashlib
import logging
from pathlib import Path

import mxnet as mx

from gluon_wgan.errors import UserError
from gluon_wgan.interop.blocks import fill, read_torch_critic, read_torch_generator, settings_of
from gluon_wgan.interop.generator_config import read_generator_config
from gluon_wgan.interop.infer import check_fits, critic_of_arrays, generator_of_arrays
from gluon_wgan.interop.layout import critic_layout, generator_layout
from gluon_wgan.interop.match import match_by_structure
from gluon_wgan.params_files import is_params_file, read_params
from gluon_wgan.run_folder import RunFolder
from gluon_wgan.training import build

log = logging.getLogger(__name__)


def import_run(generator_file, critic_file, config_file, out):
    """Write a run folder whose checkpoint of step 0 holds the networks of two files; return the checkpoint's path.

    What wrote the files is told from their first bytes, since GluonCV's script names its files .pth too. A run of the
    original gets the preset wassersteingan, GluonCV's the preset gluoncv. Optimizer and counters start afresh, as with
    the originals' --netG and --netD, so training may go on from it with any settings that leave the networks alone.

    Parameters
    ----------
    generator_file : str or pathlib.Path
    critic_file : str or pathlib.Path or None
        None: a fresh critic of the generator's kind stands beside it.
    config_file : str or pathlib.Path or None
        generator_config.json. None: beside the generator's file for PyTorch's; not needed for GluonCV's.
    out : str or pathlib.Path
        A new or empty folder.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    UserError
    """
    run = RunFolder(out)
    run.check_new()
    files = {"generator": Path(generator_file)}
    if critic_file is not None:
        files["critic"] = Path(critic_file)
    # a .params file that does not begin as one is a damaged one, and is called so
    kinds = {name: is_params_file(file) or file.suffix == ".params" for name, file in files.items()}
    if len(set(kinds.values())) > 1:
        given = ", ".join(f"{files[name]} {'of MXNet' if kind else 'of another kind'}" for name, kind in kinds.items())
        raise UserError("--generator and --critic", given, "two files that one program wrote")
    read = _read_gluoncv if kinds["generator"] else _read_torch
    settings, values, counts = read(files["generator"], files.get("critic"), config_file)

    state = {"seconds": 0.0, "imported": {name: _provenance(file) for name, file in files.items()}}
    if counts is not None:
        state["num_batches_tracked"] = counts
    # Adam has two averages for each weight; RMSprop takes the first, SGD none: zeros for whichever will train
    trainer = build.build_trainer(
        dataclasses.replace(settings, optimizer="adam"), batches=None, context=mx.cpu(), hybridize=False
    )
    for name, arrays in values.items():
        fill(getattr(trainer, name), arrays)
    with run:
        run.write_config({**settings.to_json(), "overrides": settings.overrides()})
        return trainer.save(run.checkpoints, **state)


def _read_torch(generator_file, critic_file, config_file):
    if config_file is None:
        config_file = generator_file.with_name("generator_config.json")
        if not config_file.exists():
            allowed = "the generator_config.json that the original wrote; a .pth file does not tell its sizes"
            raise UserError("--generator-config", f"nothing (and {config_file} is not there)", allowed)
    shape = read_generator_config(config_file)
    log.info("generator: %s", shape)
    values, counts = read_torch_generator(generator_file, shape)
    if critic_file is None:
        log.info("critic:    none given; a fresh one stands in its place")
        return settings_of(shape), {"generator": values}, {"generator": counts}
    critic_shape, critic_values, critic_counts = read_torch_critic(critic_file, shape)
    log.info("critic:    %s", critic_shape)
    counts = {"generator": counts, "critic": critic_counts}
    return settings_of(shape, critic_shape), {"generator": values, "critic": critic_values}, counts


def _read_gluoncv(generator_file, critic_file, config_file):
    arrays = read_params(generator_file)
    shape = generator_of_arrays(arrays, generator_file) if config_file is None else read_generator_config(config_file)
    values = {"generator": match_by_structure(arrays, generator_layout(shape), shape, generator_file)}
    log.info("generator: %s", shape)
    if critic_file is None:
        log.info("critic:    none given; a fresh one stands in its place")
        return settings_of(shape, None, "gluoncv"), values, None
    arrays = read_params(critic_file)
    critic_shape = critic_of_arrays(arrays, critic_file)
    check_fits(critic_shape, shape, critic_file)
    values["critic"] = match_by_structure(arrays, critic_layout(critic_shape), critic_shape, critic_file)
    log.info("critic:    %s", critic_shape)
    return settings_of(shape, critic_shape, "gluoncv"), values, None


def _provenance(file):
    return {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
