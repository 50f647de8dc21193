"""Pictures from a trained run, as PNG: single ones, a grid, or walks between latents; or lines of a language model."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro
from tqdm import tqdm

from gluon_wgan.errors import UserError
from gluon_wgan.files import write_atomic
from gluon_wgan.flags import optional
from gluon_wgan.pictures import save_picture, save_sheet, to_uint8

log = logging.getLogger(__name__)

_WALK = 8  # pictures from one latent to the next


@dataclass(frozen=True)
class GenerateFlags:
    """Generate pictures from a trained run, and write them as PNG; of a language model lines, as a text file."""

    run: tyro.conf.Positional[str]
    """a run folder (its newest checkpoint is taken), or one checkpoint, such as RUN/checkpoints/step_0001000"""
    kind: Literal["grid", "pictures", "interpolation"] = "grid"
    """one sheet of all, a file each, or rows of 8 that walk from one latent to another (lines: one file in any case)"""
    count: int = 64
    """number of pictures, or lines"""
    bn_mode: optional(Literal["batch", "running"], "as the run's samples") = None
    """whose statistics BatchNorm takes: the batch's, or the running ones"""
    seed: int = 0
    """of the latents; the same seed gives the same pictures"""
    out: optional(str, "generated/ in the run folder") = None
    """folder for the pictures"""


def run(arguments=None, prog=None):
    """Do what the command line asks, and log where the pictures lie."""
    flags = tyro.cli(GenerateFlags, args=arguments, prog=prog)
    place = generate(flags.run, flags.kind, flags.count, flags.bn_mode, flags.seed, flags.out)
    log.info("written: %s", place)


def walk(seed, rows, settings):
    """Return latents (rows * 8, latent_dim, 1, 1): each row goes from one latent to another on the sphere.

    The way is spherical (slerp), since N(0, 1) latents lie near a sphere: the straight way would pass through its
    middle, where training drew none.
    """
    from gluon_wgan.models.sampling import draw_latents

    ends = draw_latents(seed, 2 * rows, settings).reshape(-1, settings.latent_dim)[: 2 * rows]
    latents = []
    for start, end in zip(ends[::2], ends[1::2]):
        cosine = np.dot(start, end) / (np.linalg.norm(start) * np.linalg.norm(end))
        angle = np.arccos(np.clip(cosine, -1, 1))
        for part in np.linspace(0, 1, _WALK):
            latents.append((np.sin((1 - part) * angle) * start + np.sin(part * angle) * end) / np.sin(angle))
    return np.stack(latents)[..., np.newaxis, np.newaxis].astype(np.float32)


def generate(path, kind, count, bn_mode, seed, out):
    """Generate pictures and write them as PNG, or lines and write them as text.

    Parameters
    ----------
    path : str or pathlib.Path
        A run folder or a checkpoint.
    kind : str
        "grid" (one picture of all), "pictures" (one file each) or "interpolation" (rows of 8).
    count : int
        Number of pictures.
    bn_mode : str or None
        "batch", "running", or None for the run's own.
    seed : int
        Of the latents.
    out : str or pathlib.Path or None
        A folder; None for generated/ in the run folder.

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

    from gluon_wgan.models.sampling import draw_latents, load_generator, read_alphabet, sample, sample_lines

    generator, settings, checkpoint = load_generator(path)
    bn_mode = bn_mode or settings.bn_mode
    out = Path(out) if out else checkpoint.parent.parent / "generated"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("--out", f"{out} ({error.strerror})", "a folder that can be created and written") from error
    if settings.generator == "text":
        lines = sample_lines(generator, settings, read_alphabet(checkpoint.parent.parent, settings), count, seed)
        file = out / f"{checkpoint.name}-{count}-seed{seed}.txt"
        write_atomic(file, "".join(f"{line}\n" for line in lines).encode())
        return file
    # with all that the pictures depend on: another call writes elsewhere, or the same again
    name = f"{checkpoint.name}-{kind}-{count}-seed{seed}-{bn_mode}"
    if kind == "interpolation":
        images = sample(generator, nd.array(walk(seed, -(-count // _WALK), settings)), bn_mode)
        return save_sheet(out / f"{name}.png", images)
    batches = draw_latents(seed, count, settings)
    if kind == "grid":
        images = np.concatenate([sample(generator, nd.array(latents), bn_mode) for latents in batches])
        return save_sheet(out / f"{name}.png", images[:count])
    folder = out / name
    folder.mkdir(exist_ok=True)
    for index, latents in enumerate(tqdm(batches, unit="batch", desc="generating")):
        first = index * settings.batch_size
        for number, pixels in enumerate(to_uint8(sample(generator, nd.array(latents), bn_mode)), first):
            if number < count:
                save_picture(folder / f"{number:06d}.png", pixels)
    return folder
