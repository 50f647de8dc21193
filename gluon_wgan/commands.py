"""The flags of the tools (generate, benchmark, convert_checkpoint), and what each script does with them."""

import importlib.util
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gluon_wgan.cli import use_synchronous_engine
from gluon_wgan.errors import UserError
from gluon_wgan.run_folder import write_atomic

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GenerateFlags:
    """Generate pictures from a trained run, and write them as PNG."""

    run: tyro.conf.Positional[str]
    """a run folder (its newest checkpoint is taken), or one checkpoint, such as RUN/checkpoints/step_0001000"""
    kind: Literal["grid", "pictures", "interpolation"] = "grid"
    """one sheet of all, a file each, or rows of 8 that walk from one latent to another"""
    count: int = 64
    """number of pictures"""
    bn_mode: Literal["batch", "running"] | None = None
    """whose statistics BatchNorm takes: the batch's, or the running ones (default: as the run's samples)"""
    seed: int = 0
    """of the latents; the same seed gives the same pictures"""
    out: str | None = None
    """folder for the pictures (default: generated/ in the run folder)"""


def generate(arguments=None):
    """Do what generate.py's command line asks, and log where the pictures lie."""
    flags = tyro.cli(GenerateFlags, args=arguments)
    from gluon_wgan.studies import generation

    place = generation.generate(flags.run, flags.kind, flags.count, flags.bn_mode, flags.seed, flags.out)
    log.info("pictures: %s", place)


@dataclass(frozen=True)
class BenchmarkFlags:
    """Measure the seconds of a WGAN step and its efficiency, the loader, preparing, memory, and a large LMDB.

    Let nothing else run meanwhile. The defaults end within 4 minutes.
    """

    sizes: tuple[str, ...] = ("32x32/16", "64x64/64")
    """SIDExSIDE/CHANNELS, each with the wassersteingan preset's other settings"""
    seconds: float = 60.0
    """of alternating steps per size"""
    torch: bool = False
    """measure PyTorch's step too, in turns with ours (`make parity` installs PyTorch); takes a checkout"""
    gradient_penalty: bool = False
    """measure a critic update with the gradient penalty too; with --torch, beside PyTorch's double backward"""
    json: str | None = None
    """write all figures to this file"""


def benchmark(arguments=None):
    """Do what benchmark.py's command line asks, and log a table."""
    flags = tyro.cli(BenchmarkFlags, args=arguments)
    reference = parity_file("--torch", "reference.py") if flags.torch else None
    use_synchronous_engine()
    from gluon_wgan.studies import benchmark as study

    results = study.measure(flags.sizes, flags.seconds, reference, flags.gradient_penalty)
    if flags.json is not None:
        write_atomic(flags.json, json.dumps(results, indent=1).encode())
    log.info("%s", study.as_table(results))


def parity_file(flag, name):
    """Return a file of tests/parity/; raises UserError, naming the flag, if PyTorch or the file is missing."""
    if importlib.util.find_spec("torch") is None:
        raise UserError(flag, "an environment without PyTorch", "one with it; `make parity` installs it")
    file = Path(__file__).parent.parent / "tests" / "parity" / name
    if not file.is_file():
        raise UserError(flag, f"an installation without {file}", "a checkout, whose tests hold the reference")
    return file


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
    """Make a run folder from a generator and a critic of the original PyTorch code, or of GluonCV's script.

    Which of the two wrote the files is told from their content. The run starts at step 0, with a fresh optimizer, as
    the originals do with --netG and --netD: --resume trains on from it, with any settings that leave the networks as
    they are.
    """

    generator: str
    """netG_epoch_N.pth (or .params)"""
    critic: str
    """netD_epoch_N.pth (or .params)"""
    out: str
    """the new run folder"""
    generator_config: str | None = None
    """generator_config.json of the original (default: beside the generator; GluonCV's files do without)"""


@dataclass(frozen=True)
class ExportFlags:
    """Write a run's networks for other programs.

    torch: netG_epoch_N.pth, netD_epoch_N.pth (N counts generator steps) and generator_config.json, which the original
    code loads. num_batches_tracked is what an imported file had, and 0 for networks trained here.

    onnx: generator.onnx, for batches of any size, checked with onnxruntime where that is installed. Its BatchNorm takes
    the running statistics, since such a graph has no batch mode: its pictures are those of generate.py --bn-mode
    running.
    """

    run: tyro.conf.Positional[str]
    """a run folder (its newest checkpoint is taken), or one checkpoint, such as RUN/checkpoints/step_0001000"""
    to: Literal["torch", "onnx"]
    """for which program"""
    out: str
    """folder for the files, made if need be"""


def convert_checkpoint(arguments=None):
    """Do what convert_checkpoint.py's command line asks, and log where the files lie."""
    flags = tyro.cli(
        Annotated[ImportFlags, tyro.conf.subcommand("import")] | Annotated[ExportFlags, tyro.conf.subcommand("export")],
        args=arguments,
        description=_CONVERT_DESCRIPTION,
    )
    from gluon_wgan import interop

    if isinstance(flags, ImportFlags):
        checkpoint = interop.import_run(flags.generator, flags.critic, flags.generator_config, flags.out)
        log.info("checkpoint: %s", checkpoint)
        return
    export = {"torch": interop.export_torch, "onnx": interop.export_onnx}[flags.to]
    for file in export(flags.run, flags.out):
        log.info("written: %s", file)
