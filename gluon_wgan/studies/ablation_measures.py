"""What an ablation measures of a finished run: its EM estimates, and how far its samples are from held-out pictures."""

import json
import logging
from pathlib import Path

import numpy as np
from mxnet import nd
from PIL import Image

from gluon_wgan.data import prepare
from gluon_wgan.evaluate import frechet_distance, log_spectrum_difference, picture_features, sliced_wasserstein
from gluon_wgan.pictures import median_filtered, to_uint8
from gluon_wgan.run_folder import read_metrics, write_atomic
from gluon_wgan.studies.generation import draw_latents, load_generator
from gluon_wgan.trainer import sample

log = logging.getLogger(__name__)

# Fixed before any run was measured.
LATENTS_SEED = 0  # the same latents for every run
END = 200  # generator steps
EARLY = 500  # generator steps
_STRIP_STEPS = (500, 1000, 2500)  # and the last: of the samples kept for the report
_STRIP_PICTURES = 8


def estimate_measures(estimates, boosted):
    """Return what the EM estimate says of a run.

    Parameters
    ----------
    estimates : sequence of float
        One per generator step.
    boosted : int
        Generator steps at the start with the critic's boost.

    Returns
    -------
    dict of str to float
        em_estimate_end: the median of the last 200. early_spread: interquartile range of the estimate minus its
        running median (window 101, as the original's curves), over the median estimate, in the generator steps after
        the boost up to 500. early_sign_changes: how often the estimate changes its sign in the first 500.
    """
    estimates = np.asarray(estimates, dtype=float)
    early = estimates[boosted:EARLY]
    upper, lower = np.percentile(early - median_filtered(early), [75, 25])
    signs = np.sign(estimates[:EARLY])
    return {
        "em_estimate_end": float(np.median(estimates[-END:])),
        "early_spread": float((upper - lower) / abs(np.median(early))),
        "early_sign_changes": int(np.count_nonzero(signs[1:] * signs[:-1] < 0)),
    }


def distances(pictures, same, reference):
    """Return how far pictures are from held-out ones that were prepared the same way, and by the reference.

    Parameters
    ----------
    pictures, same, reference : numpy.ndarray
        (N, H, W, C), 0 to 255, as many of each.

    Returns
    -------
    dict of str to float
        swd_same, swd_reference: mean over the pyramid's levels of the sliced Wasserstein distance; swd_same_32, ...:
        of a level (pixels a side); swd_scaled_same, ...: with the real pictures' mean and spread for both sets.
        spectrum_same, spectrum_reference: see `log_spectrum_difference`.
    """
    found = {}
    for name, real in (("same", same), ("reference", reference)):
        # by each set's own mean and spread, as the paper; and by the real set's, which sees a change of contrast too
        for measure, scale in (("swd", "each"), ("swd_scaled", "real")):
            levels = sliced_wasserstein(real, pictures, normalise_by=scale)
            found[f"{measure}_{name}"] = float(np.mean(list(levels.values())))
            found.update({f"{measure}_{name}_{side}": float(value) for side, value in levels.items()})
        found[f"spectrum_{name}"] = float(log_spectrum_difference(real, pictures))
    return found


class HeldOut:
    """Held-out real pictures, prepared by any resize, once.

    Parameters
    ----------
    source : gluon_wgan.data.source.Source
    image_size : int
    cache_dir : str or pathlib.Path
    features : str or pathlib.Path, optional
        A parameter file, see `picture_features`: with it the Fréchet distance is measured too.
    """

    def __init__(self, source, image_size, cache_dir, features=None):
        self._source, self._size, self._cache_dir = source, image_size, cache_dir
        self._pictures, self._features = {}, {}
        self._parameters = features

    def __call__(self, resize):
        """Return (held-out pictures, as many others) prepared by a resize: (N, H, W, C) each."""
        if resize not in self._pictures:
            prepared = prepare(self._source, self._size, resize, self._cache_dir)
            rows = np.flatnonzero(prepared.held_out)
            others = np.flatnonzero(~prepared.held_out)[: len(rows)]
            self._pictures[resize] = tuple(np.asarray(prepared.pictures[chosen]) for chosen in (rows, others))
        return self._pictures[resize]

    def distances(self, pictures, resize, reference):
        """Return the `distances` of as many pictures to the held-out ones prepared by `resize`, and by `reference`.

        With features also frechet_same and frechet_reference.
        """
        found = distances(pictures, self(resize)[0], self(reference)[0])
        if self._parameters is not None:
            features = picture_features(pictures, self._parameters)
            found["frechet_same"] = frechet_distance(self._features_of(resize), features)
            found["frechet_reference"] = frechet_distance(self._features_of(reference), features)
        return found

    def _features_of(self, resize):
        if resize not in self._features:
            self._features[resize] = picture_features(self(resize)[0], self._parameters)
        return self._features[resize]


