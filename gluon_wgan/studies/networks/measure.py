"""Train every arm, and measure at each tenth of a run how near its samples are, and what its losses say."""

import logging
import os
from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.stats import spearmanr

from gluon_wgan.data import open_source, prepare
from gluon_wgan.evaluate import face_share, features, frechet_distance, kernel_distance, precision_recall
from gluon_wgan.evaluate.sliced_wasserstein import sliced_wasserstein
from gluon_wgan.models import build_generator
from gluon_wgan.models.sampling import load_generator, samples
from gluon_wgan.pictures import keep_sheet
from gluon_wgan.run_folder import read_metrics, read_starts
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies.networks import inside
from gluon_wgan.studies.networks.question import (
    LAST,
    LOSSES,
    OF_A_CLASS,
    SAMPLES,
    SHOWN,
    SUBJECTS,
    WINDOW,
    arms_of,
    sheet_of,
)
from gluon_wgan.studies.networks.summary import summarise
from gluon_wgan.studies.plan import plan
from gluon_wgan.studies.runner import train_and_measure

log = logging.getLogger(__name__)


def measure(flags, results):
    """Train and measure what is not measured yet of a subject, into reports/data/networks.json."""
    data, subject = os.path.abspath(flags.data), SUBJECTS[flags.measure]
    steps, seeds = flags.generator_steps or subject.generator_steps, flags.seeds or subject.seeds
    settings = {
        arm: replace(
            preset_settings(changes["preset"]),
            **changes,
            data=data,
            hold_out=True,
            generator_steps=steps,
            checkpoint_every=steps // 10,
        )
        for arm, changes in arms_of(flags.measure).items()
    }
    wanted = [arm for arm in settings if arm.partition(",")[0] in (flags.bases or subject.networks)]
    runs = plan({arm: settings[arm] for arm in wanted}, seeds, flags.runs)
    held_out = _held_out(runs[0].settings, flags.cache_dir)[0]
    asked = {
        "pictures": os.path.basename(data),
        "held_out": len(held_out),
        **_faces(held_out, flags),
        "generator_steps": steps,
        "sizes": subject.sizes,
    }

    def key(found):
        return found["seed"], list(settings).index(found["arm"])

    def keep(run, found):
        results.keep_run(flags.measure, asked, found, key, lambda runs: summarise(runs, subject.networks))
        log.info("measured: %s, seed %d", run.arm, run.seed)

    def already(run):
        return results.has_run(flags.measure, asked, arm=run.arm, seed=run.seed)

    train_and_measure(runs, flags, measure_run, results.figures, already, keep)


@lru_cache(maxsize=1)
def _judges(data, category, channels, side, resize, cache_dir):
    source = open_source(data, category, channels)
    prepared = prepare(source, side, resize, cache_dir)
    pictures = np.asarray(prepared.pictures[np.flatnonzero(prepared.held_out)])
    labels = source.labels()
    return pictures, features(pictures), None if labels is None else labels[prepared.held_out]


def _held_out(settings, cache_dir):
    """Return the held-out pictures, their features, and their labels where there are any."""
    shape = settings.image_channels, settings.image_size
    return _judges(settings.data, settings.category, *shape, settings.resize, cache_dir)


