"""The end of an epoch: --epoch-end cut against the reference, which does what the original code does there."""

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
from lockstep import Theirs, largest_relative_difference  # noqa: E402
from our_stages import Lockstep as Ours  # noqa: E402
from recipes import NETWORKS, rooms  # noqa: E402

# 12 batches of 8 and a tail of 4: each of the 25 boosts takes an epoch, then the updates are 5, 5, 3, 5, 5, 3, ...
PICTURES = 100
UPDATES = [13] * 25 + [5, 5, 3] * 3


@pytest.fixture(scope="module")
def pictures():
    return rooms(PICTURES, 16)


@pytest.mark.parametrize("hybridize", [False, True])
def test_where_epochs_cut_training_equals_the_reference(pictures, hybridize):
    recipe = NETWORKS["dcgan"]
    ours = Ours(recipe, pictures, "float64", hybridize, "cut")
    theirs = Theirs(recipe, pictures, "float64", "cut")
    beginning = ours.weights()
    for updates in UPDATES:
        losses, expected = ours.step(), theirs.step()
        assert len(losses) == len(expected) == updates + 1  # the generator's is the last
        # float64 over 364 critic updates: measured 4e-16 of the losses and 1e-14 of the weights
        assert np.abs(losses - expected).max() < 1e-9 * np.abs(expected).max()
        assert largest_relative_difference(ours.weights(), theirs.weights()) < 1e-9
    for name, values in ours.weights().items():
        assert np.abs(values - beginning[name]).max() > 1e-3, name


def test_running_on_is_another_training(pictures):
    recipe = NETWORKS["dcgan"]
    ours, theirs = Ours(recipe, pictures, "float64", True, "run_on"), Theirs(recipe, pictures, "float64", "cut")
    assert [len(ours.step()), len(theirs.step())] == [100 + 1, 13 + 1]
    assert largest_relative_difference(ours.weights(), theirs.weights()) > 1e-3
