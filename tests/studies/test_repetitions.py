"""A repetition's samples on its page, of pictures whose shade is known."""

from types import SimpleNamespace

import numpy as np

from gluon_wgan.pictures import grid, save_picture
from gluon_wgan.report import repetitions
from gluon_wgan.report.style import style
from gluon_wgan.studies import ablation


def test_a_repetition_shows_the_last_samples_of_the_first_seed_the_baseline_first(tmp_path):
    shades = {"cv2": 1.0, "pil": 0.0}
    for arm, shade in shades.items():
        run = SimpleNamespace(settings=SimpleNamespace(image_size=16, generator_steps=700), folder=tmp_path / arm)
        (run.folder / "samples").mkdir(parents=True)
        for step, brightness in ((500, -1.0), (700, shade)):
            sheet = grid(np.full((16, 3, 16, 16), brightness))
            save_picture(run.folder / "samples" / f"step_{step:07d}.png", sheet)
        ablation.keep_samples(run, tmp_path / "figures/ablations" / f"{arm}.png")
    data = {
        "settings": {"image_size": 16},
        "planned": {"arms": ["pil", "cv2", "gluoncv"], "seeds": [20, 21]},
        "runs": {"cv2": {"20": {"name": "cv2"}}, "pil": {"20": {"name": "pil"}}, "gluoncv": {"21": {"name": "cv2"}}},
    }
    shown = repetitions._samples(data, tmp_path, style).axes
    assert [axes.get_title() for axes in shown] == ["Pillow bilinear", "OpenCV bilinear"]
    for axes, brightness in zip(shown, (128, 255)):
        row = np.asarray(axes.images[0].get_array())
        assert row.shape == (16, 8 * 16 + 7 * 2, 3)
        assert (row[:, :16] == brightness).all()  # whole pictures, and no white below
    data["runs"] = {}
    assert repetitions._samples(data, tmp_path, style) is None
