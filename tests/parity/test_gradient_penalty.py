"""Critics drawn at random: scores, input gradient, penalty and every parameter's gradient, against PyTorch's."""

import contextlib

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402
from random_critics import FLOAT32_MEDIAN, Trial, check, draw, relative_errors, worst  # noqa: E402

from gluon_wgan import kernels  # noqa: E402

SEEDS = range(36)
RATIOS = []  # of the critics below


@pytest.mark.parametrize("by", ["kernels", "operators"])
@pytest.mark.parametrize("seed", SEEDS, ids="seed-{}".format)
def test_a_random_critic_agrees_with_double_backward_before_and_after_an_update(seed, by):
    assert kernels.loops() is not None
    with kernels.turned_off() if by == "operators" else contextlib.nullcontext():
        found = Trial(seed).compare(None, {})  # plain and hybridized
    check(found)
    RATIOS.append(found["float32 ratio"][0])


def test_in_the_median_float32_is_about_as_near_as_pytorchs():
    assert np.median(RATIOS or [Trial(seed).compare(None, {})["float32 ratio"][0] for seed in SEEDS]) <= FLOAT32_MEDIAN


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_static_memory(seed):
    check(Trial(seed).compare({"static_alloc": True}))


def test_the_seeds_hold_every_kind_of_layer():
    kinds, axes, sided = set(), set(), set()
    for seed in SEEDS:
        architecture, shape, one_sided = draw(seed)
        axes.add(len(shape))
        sided.add(one_sided)
        while architecture:
            kind, settings = architecture.pop()
            kinds.add(kind)
            architecture += settings.get("body", []) + (settings.get("shortcut") or [])
    assert axes == {2, 3, 4} and sided == {False, True}
    norms_and_activations = {"layer", "instance", "leaky", "relu", "tanh", "softplus"}
    assert kinds == norms_and_activations | {"conv", "dense", "pool", "upsample", "flatten", "reshape", "residual"}


def test_errors_by_hand():
    exact = {"scores": np.array([3.0, 4.0]), "gradient of a": np.array([10.0]), "gradient of b": np.array([0.0])}
    given = {"scores": np.array([3.0, 4.5]), "gradient of a": np.array([10.0]), "gradient of b": np.array([0.01])}
    # .5 of a norm of 5; .01 of a hundredth of all gradients' norm, 10
    assert relative_errors(given, exact) == pytest.approx({"scores": 0.1, "gradient of a": 0, "gradient of b": 0.1})
    # a norm of 1.1 + 1e-6 instead of 1.1 moves a penalty of .01 by 2e-7, which is 1e-6 of twice .1
    moved = relative_errors({"penalty": np.array([0.01 + 2e-7])}, {"penalty": np.array([0.01])})
    assert moved == pytest.approx({"penalty": 1e-6})
    given["gradient of a"] = np.array([np.nan])
    assert worst(relative_errors(given, exact))[1] == "gradient of a"
    with pytest.raises(AssertionError, match="gradient of a: float64 nan"):
        check({"float64": worst(relative_errors(given, exact)), "float32 ratio": (0.0, "")})
