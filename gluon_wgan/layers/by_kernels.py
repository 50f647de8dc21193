"""A normalisation at one batch, with its LeakyReLU, by the loops of `gluon_wgan.kernels`: float32 on a CPU."""

import math

import numpy as np

from gluon_wgan import kernels


class NormByKernels:
    """A normalisation and the LeakyReLU behind it; see `gluon_wgan.layers.linearised_norm` for the formulas.

    Parameters
    ----------
    layer, x
        As for `gluon_wgan.layers.linearised.Linearised`.
    slope : float
        Of the LeakyReLU, 0 or more; 1 for none.
    """

    def __init__(self, layer, x, slope):
        self._loops, self._layer, self._shape = kernels.loops(), layer, x.shape
        channels = layer.gamma.shape[0]
        samples, width = (x.shape[0], channels) if layer.per_sample else (x.shape[0] * channels, 1)
        self._large = samples, width, math.prod(x.shape) // (samples * width)
        self._slope = np.float32(slope)
        mean, r = np.empty((2, samples), np.float32)
        gamma, beta = (kernels.view(p.data(x.context), (channels,)) for p in (layer.gamma, layer.beta))
        self.output, y = kernels.new(x, self._shape, self._large)
        inputs = kernels.view(x, self._large)
        self._loops.forward(np.float32(layer.epsilon), self._slope, inputs, gamma, beta, y, mean, r)
        self._known = y, inputs, gamma, mean, r
        self._pulled = self._pushed = None

    def pull(self, cotangent):
        """Return P(gamma b), through the activation."""
        result, self._pulled, _ = self._pull(cotangent)
        return result

    def _pull(self, cotangent):
        b, (result, d) = kernels.view(cotangent, self._large), self._new()
        mean_na, parts = np.empty(self._large[0], np.float32), self._parts()
        self._loops.pull(self._slope, b, *self._known, d, mean_na, *parts)
        return result, (b, d, mean_na), parts

    def _new(self):
        return kernels.new(self.output, self._shape, self._large)

    def _parts(self):
        # of gamma's and beta's gradients, of each group's channels
        return np.empty((2, *self._large[:2]), np.float32)

    def push(self, tangent):
        """Return gamma P(t), through the activation."""
        t, (result, ty) = kernels.view(tangent, self._large), self._new()
        u, mean_nt = np.empty(self._large, np.float32), np.empty(self._large[0], np.float32)
        self._loops.push(self._slope, t, *self._known, ty, u, mean_nt)
        self._pushed = u, mean_nt
        return result

    def reverse(self, cotangent, gradients, to_input=True):
        """Return the gradient by the input, and append gamma's and beta's."""
        if self._pushed is None:
            result, _, parts = self._pull(cotangent)
        else:
            c, (result, dx) = kernels.view(cotangent, self._large), self._new()
            parts = self._parts()
            (b, d, mean_na), (u, mean_nt) = self._pulled, self._pushed
            self._loops.reverse(self._slope, c, *self._known, b, d, u, mean_na, mean_nt, dx, *parts)
        for part, parameter in zip(parts, (self._layer.gamma, self._layer.beta)):
            array, total = kernels.new(self.output, parameter.shape, parameter.shape)
            part.reshape(-1, *parameter.shape).sum(axis=0, out=total)
            gradients.setdefault(parameter, []).append(array)
        return result
