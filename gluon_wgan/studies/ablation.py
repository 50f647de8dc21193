"""What ablations share: train arms x seeds, measure each run as it finishes, keep the table up to date."""

import functools
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from gluon_wgan.data import open_source
from gluon_wgan.data.lsun import draw_bedrooms
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import features, kernel_distance
from gluon_wgan.evaluate.estimates import estimate_measures
from gluon_wgan.evaluate.held_out import HeldOut, floors
from gluon_wgan.evaluate.kernel import LEAST_POINTS
from gluon_wgan.files import write_atomic
from gluon_wgan.models.sampling import load_generator, samples
from gluon_wgan.pictures import GAP, packed
from gluon_wgan.run_folder import read_metrics, read_starts
from gluon_wgan.settings import PROCEDURAL_PICTURES
from gluon_wgan.studies.deciding import MARGIN, REFERENCE, SAME, measured_at
from gluon_wgan.studies.plan import plan
from gluon_wgan.studies.results import start_of_study
from gluon_wgan.studies.runner import train_and_measure
from gluon_wgan.studies.statistics import decide, summarise

log = logging.getLogger(__name__)

BASELINE_RESIZE = "pil"
# Fixed before any run was measured.
_STRIP_STEPS = (500, 1000, 2500)  # and the last: of the samples kept for the report
_STRIP_PICTURES = 8


def measure(flags, results, arms):
    """Train and measure arms x seeds; the first arm is the baseline.

    A run that is measured is not trained again, though its folder be gone. What is kept of a run, in
    reports/data/ablations/, is named by its settings, so that ablations share it.

    Parameters
    ----------
    flags : gluon_wgan.studies.plan.AblationFlags
    results : gluon_wgan.studies.results.Results
        The table, written anew with each run that finishes.
    arms : dict of str to dict
        The settings in which each arm differs from `flags.base()`.

    Returns
    -------
    gluon_wgan.studies.results.Results
        What keeps them: with --again another than was given.
    """
    base = flags.base()
    if flags.arms is not None:
        if unknown := [arm for arm in flags.arms if arm not in arms]:
            raise UserError("--arms", ", ".join(unknown), ", ".join(arms))
        baseline = next(iter(arms))
        arms = {arm: changes for arm, changes in arms.items() if arm == baseline or arm in flags.arms}
    if flags.again is not None:
        results = results.beside(f"{results.file.stem}_{flags.again}")
    runs = plan({arm: replace(base, **changes) for arm, changes in arms.items()}, flags.seeds, flags.runs)
    held_out, kernel = _judges(base.data, base.category, base.image_size, flags.cache_dir, flags.features)
    start = start_of_study()
    table = {
        "command": start.pop("command"),
        "environment": start,
        "planned": {"arms": list(arms), "seeds": list(flags.seeds), "generator_steps": base.generator_steps},
        "settings": {key: getattr(base, key) for key in base.overrides() if key != "data"},
        "pictures": Path(base.data).name if base.data else "bedrooms drawn by the project",
        "held_out": len(held_out(BASELINE_RESIZE)[0]),
        "features": Path(flags.features).name if flags.features else None,
        "runs": {},
    }
    resizes = {run.arm: run.settings.resize for run in runs}
    table["floors"] = _floors(results.read(), table, resizes, held_out, kernel)
    found = {}

    def keep(run, kept):
        results.beside(f"ablations/{run.folder.name}").replace(kept)
        log.info("measured: %s, seed %d", run.arm, run.seed)
        note(run, kept)

    def note(run, kept):
        found.setdefault(run.arm, {})[run.seed] = kept["measures"]
        table["runs"].setdefault(run.arm, {})[str(run.seed)] = {
            "name": run.folder.name,
            **{key: kept[key] for key in ("commit", "starts", "generator_steps", "seconds", "finished")},
        }
        # in the order of the arms and seeds, whichever finished first
        ordered = {
            arm: {seed: found[arm][seed] for seed in flags.seeds if seed in found[arm]} for arm in arms if arm in found
        }
        found_so_far = summarise(ordered, next(iter(arms)))
        results.replace({**table, **found_so_far, "decisions": decisions(found_so_far["differences"])})

    def already(run):
        before = measured(run, results, flags.features)
        if before is not None:
            note(run, before)
        return before is not None

    train_and_measure(runs, flags, measure_run, results.figures, already, keep)
    return results


def measure_run(run, flags, figures):
    """Measure a finished run, and keep a strip of its samples; return `evaluate`'s dict."""
    ours = run.settings
    held_out, kernel = _judges(ours.data, ours.category, ours.image_size, flags.cache_dir, flags.features)
    keep_samples(run, figures / "ablations" / f"{run.folder.name}.png")
    return evaluate(run, held_out, BASELINE_RESIZE, kernel)


@functools.lru_cache(maxsize=1)
def _judges(data, category, image_size, cache_dir, features):
    """Return the held-out pictures, and their kernel distance where it can be measured."""
    source = open_source(data or draw_bedrooms(cache_dir, PROCEDURAL_PICTURES), category)
    held_out = HeldOut(source, image_size, cache_dir, features)
    return held_out, kernel_of(held_out)


def decisions(differences):
    """Return {measure: {arm: what `decide` says}} of the measures that decide, of the arms with two seeds and more."""
    found = {}
    for measure in (REFERENCE, SAME):
        values = {arm: of_arm[measure]["values"] for arm, of_arm in differences.items() if measure in of_arm}
        enough = {arm: some for arm, some in values.items() if len(some) > 1}
        if enough:
            found[measure] = decide(enough, MARGIN)
    return found


