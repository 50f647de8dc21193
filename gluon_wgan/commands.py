"""The flags of all scripts but train_lsun.py, and what each script does with them."""

import importlib.util
import json
import logging
import os
import subprocess
import sys
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
    reference = _parity_file("--torch", "reference.py") if flags.torch else None
    use_synchronous_engine()
    from gluon_wgan.studies import benchmark as study

    results = study.measure(flags.sizes, flags.seconds, reference, flags.gradient_penalty)
    if flags.json is not None:
        write_atomic(flags.json, json.dumps(results, indent=1).encode())
    log.info("%s", study.as_table(results))


def _parity_file(flag, name):
    """Return a file of tests/parity/; raises UserError, naming the flag, if PyTorch or the file is missing."""
    if importlib.util.find_spec("torch") is None:
        raise UserError(flag, "an environment without PyTorch", "one with it; `make parity` installs it")
    file = Path(__file__).parent.parent / "tests" / "parity" / name
    if not file.is_file():
        raise UserError(flag, f"an installation without {file}", "a checkout, whose tests hold the reference")
    return file


@dataclass(frozen=True)
class FirstLightFlags:
    """Write reports/first_light.md and .html from a run of 5,000 generator steps or more."""

    run: str | None = None
    """a run folder to measure (default: render reports/data/first_light.json again)"""
    reports: str = "reports"
    """the folder of the reports"""


def first_light(arguments=None):
    """Do what first_light.py's command line asks, and log where the report lies."""
    flags = tyro.cli(FirstLightFlags, args=arguments)
    from gluon_wgan.report import first_light as report

    if flags.run is not None:
        report.collect(flags.run, flags.reports)
    log.info("report: %s", report.write(flags.reports))


@dataclass(frozen=True)
class ParityFlags:
    """Write reports/parity.md and .html: how far every stage is from PyTorch, and the departures of ports."""

    measure: bool = False
    """measure anew, some minutes, before rendering (`make parity` installs PyTorch); takes a checkout"""
    reports: str = "reports"
    """the folder of the reports"""


def parity(arguments=None):
    """Do what parity.py's command line asks, and log where the report lies."""
    flags = tyro.cli(ParityFlags, args=arguments)
    from gluon_wgan.report import parity as report

    if flags.measure:
        script = _parity_file("--measure", "measure.py")
        subprocess.run([sys.executable, script, "--out", Path(flags.reports, "data", "parity.json")], check=True)
    log.info("report: %s", report.write(flags.reports))


@dataclass(frozen=True)
class ClaimsFlags:
    """Write reports/claims.md and .html: a verdict, by the data, on every claim that the project started from."""

    measure: bool = False
    """compute the figures that take no training anew, some seconds, before rendering"""
    reports: str = "reports"
    """the folder of the reports, with claims.yaml in it"""


def claims(arguments=None):
    """Do what claims.py's command line asks, and log where the report lies."""
    flags = tyro.cli(ClaimsFlags, args=arguments, prog="claims.py")
    from gluon_wgan.report import claims as report

    if not (Path(flags.reports) / "claims.yaml").is_file():
        raise UserError("--reports", flags.reports, "a folder with claims.yaml in it, as a checkout has")
    if flags.measure:
        from gluon_wgan.studies import claims_arithmetic

        log.info("measured: %s", claims_arithmetic.write(flags.reports))
    log.info("report: %s", report.write(flags.reports))


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


@dataclass(frozen=True)
class AblationFlags:
    """Train every arm with every seed, some at once, measure each as it finishes, and report.

    It may be stopped, or killed, at any moment: the same command goes on. Runs that both ablations share are made once,
    if --runs is the same.
    """

    data: str | None = None
    """as of train_lsun.py; without it, bedrooms that the project draws"""
    seeds: tuple[int, ...] = (0, 1, 2)
    """each arm is trained with each"""
    image_size: int = 32
    """pixels per side: 16, 32, 64, ..."""
    channels: int = 16
    """feature maps at the largest picture, of both networks"""
    generator_steps: int = 5000
    """updates of the generator"""
    at_once: int | None = None
    """trainings side by side, each with its share of the threads (default: the physical cores)"""
    runs: str = "runs/ablations"
    """folder of the run folders"""
    reports: str = "reports"
    """folder of the reports"""
    cache_dir: str = "cache"
    """folder for the prepared pictures"""
    features: str | None = None
    """a .params file of GluonCV's resnet18_v1, of yours: measure the Fréchet distance of its features too"""


