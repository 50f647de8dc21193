"""Every stage, in both precisions, hybridized and not, against the PyTorch reference: the published tolerances."""

import pytest

torch = pytest.importorskip("torch")

import goldens  # noqa: E402
import numpy as np  # noqa: E402
import our_stages  # noqa: E402
import their_stages  # noqa: E402
from compare import TOLERANCES, check, errors  # noqa: E402
from lockstep import largest_relative_difference  # noqa: E402
from recipes import DTYPES, NETWORKS, rooms  # noqa: E402


@pytest.fixture(scope="module")
def reference():
    """Return what gives (pictures, the reference's arrays) of a network and a precision, computed once."""
    computed = {}

    def find(network, dtype):
        if (network, dtype) not in computed:
            pictures = rooms(goldens.PICTURES, NETWORKS[network]["image_size"])
            stages = their_stages.training_stages(NETWORKS[network], pictures, dtype)
            computed[network, dtype] = pictures, stages
        return computed[network, dtype]

    return find


def test_pictures():
    check(our_stages.picture_stages(), their_stages.picture_stages(), "float32")


def test_features():
    check(our_stages.feature_stages(), their_stages.feature_stages(), "float32")


@pytest.mark.parametrize("dtype", DTYPES)
def test_formulas(dtype):
    check(our_stages.formula_stages(dtype), their_stages.formula_stages(dtype), dtype)


@pytest.mark.parametrize("hybridize", [False, True], ids=["plain", "hybridized"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("network", NETWORKS)
def test_training(reference, network, dtype, hybridize):
    pictures, theirs = reference(network, dtype)
    check(our_stages.training_stages(NETWORKS[network], pictures, dtype, hybridize), theirs, dtype)


def test_every_published_stage_is_measured(reference):
    stages = {
        **their_stages.picture_stages(),
        **their_stages.feature_stages(),
        **their_stages.formula_stages("float64"),
        **reference("dcgan", "float64")[1],
    }
    assert {name.split("|")[0] for name in stages} == set(TOLERANCES)


def test_the_stored_arrays_are_what_the_reference_gives():
    made, about = goldens.make()
    stored = goldens.load()
    # the same formulas on another processor round otherwise; 1e-11 is a tenth of what the tests allow, or less
    assert largest_relative_difference(made, stored) < 1e-11
    assert about["recipe"] == goldens.about()["recipe"]


def test_errors_by_hand():
    theirs = {"a|x": np.array([1.0, -4.0]), "a|y": np.array([0.5]), "b|z": np.zeros(2)}
    ours = {"a|x": np.array([1.0, -3.0]), "a|y": np.array([1.0]), "b|z": np.zeros(2)}
    assert errors(ours, theirs) == {"a": (1.0, 1.0, "y"), "b": (0.0, 0.0, "z")}
    with pytest.raises(AssertionError, match=r"losses, x: 3\.0e-01 relative"):
        check({"losses|x": np.array([1.3])}, {"losses|x": np.array([1.0])}, "float64")
    with pytest.raises(AssertionError):
        errors({"a|x": np.zeros(2)}, theirs)