def measure_run(run, flags, figures):
    """Measure a finished run, and keep a sheet of the first seed's samples; return a dict of JSON values.

    kernel_distance, sliced_wasserstein, frechet_distance, precision, recall, density, coverage: where it ends, the
    first as the mean of some late checkpoints; of faces also face_share, with labels by_class. untrained: the first of
    these, before it began. course: by generator step, the kernel distance, and the mean of each loss over the steps
    before. correlation: of each loss with the distance, over the course; None where one of them never moves. Of the
    depths, of the first seed: norms, see `inside.gradient_norms`, and cost, see `inside.cost`.
    """
    pictures, seen, labels = _held_out(run.settings, flags.cache_dir)
    records = read_metrics(run.folder)
    course, checkpoint, made, last_seen = _course(run, SUBJECTS[flags.measure].tenths, seen, records)
    untrained = kernel_distance(seen, features(samples(build_generator(run.settings), run.settings, SAMPLES)))[0]
    whole = len(course["generator_step"]) == len(SUBJECTS[flags.measure].tenths)
    first = run.seed == (flags.seeds or SUBJECTS[flags.measure].seeds)[0]
    found = {"kernel_distance": untrained, "sliced_wasserstein": None}  # what broke off has learned nothing that counts
    if whole:
        found["kernel_distance"] = float(np.mean(course["kernel_distance"][-LAST:]))
        found |= _end(pictures, made, seen, last_seen) | _faces(made, flags)
        if run.settings.classes:
            found["by_class"] = _by_class(load_generator(checkpoint)[0], run.settings, seen, labels)
        if first:
            sheet = figures / sheet_of(flags.measure, run.arm)
            if flags.measure == "random":  # of which there are ninety
                keep_sheet(sheet, made[: SHOWN // 2], enlarged=False)
            else:
                keep_sheet(sheet, made[:SHOWN])
    if first and flags.measure == "depth":
        trained = checkpoint if whole else None
        found |= {"norms": inside.norms_of(run.settings, trained, pictures), "cost": inside.cost(run.settings)}
    starts = read_starts(run.folder)
    return {
        "arm": run.arm,
        "seed": run.seed,
        "commit": starts[0]["commit"],
        "threads": starts[0]["omp_num_threads"],
        "generator_steps": len(records),
        "seconds": records[-1]["seconds"],
        "finished": whole,
        **found,
        "untrained": untrained,
        "correlation": {name: _correlation(course[name], course["kernel_distance"]) for name in LOSSES},
        "course": course,
    }


def _course(run, tenths, seen, records):
    """Return the course of a run, its last checkpoint, and that one's samples and their features; None without one."""
    course = {"generator_step": [], "kernel_distance": [], **{name: [] for name in LOSSES}}
    last = made = last_seen = None
    for step in (tenth * run.settings.checkpoint_every for tenth in tenths):
        checkpoint = run.folder / "checkpoints" / f"step_{step:07d}"
        if not checkpoint.is_dir():  # a number was not finite
            break
        last, made = checkpoint, samples(load_generator(checkpoint)[0], run.settings, SAMPLES)
        last_seen = features(made)
        course["generator_step"].append(step)
        course["kernel_distance"].append(kernel_distance(seen, last_seen)[0])
        for name, value in _losses(records[max(0, step - WINDOW) : step], run.settings.loss).items():
            course[name].append(value)
    return course, last, made, last_seen


def _end(pictures, made, seen, last_seen):
    """Return the measures of the last samples that decide nothing, of pictures and of their features."""
    least = min(len(pictures), len(made))
    found = {"frechet_distance": frechet_distance(seen, last_seen), **precision_recall(seen, last_seen)}
    if made.shape[1] & (made.shape[1] - 1) == 0:  # its pyramid halves
        levels = sliced_wasserstein(pictures[:least], made[:least], normalise_by="real")
        found["sliced_wasserstein"] = float(np.mean(list(levels.values())))
    return found


def _by_class(generator, settings, seen, labels):
    """Return the kernel distance of the samples of each class (row) to the held-out pictures of each (column)."""
    made = features(samples(generator, settings, OF_A_CLASS * settings.classes))
    # all in turn, see `sample_in_batches`
    of_class = [made[number :: settings.classes] for number in range(settings.classes)]
    held = [seen[labels == number] for number in range(settings.classes)]
    return [[kernel_distance(theirs, ours)[0] for theirs in held] for ours in of_class]


def _faces(pictures, flags):
    return {} if flags.cascade is None else {"face_share": face_share(pictures, flags.cascade)}


def _losses(records, loss):
    """Return the means of what the critic maximises, and of what the generator minimises."""
    values = [record["em_distance_estimate"] if loss == "wasserstein" else -record["critic_loss"] for record in records]
    return {
        "value": float(np.mean(values)),
        "generator_loss": float(np.mean([record["generator_loss"] for record in records])),
    }


def _correlation(losses, distances):
    if len(losses) < 3 or np.ptp(losses) == 0 or np.ptp(distances) == 0:
        return None
    return float(spearmanr(losses, distances).statistic)
