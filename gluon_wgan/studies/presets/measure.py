"""What presets learn of real pictures: penalty beside clipping, a homework's three baselines, a tutorial's digits."""

import logging
import os
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from gluon_wgan.data import open_source, prepare
from gluon_wgan.data.idx import find_idx, read_idx
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import log_spectrum_difference, recognise, sliced_wasserstein
from gluon_wgan.files import write_atomic
from gluon_wgan.models import build_generator
from gluon_wgan.models.sampling import load_generator, samples
from gluon_wgan.pictures import packed
from gluon_wgan.run_folder import read_metrics, read_starts
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies.plan import plan
from gluon_wgan.studies.presets.question import COMPARED, POINTS, SUBJECTS
from gluon_wgan.studies.runner import train_and_measure
from gluon_wgan.studies.statistics import difference

log = logging.getLogger(__name__)

_CURVES = ("em_distance_estimate", "gradient_norm")


def measure(flags, results):
    """Train and measure what is not yet measured of a subject, into reports/data/presets.json and the sample sheets."""
    subject, data = flags.measure, os.path.abspath(flags.data)
    runs = plan(arms_of(subject, data, flags.generator_steps), flags.seeds, flags.runs)
    pictures = _pictures(subject, runs[0].settings, flags.cache_dir)
    asked = {
        "pictures": Path(data).name,
        "held_out": len(pictures.held_out),
        "changes": _changes(runs[0].settings),
    }
    order = list(SUBJECTS[subject].arms)

    def key(found):
        return found["seed"], order.index(found["arm"])

    def finish(found):
        return {"real": pictures.floor, **summarise(found)}

    def keep(run, found):
        results.keep_run(subject, asked, found, key, finish)
        log.info("measured: %s, seed %d", run.arm, run.seed)

    def already(run):
        return results.has_run(subject, asked, arm=run.arm, seed=run.seed)

    train_and_measure(runs, flags, measure_run, results.figures, already, keep)


def measure_run(run, flags, figures):
    """Measure a finished run, and keep its last sample sheet; return `evaluate`'s dict."""
    _keep_sheet(run, figures / "presets" / f"{flags.measure}-{run.arm}-seed{run.seed}.png")
    return evaluate(run, _pictures(flags.measure, replace(run.settings, seed=0), flags.cache_dir))


@lru_cache(maxsize=1)
def _pictures(subject, settings, cache_dir):
    return Pictures(subject, settings.data, settings, cache_dir)


def arms_of(subject, data, generator_steps=None):
    """Return the settings of each arm of a subject: {arm: Settings}."""
    presets, changes = SUBJECTS[subject]
    if generator_steps is not None:
        changes = {**changes, "generator_steps": generator_steps}
    return {
        arm: replace(preset_settings(preset), data=data, hold_out=True, **changes) for arm, preset in presets.items()
    }


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


def evaluate(run, pictures):
    """Measure a finished run; return a dict of JSON values.

    Parameters
    ----------
    run : gluon_wgan.studies.plan.Run
    pictures : Pictures
    """
    records = read_metrics(run.folder)
    starts = read_starts(run.folder)
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
        arm but the first, swd less the first's, of 2 seeds or more: `gluon_wgan.studies.statistics.difference`.
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


def _keep_sheet(run, file):
    """Keep the last sample sheet of a run, 64 pictures of fixed latents."""
    sheets = sorted((run.folder / "samples").glob("step_*.png"))
    file.parent.mkdir(parents=True, exist_ok=True)
    if sheets:  # else a loss was not finite before the first
        with Image.open(sheets[-1]) as sheet:
            write_atomic(file, packed(sheet))
