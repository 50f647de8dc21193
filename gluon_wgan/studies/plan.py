"""Arms x seeds -> runs; and the flags that all studies share. Without mxnet."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional
from gluon_wgan.run_folder import record_in
from gluon_wgan.settings import Settings, default_run_name, preset_settings
from gluon_wgan.studies.deciding import SEEDS, checkpoint_every


@dataclass(frozen=True, kw_only=True)
class StudyFlags:
    """The flags of a study: a subclass of this in each question.py, whose docstring is its help."""

    reports: str = "reports"
    """the folder of the reports"""

    @property
    def threads(self):
        """How many threads this process may take; None for all, where it does not measure beside its trainings."""
        return None

    def measures(self):
        """Say whether to measure, before the page is rendered."""
        return True

    def check(self):
        """Raise UserError where the flags contradict each other; called before anything slow is loaded."""


@dataclass(frozen=True, kw_only=True)
class MeasureFlags(StudyFlags):
    """The flags of a study whose page is rendered again unless it is told to measure."""

    measure: bool = False
    """measure anew, some minutes, before rendering"""

    def measures(self):
        return self.measure


@dataclass(frozen=True, kw_only=True)
class TrainingFlags(StudyFlags):
    """The flags of a study that trains runs; a subclass adds `runs`, the folder of the run folders."""

    at_once: optional(int, "the physical cores") = None
    """trainings side by side, each with its share of the cores; beside another study give each its own by
    LOKY_MAX_CPU_COUNT, as in LOKY_MAX_CPU_COUNT=1, or their threads wait for one another: several times slower"""
    cluster: optional(str, "none: this machine") = None
    """a scheduler of dask.distributed, as in tcp://10.0.0.1:8786: its workers train and measure"""
    cache_dir: str = "cache"
    """folder for the prepared pictures, and for what the project draws"""

    @property
    def threads(self):
        return 1  # more would spin beside the trainings, which take all cores: ten times slower

    def check(self):
        if self.at_once is not None and self.at_once < 1:
            raise UserError("--at-once", self.at_once, "1 or more")


@dataclass(frozen=True)
class AblationFlags(TrainingFlags):
    """Train every arm with every seed, some at once, measure each as it finishes, and report.

    It may be stopped, or killed, at any moment: the same command goes on. Runs that several ablations share are made
    once, if --runs is the same.
    """

    data: optional(str, "bedrooms that the project draws") = None
    """as of train_lsun.py"""
    seeds: tuple[int, ...] = SEEDS
    """each arm is trained with each"""
    image_size: int = 32
    """pixels per side: 16, 32, 64, ..."""
    channels: int = 16
    """feature maps at the largest picture, of both networks"""
    generator_steps: int = 5000
    """updates of the generator"""
    runs: str = "runs/ablations"
    """folder of the run folders"""
    arms: optional(tuple[str, ...], "all") = None
    """no more than these beside the baseline"""
    again: optional(str, "the study itself") = None
    """a name such as 64x64, of letters, digits and hyphens: keep what is measured as a repetition beside the study"""
    features: optional(str, "none") = None
    """a .params file of GluonCV's resnet18_v1, of yours: measure the Fréchet distance of its features too"""

    def check(self):
        super().check()
        if self.again is not None and not re.fullmatch("[A-Za-z0-9-]{1,40}", self.again):
            raise UserError("--again", repr(self.again), "letters, digits and hyphens, 40 at most")

    def base(self):
        """Return what all arms share: the original's settings at a size that two cores train in minutes."""
        return replace(
            preset_settings("wassersteingan"),
            data=None if self.data is None else os.path.abspath(self.data),
            hold_out=True,
            image_size=self.image_size,
            generator_channels=self.channels,
            critic_channels=self.channels,
            generator_steps=self.generator_steps,
            checkpoint_every=checkpoint_every(self.generator_steps),
        )


@dataclass(frozen=True)
class Run:
    """One arm with one seed: `settings` say all, `folder` is its run folder."""

    arm: str
    seed: int
    settings: Settings
    folder: Path

    def steps_done(self):
        """Return the generator steps recorded so far; of a run that never began, 0."""
        try:
            with open(self.folder / "metrics.jsonl", "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
                lines = file.read().splitlines(keepends=True)
        except FileNotFoundError:
            return 0
        records = filter(None, map(record_in, reversed(lines)))  # the last may be half a line, or damaged
        return next((record["generator_step"] for record in records), 0)

    def finished(self):
        """Say whether the checkpoint of the last generator step is there."""
        if not (self.folder / "checkpoints").is_dir():
            return False
        from gluon_wgan.checkpoint import list_checkpoints  # with mxnet

        return f"step_{self.settings.generator_steps:07d}" in [
            path.name for path in list_checkpoints(self.folder / "checkpoints")
        ]


def plan(arms, seeds, root):
    """Return the runs of a study, seed by seed, so that one cut short has whole seeds.

    Parameters
    ----------
    arms : dict of str to Settings
    seeds : sequence of int
    root : str or pathlib.Path
        The folders are named by their settings: the same run of two studies is made once.

    Raises
    ------
    UserError
        As `check_seeds`.
    """
    check_seeds(seeds)
    runs = []
    for seed in seeds:
        for arm, settings in arms.items():
            settings = replace(settings, seed=seed)
            runs.append(Run(arm, seed, settings, Path(root) / default_run_name(settings)))
    return runs


def check_seeds(seeds):
    """Raise UserError of --seeds unless all are 0 or more."""
    if min(seeds, default=0) < 0:
        raise UserError("--seeds", " ".join(map(str, seeds)), "0 or more")
