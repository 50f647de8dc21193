"""What a critic of points says: its scores, their gradients, and the distance that they amount to."""

from typing import NamedTuple

import numpy as np
from mxnet import autograd, nd
from scipy.special import log_expit


class HeldOut(NamedTuple):
    """Points on which a critic is judged, with weights of the sum 1: a sample, or a grid for quadrature.

    Attributes
    ----------
    real, fake : numpy.ndarray
        (N, dims) and (M, dims).
    real_weights, fake_weights : numpy.ndarray
        (N,) and (M,).
    """

    real: np.ndarray
    fake: np.ndarray
    real_weights: np.ndarray
    fake_weights: np.ndarray


def as_input(points):
    """Return points (N, dims) as a critic takes them: float32 (N, dims, 1, 1)."""
    return nd.array(np.asarray(points, np.float32)[:, :, None, None])


def scores(critic, points):
    """Return a critic's scores (N,), float64, of points (N, dims)."""
    return critic(as_input(points)).asnumpy().astype(np.float64)


def input_gradients(critic, points):
    """Return the gradients (N, dims), float64, of a critic's scores with respect to their points (N, dims)."""
    inputs = as_input(points)
    inputs.attach_grad()
    with autograd.record():
        total = critic(inputs).sum()  # a score depends on its own point alone
    total.backward()
    return inputs.grad.asnumpy()[:, :, 0, 0].astype(np.float64)


def estimate(loss, critic, held_out):
    """Return the distance that a critic's scores f amount to on held-out points.

    - wasserstein: E f(real) - E f(fake), the EM distance where f is the best 1-Lipschitz function
    - minimax: (log 4 + E log D(real) + E log(1 - D(fake))) / 2 with D = sigmoid(f), the JS divergence, in nats, where
      D is the optimal discriminator
    """
    real, fake = scores(critic, held_out.real), scores(critic, held_out.fake)
    if loss == "wasserstein":
        return float(held_out.real_weights @ real - held_out.fake_weights @ fake)
    value = held_out.real_weights @ log_expit(real) + held_out.fake_weights @ log_expit(-fake)
    return float((np.log(4) + value) / 2)
