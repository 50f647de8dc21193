"""Losses and their gradients against hand-computed values."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import numpy as np
import pytest
from mxnet import autograd, nd

from gluon_wgan.errors import UserError
from gluon_wgan.losses import critic_loss, generator_loss

LN2, LN3 = np.log(2), np.log(3)
NAMES = ("wasserstein", "minimax", "non_saturating")


def value_and_gradients(loss, *scores):
    arrays = [nd.array(values) for values in scores]
    for array in arrays:
        array.attach_grad()
    with autograd.record():
        value = loss(*arrays)
    value.backward()
    assert value.shape == (1,)
    return value.asscalar(), [array.grad.asnumpy() for array in arrays]


def check(loss, scores, value, gradients):
    got, got_gradients = value_and_gradients(loss, *scores)
    # float32: some roundings of 6e-8
    assert got == pytest.approx(value, rel=1e-6)
    for ours, expected in zip(got_gradients, gradients, strict=True):
        assert np.allclose(ours, expected, rtol=1e-6, atol=0)


def test_wasserstein_critic():
    # mean f(fake) = 4, mean f(real) = 1
    real, fake = [-1.0, 3.0], [2.0, 4.0, 5.0, 5.0]
    gradients = [[-1 / 2] * 2, [1 / 4] * 4]
    check(lambda real, fake: critic_loss("wasserstein", real, fake), (real, fake), 3, gradients)


def test_wasserstein_generator():
    check(lambda fake: generator_loss("wasserstein", fake), ([2.0, 4.0, 5.0, 5.0],), -4, [[-1 / 4] * 4])


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_discriminator(name):
    # sigmoid(0) = 1/2 and sigmoid(ln 3) = 3/4: D(real) = 1/2, 3/4 and D(fake) = 1/2, 1/4.
    # -log D(real) = ln 2, ln 4/3, and so for the fakes; the gradient is (D - 1) / 2 on real, D / 2 on fake
    real, fake = [0.0, LN3], [0.0, -LN3]
    value = 2 * (LN2 + np.log(4 / 3)) / 2
    gradients = [[-1 / 4, -1 / 8], [1 / 4, 1 / 8]]
    check(lambda real, fake: critic_loss(name, real, fake), (real, fake), value, gradients)


def test_minimax_generator():
    # log(1 - D) = ln 1/2, ln 1/4; the gradient is -D / 2
    value = (np.log(1 / 2) + np.log(1 / 4)) / 2
    check(lambda fake: generator_loss("minimax", fake), ([0.0, LN3],), value, [[-1 / 4, -3 / 8]])


def test_non_saturating_generator():
    # -log D = ln 2, ln 4/3; the gradient is (D - 1) / 2
    value = (LN2 + np.log(4 / 3)) / 2
    check(lambda fake: generator_loss("non_saturating", fake), ([0.0, LN3],), value, [[-1 / 4, -1 / 8]])


@pytest.mark.parametrize("size", [1e2, 1e4, 1e30])
@pytest.mark.parametrize("name", NAMES)
def test_extreme_scores_stay_finite(name, size):
    scores = [size, -size]
    for loss, arguments in (
        (lambda real, fake: critic_loss(name, real, fake), (scores, scores)),
        (lambda fake: generator_loss(name, fake), (scores,)),
    ):
        value, gradients = value_and_gradients(loss, *arguments)
        assert np.isfinite(value) and all(np.isfinite(gradient).all() for gradient in gradients)


def test_where_the_discriminator_is_sure_minimax_saturates_and_the_other_does_not():
    _, (minimax,) = value_and_gradients(lambda fake: generator_loss("minimax", fake), [-50.0])
    _, (other,) = value_and_gradients(lambda fake: generator_loss("non_saturating", fake), [-50.0])
    assert abs(minimax[0]) < 1e-20  # exp(-50)
    assert other[0] == -1


@pytest.mark.parametrize("name", NAMES)
def test_the_sign_is_the_papers(name):
    high, low = nd.array([3.0, 4.0]), nd.array([-3.0, -4.0])
    assert critic_loss(name, high, low) < critic_loss(name, low, high)
    assert generator_loss(name, high) < generator_loss(name, low)


def test_an_unknown_name_is_refused_with_the_known_ones():
    scores = nd.zeros(2)
    for call in (lambda: critic_loss("hinge", scores, scores), lambda: generator_loss("hinge", scores)):
        with pytest.raises(UserError, match=r"--loss: given 'hinge'; allowed: wasserstein, minimax, non_saturating"):
            call()
