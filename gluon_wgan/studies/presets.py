"""What presets learn of real pictures: penalty beside clipping, a homework's three baselines, a tutorial's digits."""

import json
import logging
import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gluon_wgan.data import open_source, prepare
from gluon_wgan.data.idx import find_idx, read_idx
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import log_spectrum_difference, recognise, sliced_wasserstein
from gluon_wgan.models import build_generator
from gluon_wgan.run_folder import describe_environment, read_metrics, write_atomic
from gluon_wgan.settings import default_run_name, preset_settings
from gluon_wgan.studies.ablation import Run, train_all
from gluon_wgan.studies.ablation_measures import samples
from gluon_wgan.studies.ablation_summary import difference
from gluon_wgan.studies.generation import load_generator

log = logging.getLogger(__name__)


class Subject(NamedTuple):
    """One comparison.

    Attributes
    ----------
    arms : dict of str to str
        The preset of each arm.
    changes : dict
        The settings, of all arms, that differ from the presets', so that a core trains them in less than an hour.
    """

    arms: dict
    changes: dict


# Fixed before any run was looked at.
_SMALL = {"generator_channels": 16, "critic_channels": 16}
SUBJECTS = {
    "bedrooms": Subject(
        {"clip": "wassersteingan", "penalty": "wgan-gp"}, {**_SMALL, "image_size": 32, "generator_steps": 2500}
    ),
    "faces": Subject(
        {"simple": "hw6-simple", "medium": "hw6-medium", "strong": "hw6"}, {**_SMALL, "generator_steps": 3000}
    ),
    "digits": Subject({"tutorial": "mlp-mnist"}, {"generator_steps": 12_000}),
}
SEEDS = (0,)
COMPARED = 1000  # pictures of each set, at most
POINTS = 100  # of a curve: medians of as many windows
_CURVES = ("em_distance_estimate", "gradient_norm")


def write(subject, data, reports, runs_folder, cache_dir, seeds=SEEDS, generator_steps=None, at_once=None):
    """Train and measure what is not yet measured of a subject; write reports/data/presets.json and the sample sheets.

    It may be stopped, or killed, at any moment: the same call goes on.

    Parameters
    ----------
    subject : str
        A name of `SUBJECTS`.
    data : str
        As of train_lsun.py; for digits, with the labels beside.
    reports, runs_folder, cache_dir : str or pathlib.Path
    seeds : sequence of int
    generator_steps : int, optional
        Instead of the subject's own.
    at_once : int, optional
        See `gluon_wgan.studies.ablation.train_all`.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    UserError
        If there is no such subject, or no pictures, or no labels where digits are asked for.
    """
    if subject not in SUBJECTS:
        raise UserError("--measure", repr(subject), ", ".join(SUBJECTS))
    runs = plan(subject, data, runs_folder, seeds, generator_steps)
    pictures = Pictures(subject, data, runs[0].settings, cache_dir)
    file = Path(reports) / "data" / "presets.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    asked = {"pictures": Path(data).name, "held_out": len(pictures.held_out), "changes": _changes(runs[0].settings)}

    environment = describe_environment()
    environment.pop("command")  # with the paths of this machine; the report has one without

    def kept():
        content = json.loads(file.read_text()) if file.is_file() else {}
        found = content.get(subject, {})
        # runs with other steps or of other pictures are measured anew, all of them
        same = all(found.get(key) == value for key, value in asked.items())
        return content, found if same else {**asked, "environment": environment, "runs": []}

    def note(run):
        content, found = kept()
        found["real"] = pictures.floor
        found["runs"] = [one for one in found["runs"] if (one["arm"], one["seed"]) != (run.arm, run.seed)]
        found["runs"].append(measure(run, pictures))
        found["runs"].sort(key=lambda one: (one["seed"], list(SUBJECTS[subject].arms).index(one["arm"])))
        found |= summarise(found["runs"])
        _keep_sheet(run, subject, reports)
        content[subject] = found
        write_atomic(file, _dumps({name: content[name] for name in SUBJECTS if name in content}).encode())
        log.info("measured: %s, seed %d", run.arm, run.seed)

    done = {(one["arm"], one["seed"]) for one in kept()[1]["runs"]}
    train_all([run for run in runs if (run.arm, run.seed) not in done], cache_dir, at_once, note)
    return file


def plan(subject, data, runs_folder, seeds=SEEDS, generator_steps=None):
    """Return the `Run`s of a subject, seed by seed; parameters as of `write`."""
    arms, changes = SUBJECTS[subject]
    if generator_steps is not None:
        changes = {**changes, "generator_steps": generator_steps}
    runs = []
    for seed in seeds:
        for arm, preset in arms.items():
            settings = replace(preset_settings(preset), data=data, hold_out=True, seed=seed, **changes)
            runs.append(Run(arm, seed, settings, Path(runs_folder) / default_run_name(settings)))
    return runs


