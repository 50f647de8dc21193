"""Loops over float32 arrays that numba compiled, loaded when this is imported. Each function fills what comes last.

`forward`, `pull`, `push`, `reverse` are a normalisation and the LeakyReLU behind it, with the formulas and the letters
of `gluon_wgan.layers.linearised_norm`. Arrays are (groups, channels of a group, pixels), which is samples, channels,
pixels for LayerNorm and samples * channels, 1, pixels for InstanceNorm; (groups,) for what is one number of each; gamma
and beta of all channels, which follow each other group after group. Where y, the activation's output, is not above 0,
the slope scales what passes; 1 is no activation.

Threads share groups, samples or numbers, which are independent of each other: any number of them gives the same bits.
"""

import numba
import numpy as np
from numba import prange
from numba.core.compiler import Compiler

from gluon_wgan import kernels

_ONE, _ZERO = np.float32(1), np.float32(0)


class _Elsewhere(Compiler):
    """Numba's compiler, which it asks only for what was not kept."""

    def define_pipelines(self):
        """Return its steps."""
        if not kernels.compiling:
            raise kernels.NotKept
        return super().define_pipelines()


def _loop(*axes):
    """Compile for float32 arrays of these numbers of axes, 0 for a number."""
    kinds = [numba.types.Array(numba.float32, count, "C") if count else numba.float32 for count in axes]
    return numba.njit(
        numba.void(*kinds),
        # sums may be taken in any order, and products be fused with sums; what is not finite stays so
        fastmath={"reassoc", "contract", "arcp", "nsz"},
        error_model="numpy",
        parallel=True,
        cache=True,
        pipeline_class=_Elsewhere,
    )


@_loop(0, 0, 3, 1, 1, 3, 1, 1)
def forward(epsilon, slope, x, gamma, beta, y, mean, r):
    """Fill y, mean, r."""
    groups, channels, pixels = x.shape
    count = np.float32(channels * pixels)
    for g in prange(groups):
        first = g * channels % len(gamma)
        total, squares = _ZERO, _ZERO
        for k in range(channels):  # channel by channel: long sums in float32 lose digits
            part = _ZERO
            for p in range(pixels):
                part += x[g, k, p]
            total += part
        mu = total / count
        for k in range(channels):
            part = _ZERO
            for p in range(pixels):
                part += (x[g, k, p] - mu) ** 2
            squares += part
        scale = _ONE / np.sqrt(squares / count + epsilon)
        mean[g], r[g] = mu, scale
        for k in range(channels):
            gain = gamma[first + k] * scale
            for p in range(pixels):
                value = gain * (x[g, k, p] - mu) + beta[first + k]
                y[g, k, p] = value if value > _ZERO else slope * value


@_loop(0, 3, 3, 3, 1, 1, 1, 3, 1, 2, 2)
def pull(slope, b, y, x, gamma, mean, r, d, mean_na, by_gamma, by_beta):
    """Fill d, mean(n a), and the gradients by gamma and beta, of each group's channels."""
    groups, channels, pixels = x.shape
    count = np.float32(channels * pixels)
    for g in prange(groups):
        first, mu, scale = g * channels % len(gamma), mean[g], r[g]
        sum_a, sum_na = _ZERO, _ZERO
        for k in range(channels):
            plain, centred = _ZERO, _ZERO
            for p in range(pixels):
                value = b[g, k, p] if y[g, k, p] > _ZERO else slope * b[g, k, p]
                plain += value
                centred += value * (x[g, k, p] - mu)
            sum_a += plain * gamma[first + k]
            sum_na += centred * gamma[first + k]
            by_gamma[g, k], by_beta[g, k] = centred * scale, plain
        mean_na[g] = scale * sum_na / count
        factor = scale * scale * mean_na[g]
        rest = scale * sum_a / count
        for k in range(channels):
            gain = gamma[first + k] * scale
            for p in range(pixels):
                value = b[g, k, p] if y[g, k, p] > _ZERO else slope * b[g, k, p]
                d[g, k, p] = gain * value - factor * (x[g, k, p] - mu) - rest


