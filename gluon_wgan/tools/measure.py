"""Measure how far a run's samples, or any folder of pictures, are from real pictures: the flags, and the table."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from gluon_wgan import use_synchronous_engine, zoo
from gluon_wgan.errors import UserError
from gluon_wgan.files import check_writable_file, write_atomic
from gluon_wgan.flags import optional, parse
from gluon_wgan.run_folder import measured_file

log = logging.getLogger(__name__)

# {key: (what it is, where it is best, how it is written)}
_ROWS = {
    "kernel_distance": ("kernel distance (KID), thousandths", "0", 1000),
    "frechet_distance": ("Fréchet distance, which falls with the number of pictures", "0", 1),
    "precision": ("precision: share of these pictures that lie among the real ones", "1", 1),
    "recall": ("recall: share of the real pictures that lie among these", "1", 1),
    "density": ("density: how many real neighbourhoods hold a picture, on average", "1", 1),
    "coverage": ("coverage: share of the real pictures with one of these next to it", "1", 1),
    "sliced_wasserstein": ("sliced Wasserstein distance of patches", "0", 1),
    "spectrum": ("difference of log power spectra, decades", "0", 1),
}


@dataclass(frozen=True)
class MeasureFlags:
    """Measure how far pictures are from real ones: kernel and Fréchet distance, precision, recall, patches, spectra.

    The first six are taken in the features of EfficientNet-lite0, which `make parity` installs. Beside each stands what
    it is of as many other real pictures in the place of these: no generator can be expected to come nearer.
    """

    pictures: tyro.conf.Positional[str]
    """a run folder, one of its checkpoints, zoo:NAME, or a folder of pictures"""
    data: str
    """the real pictures, as of train_lsun.py; of a run that held some out, those are taken"""
    category: optional(str, "the run's; else all") = None
    """of an LSUN root"""
    resize: optional(str, "the run's; else pil") = None
    """who shrinks the real pictures"""
    count: int = 2000
    """pictures of each kind at most, 40 or more; more make all figures surer"""
    seed: int = 0
    """of the latents"""
    cache_dir: str = "cache"
    """folder for the prepared real pictures"""
    json: optional(str, "measured/ in the run folder; of zoo:NAME, NAME/measured/") = None
    """write the figures to this file"""


def run(arguments=None, prog=None):
    """Do what the command line asks, and log the table."""
    flags = parse(MeasureFlags, arguments, prog)
    if flags.json is not None:
        check_writable_file("--json", flags.json)
    use_synchronous_engine()
    found = measure(flags)
    log.info("%s", as_table(found))
    file = flags.json or _place(flags.pictures)
    if file is not None:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(found, indent=1).encode())


def _place(pictures):
    """Return where a checkpoint's figures are kept; None of pictures in a folder."""
    from gluon_wgan.checkpoint import open_checkpoint

    if not _is_run(zoo.located(pictures)):
        return None
    checkpoint = open_checkpoint(pictures)[0]
    file = zoo.folder_of_results(checkpoint) / measured_file(checkpoint).relative_to(checkpoint.parent.parent)
    return file


def measure(flags):
    """Return what `MeasureFlags` ask for, a dict of JSON values.

    Raises
    ------
    UserError
        If there are fewer than 40 pictures or real ones, or what `open_source` and `load_generator` raise.
    """
    from gluon_wgan.data import open_source, prepare

    if flags.count < _LEAST:
        raise UserError("--count", flags.count, f"{_LEAST} or more")
    pictures, settings = _pictures(flags)
    resize = flags.resize or (settings.resize if settings else "pil")
    category = flags.category or (settings.category if settings else None)
    source = open_source(flags.data, category, pictures.shape[3])
    prepared = prepare(source, pictures.shape[1], resize, flags.cache_dir)
    held_out = bool(settings and settings.hold_out)
    unseen = prepared.held_out if held_out else np.ones(len(prepared), dtype=bool)
    real = "held-out pictures" if held_out else "pictures"
    for what, many, kind in (("pictures", len(pictures), "pictures"), ("--data", unseen.sum(), real)):
        if many < _LEAST:
            raise UserError(what, f"{many} {kind}", f"{_LEAST} or more")
    real, others = (np.asarray(prepared.pictures[rows]) for rows in _split(unseen, flags.count, len(pictures)))
    pictures = pictures[: len(others)]  # distances but the kernel's fall with the number of pictures
    seen = _seen(real, pictures, others)
    return {
        "pictures": len(pictures),
        "real": len(real),
        "held_out": held_out,
        "resize": resize,
        "measures": _distances(real, pictures, seen and seen[:2]),
        "floor": _distances(real, others, seen and seen[::2]),
    }


