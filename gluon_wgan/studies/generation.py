"""Pictures from a trained generator: single ones, a grid, or walks between latents."""

from pathlib import Path

import numpy as np
from mxnet import nd
from tqdm import tqdm

from gluon_wgan import streams
from gluon_wgan.checkpoint import open_checkpoint
from gluon_wgan.errors import UserError
from gluon_wgan.models import build_generator
from gluon_wgan.pictures import grid, save_picture, to_uint8
from gluon_wgan.trainer import sample

_WALK = 8  # pictures from one latent to the next


def load_generator(path):
    """Return (generator, settings, checkpoint) of a run folder (its newest checkpoint) or of one checkpoint in it.

    Raises
    ------
    UserError
        If there is no checkpoint, or it is damaged.
    """
    checkpoint, settings, _ = open_checkpoint(path)
    generator = build_generator(settings)
    generator.load_parameters(str(checkpoint / "generator.params"))
    generator.hybridize(static_alloc=True)
    return generator, settings, checkpoint


def draw_latents(seed, count, settings):
    """Return latents (batches, batch_size, latent_dim, 1, 1), enough for `count` pictures.

    Batches are always full, so that picture i is the same however many are asked for: with batch statistics it
    depends on the pictures drawn beside it.
    """
    shape = (settings.batch_size, settings.latent_dim, 1, 1)
    batches = -(-count // settings.batch_size)
    return np.stack([streams.normal(seed, "generated_latents", index, shape) for index in range(batches)])


def walk(seed, rows, settings):
    """Return latents (rows * 8, latent_dim, 1, 1): each row goes from one latent to another on the sphere.

    The way is spherical (slerp), since N(0, 1) latents lie near a sphere: the straight way would pass through its
    middle, where training drew none.
    """
    ends = draw_latents(seed, 2 * rows, settings).reshape(-1, settings.latent_dim)[: 2 * rows]
    latents = []
    for start, end in zip(ends[::2], ends[1::2]):
        cosine = np.dot(start, end) / (np.linalg.norm(start) * np.linalg.norm(end))
        angle = np.arccos(np.clip(cosine, -1, 1))
        for part in np.linspace(0, 1, _WALK):
            latents.append((np.sin((1 - part) * angle) * start + np.sin(part * angle) * end) / np.sin(angle))
    return np.stack(latents)[..., np.newaxis, np.newaxis].astype(np.float32)


def generate(path, kind, count, bn_mode, seed, out):
    """Generate pictures and write them as PNG.

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
    if not 0 <= seed < 2**63:
        raise UserError("--seed", seed, "0 or more")
    generator, settings, checkpoint = load_generator(path)
    bn_mode = bn_mode or settings.bn_mode
    out = Path(out) if out else checkpoint.parent.parent / "generated"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError("--out", f"{out} ({error.strerror})", "a folder that can be created and written") from error
    name = f"{checkpoint.name}-{kind}-seed{seed}-{bn_mode}"
    if kind == "interpolation":
        images = sample(generator, nd.array(walk(seed, -(-count // _WALK), settings)), bn_mode)
        return _save_sheet(out / f"{name}.png", images)
    batches = draw_latents(seed, count, settings)
    if kind == "grid":
        images = np.concatenate([sample(generator, nd.array(latents), bn_mode) for latents in batches])
        return _save_sheet(out / f"{name}.png", images[:count])
    folder = out / name
    folder.mkdir(exist_ok=True)
    for index, latents in enumerate(tqdm(batches, unit="batch", desc="generating")):
        first = index * settings.batch_size
        for number, pixels in enumerate(to_uint8(sample(generator, nd.array(latents), bn_mode)), first):
            if number < count:
                save_picture(folder / f"{number:06d}.png", pixels)
    return folder


def _save_sheet(file, images):
    save_picture(file, grid(images))
    return file
