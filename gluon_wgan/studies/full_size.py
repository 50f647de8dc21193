"""The resize ablation at full size, where a GPU is at hand: the PyTorch reference trains, the same code measures.

tests/parity/full_size.py trains. It needs torch, numpy and one packed file; this side packs and measures.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from gluon_wgan.data import open_source, prepare
from gluon_wgan.errors import UserError
from gluon_wgan.run_folder import describe_environment, write_atomic
from gluon_wgan.studies import arms
from gluon_wgan.studies.ablation_measures import LATENTS_SEED, HeldOut, estimate_measures
from gluon_wgan.studies.ablation_study import BASELINE_RESIZE
from gluon_wgan.studies.generation import draw_latents

IMAGE_SIZE = 64
_STRIP_GAP = 2  # pixels


def pack(arm, data, out, cache_dir, image_size=IMAGE_SIZE):
    """Write an arm's training pictures to one file, losslessly, for the PyTorch reference on another machine.

    Each pixel but a row's first is stored as the difference from its left neighbour, modulo 256, which deflate packs to
    some two thirds: 5,000 bedrooms of 64x64 take 35 MB.

    Parameters
    ----------
    arm : str
        A name of `gluon_wgan.studies.arms.RESIZE` whose resize gives uint8.
    data : str
        As of train_lsun.py.
    out : str or pathlib.Path
        The .npz file: differences (N, H, W, C), latents as `generate.py` draws them, and the arm's name.
    cache_dir : str or pathlib.Path
    image_size : int

    Returns
    -------
    pathlib.Path

    Raises
    ------
    UserError
        If there is no such arm, or its pictures are no bytes.
    """
    settings = _settings(arm, data, image_size)
    prepared = prepare(open_source(data, settings.category), image_size, settings.resize, cache_dir)
    if prepared.pictures.dtype != np.uint8:
        given = f"{arm} (its pictures are {prepared.pictures.dtype})"
        raise UserError("--arm", given, "an arm whose pictures are uint8")
    pictures = np.array(prepared.pictures[np.flatnonzero(~prepared.held_out)])
    pictures[:, :, 1:] -= pictures[:, :, :-1].copy()  # uint8 wraps, and wraps back
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    latents = draw_latents(LATENTS_SEED, int(prepared.held_out.sum()), settings)
    with open(out, "wb") as file:
        np.savez_compressed(file, differences=pictures, latents=latents, arm=arm)
    return out


def _settings(arm, data, image_size):
    if arm not in arms.RESIZE:
        raise UserError("--arm", repr(arm), ", ".join(arms.RESIZE))
    return replace(arms.base_settings(data, image_size), **arms.RESIZE[arm])


def measure(run, data, reports, cache_dir):
    """Measure a run of the PyTorch reference as the ablation's own are; add it to reports/data/full_size.json.

    Parameters
    ----------
    run : str or pathlib.Path
        The folder that tests/parity/full_size.py wrote.
    data, reports, cache_dir : str or pathlib.Path

    Returns
    -------
    pathlib.Path

    Raises
    ------
    UserError
        If the run is not finished.
    """
    run = Path(run)
    try:
        state = json.loads((run / "state.json").read_text())
        # no pickle: nothing in these files is executed
        estimates, samples, strips = (
            np.load(run / f"{name}.npy", allow_pickle=False) for name in ("estimates", "samples", "strips")
        )
    except (OSError, ValueError) as mistake:
        raise UserError("--run", f"{run} ({mistake})", "a finished run of tests/parity/full_size.py") from mistake
    settings = _settings(state["arm"], data, samples.shape[1])
    held_out = HeldOut(open_source(data, settings.category), samples.shape[1], cache_dir)
    samples = samples[: len(held_out(settings.resize)[0])]
    file = Path(reports) / "data" / "full_size.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    kept[state["arm"]] = {
        "environment": describe_environment(),
        "trained": state,
        "samples": len(samples),
        "measures": {
            **estimate_measures(estimates, settings.boost_generator_steps),
            **held_out.distances(samples, settings.resize, BASELINE_RESIZE),
        },
        "estimates": [float(f"{estimate:.4g}") for estimate in estimates],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, json.dumps(kept, indent=1).encode())
    _save_strips(strips, Path(reports) / "figures" / f"full_size_{state['arm']}.png")
    return file


def _save_strips(strips, file):
    """Write (steps, pictures, H, W, C) as one sheet."""
    gap = ((0, 0), (0, 0), (0, _STRIP_GAP), (0, _STRIP_GAP), (0, 0))
    padded = np.pad(strips, gap, constant_values=255)
    steps, count, height, width, channels = padded.shape
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet = padded.transpose(0, 2, 1, 3, 4).reshape(steps * height, count * width, channels)
    Image.fromarray(sheet).save(file)