_LEAST = 40  # so that a half has as many as the kernel distance asks for


def _split(unseen, most, pictures):
    """Return the rows of the real pictures, `most` at most, and of others, as many as there are pictures, or fewer.

    The others are those that training saw, if it did not see all; else both share the whole set.
    """
    rows = np.arange(len(unseen))
    if not unseen.all():
        return _evenly(rows[unseen], most), _evenly(rows[~unseen], pictures)
    others = min(pictures, len(rows) // 2)
    rows = _evenly(rows, min(most, len(rows) - others) + others)
    chosen = _evenly(rows, others)
    return np.setdiff1d(rows, chosen), chosen


def _evenly(rows, most):
    """Return `most` of the rows, from the whole set, since neighbours may be alike; or all if there are no more."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int)]


def _pictures(flags):
    """Return uint8 (N, H, W, C), and the settings of the run that they are of, or None."""
    from gluon_wgan.data import open_source, prepare
    from gluon_wgan.models.sampling import load_generator, samples

    path = zoo.located(flags.pictures)
    if _is_run(path):
        generator, settings, _ = load_generator(path)
        return samples(generator, settings, flags.count, flags.seed), settings
    source = open_source(path)
    width, height = source.image(0).size
    prepared = prepare(source, min(width, height), "pil", flags.cache_dir)
    return np.asarray(prepared.pictures[: flags.count]), None


def _is_run(path):
    return (path / "checkpoints").is_dir() or (path / "generator.params").is_file()


def _seen(*sets):
    """Return the features of each set of pictures; None where the network is not installed."""
    from gluon_wgan import evaluate

    try:
        return [evaluate.features(pictures) for pictures in sets]
    except UserError as problem:
        log.warning("without the measures of features: %s", problem)
        return None


def _distances(real, pictures, seen):
    """Return {measure: value} of two sets of pictures, uint8 (N, H, W, C), and their features, if there are any."""
    from gluon_wgan import evaluate

    found = {}
    if seen:
        found["kernel_distance"], found["kernel_distance_error"] = evaluate.kernel_distance(*seen)
        found["frechet_distance"] = evaluate.frechet_distance(*seen)
        found |= evaluate.precision_recall(*seen)
    least = min(len(real), len(pictures))
    if real.shape[1] & (real.shape[1] - 1) == 0:  # its pyramid halves
        levels = evaluate.sliced_wasserstein(real[:least], pictures[:least], normalise_by="real")
        found["sliced_wasserstein"] = float(np.mean(list(levels.values())))
    found["spectrum"] = float(evaluate.log_spectrum_difference(real, pictures))
    return found


def as_table(found):
    """Return what `measure` found as Markdown."""
    whose = "held-out real pictures" if found["held_out"] else "real pictures"
    lines = [
        f"{found['pictures']:,} pictures beside {found['real']:,} {whose}, shrunk by {found['resize']}",
        "",
        "| measure | these | other real pictures | best |",
        "|---|---|---|---|",
    ]
    for key, (title, best, factor) in _ROWS.items():
        if key in found["measures"]:
            shown = [f"{factor * found[part][key]:.4g}" for part in ("measures", "floor")]
            if f"{key}_error" in found["measures"]:
                shown = [
                    f"{cell} ± {factor * found[part][f'{key}_error']:.2g}"
                    for cell, part in zip(shown, ("measures", "floor"))
                ]
            lines.append(f"| {title} | {shown[0]} | {shown[1]} | {best} |")
    return "\n".join(lines)
