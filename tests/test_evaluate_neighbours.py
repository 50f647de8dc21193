"""Precision, recall, density and coverage: by hand on a line, and where the truth is known."""

import numpy as np
import pytest

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import precision_recall


def test_by_hand_on_a_line():
    real = np.array([[0.0], [1.0], [3.0], [7.0]])  # radii to the nearest: 1, 1, 2, 4
    fake = np.array([[0.5], [1.5], [20.0]])  # radii: 1, 1, 18.5
    # balls of the real: (-1, 1), (0, 2), (1, 5), (3, 11): 0.5 lies in two of them, 1.5 in two, 20 in none
    # balls of the fake: (-0.5, 1.5), (0.5, 2.5), (1.5, 38.5): all of the real lie in one, 3 and 7 in the last
    found = precision_recall(real, fake, nearest=1)
    assert found == pytest.approx({"precision": 2 / 3, "recall": 1.0, "density": 4 / 3, "coverage": 3 / 4})


def test_a_point_on_the_edge_is_outside():
    real, fake = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    assert precision_recall(real, fake, nearest=1) == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_the_same_set_covers_itself():
    points = np.random.default_rng(0).normal(size=(50, 3))
    found = precision_recall(points, points.copy())
    assert found["precision"] == found["recall"] == found["coverage"] == 1
    # each point lies in its own ball, and in those of the points that it is among the four nearest of, strictly
    assert found["density"] == pytest.approx(1.0)


def test_two_draws_of_one_distribution_have_the_expected_density_and_coverage():
    generator = np.random.default_rng(1)
    found = [precision_recall(*generator.normal(size=(2, 300, 8))) for _ in range(20)]
    # Naeem et al. 2020, eq. 5 and 6: 1, and 1 - (N - 1) ... (N - k) / ((2 N - 1) ... (2 N - k))
    covered = 1 - np.prod([(300 - step) / (600 - step) for step in range(1, 6)])
    for measure, expected in (("density", 1.0), ("coverage", covered)):
        values = [one[measure] for one in found]
        assert abs(np.mean(values) - expected) < 4 * np.std(values) / 20**0.5 < 0.05


def test_one_mode_of_two_is_precise_and_recalls_half():
    generator = np.random.default_rng(2)
    centres = np.repeat([[0.0, 0.0], [100.0, 0.0]], 200, axis=0)
    real, fake = centres + generator.normal(size=(400, 2)), generator.normal(size=(400, 2))
    found = precision_recall(real, fake)
    assert found["precision"] > 0.9
    assert 0.4 < found["recall"] <= 0.5 and 0.4 < found["coverage"] <= 0.5


@pytest.mark.parametrize(
    ("real", "fake", "nearest", "message"),
    [
        (np.zeros((5, 2)), np.zeros((6, 2)), 5, r"real: given \(5, 2\); allowed: .*at least 6"),
        (np.zeros((6, 2)), np.zeros(6), 5, r"fake: given \(6,\)"),
        (np.zeros((6, 2)), np.zeros((6, 3)), 5, "2 and 3 dimensions"),
        (np.zeros((6, 2)), np.full((6, 2), np.inf), 5, "not finite"),
        (np.zeros((6, 2)), np.zeros((6, 2)), 0, "nearest: given 0"),
    ],
)
def test_what_has_no_neighbourhoods_is_refused(real, fake, nearest, message):
    with pytest.raises(UserError, match=message):
        precision_recall(real, fake, nearest)
