"""Measure a finished run: where its estimate went, and whether its samples are pictures."""

from pathlib import Path

import numpy as np
from PIL import Image

from gluon_wgan.environment import shown_command
from gluon_wgan.errors import UserError
from gluon_wgan.files import write_atomic
from gluon_wgan.models.sampling import require_pictures
from gluon_wgan.pictures import GAP, Curve, save_curves
from gluon_wgan.run_folder import RunFolder, read_metrics, read_starts
from gluon_wgan.settings import Settings
from gluon_wgan.studies.first_light.question import LEAST_STEPS, WINDOW

_SHOWN = [
    "preset",
    "category",
    "hold_out",
    "resize",
    "image_size",
    "generator_channels",
    "critic_channels",
    "batch_size",
    "n_critic",
    "clip_bound",
    "clip_order",
    "learning_rate",
    "rmsprop_decay",
    "epsilon_placement",
    "critic_rmsprop_epsilon",
    "generator_rmsprop_epsilon",
    "bn_mode",
    "seed",
]


def neighbour_correlation(sheet, image_size, gap=GAP):
    """Return the correlation of horizontally neighbouring pixels inside the pictures of a grid.

    Parameters
    ----------
    sheet : numpy.ndarray
        uint8 (H, W, C), as `gluon_wgan.pictures.grid` lays it out.
    image_size, gap : int
        Pixels.
    """
    left, right = [], []
    for top in range(0, sheet.shape[0], image_size + gap):
        for start in range(0, sheet.shape[1], image_size + gap):
            picture = sheet[top : top + image_size, start : start + image_size].astype(float)
            left.append(picture[:, :-1].ravel())
            right.append(picture[:, 1:].ravel())
    return float(np.corrcoef(np.concatenate(left), np.concatenate(right))[0, 1])


def measure(flags, results):
    """Measure a finished run into reports/data/first_light.json, and keep its curve and its last samples.

    Raises
    ------
    UserError
        If it is no run of a WGAN that makes pictures, or has fewer than 5,000 generator steps.
    """
    run = Path(flags.run)
    settings = Settings.from_json(RunFolder(run).read_config("--run"), run / "config.json")
    require_pictures(settings)
    if settings.loss != "wasserstein":
        raise UserError("--run", f"{run} (loss {settings.loss}, without an estimate)", "a run with loss wasserstein")
    starts, records = read_starts(run, "--run"), read_metrics(run)
    steps = len(records)
    if steps < LEAST_STEPS:
        raise UserError("--run", f"{run} ({steps} generator steps)", f"a run of {LEAST_STEPS} or more")
    estimates = np.array([record["em_distance_estimate"] for record in records])
    boosted = settings.boost_generator_steps
    marks = [mark for mark in (500, 1000, 2000, 3000, 5000, 8000, 10000, 20000, 50000) if mark < steps] + [steps]

    def correlation(name):
        with Image.open(run / "samples" / name) as sheet:
            return neighbour_correlation(np.asarray(sheet.convert("RGB")), settings.image_size)

    last_sheet = f"step_{steps:07d}.png"
    after_boost = float(np.median(estimates[boosted : boosted + WINDOW]))
    at_the_end = float(np.median(estimates[-WINDOW:]))
    data = {
        "command": shown_command(starts[0]["command"]),
        "environment": {key: starts[0][key] for key in starts[0] if key not in ("command", "from_generator_step")},
        "starts": len(starts),
        "settings": {name: getattr(settings, name) for name in _SHOWN},
        "generator_steps": steps,
        "critic_steps": records[-1]["critic_steps"],
        "images_seen": records[-1]["images_seen"],
        "seconds": records[-1]["seconds"],
        "estimate_after_boost": after_boost,
        "estimate_at_end": at_the_end,
        "estimate_ratio": at_the_end / after_boost,
        "estimates": [
            [mark, float(window.mean()), float(window.std(ddof=1))]
            for mark in marks
            for window in [estimates[max(0, mark - WINDOW) : mark]]
        ],
        "correlation_samples": correlation(last_sheet),
        "correlation_real": correlation("real.png"),
    }
    figures = results.figures
    figures.mkdir(parents=True, exist_ok=True)
    save_curves(figures / "first_light_curve.png", Curve(estimates), "first light: EM estimate")
    write_atomic(figures / "first_light_samples.png", (run / "samples" / last_sheet).read_bytes())
    results.replace(data)