def ablate_resize(arguments=None):
    """Do what ablate_resize.py's command line asks, and log where the result lies."""
    _ablate("resize", tyro.cli(AblationFlags, args=arguments, prog="ablate_resize.py"))


def ablate_epsilon(arguments=None):
    """Do what ablate_epsilon.py's command line asks, and log where the result lies."""
    _ablate("epsilon", tyro.cli(AblationFlags, args=arguments, prog="ablate_epsilon.py"))


def _ablate(subject, flags):
    use_synchronous_engine()
    from gluon_wgan.studies import ablation_study, arms, denominators

    data = os.path.abspath(flags.data) if flags.data is not None else None
    base = arms.base_settings(data, flags.image_size, flags.channels, flags.generator_steps)
    if subject == "epsilon":
        denominators.write(base, arms.EPSILON, flags.cache_dir, flags.reports)
    table = ablation_study.study(
        f"ablation_{subject}",
        {"resize": arms.RESIZE, "epsilon": arms.EPSILON}[subject],
        base,
        flags.seeds,
        runs_folder=flags.runs,
        reports=flags.reports,
        cache_dir=flags.cache_dir,
        at_once=flags.at_once,
        features=flags.features,
    )
    log.info("measured: %s", table)
    from gluon_wgan.report import ablation as report

    log.info("report: %s", report.write(subject, flags.reports))


@dataclass(frozen=True)
class CompareResizeFlags:
    """Compare every resize of the registry with one of them, pixel by pixel, on your pictures; write a report.

    It shows how far apart the pictures are, which gratings each resize lets through or folds, and their power spectra.
    The report is compare_resize.md and .html in --out, its numbers data/compare_resize.json, its plots figures/.
    """

    images: tuple[str, ...] = ()
    """folders of pictures, LMDBs or others that train_lsun.py --data takes, each compared on its own; the plots are of
    the first (default: bedrooms that the project draws)"""
    out: str = "runs/compare_resize"
    """folder of the report; an older one in it is replaced"""
    size: tuple[int, ...] = (64, 128, 32)
    """pixels per side; the report's answer is about the first, the others are a sweep"""
    against: str = "pil"
    """the resize with which the others are compared"""
    count: int | None = None
    """take no more than so many pictures of each, from the first (default: all; 200 where they are drawn)"""
    pictures: bool = True
    """show the picture that differs most (--no-pictures for those that must not be passed on)"""
    render: bool = False
    """write the report again from --out's numbers, measuring nothing"""
    cache_dir: str = "cache"
    """folder for the bedrooms drawn without --images"""


def compare_resize(arguments=None):
    """Do what compare_resize.py's command line asks, and log where the report lies."""
    flags = tyro.cli(CompareResizeFlags, args=arguments, prog="compare_resize.py")
    from gluon_wgan.report import resize_pixels as report

    if not flags.render:
        _check_writable("--out", flags.out)
        use_synchronous_engine()
        from gluon_wgan.studies import resize_pixels as study

        study.check(flags.size, flags.against, flags.count)
        images = flags.images or [study.drawn_images(flags.cache_dir, flags.count)]
        data, worst = study.measure(images, flags.size, flags.against, flags.count)
        if not flags.pictures:
            data["worst"] = worst = None
        report.save(data, worst, flags.out)
    log.info("report: %s", report.write(flags.out))


def _check_writable(flag, folder):
    """Raise UserError unless a folder can be made and written; makes nothing."""
    existing = next(path for path in (Path(folder), *Path(folder).absolute().parents) if path.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        raise UserError(flag, folder, "a folder that can be created and written")


@dataclass(frozen=True)
class MakeReportsFlags:
    """Render every table, figure and page of reports/ from its data, and the index before them."""

    check: bool = False
    """only say which pages are stale, and end with status 2 if there are any"""
    reports: str = "reports"
    """the folder of the reports"""


def make_reports(arguments=None):
    """Do what make_reports.py's command line asks, and log where the index lies."""
    flags = tyro.cli(MakeReportsFlags, args=arguments, prog="make_reports.py")
    from gluon_wgan.report import index

    if not flags.check:
        log.info("index: %s", index.write(flags.reports))
        return
    pages = index.stale(flags.reports)
    if pages:
        raise UserError("--check", f"stale: {', '.join(pages)}", "pages that `make reports` would write again")
    log.info("nothing in %s is stale", flags.reports)
