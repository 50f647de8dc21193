"""The gradient penalty (Gulrajani et al. 2017, equation 3 and Algorithm 1), from a critic's input gradient."""

import math

import numpy as np
from mxnet import autograd, nd

from gluon_wgan import kernels
from gluon_wgan.errors import UserError


def interpolates(real, fake, weights):
    """Return x_hat = weight * real + (1 - weight) * fake, with one weight per sample (Algorithm 1, line 6).

    Parameters
    ----------
    real, fake : mxnet.nd.NDArray
        (N, ...), of one shape and dtype.
    weights : numpy.ndarray or mxnet.nd.NDArray
        (N,), uniform in [0, 1): `streams.uniform(seed, "interpolation_weights", critic_step, (N,))`.

    Returns
    -------
    mxnet.nd.NDArray
        (N, ...).

    Raises
    ------
    UserError
        If the shapes do not fit: one weight for the whole batch would be silently broadcast otherwise.
    """
    if fake.shape != real.shape:
        raise UserError("fake", fake.shape, f"{real.shape}, as real")
    if weights.shape != real.shape[:1]:
        raise UserError("weights", weights.shape, f"{real.shape[:1]}, one per sample")
    if isinstance(weights, np.ndarray) and kernels.serve(real) and kernels.serve(fake) and not autograd.is_recording():
        rows = _rows(real)
        mixed, into = kernels.new(real, real.shape, rows)
        weights = weights.astype(np.float32, copy=False)
        kernels.loops().between(weights, kernels.view(real, rows), kernels.view(fake, rows), into)
        return mixed
    # (N,) -> (N, 1, ...); dtype must be said, or float64 becomes float32
    weights = nd.array(weights, ctx=real.context, dtype=real.dtype).reshape((-1,) + (1,) * (real.ndim - 1))
    return weights * real + (1 - weights) * fake


def gradient_norm(input_gradient):
    """Return the Euclidean norm of each sample's input gradient, over all its numbers.

    Where the norm is 0 its gradient is 0 (it has none; the plain formula gives nan). No epsilon is added: elsewhere
    the value is the norm itself.

    Parameters
    ----------
    input_gradient : mxnet.nd.NDArray
        (N, ...), from `Critic.scores_and_input_gradient`.

    Returns
    -------
    mxnet.nd.NDArray
        (N,).

    Raises
    ------
    UserError
        If there is no axis beside the batch's.
    """
    _check_axes(input_gradient)
    # (N, ...) -> (N, everything else) -> (N,)
    squares = nd.square(input_gradient.reshape((0, -1))).sum(axis=1)
    positive = squares > 0
    return nd.sqrt(nd.where(positive, squares, nd.ones_like(squares))) * positive


def gradient_penalty(input_gradient, one_sided=False):
    """Return mean((norm - 1)^2), a scalar array: what the critic minimises besides its loss, times lambda.

    `critic_loss + gp_lambda * gradient_penalty`, equation 3, with gp_lambda 10.

    Parameters
    ----------
    input_gradient : mxnet.nd.NDArray
        (N, ...), of the critic's scores by `interpolates`.
    one_sided : bool
        mean(max(norm - 1, 0)^2) instead: norms below 1 cost nothing.
    """
    return nd.square(_excess(gradient_norm(input_gradient), one_sided, nd.maximum)).mean()


def penalty_and_its_gradient(input_gradient, one_sided=False, gp_lambda=1.0):
    """Return (`gradient_penalty`, lambda times its gradient by the input gradient, `gradient_norm`).

    Without `autograd`: at a norm m, one of N, that gradient is 2 / N (m - 1) / m times the input gradient, or 0 at 0.

    Parameters
    ----------
    input_gradient, one_sided
        As for `gradient_penalty`.
    gp_lambda : float

    Returns
    -------
    tuple of mxnet.nd.NDArray
        (1,), of the input gradient's shape, (N,).

    Raises
    ------
    UserError
        If there is no axis beside the batch's.
    """
    _check_axes(input_gradient)
    if kernels.serve(input_gradient):
        rows = _rows(input_gradient)
        gradient, norm = kernels.view(input_gradient, rows), np.empty(rows[:1], np.float32)
        kernels.loops().squares(gradient, norm)
        norm = np.sqrt(norm)
        excess = _excess(norm, one_sided, np.maximum)
        direction, into = kernels.new(input_gradient, input_gradient.shape, rows)
        kernels.loops().times(np.float32(gp_lambda) * _factor(norm, excess), gradient, into)
        penalty, into = kernels.new(input_gradient, (1,), (1,))
        into[:] = np.square(excess).mean()
        norms, into = kernels.new(input_gradient, norm.shape, norm.shape)
        into[:] = norm
        return penalty, direction, norms
    norm = gradient_norm(input_gradient)
    excess = _excess(norm, one_sided, nd.maximum)
    factor = (gp_lambda * _factor(norm, excess)).reshape((-1,) + (1,) * (input_gradient.ndim - 1))
    direction = nd.broadcast_mul(input_gradient, factor)
    return nd.square(excess).mean(), direction, norm


def _excess(norm, one_sided, maximum):
    return maximum(norm - 1, 0) if one_sided else norm - 1


def _factor(norm, excess):
    # a norm of 0 is divided by 1
    return 2 * excess / ((norm + (norm == 0)) * len(norm)) * (norm > 0)


def _check_axes(input_gradient):
    if input_gradient.ndim < 2:
        raise UserError("input_gradient", input_gradient.shape, "(N, ...), at least two axes")


def _rows(array):
    # (N, ...) -> the shape of a row for each sample
    return len(array), math.prod(array.shape[1:])
