"""The resize ablation at full size, where a GPU is at hand: the PyTorch reference trains, the same code measures.

tests/parity/full_size.py trains, on another machine, from one packed file an arm; this side packs and measures.
"""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from gluon_wgan.data import open_source, prepare
from gluon_wgan.environment import describe_environment
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.estimates import estimate_measures
from gluon_wgan.evaluate.held_out import HeldOut, floors
from gluon_wgan.files import parse_json, write_atomic
from gluon_wgan.models.sampling import draw_latents
from gluon_wgan.pictures import GAP, packed
from gluon_wgan.studies.ablation import BASELINE_RESIZE, decisions, kernel_of
from gluon_wgan.studies.ablation_resize.question import ARMS as RESIZES
from gluon_wgan.studies.deciding import measured_at
from gluon_wgan.studies.full_size.question import ARMS, IMAGE_SIZE, LEAST_SEEDS, SEEDS, PackFlags
from gluon_wgan.studies.plan import AblationFlags
from gluon_wgan.studies.results import start_of_study
from gluon_wgan.studies.statistics import summarise

log = logging.getLogger(__name__)

_KEPT = "full-size-{arm}-seed{seed}"
_ESTIMATES = 10  # generator steps that one kept estimate is the mean of
_SHEET_ROWS, _SHEET_COLUMNS = 8, 12  # of samples in the report, at most


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
        The .npz file: differences (N, H, W, C), latents as `generate.py` draws them, the arm's name, and the commit.
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
        commit = describe_environment()["commit"]
        np.savez_compressed(file, differences=pictures, latents=latents, arm=arm, commit=commit)
    return out


def _settings(arm, data, image_size):
    if arm not in RESIZES:
        raise UserError("--arm", repr(arm), ", ".join(RESIZES))
    return replace(AblationFlags(data=data, image_size=image_size).base(), **RESIZES[arm])


def measure_run(run, data, results, cache_dir):
    """Measure a run of the PyTorch reference as the ablation's own are; keep it, and the table of all.

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
        If the run is not finished, or a file of it is damaged.
    """
    state, estimates, strips, sheets = _read(Path(run))
    arm, seed, side = state["arm"], state["recipe"]["seed"], state["recipe"]["image_size"]
    settings = _settings(arm, data, side)
    held_out = HeldOut(open_source(data, settings.category), side, cache_dir)
    kernel, count = kernel_of(held_out), len(held_out(settings.resize)[0])
    _, late = measured_at(state["generator_steps"])
    deciding, curve = kernel.over(sheets.items(), late, settings.resize) if kernel is not None else ({}, [])
    last = sheets[max(sheets)]
    name = _KEPT.format(arm=arm, seed=seed)
    kept = {
        "trained": state,
        "held_out": count,
        "measures": {
            **estimate_measures(estimates, settings.boost_generator_steps),
            **held_out.distances(last[:count], settings.resize, BASELINE_RESIZE),
            **deciding,
        },
        "floors": floors(held_out, settings.resize, BASELINE_RESIZE, kernel),
        "kernel": curve,
        "estimates": [float(f"{mean:.4g}") for mean in _means(estimates)],
    }
    results.beside(f"ablations/{name}").replace(kept)
    _save_strips(strips, results.figures / "ablations" / f"{name}.png")
    rows = min(_SHEET_ROWS, len(last) // _SHEET_COLUMNS)
    shown = last[: rows * _SHEET_COLUMNS].reshape(rows, _SHEET_COLUMNS, *last.shape[1:])
    _save_strips(shown, results.figures / f"{name}.png")
    results.replace(_table(results))


def _read(run):
    """Return (state, estimates, strips, {generator step: samples}) of a finished run."""
    try:
        state = parse_json((run / "state.json").read_bytes())
        if not state["finished"]:
            raise ValueError(f"stopped at generator step {state['generator_steps']:,}")
        arm, seed = state["arm"], state["recipe"]["seed"]  # of which the names of what is kept are made
        if arm not in ARMS or seed not in SEEDS:
            raise ValueError(f"arm {arm!r}, seed {seed!r}: not of this study")
        # no pickle: nothing in these files is executed
        estimates, strips = (np.load(run / f"{name}.npy", allow_pickle=False) for name in ("estimates", "strips"))
        sheets = {}
        for step in measured_at(state["generator_steps"])[0]:
            with Image.open(run / "samples" / f"step_{step:07d}.webp") as sheet:
                sheets[step] = _cut(np.asarray(sheet.convert("RGB")), state["recipe"]["image_size"])
    except Exception as mistake:  # of a damaged file numpy raises anything
        raise UserError("--run", f"{run} ({mistake})", "a finished run of tests/parity/full_size.py") from mistake
    return state, estimates, strips, sheets


def _cut(sheet, side):
    """Return the pictures (N, side, side, C) of a sheet, row by row."""
    height, width, channels = sheet.shape
    parts = sheet.reshape(height // side, side, width // side, side, channels)
    return parts.transpose(0, 2, 1, 3, 4).reshape(-1, side, side, channels)


def _means(estimates):
    whole = len(estimates) // _ESTIMATES * _ESTIMATES
    return np.reshape(estimates[:whole], (-1, _ESTIMATES)).mean(axis=1)


def _table(results):
    """Return the table of all runs that are kept, in the shape of an ablation's."""
    runs, measured, floors_of, last = {}, {}, {}, None
    for arm in ARMS:
        for seed in SEEDS:
            name = _KEPT.format(arm=arm, seed=seed)
            if kept := results.beside(f"ablations/{name}").read():
                last = kept
                trained = {key: kept["trained"][key] for key in ("commit", "generator_steps", "seconds", "at_once")}
                trained |= {key: kept["trained"][key] for key in ("device", "torch", "tf32")}
                runs.setdefault(arm, {})[str(seed)] = {"name": name, **trained}
                measured.setdefault(arm, {})[seed] = kept["measures"]
                floors_of[arm] = kept["floors"]
    begun = {seed for of_seed in measured.values() for seed in of_seed}
    found, start = summarise(measured, ARMS[0]), start_of_study()
    return {
        "command": start.pop("command"),
        "environment": start,
        "planned": {
            "arms": list(ARMS),
            "seeds": sorted({*SEEDS[:LEAST_SEEDS], *begun}),
            "generator_steps": last["trained"]["generator_steps"],
        },
        "held_out": last["held_out"],
        "floors": floors_of,
        "runs": runs,
        **found,
        "decisions": decisions(found["differences"]),
    }


def _save_strips(strips, file):
    """Write (rows, columns, H, W, C) as one sheet."""
    gap = ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0))
    padded = np.pad(strips, gap, constant_values=255)
    steps, count, height, width, channels = padded.shape
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet = padded.transpose(0, 2, 1, 3, 4).reshape(steps * height, count * width, channels)
    write_atomic(file, packed(Image.fromarray(sheet)))
