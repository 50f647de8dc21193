"""Norm, penalty and interpolates of WGAN-GP, by hand."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import numpy as np
import pytest
from mxnet import autograd, nd

from gluon_wgan.errors import UserError
from gluon_wgan.lipschitz import gradient_norm, gradient_penalty, interpolates


def test_the_norm_is_over_all_axes_but_the_batchs_and_its_gradient_at_zero_is_zero():
    numbers = np.zeros((3, 2, 2, 1))
    numbers[0] = [[[1], [2]], [[2], [4]]]  # 1 + 4 + 4 + 16 = 25
    numbers[2] = 1e-150  # a small one is not rounded up
    gradient = nd.array(numbers, dtype="float64")
    gradient.attach_grad()
    with autograd.record():
        norm = gradient_norm(gradient)
    norm.backward()
    assert norm.asnumpy() == pytest.approx(np.array([5, 0, 2e-150]), rel=1e-14, abs=0)
    expected = np.stack([numbers[0] / 5, np.zeros((2, 2, 1)), np.full((2, 2, 1), 0.5)])
    assert np.allclose(gradient.grad.asnumpy(), expected, rtol=1e-14, atol=0)
    with pytest.raises(UserError, match=r"input_gradient: given \(3,\)"):
        gradient_norm(nd.zeros(3))


@pytest.mark.parametrize(("one_sided", "value", "slopes"), [(False, 17 / 3, [8, -2, 0]), (True, 16 / 3, [8, 0, 0])])
def test_the_penalty_by_hand(one_sided, value, slopes):
    # norms 5, 0, 1: (16 + 1 + 0) / 3, one-sided (16 + 0 + 0) / 3; the slopes 2 (norm - 1) / 3 act along gradient / norm
    gradient = nd.array([[3.0, 4.0], [0.0, 0.0], [0.0, -1.0]])
    gradient.attach_grad()
    with autograd.record():
        penalty = gradient_penalty(gradient, one_sided)
    penalty.backward()
    assert penalty.shape == (1,) and penalty.asscalar() == pytest.approx(value, rel=1e-6)
    expected = np.array([[slopes[0] / 3 * 0.6, slopes[0] / 3 * 0.8], [0, 0], [0, 0]])
    assert np.allclose(gradient.grad.asnumpy(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_interpolates_by_hand(dtype):
    real, fake = (
        nd.array([[[4.0, 8.0]], [[1.0, 2.0]]], dtype=dtype),
        nd.array([[[0.0, 4.0]], [[3.0, 6.0]]], dtype=dtype),
    )
    mixed = interpolates(real, fake, np.float32([0.25, 1]))
    assert mixed.dtype == np.dtype(dtype) and mixed.asnumpy().tolist() == [[[1.0, 5.0]], [[1.0, 2.0]]]
    for weights in (np.float32([0.5]), np.float32(0.5), np.zeros((2, 1), np.float32)):
        with pytest.raises(UserError, match=r"weights: given \(.*\); allowed: \(2,\), one per sample"):
            interpolates(real, fake, weights)
    with pytest.raises(UserError, match="fake"):
        interpolates(real, fake[:1], np.float32([0.5, 0.5]))
