"""The procedural bedrooms: reproducible one by one, of varying shape, laid out like rooms, and finely textured."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from gluon_wgan.data.rooms import draw_room

SEED, COUNT = 3, 48


@pytest.fixture(scope="module")
def rooms():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a division by zero at the horizon would only warn
        return [draw_room(SEED, index) for index in range(COUNT)]


@pytest.fixture(scope="module")
def squares(rooms):
    return np.array([_center_square(room) for room in rooms])


def _center_square(room):
    top, left = (room.shape[0] - 256) // 2, (room.shape[1] - 256) // 2
    return room[top : top + 256, left : left + 256]


def _aliasing(picture):
    """How far taking every eighth pixel departs from averaging, in levels, after a reduction from 256 to 32."""
    small = [Image.fromarray(picture).resize((32, 32), way) for way in (Image.BILINEAR, Image.NEAREST)]
    return np.abs(np.subtract(*(np.asarray(image, np.float64) for image in small))).mean()


def test_the_same_key_gives_the_same_picture_and_another_key_another(rooms):
    assert np.array_equal(draw_room(SEED, 5), rooms[5])
    assert len({room.tobytes() for room in rooms}) == COUNT
    assert draw_room(SEED + 1, 5).tobytes() != rooms[5].tobytes()


def test_neither_order_nor_threads_change_a_picture(rooms):
    order = list(reversed(range(16)))
    with ThreadPoolExecutor(4) as pool:
        for index, room in zip(order, pool.map(lambda index: draw_room(SEED, index), order), strict=True):
            assert np.array_equal(room, rooms[index])


def test_numpys_global_generator_is_neither_read_nor_moved():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    first = draw_room(SEED, 0)
    assert np.array_equal(np.random.get_state()[1], before)
    np.random.seed(1)
    assert np.array_equal(draw_room(SEED, 0), first)


def test_type_and_shape(rooms):
    for room in rooms:
        assert room.dtype == np.uint8 and room.ndim == 3 and room.shape[2] == 3
        assert room.flags.c_contiguous
        assert min(room.shape[:2]) == 256 and max(room.shape[:2]) <= 400
    landscape = sum(room.shape[1] > room.shape[0] for room in rooms)
    portrait = sum(room.shape[1] < room.shape[0] for room in rooms)
    assert landscape > COUNT / 2
    assert portrait >= 1
    assert landscape + portrait < COUNT  # some are square
    assert len({max(room.shape[:2]) for room in rooms}) > COUNT / 4


def test_exposure_uses_the_range_without_clipping(squares):
    # Means of 120 to 160 and deviations of 35 to 60 are those of a well exposed interior; a flat or a washed-out
    # picture falls out on one side, a mostly clipped one on the other.
    assert 120 < squares.mean() < 160
    assert 35 < squares.std(axis=(1, 2, 3)).mean() < 60
    assert ((squares == 0) | (squares == 255)).mean() < 0.01


def test_floor_below_and_ceiling_above(squares):
    mean = squares.mean(axis=0)
    # Upside down, the mean room is another picture (about 45 levels off); in a mirror it is nearly the same (about
    # 5), as nothing prefers left or right: chance alone leaves a few levels at this count.
    assert np.abs(mean - mean[::-1]).mean() > 25
    assert np.abs(mean - mean[:, ::-1]).mean() < 15
    # The ceiling is pale and about neutral, the floor darker and mostly of wood, so redder than blue.
    ceiling, floor = mean[:24].mean(axis=(0, 1)), mean[-24:].mean(axis=(0, 1))
    assert 40 < ceiling.mean() - floor.mean() < 140
    assert abs(ceiling[0] - ceiling[2]) < 8 < floor[0] - floor[2]


def test_the_bed_covers_the_floor_in_the_lower_middle(squares):
    # Linen of any color is less warm than wood. With the bed the middle is about 20 levels less red, against blue,
    # than the floor in the corner beside it; without the bed 2 to 5, which the rugs explain.
    warmth = squares[..., 0].mean(axis=0) - squares[..., 2].mean(axis=0)
    assert 10 < warmth[225:, :24].mean() - warmth[195:225, 96:160].mean() < 50


def test_noise_is_that_of_a_sensor_not_a_veil(squares):
    # Neighbors on the plain ceiling differ by noise alone, of 1 to 3 levels; the mean of |a - b| is 2 / sqrt(pi) of it.
    ceiling = squares[:, 8:24, 96:160].mean(axis=-1)
    assert 1 < np.abs(np.diff(ceiling, axis=-1)).mean() * np.sqrt(np.pi) / 2 < 3


def test_fine_textures_alias_when_pixels_are_skipped(squares):
    # The same rooms in plain colors, contours and noise only, give about 6.5; these give about 9. Beyond 15 the
    # textures would drown the room. The measure itself sees little in smoothed pictures: about 2, from contours.
    smooth = [
        np.asarray(Image.fromarray(square).resize((32, 32), Image.BILINEAR).resize((256, 256), Image.BICUBIC))
        for square in squares
    ]
    textured, smoothed = (np.mean([_aliasing(picture) for picture in group]) for group in (squares, smooth))
    assert 7.5 < textured < 15
    assert smoothed < 3.5


def test_energy_above_the_nyquist_frequency_of_32_pixels(squares):
    frequency = np.abs(np.fft.fftfreq(256))
    beyond = np.maximum(frequency[:, None], frequency[None, :]) > 1 / 16
    power = np.abs(np.fft.fft2(squares.mean(axis=-1), norm="forward")) ** 2
    # By Parseval the sum is a variance, in squared levels. Noise alone explains at most 3 levels.
    fine = np.sqrt(power[:, beyond].sum(axis=-1))
    assert fine.min() > 6
    assert 10 < fine.mean() < 25


@pytest.mark.parametrize(("seed", "index"), [(0, -1), (-1, 0), (0, 2**64), (2**64, 0)])
def test_a_key_out_of_range_is_refused(seed, index):
    with pytest.raises(ValueError, match="allowed"):
        draw_room(seed, index)


def test_the_last_index_works_without_the_others():
    assert min(draw_room(2**64 - 1, 2**64 - 1).shape[:2]) == 256
