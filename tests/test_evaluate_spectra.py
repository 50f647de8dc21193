"""Spectra: waves of known power, white noise, Parseval, and a transform written out."""

import numpy as np
import pytest

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import log_spectrum_difference, radial_power_spectrum
from gluon_wgan.evaluate.spectra import rings_of


def wave(cycles_down, cycles_across, amplitude=50.0, side=32):
    """Return one float32 picture (1, side, side, 1) of a plane wave."""
    y, x = np.mgrid[:side, :side] / side
    plane = 128 + amplitude * np.sin(2 * np.pi * (cycles_down * y + cycles_across * x))
    return plane[np.newaxis, ..., np.newaxis].astype(np.float32)


def white(seed, count, deviation=20.0, side=32, channels=3):
    pixels = np.random.default_rng(seed).normal(128, deviation, (count, side, side, channels))
    return np.clip(pixels, 0, 255).astype(np.float32)


def ring_count(k, side=32):
    """Count the frequencies of a ring one by one: k - 1/2 <= radius < k + 1/2."""
    half = side // 2
    radii = [np.sqrt(y * y + x * x) for y in range(-half, half) for x in range(-half, half)]
    return sum(k - 0.5 <= radius < k + 0.5 for radius in radii)


@pytest.mark.parametrize(("down", "across", "ring"), [(0, 5, 5), (3, 4, 5), (12, 0, 12), (-6, 8, 10), (14, 14, 20)])
def test_a_wave_has_all_its_power_in_its_ring(down, across, ring):
    frequencies, power = radial_power_spectrum(wave(down, across))
    assert frequencies[ring - 1] == ring / 32
    # |FFT| is A H W / 2 at the wave and at its mirror, so |FFT|^2 / (H W) is A^2 H W / 4 there, of `ring_count` places
    expected = 2 * 50**2 * 32**2 / 4 / ring_count(ring)
    # float32 rounds to steps of 2**-16 at most, next to a wave of 50: 1e-6 of the power
    assert power[ring - 1] == pytest.approx(expected, rel=1e-6)
    # by Parseval that rounding, a variance of 2**-32 / 12, has at most 32**2 times that power anywhere: 2e-8
    assert np.delete(power, ring - 1).max() < 1e-7


def test_the_checkerboard_is_the_last_ring():
    y, x = np.mgrid[:32, :32]
    board = np.where((y + x) % 2, 100, 110).astype(np.uint8)[np.newaxis, ..., np.newaxis]
    frequencies, power = radial_power_spectrum(board)
    assert frequencies[-1] == pytest.approx(np.sqrt(0.5), abs=0.5 / 32)
    # +-5 everywhere: |FFT| = 5 H W at one place
    assert power[-1] == pytest.approx(25 * 32**2, rel=1e-12)
    assert power[:-1].max() < 1e-9  # rounding of the transform alone


def test_white_noise_is_flat_at_its_variance():
    frequencies, power = radial_power_spectrum(white(0, 200))
    assert len(frequencies) == len(power) == 23  # 16 * sqrt(2) = 22.6
    # 600 pictures and channels; a frequency's power is exponential and shared with its mirror, so the last ring, of one
    # place and a chi-square, is known to sqrt(2 / 600) = 6 %, and the others better
    assert np.abs(power / 400 - 1).max() < 4 * 0.06
    assert power.mean() == pytest.approx(400, rel=0.03)


def test_the_power_adds_up_to_the_variance():
    pictures = np.random.default_rng(1).integers(0, 256, (5, 24, 24, 3), dtype=np.uint8)
    _, power = radial_power_spectrum(pictures)
    variance = pictures.astype(float).var(axis=(1, 2)).mean()  # of each picture and channel
    total = sum(power[k - 1] * ring_count(k, 24) for k in range(1, len(power) + 1)) / 24**2
    assert total == pytest.approx(variance, rel=1e-12)


def test_against_a_transform_written_out():
    pictures = np.random.default_rng(2).integers(0, 256, (3, 6, 6, 3), dtype=np.uint8)
    _, power = radial_power_spectrum(pictures)
    turns = np.exp(-2j * np.pi * np.outer(range(6), range(6)) / 6)
    sums = {}
    for picture in pictures.astype(float):
        for channel in range(3):
            plane = picture[..., channel] - picture[..., channel].mean()
            transform = turns @ plane @ turns.T
            for y in range(6):
                for x in range(6):
                    radius = np.hypot(min(y, 6 - y), min(x, 6 - x))
                    sums.setdefault(int(radius + 0.5), []).append(abs(transform[y, x]) ** 2 / 36)
    expected = [np.mean(sums[k]) for k in range(1, max(sums) + 1)]
    assert power == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("side", [2, 3, 5, 16, 31, 64, 100])
def test_no_ring_is_empty(side):
    counts = np.bincount(rings_of(side).ravel())
    assert counts[0] == 1 and counts.min() > 0 and counts.sum() == side**2


def test_spectra_of_equal_pictures_do_not_differ_and_the_order_does_not_matter():
    a, b = white(3, 10), white(4, 12, deviation=10)
    assert log_spectrum_difference(a, a.copy()) == 0
    assert log_spectrum_difference(a, b) == log_spectrum_difference(b, a)


def test_contrast_is_a_difference_in_decades():
    a = white(5, 20)
    half = (a - 128) / 2 + 128  # a quarter of the power: log10(4) = 0.602; float32 rounds
    assert log_spectrum_difference(a, half) == pytest.approx(np.log10(4), abs=1e-5)


def test_equal_distributions_differ_by_noise_alone():
    # 300 pictures and channels each: sqrt(2 / 300) * sqrt(2) * log10(e) = 0.05 for a ring of one place, less for others
    assert 0 < log_spectrum_difference(white(6, 100), white(7, 100)) < 0.03


def test_power_below_rounding_does_not_count():
    grey, other_grey = np.full((2, 16, 16, 3), 40, np.uint8), np.full((2, 16, 16, 3), 90, np.uint8)
    assert log_spectrum_difference(grey, other_grey) == 0
    # white noise of variance 400 against 1/12: log10(4800) = 3.68, known to a few percent of the power
    assert log_spectrum_difference(white(8, 50, side=16), grey[:1]) == pytest.approx(np.log10(4800), abs=0.05)


@pytest.mark.parametrize("shape", [(2, 16, 32, 3), (2, 1, 1, 3)])
def test_pictures_that_are_not_square_are_refused(shape):
    with pytest.raises(UserError, match="allowed: squares of 2 or more pixels"):
        radial_power_spectrum(np.zeros(shape, np.uint8))