class Pictures:
    """The real pictures of a subject: `held_out` from training, at most 1,000, as many `others`, and the measures.

    Parameters
    ----------
    subject, data : str
    settings : gluon_wgan.settings.Settings
        Of any run.
    cache_dir : str or pathlib.Path
    """

    def __init__(self, subject, data, settings, cache_dir):
        source = open_source(data, settings.category, settings.image_channels)
        prepared = prepare(source, settings.image_size, settings.resize, cache_dir)
        trained_on = np.flatnonzero(~prepared.held_out)
        self.held_out = np.asarray(prepared.pictures[np.flatnonzero(prepared.held_out)[:COMPARED]])
        # evenly from the whole set: neighbours in a folder may be alike
        spread = np.linspace(0, len(trained_on) - 1, len(self.held_out)).astype(int)
        self.others = np.asarray(prepared.pictures[trained_on[spread]])
        self._labelled = None
        if subject == "digits":
            file = find_idx(data, "labels", 1)
            labels = read_idx(file, 1) if file else ()
            if len(labels) != len(source) or len(prepared.pictures) != len(source):
                allowed = f"MNIST's folder, with a label in train-labels-idx1-ubyte for each of {len(source)} pictures"
                raise UserError("--data", f"{data} ({len(labels)} labels)", allowed)
            self._labelled = np.asarray(prepared.pictures[trained_on]), labels[trained_on]

    @cached_property
    def floor(self):
        """The `distances` of the others: what two sets of the same pictures differ by."""
        return self.distances(self.others)

    def distances(self, pictures):
        """Return how far as many pictures are from the held-out ones, a dict of JSON values.

        swd, swd_scaled: sliced Wasserstein distance, mean over the levels, each set with its own mean and spread, or
        both with the real one's (28x28: in a black frame of 32x32). spectrum: see `log_spectrum_difference`.
        mean_picture: the correlation of the two sets' mean pictures, which is the layout that all share. With labels
        also what `recognise` says.
        """
        real = self.held_out
        found = {
            "spectrum": float(log_spectrum_difference(real, pictures)),
            "mean_picture": _correlation(real.mean(axis=0), pictures.mean(axis=0)),
        }
        framed = [_framed(one) for one in (real, pictures)]
        for measure, scale in (("swd", "each"), ("swd_scaled", "real")):
            found[measure] = float(np.mean(list(sliced_wasserstein(*framed, normalise_by=scale).values())))
        if self._labelled is not None:
            # of training pictures, each would be its own neighbour: those held out stand for them
            found |= recognise(real if pictures is self.others else pictures, *self._labelled)
        return found


def _framed(pictures):
    """Return pictures (N, side, side, C) with a black frame up to the next power of two."""
    side = pictures.shape[1]
    frame = ((1 << (side - 1).bit_length()) - side) // 2
    return np.pad(pictures, ((0, 0), (frame, frame), (frame, frame), (0, 0)))


def _correlation(first, second):
    """Return the correlation of two pictures, 0 where one of them has no contrast."""
    if first.std() < 1e-9 or second.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def measure(run, pictures):
    """Measure a finished run; return a dict of JSON values.

    Parameters
    ----------
    run : gluon_wgan.studies.ablation.Run
    pictures : Pictures
    """
    records = read_metrics(run.folder)
    starts = json.loads((run.folder / "environment.json").read_text())["starts"]
    generator, _, _ = load_generator(run.folder)
    count = len(pictures.held_out)
    windows = np.array_split(np.arange(len(records)), min(POINTS, len(records)))
    curve = {"generator_step": [int(window[-1]) + 1 for window in windows]}
    for name in _CURVES:
        if name in records[0]:
            values = np.array([record[name] for record in records])
            curve[name] = [float(f"{np.median(values[window]):.4g}") for window in windows]
    return {
        "arm": run.arm,
        "seed": run.seed,
        "preset": run.settings.preset,
        "commit": starts[0]["commit"],
        "threads": starts[0]["omp_num_threads"],
        "starts": len(starts),
        "finished": run.finished(),  # else a loss was not finite
        "generator_steps": len(records),
        **{name: records[-1][name] for name in ("critic_steps", "images_seen", "seconds")},
        "trained": pictures.distances(samples(generator, run.settings, count)),
        "untrained": pictures.distances(samples(build_generator(run.settings), run.settings, count)),
        "curve": curve,
    }


def summarise(runs):
    """Return what the claims ask of a subject's runs, JSON values.

    Returns
    -------
    dict
        arms: of each arm n, and swd_ratio, the mean distance (swd) over the untrained generator's. differences: of each
        arm but the first, swd less the first's, of 2 seeds or more: `gluon_wgan.studies.ablation_summary.difference`.
    """
    by_arm = {}
    for run in runs:
        by_arm.setdefault(run["arm"], {})[run["seed"]] = run
    arms = {
        arm: {
            "n": len(of_seed),
            "swd_ratio": float(np.mean([run["trained"]["swd"] / run["untrained"]["swd"] for run in of_seed.values()])),
        }
        for arm, of_seed in by_arm.items()
    }
    (_, baseline), *others = by_arm.items()
    differences = {}
    for arm, of_seed in others:
        shared = [seed for seed in of_seed if seed in baseline]
        if len(shared) > 1:  # one has no spread
            trained = [{seed: run["trained"] for seed, run in one.items()} for one in (of_seed, baseline)]
            differences[arm] = difference(*trained, shared, "swd")
    return {"arms": arms, "differences": differences}


def _changes(settings):
    """Return what the presets do not have, but for the data and the seed."""
    return {name: getattr(settings, name) for name in settings.overrides() if name not in ("data", "seed")}


def _keep_sheet(run, subject, reports):
    """Copy the last sample sheet of a run, 64 pictures of fixed latents, into reports/figures/presets/."""
    sheets = sorted((run.folder / "samples").glob("step_*.png"))
    folder = Path(reports) / "figures" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    if sheets:  # else a loss was not finite before the first
        write_atomic(folder / f"{subject}-{run.arm}-seed{run.seed}.png", sheets[-1].read_bytes())


def _dumps(content):
    """Return JSON with each curve on a line; what is not finite is refused."""
    text = json.dumps(content, indent=1, allow_nan=False)
    return re.sub(r"\[[-\d.e,\s]+\]", lambda found: " ".join(found[0].split()), text) + "\n"
