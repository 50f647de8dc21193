"""Carry checkpoints over: PyTorch's and GluonCV's in, PyTorch's and ONNX out."""

import logging
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from gluon_wgan import use_synchronous_engine
from gluon_wgan.flags import optional, parse

log = logging.getLogger(__name__)

_CONVERT_DESCRIPTION = """\
Carry checkpoints over: from and to the original PyTorch code, from GluonCV's script, to ONNX.

  convert_checkpoint.py import --generator netG_epoch_24.pth --critic netD_epoch_24.pth --out runs/theirs
  generate.py runs/theirs                                    pictures from it
  train_lsun.py --out runs/theirs --resume --data lsun       train on from it
  convert_checkpoint.py export runs/theirs --to torch --out exported
  convert_checkpoint.py export runs/theirs --to onnx --out exported

The originals' critic scores real pictures low, ours high: its last layer is negated on the way
in and on the way out. Import and export give the same bits back. No code in a file is executed,
and no file that exists is overwritten."""


@dataclass(frozen=True)
class ImportFlags:
    """Make a run folder from a generator, and its critic, of the original PyTorch code, or of GluonCV's script.

    Which of the two wrote the files is told from their content. The run starts at step 0, with a fresh optimizer, as
    the originals do with --netG and --netD: --resume trains on from it, with any settings that leave the networks as
    they are.
    """

    generator: str
    """netG_epoch_N.pth (or .params)"""
    out: str
    """the new run folder"""
    critic: optional(str, "none") = None
    """netD_epoch_N.pth (or .params); to draw pictures none is needed"""
    generator_config: optional(str, "beside the generator; GluonCV's files do without") = None
    """generator_config.json of the original"""


@dataclass(frozen=True)
class ExportFlags:
    """Write a run's networks for other programs.

    torch: netG_epoch_N.pth, netD_epoch_N.pth (N counts generator steps) and generator_config.json, which the original
    code loads. A critic that the original does not have is left out. num_batches_tracked is what an imported file had,
    and 0 for networks trained here.

    onnx: generator.onnx, for batches of any size, checked with onnxruntime where that is installed. Its BatchNorm takes
    the running statistics, since such a graph has no batch mode: its pictures are those of generate.py --bn-mode
    running.
    """

    run: tyro.conf.Positional[str]
    """a run folder (its newest checkpoint is taken), one checkpoint, such as RUN/checkpoints/step_0001000, or a model
    of the zoo: zoo:rooms-64"""
    to: Literal["torch", "onnx"]
    """for which program"""
    out: str
    """folder for the files, made if need be"""


def run(arguments=None, prog=None):
    """Do what the command line asks, and log where the files lie."""
    flags = parse(
        Annotated[ImportFlags, tyro.conf.subcommand("import")] | Annotated[ExportFlags, tyro.conf.subcommand("export")],
        arguments,
        prog,
        description=_CONVERT_DESCRIPTION,
    )
    use_synchronous_engine()
    from gluon_wgan import interop

    if isinstance(flags, ImportFlags):
        checkpoint = interop.import_run(flags.generator, flags.critic, flags.generator_config, flags.out)
        log.info("checkpoint: %s", checkpoint)
        return
    export = {"torch": interop.export_torch, "onnx": interop.export_onnx}[flags.to]
    for file in export(flags.run, flags.out):
        log.info("written: %s", file)
