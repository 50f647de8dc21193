"""Pictures from a trained run: single ones, a sheet, walks between latents, a film; or lines of a language model."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from tqdm import tqdm

from gluon_wgan import use_synchronous_engine, zoo
from gluon_wgan.errors import UserError
from gluon_wgan.files import check_writable, write_atomic
from gluon_wgan.flags import optional, parse
from gluon_wgan.pictures import save_film, save_picture, save_sheet, to_uint8

log = logging.getLogger(__name__)

_ROW = 8  # pictures from one latent to another in an interpolation
_FRAMES = 16  # and in an animation, which
_SECONDS = 1.2  # takes so long for it


@dataclass(frozen=True)
class GenerateFlags:
    """Generate pictures from a trained run: PNG files, or a film as WebP; of a language model lines, as a text file."""

    run: tyro.conf.Positional[str]
    """a run folder (its newest checkpoint is taken), one checkpoint, such as RUN/checkpoints/step_0001000, or a model
    of the zoo: zoo:rooms-64"""
    kind: Literal["grid", "pictures", "interpolation", "animation"] = "grid"
    """one sheet of all, a file each, rows of 8 that walk from one latent to another, or a film that walks through
    latents, a new one each 16 pictures, and back to the first (lines: one file in any case)"""
    count: int = 64
    """number of pictures, or lines"""
    bn_mode: optional(Literal["batch", "running"], "as the run's samples") = None
    """whose statistics BatchNorm takes: the batch's, or the running ones"""
    seed: int = 0
    """of the latents; the same seed gives the same pictures"""
    spread: float = 1.0
    """standard deviation of the latents, 1 in training: below it pictures are more alike"""
    label: optional(int, "all in turn") = None
    """of a run with --classes: draw no other pictures than of this one"""
    out: optional(str, "generated/ in the run folder; of zoo:NAME, NAME/generated/") = None
    """folder for the pictures"""


def run(arguments=None, prog=None):
    """Do what the command line asks, and log where the pictures lie."""
    flags = parse(GenerateFlags, arguments, prog)
    use_synchronous_engine()
    how = flags.bn_mode, flags.seed, flags.out, flags.spread, flags.label
    place = generate(flags.run, flags.kind, flags.count, *how)
    log.info("written: %s", place)


def rows_of_walks(seed, rows, settings):
    """Return latents (rows * 8, latent_dim, 1, 1): each row goes from one latent to another, see `_walk`."""
    ends = _latents(seed, 2 * rows, settings)
    return np.concatenate([_walk(*pair, np.linspace(0, 1, _ROW)) for pair in zip(ends[::2], ends[1::2])])


def closed_walk(seed, count, settings):
    """Return latents (count, latent_dim, 1, 1) of a film: a new one each 16, and at the end back to the first."""
    stops = _latents(seed, max(2, -(-count // _FRAMES)), settings)
    where = np.arange(count) * len(stops) / count  # in stretches
    ways = [_walk(*pair, where[where.astype(int) == n] - n) for n, pair in enumerate(zip(stops, np.roll(stops, -1, 0)))]
    return np.concatenate(ways)


def _latents(seed, count, settings):
    from gluon_wgan.models.sampling import draw_latents

    return draw_latents(seed, count, settings).reshape(-1, settings.latent_dim)[:count]


def _walk(start, end, parts):
    """Return the latents (n, latent_dim, 1, 1) at parts of the way, 0 to 1, from one latent to another on the sphere.

    Its direction turns at an even pace (slerp), and its length goes evenly from one to the other: N(0, 1) latents lie
    near a sphere, and the straight way would pass through its middle, where training drew none.
    """
    parts = parts[:, np.newaxis]
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    cosine = np.dot(start / lengths[0], end / lengths[1])
    if abs(cosine) < 1 - 1e-6:
        angle = np.arccos(cosine)
        first, last = np.sin((1 - parts) * angle) / lengths[0], np.sin(parts * angle) / lengths[1]
        latents = ((1 - parts) * lengths[0] + parts * lengths[1]) * (first * start + last * end) / np.sin(angle)
    else:  # on one line, as all latents of one number
        latents = (1 - parts) * start + parts * end
    return latents[..., np.newaxis, np.newaxis].astype(np.float32)


def generate(path, kind, count, bn_mode, seed, out, spread=1.0, label=None):
    """Generate pictures and write them as PNG or WebP, or lines and write them as text.

    Parameters
    ----------
    path : str or pathlib.Path
        A run folder, a checkpoint, or zoo:NAME.
    kind : str
        "grid" (one picture of all), "pictures" (one file each), "interpolation" (rows of 8) or "animation".
    count : int
        Number of pictures.
    bn_mode : str or None
        "batch", "running", or None for the run's own.
    seed : int
        Of the latents.
    out : str or pathlib.Path or None
        A folder; None for generated/ in the run folder, of zoo:NAME for NAME/generated/.
    spread : float
        Standard deviation of the latents of pictures.
    label : int or None
        Of the pictures, where a run has classes; None for all in turn: of walks, each row has its own, and a film 0.

    Returns
    -------
    pathlib.Path
        The file, or the folder of the files.

    Raises
    ------
    UserError
    """
    if count < 1:
        raise UserError("--count", count, "1 or more")
    from mxnet import nd

    from gluon_wgan.models import sampling

    generator, settings, checkpoint = sampling.load_generator(path)
    bn_mode = bn_mode or settings.bn_mode
    sampling.check_spread(spread)
    sampling.check_label(label, settings)
    out = Path(out) if out else zoo.folder_of_results(checkpoint) / "generated"
    check_writable("--out", out)
    out.mkdir(parents=True, exist_ok=True)
    if settings.generator == "text":
        alphabet = sampling.read_alphabet(checkpoint.parent.parent, settings)
        lines = sampling.sample_lines(generator, settings, alphabet, count, seed)
        file = out / f"{checkpoint.name}-{count}-seed{seed}.txt"
        write_atomic(file, "".join(f"{line}\n" for line in lines).encode())
        return file
    # with all that the pictures depend on: another call writes elsewhere, or the same again
    name = f"{checkpoint.name}-{kind}-{count}-seed{seed}-{bn_mode}" + (f"-spread{spread:g}" if spread != 1 else "")
    name += f"-label{label}" if label is not None else ""
    if kind == "interpolation":
        walk = spread * rows_of_walks(seed, -(-count // _ROW), settings)
        labels = np.arange(len(walk)) // _ROW % max(1, settings.classes) if label is None else np.full(len(walk), label)
        walk = sampling.with_labels(walk, labels, settings)
        return save_sheet(out / f"{name}.png", sampling.sample(generator, nd.array(walk), bn_mode))
    if kind == "animation":
        walk = spread * closed_walk(seed, count, settings)
        walk = sampling.with_labels(walk, np.full(len(walk), label or 0), settings)
        return save_film(out / f"{name}.webp", sampling.sample(generator, nd.array(walk), bn_mode), _FRAMES / _SECONDS)
    batches = sampling.sample_in_batches(generator, settings, count, seed, bn_mode, spread, label)
    if kind == "grid":
        return save_sheet(out / f"{name}.png", np.concatenate(list(batches)))
    folder = out / name
    folder.mkdir(exist_ok=True)
    with tqdm(total=count, unit="picture", desc="generating") as bar:
        for images in batches:
            for pixels in to_uint8(images):
                save_picture(folder / f"{bar.n:06d}.png", pixels)
                bar.update()
    return folder
