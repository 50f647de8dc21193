"""Train a model of the zoo by each of its recipes, measure both, and put the nearer one into the zoo."""

import json
import logging
import os
import shutil
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from gluon_wgan.checkpoint import load_weights, open_checkpoint, save_checkpoint
from gluon_wgan.data import open_source, prepare
from gluon_wgan.data.lsun import draw_bedrooms
from gluon_wgan.environment import shown_command
from gluon_wgan.evaluate import features, kernel_distance
from gluon_wgan.evaluate.nearest import copied, nearest
from gluon_wgan.files import write_atomic
from gluon_wgan.models import build_critic
from gluon_wgan.models.sampling import load_generator, samples
from gluon_wgan.pictures import keep_sheet
from gluon_wgan.run_folder import RunFolder, measured_file, read_metrics, read_starts
from gluon_wgan.settings import PROCEDURAL_PICTURES, command_line, preset_settings
from gluon_wgan.studies.plan import plan
from gluon_wgan.studies.runner import train_and_measure
from gluon_wgan.studies.zoo.question import COMPARED, MODELS, NEAREST, ROWS, SHOWN, TOGETHER

log = logging.getLogger(__name__)


def measure(flags, results):
    """Train and measure what is not yet measured of a model, into reports/data/zoo.json, and put it into the zoo."""
    name = flags.measure
    recipes = recipes_of(flags)
    asked = {"what": MODELS[name].what, "sizes": MODELS[name].sizes, "steps": flags.generator_steps}
    unseen = _unseen(next(iter(recipes.values())), flags.cache_dir)
    if MODELS[name].data is None:  # those of others are not to be passed on
        keep_sheet(_sheet(results.figures, name, "real"), unseen[:SHOWN])

    def key(found):
        return list(recipes).index(found["recipe"])

    def finish(found):
        floor, error = kernel_distance(features(unseen[::2]), features(unseen[1::2]))
        kept = min(found, key=lambda run: run["kernel_distance"])["recipe"]
        return {"unseen": len(unseen), "floor": floor, "floor_error": error, "kept": kept}

    def keep(run, found):
        results.keep_run(name, asked, found, key, finish)
        log.info("measured: %s, %s", name, run.arm)

    def already(run):
        return results.has_run(name, asked, recipe=run.arm)

    runs = plan(recipes, (0,), flags.runs)
    train_and_measure(runs, flags, measure_run, results.figures, already, keep)
    part = results.read()[name]
    kept = next(run for run in runs if run.arm == part["kept"])
    if len(part["runs"]) == len(recipes) and kept.finished():
        log.info("in the zoo: %s", put(kept, Path(flags.zoo) / name, part))


def recipes_of(flags):
    """Return {recipe: Settings} of the model that is to be trained."""
    model = MODELS[flags.measure]
    few = {} if flags.generator_steps is None else {"generator_steps": flags.generator_steps}
    data = {} if flags.data is None else {"data": os.path.abspath(flags.data)}
    return {
        recipe: replace(preset_settings(changes["preset"]), **{**model.sizes, **changes, **few, **data})
        for recipe, changes in model.recipes.items()
    }


def measure_run(run, flags, figures):
    """Measure a finished run, and keep a sheet of its samples; return a dict of JSON values."""
    generator, settings, _ = load_generator(run.folder)
    made, unseen = samples(generator, settings, COMPARED), _unseen(settings, flags.cache_dir)
    distance, error = kernel_distance(features(unseen), features(made))
    keep_sheet(_sheet(figures, flags.measure, run.arm), made[:SHOWN])
    known = _prepared(settings, flags.cache_dir)
    trained_on = np.flatnonzero(~known.held_out) if settings.hold_out else np.arange(len(known))
    near = [nearest(some[:TOGETHER], known.pictures, NEAREST, trained_on) for some in (made, unseen)]
    if settings.data is None:
        rows = [[picture, *known.pictures[which]] for picture, which in zip(made[:ROWS], near[0].rows)]
        keep_sheet(_sheet(figures, flags.measure, f"{run.arm}-nearest"), np.concatenate(rows), 1 + NEAREST)
    starts = read_starts(run.folder)
    last = read_metrics(run.folder)[-1]
    return {
        "recipe": run.arm,
        "commit": starts[0]["commit"],
        "training": shown_command(["train_lsun.py", *command_line(run.settings)]),
        "generator_steps": last["generator_step"],
        "seconds": last["seconds"],
        "threads": starts[0]["omp_num_threads"],
        "samples": len(made),
        "kernel_distance": distance,
        "kernel_distance_error": error,
        **copied(*(found.distances[:, 0] for found in near)),
    }


def _sheet(figures, name, what):
    return figures / "zoo" / f"{name}-{what}.png"


@lru_cache(maxsize=2)
def _prepared(settings, cache_dir, more=0):
    place = draw_bedrooms(cache_dir, PROCEDURAL_PICTURES + more) if settings.data is None else settings.data
    source = open_source(place, None, settings.image_channels)
    return prepare(source, settings.image_size, settings.resize, cache_dir)


def _unseen(settings, cache_dir):
    """Return pictures that training does not see, uint8 (n, H, W, C): held-out ones, or other drawn rooms."""
    if settings.hold_out:
        prepared = _prepared(settings, cache_dir)
        rows = np.flatnonzero(prepared.held_out)[:COMPARED]
    else:
        prepared = _prepared(settings, cache_dir, COMPARED)
        seen = set(_prepared(settings, cache_dir).keys())
        rows = [row for row, key in enumerate(prepared.keys()) if key not in seen]
    return np.asarray(prepared.pictures[rows])


def put(run, folder, part):
    """Make a finished run a model of the zoo, in the place of one that is there; return its folder.

    It is a run folder: its settings, the last checkpoint without the optimizer's averages, and the figures as
    `gluon-wgan measure` keeps them.
    """
    checkpoint, settings, state = open_checkpoint(run.folder)
    networks = {"generator": load_generator(checkpoint)[0], "critic": build_critic(settings)}
    load_weights(checkpoint / "critic.params", networks["critic"])
    data = settings.data and Path(settings.data).name  # where it lay says nothing elsewhere
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with RunFolder(folder) as model:
        model.write_config({**replace(settings, data=data).to_json(), "overrides": settings.overrides()})
        progress = {name: state[name] for name in ("generator_steps", "critic_steps", "within_step", "seconds")}
        place = save_checkpoint(model.checkpoints, *networks.values(), {}, progress)
        (model.checkpoints / "latest").unlink()
        model.samples.rmdir()
        found = next(one for one in part["runs"] if one["recipe"] == part["kept"])
        figures = {
            "pictures": found["samples"],
            "real": part["unseen"],
            "held_out": True,
            "resize": settings.resize,
            "measures": {name: found[name] for name in ("kernel_distance", "kernel_distance_error")},
            "floor": {"kernel_distance": part["floor"], "kernel_distance_error": part["floor_error"]},
        }
        file = measured_file(place)
        file.parent.mkdir()
        write_atomic(file, json.dumps(figures, indent=1).encode())
    (folder / ".lock").unlink()
    return folder