def _floors(before, table, resizes, held_out, kernel):
    """Return {arm: its floors}, from the table of the last time where that was of the same pictures."""
    same = ("planned", "settings", "pictures", "held_out", "features")
    if before and all(before.get(key) == table[key] for key in same):
        return before["floors"]
    known = {resize: floors(held_out, resize, BASELINE_RESIZE, kernel) for resize in dict.fromkeys(resizes.values())}
    return {arm: known[resize] for arm, resize in resizes.items()}


def measured(run, results, features=None):
    """Return what was kept of a run, None if nothing was of as many steps.

    With `features`, what was measured without the Fréchet distance is to be measured again, if the run is still there.
    """
    kept = results.beside(f"ablations/{run.folder.name}").read()
    if not kept or (features is not None and "frechet_same" not in kept["measures"] and run.finished()):
        return None
    # a run that stopped at a loss that was not finite is measured as far as it came
    whole = not kept["finished"] or kept["generator_steps"] == run.settings.generator_steps
    return kept if whole else None


def kernel_of(held_out):
    """Return the `Kernel` of held-out pictures, None where the network's weights are not installed."""
    try:
        return Kernel(held_out)
    except UserError as problem:  # the network's weights are an extra
        log.warning("without the kernel distance, which decides: %s", problem)
        return None


class Kernel:
    """Kernel distances to held-out pictures, whose features are taken once.

    Parameters
    ----------
    held_out : gluon_wgan.evaluate.held_out.HeldOut

    Raises
    ------
    UserError
        If the network's trained weights are not installed, or too few pictures are held out.
    """

    def __init__(self, held_out):
        self._held_out, self._features = held_out, {}
        kept = len(held_out(BASELINE_RESIZE)[0])
        if kept < LEAST_POINTS:
            raise UserError("--data", f"{kept} held-out pictures", f"{LEAST_POINTS} or more, a tenth of all")
        self._of(BASELINE_RESIZE)

    def _of(self, resize):
        if resize not in self._features:
            self._features[resize] = features(self._held_out(resize)[0])
        return self._features[resize]

    def distances(self, pictures, resize):
        """Return {measure: (distance, standard error)} to pictures prepared by Pillow, and by `resize`."""
        seen = features(pictures)
        return {
            REFERENCE: kernel_distance(self._of(BASELINE_RESIZE), seen),
            SAME: kernel_distance(self._of(resize), seen),
        }

    def of_run(self, run):
        """Return what `over` says of a run's checkpoints."""
        at, late = measured_at(run.settings.generator_steps)

        def pictures():
            for step, count in at.items():
                checkpoint = run.folder / "checkpoints" / f"step_{step:07d}"
                if checkpoint.is_dir():  # else the run broke off
                    generator, settings, _ = load_generator(checkpoint)
                    yield step, samples(generator, settings, count)

        return self.over(pictures(), late, run.settings.resize)

    def over(self, checkpoints, late, resize):
        """Return (measures, the mean over the late checkpoints; curve, a list of step, samples and distances).

        Parameters
        ----------
        checkpoints : iterable of (int, numpy.ndarray)
            Generator step, and samples (N, H, W, C), 0 to 255.
        late : sequence of int
            The generator steps that decide.
        resize : str
            Who prepared what the run learned from.
        """
        curve = [
            {"step": step, "samples": len(pictures), **self.distances(pictures, resize)}
            for step, pictures in checkpoints
        ]
        last = [point for point in curve if point["step"] in late]
        measures = {}
        if len(last) == len(late):
            measures = {measure: float(np.mean([point[measure][0] for point in last])) for measure in (REFERENCE, SAME)}
        return measures, curve


def evaluate(run, held_out, baseline_resize, kernel=None):
    """Measure a finished run; return a dict of JSON values.

    Parameters
    ----------
    run : gluon_wgan.studies.plan.Run
    held_out : gluon_wgan.evaluate.held_out.HeldOut
    baseline_resize : str
        Who prepares the reference's pictures.
    kernel : Kernel, optional
    """
    records = read_metrics(run.folder)
    # rounded first: what is measured of them can be measured again from what is kept
    estimates = [float(f"{record['em_distance_estimate']:.4g}") for record in records]
    starts = read_starts(run.folder)
    generator, _, _ = load_generator(run.folder)
    pictures = samples(generator, run.settings, len(held_out(run.settings.resize)[0]))
    deciding, curve = kernel.of_run(run) if kernel is not None else ({}, [])
    return {
        "arm": run.arm,
        "seed": run.seed,
        "settings": {name: getattr(run.settings, name) for name in run.settings.overrides() if name != "data"},
        "commit": starts[0]["commit"],
        "starts": len(starts),
        "finished": run.finished(),  # else a loss was not finite
        "generator_steps": len(records),
        "seconds": records[-1]["seconds"],
        "samples": len(pictures),
        "measures": {
            **estimate_measures(estimates, run.settings.boost_generator_steps),
            **held_out.distances(pictures, run.settings.resize, baseline_resize),
            **deciding,
        },
        "kernel": curve,
        "estimates": estimates,
    }


def keep_samples(run, file):
    """Write a strip of a run's sample grids: the first 8 fixed latents, a row for each of some steps."""
    stride, rows = run.settings.image_size + GAP, []
    for step in sorted({*_STRIP_STEPS, run.settings.generator_steps}):
        sheet = run.folder / "samples" / f"step_{step:07d}.png"
        if sheet.is_file():
            with Image.open(sheet) as image:
                rows.append(np.asarray(image.convert("RGB"))[:stride, : _STRIP_PICTURES * stride])
    if rows:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, packed(Image.fromarray(np.concatenate(rows))))
