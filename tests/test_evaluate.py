"""What all distances between picture sets share: what they refuse, and the bootstrap."""

import itertools

import numpy as np
import pytest

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import (
    bootstrap_interval,
    laplacian_pyramid,
    log_spectrum_difference,
    picture_features,
    radial_power_spectrum,
    sliced_wasserstein,
)

PICTURES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)

ENTRANCES = {
    "sliced_wasserstein real": lambda pictures: sliced_wasserstein(pictures, PICTURES),
    "sliced_wasserstein fake": lambda pictures: sliced_wasserstein(PICTURES, pictures),
    "laplacian_pyramid": lambda pictures: laplacian_pyramid(pictures, 2),
    "radial_power_spectrum": radial_power_spectrum,
    "log_spectrum_difference a": lambda pictures: log_spectrum_difference(pictures, PICTURES),
    "log_spectrum_difference b": lambda pictures: log_spectrum_difference(PICTURES, pictures),
    "picture_features": lambda pictures: picture_features(pictures, "none.params"),
}
NAN = PICTURES.astype(np.float32)
NAN[0, 0, 0, 0] = np.nan
MISTAKES = {
    "no array": (PICTURES.tolist(), "given list; allowed: a numpy array of uint8 or float32"),
    "dtype": (PICTURES.astype(np.float64), "given float64; allowed: a numpy array of uint8 or float32"),
    "one picture": (PICTURES[0], r"given \(32, 32, 3\); allowed: \(N, height, width, 1 or 3\)"),
    "no picture": (PICTURES[:0], r"given \(0, 32, 32, 3\)"),
    "channels first": (PICTURES.transpose(0, 3, 1, 2), r"given \(4, 3, 32, 32\)"),
    "range": (
        PICTURES.astype(np.float32) - 127.5,
        "given values from -127.5 to 127.5; allowed: finite values from 0 to",
    ),
    "not finite": (NAN, "given values from nan to nan; allowed: finite values"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("entrance", ENTRANCES)
def test_pictures_of_another_kind_are_refused(entrance, mistake):
    pictures, message = MISTAKES[mistake]
    with pytest.raises(UserError, match=message):
        ENTRANCES[entrance](pictures)


@pytest.mark.parametrize("measure", [sliced_wasserstein, log_spectrum_difference])
@pytest.mark.parametrize("other", [PICTURES[:, :16, :16], PICTURES[..., :1]])
def test_sets_of_different_shape_are_refused(measure, other):
    with pytest.raises(UserError, match="one height, width and channels"):
        measure(PICTURES, other)


def test_bootstrap_interval_is_that_of_all_resamples():
    # the oracle: all 4**4 resamples, each as likely. 9999 are drawn, so that a share of 10 % is known to 0.3 %; from
    # 9 to 11 % the quantiles stay the same
    values = [0.0, 1.0, 4.0, 9.0]
    means = np.mean(list(itertools.product(values, repeat=4)), axis=1)
    expected = np.quantile(means, [0.1, 0.9])
    assert np.array_equal(np.quantile(means, [0.09, 0.91]), expected)
    assert np.array_equal(np.quantile(means, [0.11, 0.89]), expected)
    assert bootstrap_interval(values, level=0.8) == (3.5, *expected)


def test_bootstrap_of_three_values_is_smallest_and_largest():
    # one value three times: 1 in 27 resamples, more than 2.5 %
    assert bootstrap_interval([5.0, 1.0, 3.0]) == (3.0, 1.0, 5.0)
    # at 1 in 27 and above, the next mean: (1 + 1 + 3) / 3
    assert bootstrap_interval([5.0, 1.0, 3.0], level=0.85)[1:] == pytest.approx((5 / 3, 13 / 3), abs=1e-12)


def test_bootstrap_approaches_the_normal_interval_where_there_are_many_values():
    values = np.random.default_rng(1).normal(10, 2, 400)
    _, low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    # 9999 resamples: a 2.5 % quantile of means is known to 2 % of its distance from the middle; skewness, as much
    assert [low, high] == pytest.approx([values.mean() - half, values.mean() + half], abs=0.08 * half)


def test_bootstrap_of_another_statistic_and_of_one_value():
    value, low, high = bootstrap_interval([1, 2, 30], statistic=np.median)
    assert (value, low, high) == (2, 1, 30)
    value, low, high = bootstrap_interval([7])
    assert value == 7 and np.isnan(low) and np.isnan(high)


def test_bootstrap_draws_by_seed_and_touches_no_global_state():
    values = np.random.default_rng(2).normal(size=12)
    before = np.random.get_state()[1:3]
    first = bootstrap_interval(values, seed=3)
    assert np.array_equal(np.random.get_state()[1], before[0]) and np.random.get_state()[2] == before[1]
    assert bootstrap_interval(values, seed=3) == first != bootstrap_interval(values, seed=4)


@pytest.mark.parametrize("values", [[], [1, np.nan], [[1, 2]]])
def test_bootstrap_refuses_values_without_meaning(values):
    with pytest.raises(UserError, match="one or more finite numbers"):
        bootstrap_interval(values)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_bootstrap_refuses_a_level_that_is_no_share(level):
    with pytest.raises(UserError, match=r"level: given .*; allowed: between 0 and 1"):
        bootstrap_interval([1, 2], level=level)
