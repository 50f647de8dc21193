"""CIEDE2000: greys by the formula, and what is not compared."""

import numpy as np
import pytest
from conftest import encode, make_picture

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import colours
from gluon_wgan.evaluate.colours import colour_difference
from gluon_wgan.studies.compare_resize.measure import compare, open_images
from gluon_wgan.studies.compare_resize.pixels import share_seen


def lightness(grey):
    """L* of an sRGB grey, 0 to 255, from the standards: IEC 61966-2-1, and CIE 15."""
    value = grey / 255
    linear = value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
    root = linear ** (1 / 3) if linear > (6 / 29) ** 3 else linear / (3 * (6 / 29) ** 2) + 4 / 29
    return 116 * root - 16


@pytest.mark.parametrize(("a", "b"), [(0, 255), (119, 120), (5, 8), (200, 100)])
def test_greys_by_the_formula(a, b):
    one, other = (np.full((2, 3, 4, 3), grey, np.uint8) for grey in (a, b))
    apart, middle = abs(lightness(a) - lightness(b)), (lightness(a) + lightness(b)) / 2 - 50
    expected = apart / (1 + 0.015 * middle**2 / np.sqrt(20 + middle**2))
    found = colour_difference(one, other)
    assert found.shape == (2, 3, 4)
    # the library's white point has five digits, so its greys have a tint of 1e-2 at the most
    assert found == pytest.approx(np.full((2, 3, 4), expected), abs=0.02)


def test_a_blue_counts_less_than_its_distance_in_the_cube():
    blue, red = (np.zeros((1, 1, 2, 3), np.uint8) for _ in range(2))
    blue[..., 2], red[..., 0] = (200, 210), (200, 210)
    found = [float(colour_difference(one[:, :, :1], one[:, :, 1:])[0, 0, 0]) for one in (blue, red)]
    assert 0 < found[0] < found[1]


def test_it_is_a_distance():
    a, b = make_picture(0, 8, 9)[np.newaxis], make_picture(1, 8, 9)[np.newaxis].astype(np.float32)
    assert not colour_difference(a, a).any()
    assert colour_difference(a, b) == pytest.approx(colour_difference(b, a), abs=1e-9)
    assert (colour_difference(a, b) > 0).all()


def test_what_is_not_compared(monkeypatch):
    picture = make_picture(0, 8, 8)[np.newaxis]
    with pytest.raises(UserError, match=r"pictures_b: given \(1, 4, 8, 3\); allowed: the shape of pictures_a"):
        colour_difference(picture, picture[:, :4])
    with pytest.raises(UserError, match="with 3 channels"):
        colour_difference(picture[..., :1], picture[..., :1])
    with pytest.raises(UserError, match="finite values from 0 to 255"):
        colour_difference(picture, np.full(picture.shape, np.nan, np.float32))
    monkeypatch.setattr(colours, "installed", lambda: False)
    with pytest.raises(UserError, match="given a Python without colour-science"):
        colour_difference(picture, picture)


def test_the_share_that_is_seen():
    picture = np.full((2, 2, 2, 3), 100, np.uint8)
    other = picture.astype(np.float32)
    other[0, 0, 0] = 255.00003  # as a sum of float32 may end
    other[1, 0, :, 0] += 40
    other[1, 1] += 0.5  # a fifth of a unit
    assert share_seen(other, picture).tolist() == [0.25, 0.5]


def test_it_is_in_the_comparison_of_resizes(tmp_path):
    for index in range(12):  # more than a block
        (tmp_path / f"{index:02}.png").write_bytes(encode(make_picture(index)))
    seen = compare(*open_images(tmp_path), (16, 8))[0]["seen"]
    assert seen["pil"] == {"p05": 0, "median": 0, "p95": 0}
    # noise: shrunk by two and a half, OpenCV takes two pixels of five where Pillow takes all
    assert 0.9 < seen["cv2"]["p05"] <= seen["cv2"]["median"] <= seen["cv2"]["p95"] <= 1
    assert seen["cv2-area"]["median"] > 0.5
