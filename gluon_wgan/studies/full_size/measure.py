"""The resize ablation at full size, where a GPU is at hand: the PyTorch reference trains, the same code measures.

tests/parity/full_size.py trains. It needs torch, numpy and one packed file; this side packs and measures.
"""

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from gluon_wgan.data import open_source, prepare
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.estimates import estimate_measures
from gluon_wgan.evaluate.held_out import HeldOut
from gluon_wgan.files import write_atomic
from gluon_wgan.models.sampling import draw_latents
from gluon_wgan.pictures import packed
from gluon_wgan.studies.ablation import BASELINE_RESIZE
from gluon_wgan.studies.ablation_resize.question import ARMS
from gluon_wgan.studies.full_size.question import IMAGE_SIZE, PackFlags
from gluon_wgan.studies.plan import AblationFlags
from gluon_wgan.studies.results import start_of_study

log = logging.getLogger(__name__)

_STRIP_GAP = 2  # pixels


def measure(flags, results):
    """Pack an arm's pictures, or measure a run that came back into reports/data/full_size.json."""
    if isinstance(flags, PackFlags):
        log.info("packed: %s", pack(flags.arm, flags.data, flags.out, flags.cache_dir))
    else:
        measure_run(flags.run, flags.data, results, flags.cache_dir)


def pack(arm, data, out, cache_dir, image_size=IMAGE_SIZE):
    """Write an arm's training pictures to one file, losslessly, for the PyTorch reference on another machine.

    Each pixel but a row's first is stored as the difference from its left neighbour, modulo 256, which deflate packs to
    some two thirds: 5,000 bedrooms of 64x64 take 35 MB.

    Parameters
    ----------
    arm : str
        A name of `gluon_wgan.studies.ablation_resize.question.ARMS` whose resize gives uint8.
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
    latents = draw_latents(0, int(prepared.held_out.sum()), settings)
    with open(out, "wb") as file:
        np.savez_compressed(file, differences=pictures, latents=latents, arm=arm)
    return out


def _settings(arm, data, image_size):
    if arm not in ARMS:
        raise UserError("--arm", repr(arm), ", ".join(ARMS))
    return replace(AblationFlags(data=data, image_size=image_size).base(), **ARMS[arm])


def measure_run(run, data, results, cache_dir):
    """Measure a run of the PyTorch reference as the ablation's own are; keep it as a part of the results.

    Parameters
    ----------
    run : str or pathlib.Path
        The folder that tests/parity/full_size.py wrote.
    data : str
    results : gluon_wgan.studies.results.Results
    cache_dir : str or pathlib.Path

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
    start = start_of_study()
    found = {
        "command": start.pop("command"),
        "environment": start,
        "trained": state,
        "samples": len(samples),
        "measures": {
            **estimate_measures(estimates, settings.boost_generator_steps),
            **held_out.distances(samples, settings.resize, BASELINE_RESIZE),
        },
        "estimates": [float(f"{estimate:.4g}") for estimate in estimates],
    }
    results.keep(state["arm"], found)
    _save_strips(strips, results.figures / f"full_size_{state['arm']}.png")


def _save_strips(strips, file):
    """Write (steps, pictures, H, W, C) as one sheet."""
    gap = ((0, 0), (0, 0), (0, _STRIP_GAP), (0, _STRIP_GAP), (0, 0))
    padded = np.pad(strips, gap, constant_values=255)
    steps, count, height, width, channels = padded.shape
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet = padded.transpose(0, 2, 1, 3, 4).reshape(steps * height, count * width, channels)
    write_atomic(file, packed(Image.fromarray(sheet)))
