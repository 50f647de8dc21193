"""A whole ablation: train what is not measured yet, measure each run as it finishes, keep the table up to date."""

import json
import logging
from pathlib import Path

from gluon_wgan.data import open_source
from gluon_wgan.run_folder import describe_environment
from gluon_wgan.settings import PROCEDURAL_PICTURES
from gluon_wgan.studies.ablation import plan, train_all
from gluon_wgan.studies.ablation_measures import HeldOut, floors, keep, measured
from gluon_wgan.studies.ablation_summary import write_summary
from gluon_wgan.training import draw_bedrooms

log = logging.getLogger(__name__)

BASELINE_RESIZE = "pil"


def study(name, arms, base, seeds, *, runs_folder, reports, cache_dir, at_once=None, features=None):
    """Train and measure arms x seeds; the first arm is the baseline.

    A run that is measured is not trained again, though its folder be gone.

    Parameters
    ----------
    name : str
        reports/data/NAME.json is written, anew with each run that finishes.
    arms : dict of str to dict
        See `gluon_wgan.studies.ablation.plan`.
    base : Settings
    seeds : sequence of int
    runs_folder, reports, cache_dir : str or pathlib.Path
    at_once : int, optional
        See `train_all`.
    features : str or pathlib.Path, optional
        See `gluon_wgan.studies.ablation_measures.HeldOut`.

    Returns
    -------
    pathlib.Path
        The table.
    """
    runs = plan(arms, seeds, base, runs_folder)
    baseline_arm = next(iter(arms))
    data = base.data or draw_bedrooms(cache_dir, PROCEDURAL_PICTURES)
    held_out = HeldOut(open_source(data, base.category, base.image_channels), base.image_size, cache_dir, features)
    resizes = {arm: {**vars(base), **changes}["resize"] for arm, changes in arms.items()}
    count = len(held_out(BASELINE_RESIZE)[0])
    more = {
        "environment": describe_environment(),
        "planned": {"arms": list(arms), "seeds": list(seeds), "generator_steps": base.generator_steps},
        "settings": {key: getattr(base, key) for key in base.overrides() if key != "data"},
        "pictures": Path(base.data).name if base.data else "bedrooms drawn by the project",
        "held_out": count,
        "features": Path(features).name if features else None,
        "runs": {},
    }
    more["floors"] = _floors(Path(reports) / "data" / f"{name}.json", more, resizes, held_out)

    def note(run):
        file = measured(run, reports, features) or keep(run, held_out, BASELINE_RESIZE, reports)
        kept = json.loads(file.read_text())
        more["runs"].setdefault(run.arm, {})[run.seed] = {
            "name": run.folder.name,
            **{key: kept[key] for key in ("commit", "starts", "generator_steps", "seconds", "finished")},
        }
        write_summary(name, runs, reports, baseline_arm, more)

    for run in runs:
        if measured(run, reports, features):
            note(run)
    train_all([run for run in runs if not measured(run, reports, features)], cache_dir, at_once, note)
    return write_summary(name, runs, reports, baseline_arm, more)


def _floors(table, study_of, resizes, held_out):
    """Return {arm: its floors}, from the table of the last time where that was of the same pictures."""
    if table.exists():
        before = json.loads(table.read_text())
        same = ("planned", "settings", "pictures", "held_out", "features")
        if all(before.get(key) == study_of[key] for key in same):
            return before["floors"]
    known = {resize: floors(held_out, resize, BASELINE_RESIZE) for resize in dict.fromkeys(resizes.values())}
    return {arm: known[resize] for arm, resize in resizes.items()}
