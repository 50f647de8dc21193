"""Every stage against arrays that the PyTorch reference gave, stored in tests/parity/goldens.npz: no torch needed."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import goldens
import numpy as np
import our_stages
import pytest
from compare import LOCKSTEP_TOLERANCES, check
from recipes import DTYPES, NETWORKS, RMSPROP, rooms

STORED = goldens.load()


@pytest.fixture(scope="session")
def pictures():
    """Bedrooms of each size that a recipe has."""
    return {size: rooms(goldens.PICTURES, size) for size in {recipe["image_size"] for recipe in NETWORKS.values()}}


def test_the_recipe_is_the_stored_one():
    about = goldens.about()
    assert about["recipe"]["networks"] == NETWORKS
    assert about["recipe"]["rmsprop"] == RMSPROP
    assert about["versions"].keys() == {"torch", "numpy", "pillow"}


def test_pictures():
    ours = {name: value for name, value in our_stages.picture_stages().items() if not name.startswith("decode|")}
    check(ours, goldens.section(STORED, "pictures"), "float32")


@pytest.mark.parametrize("dtype", DTYPES)
def test_formulas(dtype):
    check(our_stages.formula_stages(dtype), goldens.section(STORED, "formulas"), dtype)


@pytest.mark.parametrize("hybridize", [False, True], ids=["plain", "hybridized"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("network", NETWORKS)
def test_training(pictures, network, dtype, hybridize):
    recipe = NETWORKS[network]
    ours = our_stages.training_stages(recipe, pictures[recipe["image_size"]], dtype, hybridize)
    check(ours, goldens.section(STORED, network), dtype)


@pytest.mark.parametrize("hybridize", [False, True], ids=["plain", "hybridized"])
def test_lockstep(pictures, hybridize):
    side = our_stages.Lockstep(NETWORKS["dcgan"], pictures[16], "float64", hybridize)
    stored = goldens.section(STORED, "lockstep")
    losses = np.concatenate([side.step() for _ in range(goldens.LOCKSTEP_STEPS)])
    assert np.abs(losses - stored["losses"]).max() <= LOCKSTEP_TOLERANCES["loss"] * np.abs(stored["losses"]).max()
    for name, weight in side.weights().items():
        assert np.abs(weight - stored[name]).max() <= LOCKSTEP_TOLERANCES["weight"] * np.abs(stored[name]).max(), name