@_loop(0, 3, 3, 3, 1, 1, 1, 3, 3, 1)
def push(slope, t, y, x, gamma, mean, r, ty, u, mean_nt):
    """Fill the output's tangent, u, mean(n t)."""
    groups, channels, pixels = x.shape
    count = np.float32(channels * pixels)
    for g in prange(groups):
        first, mu, scale = g * channels % len(gamma), mean[g], r[g]
        sum_t, sum_nt = _ZERO, _ZERO
        for k in range(channels):
            plain, centred = _ZERO, _ZERO
            for p in range(pixels):
                plain += t[g, k, p]
                centred += t[g, k, p] * (x[g, k, p] - mu)
            sum_t += plain
            sum_nt += centred
        mean_nt[g] = scale * sum_nt / count
        factor = scale * scale * mean_nt[g]
        rest = scale * sum_t / count
        for k in range(channels):
            gain = gamma[first + k]
            for p in range(pixels):
                value = scale * t[g, k, p] - factor * (x[g, k, p] - mu) - rest
                u[g, k, p] = value
                ty[g, k, p] = gain * (value if y[g, k, p] > _ZERO else slope * value)


@_loop(0, 3, 3, 3, 1, 1, 1, 3, 3, 3, 1, 1, 3, 2, 2)
def reverse(slope, c, y, x, gamma, mean, r, b, d, u, mean_na, mean_nt, dx, by_gamma, by_beta):
    """Fill the gradients by x, and by gamma and beta, of each group's channels; before `push`, `pull` gives them."""
    groups, channels, pixels = x.shape
    count = np.float32(channels * pixels)
    for g in prange(groups):
        first, mu, scale = g * channels % len(gamma), mean[g], r[g]
        sum_c, sum_nc, sum_au = _ZERO, _ZERO, _ZERO
        for k in range(channels):
            plain, centred, along = _ZERO, _ZERO, _ZERO
            for p in range(pixels):
                value = c[g, k, p] if y[g, k, p] > _ZERO else slope * c[g, k, p]
                plain += value
                centred += value * (x[g, k, p] - mu)
                along += u[g, k, p] * (b[g, k, p] if y[g, k, p] > _ZERO else slope * b[g, k, p])
            sum_c += plain * gamma[first + k]
            sum_nc += centred * gamma[first + k]
            sum_au += along * gamma[first + k]
            by_gamma[g, k], by_beta[g, k] = centred * scale + along, plain
        factor = scale * scale * (scale * sum_nc + sum_au) / count
        rest = scale * sum_c / count
        of_d, of_u = scale * mean_nt[g], scale * mean_na[g]
        for k in range(channels):
            gain = gamma[first + k] * scale
            for p in range(pixels):
                value = c[g, k, p] if y[g, k, p] > _ZERO else slope * c[g, k, p]
                dx[g, k, p] = gain * value - factor * (x[g, k, p] - mu) - rest - of_d * d[g, k, p] - of_u * u[g, k, p]


@_loop(2, 1)
def squares(rows, sums):
    """Fill the sum of squares of each row."""
    for n in prange(len(rows)):
        sums[n] = _ZERO
        for start in range(0, rows.shape[1], 256):  # piece by piece: long sums in float32 lose digits
            part = _ZERO
            for i in range(start, min(start + 256, rows.shape[1])):
                part += rows[n, i] * rows[n, i]
            sums[n] += part


@_loop(1, 2, 2)
def times(factors, rows, products):
    """Fill each row, times its factor."""
    for n in prange(len(rows)):
        for i in range(rows.shape[1]):
            products[n, i] = factors[n] * rows[n, i]


@_loop(1, 2, 2, 2)
def between(weights, first, second, mixed):
    """Fill weight * first + (1 - weight) * second, row by row."""
    for n in prange(len(first)):
        for i in range(first.shape[1]):
            mixed[n, i] = weights[n] * first[n, i] + (_ONE - weights[n]) * second[n, i]
