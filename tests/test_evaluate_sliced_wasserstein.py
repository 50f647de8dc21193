"""Sliced Wasserstein distance: pyramid against matrices and OpenCV, distance against closed forms and SciPy."""

import cv2
import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from gluon_wgan import streams
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import laplacian_pyramid, sliced_wasserstein
from gluon_wgan.evaluate.sliced_wasserstein import _cut, _distance, _normalise


def noise(seed, count=40, side=32, channels=3, mean=128.0, deviation=30.0):
    """Return float32 pictures whose pixels are independent and normal (4 deviations fit into 0 to 255)."""
    pixels = np.random.default_rng(seed).normal(mean, deviation, (count, side, side, channels))
    return np.clip(pixels, 0, 255).astype(np.float32)


def mirrored(index, size):
    """The pixel that stands for one outside: the edge is not repeated."""
    return -index if index < 0 else 2 * (size - 1) - index if index >= size else index


def shrink_matrix(size):
    """(size / 2, size), written entry by entry."""
    matrix = np.zeros((size // 2, size))
    for row in range(size // 2):
        for step, weight in zip(range(-2, 3), (1, 4, 6, 4, 1)):
            matrix[row, mirrored(2 * row + step, size)] += weight / 16
    return matrix


def grow_matrix(size):
    """(2 size, size): pixel `2 column` of the larger picture is pixel `column` of the smaller one."""
    matrix = np.zeros((2 * size, size))
    for row in range(2 * size):
        for step, weight in zip(range(-2, 3), (1, 4, 6, 4, 1)):
            source = mirrored(row + step, 2 * size)
            if source % 2 == 0:
                matrix[row, source // 2] += weight / 8
    return matrix


def apply(matrix, pictures):
    return np.einsum("yi,xj,nijc->nyxc", matrix, matrix, pictures)


def test_pyramid_gives_uint8_pictures_back_without_any_rounding():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    pyramid = laplacian_pyramid(pictures, 3)
    assert [level.shape for level in pyramid] == [(3, 64, 64, 3), (3, 32, 32, 3), (3, 16, 16, 3)]
    rest = pyramid[-1]
    for level in pyramid[-2::-1]:
        rest = level + apply(grow_matrix(rest.shape[1]), rest)
    assert np.array_equal(rest, pictures)
    smaller = apply(shrink_matrix(32), apply(shrink_matrix(64), pictures.astype(float)))
    assert np.array_equal(pyramid[-1], smaller)


def test_pyramid_shrinks_as_opencv():
    picture = np.random.default_rng(1).integers(0, 256, (48, 32, 3)).astype(np.float32)
    # OpenCV adds in float32 in another order: a few roundings of 255 * 2**-24
    assert np.allclose(laplacian_pyramid(picture[np.newaxis], 2)[1][0], cv2.pyrDown(picture), rtol=0, atol=1e-4)


def test_pyramid_puts_a_plain_picture_into_the_last_level():
    fine, coarse = laplacian_pyramid(np.full((1, 32, 32, 1), 77, np.uint8), 2)
    assert np.all(fine == 0) and np.all(coarse == 77)


@pytest.mark.parametrize(("levels", "side"), [(0, 32), (3, 34), (7, 32)])
def test_pyramid_refuses_levels_that_do_not_divide(levels, side):
    with pytest.raises(UserError, match="levels of a Laplacian pyramid: given"):
        laplacian_pyramid(np.zeros((1, 32, side, 1), np.uint8), levels)


def test_one_dimension_is_scipys_wasserstein_distance():
    rng = np.random.default_rng(2)
    real, fake = rng.normal(0, 1, (300, 1)), rng.exponential(2, (300, 1))
    expected = wasserstein_distance(real[:, 0], fake[:, 0])
    # in one dimension the unit vectors are 1 and -1, whatever the length that is drawn; 1e-12 is rounding
    directions = np.array([[0.3], [-2.0], [1.0]])
    assert _distance(real, fake, directions) == pytest.approx(expected, rel=1e-12)


def test_distance_is_the_mean_over_directions_of_scipys():
    rng = np.random.default_rng(3)
    real, fake, directions = rng.normal(size=(80, 5)), rng.normal(0.5, 2, (80, 5)), rng.normal(size=(37, 5))
    unit = directions / np.sqrt((directions**2).sum(axis=1, keepdims=True))
    expected = np.mean([wasserstein_distance(real @ u, fake @ u) for u in unit])  # 37: no multiple of the chunk
    assert _distance(real, fake, directions) == pytest.approx(expected, rel=1e-12)


def test_a_shift_is_seen_as_its_mean_projection():
    rng = np.random.default_rng(4)
    shift, directions = np.array([3.0, 0, -4.0]), rng.normal(size=(2000, 3))
    points = rng.normal(size=(50, 3))
    # the same points, shifted by 5: every direction sees |<shift, u>|, exactly; over the sphere its mean is 5 / 2
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    distance = _distance(points, points + shift, directions)
    assert distance == pytest.approx(np.abs(unit @ shift).mean(), rel=1e-12)
    # |<shift, u>| is uniform on 0 to 5, so 2000 directions know its mean to 5 / sqrt(12 * 2000) = 0.032
    assert distance == pytest.approx(2.5, abs=4 * 0.032)


def test_two_shifted_gaussians():
    rng = np.random.default_rng(5)
    shift, directions = np.array([3.0, 0, -4.0]), rng.normal(size=(200, 3))
    real, fake = rng.normal(size=(4000, 3)), rng.normal(size=(4000, 3)) + shift
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    # the empirical means are off by sqrt(2 / 4000) = 0.022 in each direction, and directions across the shift see
    # that noise instead of 0; the mean over directions moves by no more
    assert _distance(real, fake, directions) == pytest.approx(np.abs(unit @ shift).mean(), abs=3 * 0.022)


def test_patches_are_cut_where_they_were_drawn():
    level = np.arange(2 * 16 * 16 * 3, dtype=float).reshape(2, 16, 16, 3)
    corners = np.array([[[0, 9], [3, 4]], [[9, 0], [9, 9]]])  # (y, x); 9 is the last
    patches = _cut(level, corners)
    assert patches.shape == (4, 7, 7, 3)
    for number, (picture, (y, x)) in enumerate(zip((0, 0, 1, 1), corners.reshape(4, 2))):
        assert np.array_equal(patches[number], level[picture, y : y + 7, x : x + 7])


def test_channels_are_normalised_each_by_its_own_numbers():
    rng = np.random.default_rng(6)
    real = rng.normal((10, 20, 30), (1, 2, 3), (50, 7, 7, 3))
    fake = rng.normal((0, 5, 9), (4, 4, 4), (50, 7, 7, 3))
    ours, theirs = (points.reshape(50, 7, 7, 3) for points in _normalise(real, fake, "each"))
    for points in (ours, theirs):  # rounding
        assert np.allclose(points.mean(axis=(0, 1, 2)), 0, atol=1e-12)
        assert np.allclose(points.std(axis=(0, 1, 2)), 1, atol=1e-12)
    same, scaled = _normalise(real, 2 * real, "real")
    assert np.array_equal(same, ours.reshape(50, -1))
    back = same.reshape(50, 7, 7, 3) + real.mean(axis=(0, 1, 2)) / real.std(axis=(0, 1, 2))
    assert np.allclose(scaled.reshape(50, 7, 7, 3), same.reshape(50, 7, 7, 3) + back, atol=1e-12)


def test_a_set_is_at_distance_zero_from_itself_and_the_distance_is_symmetric():
    real, fake = noise(0), noise(1)
    assert sliced_wasserstein(real, real.copy()) == {32: 0, 16: 0}
    there, back = sliced_wasserstein(real, fake, projections=64), sliced_wasserstein(fake, real, projections=64)
    assert list(there) == [32, 16]
    assert there == pytest.approx(back, rel=1e-12)


@pytest.mark.parametrize(("side", "levels"), [(16, [16]), (32, [32, 16]), (64, [64, 32, 16])])
@pytest.mark.parametrize("channels", [1, 3])
def test_levels_run_down_to_sixteen_pixels(side, levels, channels):
    sets = noise(0, 4, side, channels), noise(1, 4, side, channels)
    assert list(sliced_wasserstein(*sets, patches=4, projections=8)) == levels


def test_the_floor_of_equal_distributions_falls_as_the_root_of_the_number():
    # as that of any two samples does: 16 times the pictures, a quarter; floors of other draws scatter by 10 %
    few = sliced_wasserstein(noise(2, 20), noise(3, 20), patches=16, projections=128)
    many = sliced_wasserstein(noise(4, 320), noise(5, 320), patches=16, projections=128)
    for side in (32, 16):
        assert few[side] / many[side] == pytest.approx(4, rel=0.25)


def test_blur_shows_on_the_finest_level_first():
    real, other = noise(6), noise(7)
    blurred = np.stack([cv2.GaussianBlur(picture, (0, 0), 0.6) for picture in other])
    floor = sliced_wasserstein(real, other, projections=128, normalise_by="real")
    distance = sliced_wasserstein(real, blurred, projections=128, normalise_by="real")
    assert distance[32] > 3 * floor[32]
    assert distance[32] > 3 * distance[16]


def test_contrast_is_hidden_by_the_papers_normalisation_and_seen_by_the_real_sets():
    real, other = noise(8, deviation=30), noise(9, deviation=30)
    paler = (other - 128) / 2 + 128
    # halving all differences is undone by the normalisation, up to float32
    expected = sliced_wasserstein(real, other, projections=128)
    assert sliced_wasserstein(real, paler, projections=128) == pytest.approx(expected, rel=1e-4)
    # against the real set's: a projection has deviations s and s / 2, with s^2 = 1 on average over directions, and
    # their distance is (s / 2) E |normal| = 0.399 s; correlated pixels spread s, the floor adds a little
    seen = sliced_wasserstein(real, paler, projections=128, normalise_by="real")
    assert seen[32] == pytest.approx(0.399, rel=0.05)
    assert seen[16] == pytest.approx(0.399, rel=0.05)


def test_numbers_depend_on_the_seed_and_on_nothing_else():
    real, fake = noise(0), noise(1)
    before = np.random.get_state()[1].copy()
    first = sliced_wasserstein(real, fake, seed=1, patches=4, projections=20)
    assert np.array_equal(np.random.get_state()[1], before)
    assert sliced_wasserstein(real, fake, seed=1, patches=4, projections=20) == first
    assert sliced_wasserstein(real, fake, seed=2, patches=4, projections=20) != first


def test_whole_distance_by_hand():
    # one level, and every number from its stream: a second way through patches, normalisation and sorting
    real, fake = noise(0, 3, 16), noise(1, 3, 16)
    corners = streams.generator(5, "sliced_wasserstein_patches", 16).integers(0, 10, (3, 6, 2))
    directions = streams.normal(5, "sliced_wasserstein_directions", 16, (9, 147)).astype(float)
    sorted_projections = []
    for pictures in (real, fake):
        patches = np.array([pictures[n, y : y + 7, x : x + 7] for n in range(3) for y, x in corners[n]], dtype=float)
        for channel in range(3):
            values = patches[..., channel]
            patches[..., channel] = (values - values.mean()) / values.std()
        points = patches.reshape(18, 147)
        projections = [points @ u / np.linalg.norm(u) for u in directions]
        sorted_projections.append(np.sort(projections, axis=1))
    expected = np.abs(sorted_projections[0] - sorted_projections[1]).mean()
    assert sliced_wasserstein(real, fake, seed=5, patches=6, projections=9) == pytest.approx({16: expected}, rel=1e-9)


@pytest.mark.parametrize("shape", [(4, 32, 64, 3), (4, 48, 48, 3), (4, 8, 8, 3), (4, 100, 100, 3)])
def test_sides_that_are_no_power_of_two_are_refused(shape):
    with pytest.raises(UserError, match=r"given pictures of .*; allowed: squares of 16, 32, 64, ... pixels"):
        sliced_wasserstein(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


def test_sets_of_other_numbers_are_refused():
    with pytest.raises(UserError, match="given 40 real and 39 fake pictures; allowed: as many of each"):
        sliced_wasserstein(noise(0), noise(1)[:39])
    with pytest.raises(UserError, match="N at least 2"):
        sliced_wasserstein(noise(0, 1), noise(1, 1))


@pytest.mark.parametrize("argument", [{"patches": 0}, {"projections": 0}, {"normalise_by": "fake"}])
def test_other_arguments_are_refused(argument):
    with pytest.raises(UserError, match=f"{next(iter(argument))}: given"):
        sliced_wasserstein(noise(0, 2), noise(1, 2), **argument)


def test_plain_pictures_cannot_be_normalised_by_their_own_contrast():
    plain = np.full((40, 32, 32, 3), 9, np.uint8)
    with pytest.raises(UserError, match="fake: given a channel without contrast"):
        sliced_wasserstein(noise(0), plain.astype(np.float32), projections=8)
    seen = sliced_wasserstein(noise(0), plain.astype(np.float32), projections=64, normalise_by="real")
    assert np.isfinite(list(seen.values())).all() and seen[32] > 0.5
