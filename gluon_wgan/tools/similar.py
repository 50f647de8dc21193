"""Which training pictures are most like a run's samples, or like one picture: a sheet, and whether it copies."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from gluon_wgan import use_synchronous_engine, zoo
from gluon_wgan.errors import UserError
from gluon_wgan.files import check_writable, keep_arrays, kept_arrays, write_atomic
from gluon_wgan.flags import optional, parse

log = logging.getLogger(__name__)

_COUNT = 5  # shown beside each
_COMPARED = 1000  # held-out pictures at most


@dataclass(frozen=True)
class SimilarFlags:
    """Find the training pictures that a run's samples, or a picture of yours, are most like: are they copies.

    Writes a sheet, a row a sample: it, and the five nearest training pictures. With a run that held pictures out, also
    says how many samples are nearer to the training pictures than those are.
    """

    run: tyro.conf.Positional[str]
    """a run folder, one of its checkpoints, or zoo:NAME"""
    data: optional(str, "where the run found them") = None
    """the training pictures"""
    query: optional(str, "the run's samples") = None
    """a picture to look for instead"""
    by: Literal["pixels", "features"] = "pixels"
    """differences of pixels, or of what EfficientNet-lite0 sees (`make parity` installs it), slow at the first time"""
    count: int = 16
    """samples in the sheet"""
    seed: int = 0
    """of the latents"""
    cache_dir: str = "cache"
    """folder for the prepared pictures"""
    out: optional(str, "similar/ in the run folder; of zoo:NAME, NAME/similar/") = None
    """folder for the sheet, and for a file of the figures"""


def run(arguments=None, prog=None):
    """Do what the command line asks, and log what was found."""
    flags = parse(SimilarFlags, arguments, prog)
    use_synchronous_engine()
    found, sheet = similar(flags)
    log.info("%s", as_text(found))
    log.info("sheet: %s", sheet)


def similar(flags):
    """Return what `SimilarFlags` ask for, a dict of JSON values, and the sheet's path.

    Raises
    ------
    UserError
        If there is no such run, data or picture.
    """
    from gluon_wgan.checkpoint import open_checkpoint
    from gluon_wgan.data import open_source, prepare
    from gluon_wgan.evaluate.nearest import copied, nearest
    from gluon_wgan.models.sampling import require_pictures
    from gluon_wgan.training.build import open_data

    if flags.count < 1:
        raise UserError("--count", flags.count, "1 or more")
    checkpoint, settings, _ = open_checkpoint(flags.run)
    require_pictures(settings)
    out = Path(flags.out) if flags.out else zoo.folder_of_results(checkpoint) / "similar"
    check_writable("--out", out)
    queries = _queries(flags, settings)  # before the training pictures, which may take long to prepare
    if flags.data is None:
        source = open_data(settings, flags.cache_dir)
    else:
        source = open_source(flags.data, settings.category, settings.image_channels)
    prepared = prepare(source, settings.image_size, settings.resize, flags.cache_dir)
    trained = np.flatnonzero(~prepared.held_out) if settings.hold_out else np.arange(len(prepared))
    unseen = np.flatnonzero(prepared.held_out)[:_COMPARED] if settings.hold_out else []
    known = _known(prepared, flags.by)
    found = nearest(_seen(queries, flags.by), known, _COUNT, trained)
    keys = prepared.keys()
    result = {
        "run": zoo.shown(checkpoint),
        "by": flags.by,
        "trained_on": len(trained),
        "nearest": [
            [{"picture": keys[row], "distance": round(float(off), 4)} for row, off in zip(*each)]
            for each in zip(*found)
        ],
    }
    if len(unseen) > 1 and flags.query is None:
        of_unseen = nearest(known[unseen], known, 1, trained).distances[:, 0]
        result |= {"held_out": len(unseen), **copied(found.distances[:, 0], of_unseen)}
    return result, _write(flags, out, checkpoint, queries, prepared, found, result)


def _queries(flags, settings):
    """Return uint8 or float32 (N, H, W, C): samples, or the picture that is asked for."""
    if flags.query is None:
        from gluon_wgan.models.sampling import load_generator, samples

        generator, _, _ = load_generator(flags.run)
        return samples(generator, settings, flags.count, flags.seed)
    from gluon_wgan.data.decode import UndecodableError, decode
    from gluon_wgan.resize import get_resizer, resize_and_crop

    try:
        picture = decode(Path(flags.query), settings.image_channels)
    except (OSError, UndecodableError) as error:
        raise UserError("--query", f"{flags.query} ({error})", "a picture") from error
    return resize_and_crop(picture, settings.image_size, get_resizer(settings.resize))[np.newaxis]


def _seen(pictures, by):
    if by == "pixels":
        return pictures
    from gluon_wgan.evaluate import features

    return features(pictures)


def _known(prepared, by):
    """Return all prepared pictures, or their features, which are kept beside them."""
    if by == "pixels":
        return prepared.pictures
    file = prepared.folder / "efficientnet-lite0.npz"
    known = kept_arrays(file)
    if known is None:
        known = [_seen(np.asarray(prepared.pictures), by)]
        keep_arrays(file, known)
    return known[0]


def _write(flags, out, checkpoint, queries, prepared, found, result):
    from gluon_wgan.data.batches import normalise
    from gluon_wgan.pictures import save_sheet

    name = f"{checkpoint.name}-{flags.by}-" + (Path(flags.query).stem if flags.query else f"seed{flags.seed}")
    out.mkdir(parents=True, exist_ok=True)
    shown = [np.concatenate([query[np.newaxis], prepared.pictures[rows]]) for query, rows in zip(queries, found.rows)]
    save_sheet(out / f"{name}.png", normalise(np.concatenate(shown)), columns=1 + found.rows.shape[1])
    write_atomic(out / f"{name}.json", json.dumps(result, indent=1).encode())
    return out / f"{name}.png"


def as_text(found):
    """Return what was found, for people."""
    unit = "grey levels" if found["by"] == "pixels" else "of features that go from 0 to 6"
    lines = [f"nearest of {found['trained_on']:,} training pictures, root mean square difference, {unit}:"]
    for number, near in enumerate(found["nearest"], 1):
        lines.append(f"  {number}: " + ", ".join(f"{each['picture']} ({each['distance']:.3g})" for each in near[:2]))
    if "nearer" in found:
        lines.append(
            f"{found['nearer']:.0%} of the samples are nearer to a training picture than the median of "
            f"{found['held_out']} held-out ones is (50% where they are as new); {found['as_copies']:.0%} are nearer "
            "than all but a hundredth of those (1%)."
        )
    return "\n".join(lines)
