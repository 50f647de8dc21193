"""A whole ablation: train what is not trained yet, measure each run as it finishes, keep the table up to date."""

import json
import logging
from pathlib import Path

from gluon_wgan.data import open_source
from gluon_wgan.run_folder import describe_environment
from gluon_wgan.settings import PROCEDURAL_PICTURES
from gluon_wgan.studies.ablation import plan, train_all
from gluon_wgan.studies.ablation_measures import HeldOut, floors, keep
from gluon_wgan.studies.ablation_summary import write_summary
from gluon_wgan.training import draw_bedrooms

log = logging.getLogger(__name__)

BASELINE_RESIZE = "pil"


def study(name, arms, base, seeds, *, runs_folder, reports, cache_dir, at_once=None):
    """Train and measure arms x seeds; the first arm is the baseline.

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

    Returns
    -------
    pathlib.Path
        The table.
    """
    runs = plan(arms, seeds, base, runs_folder)
    baseline_arm = next(iter(arms))
    data = base.data or draw_bedrooms(cache_dir, PROCEDURAL_PICTURES)
    held_out = HeldOut(open_source(data, base.category, base.image_channels), base.image_size, cache_dir)
    resizes = {arm: {**vars(base), **changes}["resize"] for arm, changes in arms.items()}
    known = {resize: floors(held_out, resize, BASELINE_RESIZE) for resize in set(resizes.values())}
    more = {
        "environment": describe_environment(),
        "planned": {"arms": list(arms), "seeds": list(seeds), "generator_steps": base.generator_steps},
        "settings": {key: getattr(base, key) for key in base.overrides() if key != "data"},
        "pictures": Path(base.data).name if base.data else "bedrooms drawn by the project",
        "held_out": len(held_out(BASELINE_RESIZE)[0]),
        "floors": {arm: known[resize] for arm, resize in resizes.items()},
        "runs": {},
    }

    def note(run):
        measured = json.loads(keep(run, held_out, BASELINE_RESIZE, reports).read_text())
        more["runs"].setdefault(run.arm, {})[run.seed] = {
            "name": run.folder.name,
            **{key: measured[key] for key in ("commit", "starts", "generator_steps", "seconds", "finished")},
        }
        write_summary(name, runs, reports, baseline_arm, more)

    train_all(runs, cache_dir, at_once, note)
    return write_summary(name, runs, reports, baseline_arm, more)
