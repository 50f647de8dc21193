"""Grids and curves: every pixel of a small grid by hand, rounding, and the median against scipy's definition."""

import statistics

import numpy as np
import pytest
from PIL import Image

from gluon_wgan.errors import UserError
from gluon_wgan.pictures import Curve, grid, median_filtered, save_curves, save_picture, to_uint8


def test_bytes_are_rounded_and_cut_off():
    values = np.array([-2, -1, -0.999, 0, 0.5, 1, 3], dtype=np.float32).reshape(1, 1, 1, 7)
    # (x + 1) * 127.5: -.999 gives .1275, 0 gives 127.5 (half to even: 128), .5 gives 191.25
    assert to_uint8(values).ravel().tolist() == [0, 0, 0, 128, 191, 255, 255]


def test_every_byte_survives_the_way_to_minus_one_to_one_and_back():
    from gluon_wgan.data.batches import normalise

    bytes_ = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    assert np.array_equal(to_uint8(normalise(bytes_)), bytes_)


def test_a_grid_pixel_by_pixel():
    images = np.stack([np.full((1, 2, 2), value, dtype=np.float32) for value in (-1, 1, 0.2)])
    # 2 columns, a white gap of 1; the last cell stays white. .2 gives 153
    expected = [
        [0, 0, 255, 255, 255],
        [0, 0, 255, 255, 255],
        [255, 255, 255, 255, 255],
        [153, 153, 255, 255, 255],
        [153, 153, 255, 255, 255],
    ]
    assert grid(images, columns=2, gap=1)[..., 0].tolist() == expected


def test_an_empty_grid_is_refused():
    with pytest.raises(UserError, match="no pictures"):
        grid(np.zeros((0, 3, 4, 4)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_saved_picture_reads_back(channels, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    save_picture(tmp_path / "x.png", pixels)
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.mode == ("RGB" if channels == 3 else "L")
        assert np.array_equal(np.asarray(picture).reshape(pixels.shape), pixels)


def test_the_median_is_that_of_the_101_values_around():
    values = np.random.default_rng(0).normal(size=400)
    filtered = median_filtered(values)
    for centre in (50, 51, 200, 349):
        assert filtered[centre] == statistics.median(values[centre - 50 : centre + 51])
    for index in (0, 1, 49, 350, 399):  # the ends cut the window
        assert filtered[index] == statistics.median(values[max(0, index - 50) : index + 51])


@pytest.mark.parametrize("count", [1, 2, 50, 101, 102, 300, 1000])
def test_a_curve_keeps_every_step_of_a_short_run(count):
    values = np.random.default_rng(count).normal(size=count)
    steps, lowest, highest, medians = Curve(values, 1000).lines()
    assert np.array_equal(steps, np.arange(1, count + 1))
    assert np.array_equal(lowest, values) and np.array_equal(highest, values)
    assert np.array_equal(medians, median_filtered(values))


@pytest.mark.parametrize("count", [21, 160, 161, 327, 2000])
def test_a_curve_of_a_long_run_is_thinned(count):
    values = np.random.default_rng(count).normal(size=count)
    curve = Curve(values, 20)
    steps, lowest, highest, medians = curve.lines()
    width = int(steps[1] - steps[0])
    assert width == 2 ** int(np.ceil(np.log2(count / 20))) and 10 <= len(steps) <= 20
    parts = [values[start : start + width] for start in range(0, count, width)]
    assert np.array_equal(steps, np.arange(0, count, width) + 1)
    assert np.array_equal(lowest, [part.min() for part in parts])
    assert np.array_equal(highest, [part.max() for part in parts])
    assert np.array_equal(medians, median_filtered(values)[::width])
    # 101 values of the window, and at most 20 bins: nothing grows with the run
    assert max(len(part) for part in vars(curve).values() if hasattr(part, "__len__")) <= 101


@pytest.mark.parametrize("count", [1, 50, 300, 9000])
def test_curves_are_drawn_for_short_and_long_runs(count, tmp_path):
    save_curves(tmp_path / "c.png", Curve(np.linspace(1, 0, count)), "a run")
    with Image.open(tmp_path / "c.png") as picture:
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert picture.size == (960, 540)
    blue = (colours[:, 2].astype(int) - colours[:, 0] > 40).mean()
    assert 0.0001 < blue < 0.2  # a line is there, and does not fill the page
