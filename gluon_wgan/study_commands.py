"""The flags of the scripts that measure a study and render its report, and what each script does with them."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gluon_wgan.cli import use_synchronous_engine
from gluon_wgan.errors import UserError

log = logging.getLogger(__name__)


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
class DistancesFlags:
    """Write reports/distances.md and .html: what the distances behind GANs say, and the gradients that they give."""

    measure: bool = False
    """measure anew, some minutes, before rendering"""
    parts: tuple[str, ...] | None = None
    """measure no more than these: parallel_lines, two_gaussians, estimate_over_exact, generator_gradients"""
    reports: str = "reports"
    """the folder of the reports"""
    cache_dir: str = "cache"
    """folder for the bedrooms that the project draws"""


def distances(arguments=None):
    """Do what distances.py's command line asks, and log where the report lies."""
    flags = tyro.cli(DistancesFlags, args=arguments, prog="distances.py")
    from gluon_wgan.report import distances as report

    if flags.parts is not None and not flags.measure:
        raise UserError("--parts", " ".join(flags.parts), "parts to measure, with --measure")
    if flags.measure:
        use_synchronous_engine()
        from gluon_wgan.studies import distances as study

        log.info("measured: %s", study.write(flags.reports, flags.parts, flags.cache_dir))
    log.info("report: %s", report.write(flags.reports))


_FULL_SIZE_DESCRIPTION = """\
The resize ablation at 64x64 with 64 channels, trained by the PyTorch reference where a GPU is at hand.

  full_size.py pack --arm cv2 --data lsun --out packed/cv2.npz
  python tests/parity/full_size.py --packed packed/cv2.npz --out runs/full-size/cv2   (there; torch and numpy suffice)
  full_size.py measure --run runs/full-size/cv2 --data lsun"""


@dataclass(frozen=True)
class PackFlags:
    """Write an arm's training pictures, 64x64, to one file, losslessly."""

    arm: str
    """pil, cv2, cv2-bicubic or cv2-area"""
    data: str
    """as of train_lsun.py"""
    out: str
    """the file, .npz"""
    cache_dir: str = "cache"
    """folder for the prepared pictures"""


@dataclass(frozen=True)
class MeasureFlags:
    """Measure a finished run as the ablation's own are, and render reports/ablation_resize.md and .html again."""

    run: str
    """the folder that tests/parity/full_size.py wrote"""
    data: str
    """as packed"""
    reports: str = "reports"
    """the folder of the reports, with the resize ablation in it"""
    cache_dir: str = "cache"
    """folder for the prepared pictures"""


def full_size(arguments=None):
    """Do what full_size.py's command line asks, and log where the result lies."""
    flags = tyro.cli(
        Annotated[PackFlags, tyro.conf.subcommand("pack")] | Annotated[MeasureFlags, tyro.conf.subcommand("measure")],
        args=arguments,
        prog="full_size.py",
        description=_FULL_SIZE_DESCRIPTION,
    )
    use_synchronous_engine()
    from gluon_wgan.studies import full_size as study

    if isinstance(flags, PackFlags):
        log.info("packed: %s", study.pack(flags.arm, flags.data, flags.out, flags.cache_dir))
        return
    log.info("measured: %s", study.measure(flags.run, flags.data, flags.reports, flags.cache_dir))
    from gluon_wgan.report import ablation as report

    log.info("report: %s", report.write("resize", flags.reports))


@dataclass(frozen=True)
class ToyFlags:
    """Write reports/toy.md and .html: the toy experiments of WGAN-GP, on Gaussians and the Swiss roll."""

    measure: bool = False
    """measure before rendering, some hours; finished runs are kept, so that the same command goes on"""
    parts: tuple[str, ...] | None = None
    """measure no more than these: modes, surfaces, gradient_norms"""
    seeds: tuple[int, ...] | None = None
    """measure these instead of each part's own (0 to 4; 0 to 2)"""
    width: int = 512
    """units of a hidden layer: the paper's 512 takes a day; the project's report was measured with 128"""
    generator_steps: int = 5000
    """of the part modes, 20 or more; the other parts' training is as much longer or shorter"""
    reports: str = "reports"
    """the folder of the reports"""


def toy(arguments=None):
    """Do what toy.py's command line asks, and log where the report lies."""
    flags = tyro.cli(ToyFlags, args=arguments, prog="toy.py")
    from gluon_wgan.report import toy as report

    defaults = ToyFlags()
    if not flags.measure:
        for name in ("parts", "seeds", "width", "generator_steps"):
            if (given := getattr(flags, name)) != getattr(defaults, name):
                shown = " ".join(map(str, given)) if isinstance(given, tuple) else given
                raise UserError("--" + name.replace("_", "-"), shown, "what to measure, with --measure")
    else:
        use_synchronous_engine()
        from gluon_wgan.studies import toy as study

        file = study.write(flags.reports, flags.parts, flags.seeds, flags.width, flags.generator_steps)
        log.info("measured: %s", file)
    try:
        log.info("report: %s", report.write(flags.reports))
    except UserError as error:
        if not flags.measure:
            raise
        # one part, or one seed, of several that are measured one after another, or at once
        log.info("no report yet: %s", error)


@dataclass(frozen=True)
class PresetsFlags:
    """Write reports/presets.md and .html: what presets learn of real pictures, as their samples and measures show."""

    measure: Literal["bedrooms", "faces", "digits"] | None = None
    """first train and measure bedrooms (clipping, penalty), faces (the homework's three) or digits (the tutorial), half
    an hour and more; what is finished is kept, so that the same command goes on"""
    data: str | None = None
    """with --measure: as of train_lsun.py; for digits, MNIST's files with the labels"""
    seeds: tuple[int, ...] = (0,)
    """each arm is trained with each"""
    generator_steps: int | None = None
    """updates of the generator, of every arm (default: the study's own)"""
    at_once: int | None = None
    """trainings side by side, each with its share of the threads (default: the physical cores)"""
    runs: str = "runs/presets"
    """folder of the run folders"""
    reports: str = "reports"
    """the folder of the reports"""
    cache_dir: str = "cache"
    """folder for the prepared pictures"""


def presets(arguments=None):
    """Do what presets.py's command line asks, and log where the report lies."""
    flags = tyro.cli(PresetsFlags, args=arguments, prog="presets.py")
    from gluon_wgan.report import presets as report

    if flags.measure is not None:
        if flags.data is None:
            raise UserError("--data", "nothing", "the real pictures to train on, as of train_lsun.py")
        use_synchronous_engine()
        from gluon_wgan.studies import presets as study

        file = study.write(
            flags.measure,
            os.path.abspath(flags.data),
            flags.reports,
            flags.runs,
            flags.cache_dir,
            flags.seeds,
            flags.generator_steps,
            flags.at_once,
        )
        log.info("measured: %s", file)
    log.info("report: %s", report.write(flags.reports))