def floors(held_out, resize, baseline):
    """Return the distances that no GAN is in: other real pictures, prepared by this resize, in the place of samples.

    The distances to pictures prepared the same way are what two sets of one distribution differ by; those to the
    reference's add what the preparations differ by.
    """
    _, others = held_out(resize)
    return held_out.distances(others, resize, baseline)


def evaluate(run, held_out, baseline_resize):
    """Measure a finished run; return a dict of JSON values.

    Parameters
    ----------
    run : gluon_wgan.studies.ablation.Run
    held_out : HeldOut
    baseline_resize : str
        Who prepares the reference's pictures.
    """
    records = read_metrics(run.folder)
    estimates = [record["em_distance_estimate"] for record in records]
    starts = json.loads((run.folder / "environment.json").read_text())["starts"]
    count = len(held_out(run.settings.resize)[0])
    generator, _, _ = load_generator(run.folder)
    pictures = samples(generator, run.settings, count)
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
        },
        "estimates": [float(f"{estimate:.4g}") for estimate in estimates],
    }


def samples(generator, settings, count):
    """Return pictures (count, H, W, C), uint8, of a generator, of the latents that all runs share."""
    batches = draw_latents(LATENTS_SEED, count, settings)
    images = np.concatenate([sample(generator, nd.array(latents), settings.bn_mode) for latents in batches])
    return to_uint8(images[:count])


def keep_samples(run, file):
    """Write a strip of a run's sample grids: the first 8 fixed latents, a row for each of some steps."""
    size, gap = run.settings.image_size, 2
    rows = []
    for step in sorted({*_STRIP_STEPS, run.settings.generator_steps}):
        sheet = run.folder / "samples" / f"step_{step:07d}.png"
        if sheet.is_file():
            with Image.open(sheet) as image:
                rows.append(np.asarray(image.convert("RGB"))[: size + gap, : _STRIP_PICTURES * (size + gap)])
    if rows:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.concatenate(rows)).save(file)


def measured(run, reports, features=None):
    """Return the file in reports/data/ablations/ with a run's measures, None if there is none of as many steps.

    With `features`, what was measured without the Fréchet distance is to be measured again, if the run is still there.
    """
    file = _data_file(run, reports)
    if not file.exists():
        return None
    kept = json.loads(file.read_text())
    if features is not None and "frechet_same" not in kept["measures"] and run.finished():
        return None
    # a run that stopped at a loss that was not finite is measured as far as it came
    whole = not kept["finished"] or kept["generator_steps"] == run.settings.generator_steps
    return file if whole else None


def keep(run, held_out, baseline_resize, reports):
    """Evaluate a run into reports/data/ablations/, and its samples into reports/figures/ablations/; return the file."""
    file = _data_file(run, reports)
    file.parent.mkdir(parents=True, exist_ok=True)
    keep_samples(run, Path(reports) / "figures" / "ablations" / f"{run.folder.name}.png")
    write_atomic(file, (json.dumps(evaluate(run, held_out, baseline_resize)) + "\n").encode())
    log.info("measured: %s, seed %d", run.arm, run.seed)
    return file


def _data_file(run, reports):
    return Path(reports) / "data" / "ablations" / f"{run.folder.name}.json"
