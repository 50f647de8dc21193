"""Normalisation per sample: LayerNorm and InstanceNorm. BatchNorm has no place in a penalised critic."""

from mxnet.gluon import nn

from gluon_wgan import kernels
from gluon_wgan.layers.by_kernels import NormByKernels
from gluon_wgan.layers.layer import Layer
from gluon_wgan.layers.linearised_norm import LinearisedNorm, build_steps


class _Normalisation(Layer):
    """(x - mean) / sqrt(variance + epsilon), times gamma, plus beta; mean and biased variance are of one group.

    Sums and repetitions are products with ones: of a broadcasting operator MXNet's backward takes some ten times as
    long. The operators that MXNet has for the whole round epsilon to float32; here it is exact.
    """

    per_sample = None  # whether a group is a sample, or one of its channels
    groups = None  # how (N, C, ...) is reshaped to (groups, numbers of a group)

    def hybrid_forward(self, F, x, gamma, beta):
        """Return the normalised x."""
        grouped = F.reshape(x, shape=self.groups)
        ones = _Ones(F, x, grouped)
        centred = grouped - F.dot(_mean(F, grouped, ones), ones.numbers)
        # (groups, 1)
        scale = 1 / F.sqrt(_mean(F, F.square(centred), ones) + self.epsilon)
        gain, row = self.factors(F, gamma, ones)
        shift = self.factors(F, beta, ones)
        return F.reshape_like(centred * F.dot(scale * gain, row) + F.dot(*shift), x)

    def linearise(self, x, slope=1.0):
        """Return the layer at a batch, see `gluon_wgan.layers.linearised`; its derivatives are in closed form."""
        return NormByKernels(self, x, slope) if kernels.serve(x) else LinearisedNorm(self, x)

    def takes_slope(self, x):
        """Say whether kernels serve."""
        return kernels.serve(x)

    def build_operators(self):
        """Return the steps of `LinearisedNorm`."""
        return build_steps(self)

    @staticmethod
    def factors(F, parameter, ones):
        """Return a column (groups, 1) and a row (1, numbers) whose product is the parameter (C,) at each number."""
        raise NotImplementedError

    @staticmethod
    def sum_per_channel(F, column, numbers, channels, ones):
        """Return the sums (C,) of (groups, numbers), times a column (groups, 1), over what belongs to each channel."""
        raise NotImplementedError


class _Ones:
    """Rows and columns of ones, for sums and repetitions."""

    def __init__(self, F, x, grouped):
        self._F, self._x = F, x
        self.groups = self._like(grouped, 1)  # (groups, 1)
        self.numbers = self._like(grouped, 0)  # (1, numbers)

    def _like(self, matrix, axis):
        first = self._F.slice_axis(matrix, axis=axis, begin=0, end=1)
        return self._F.BlockGrad(self._F.ones_like(first))

    @property
    def samples(self):
        """(N, 1)."""
        return self._like(self._F.reshape(self._x, shape=(0, -1)), 1)

    @property
    def pixels(self):
        """(1, pixels)."""
        first = self._F.slice_axis(self._F.reshape(self._x, shape=(0, 0, -1)), axis=0, begin=0, end=1)
        return self._like(self._F.reshape(first, shape=(-3, -1)), 0)


def _mean(F, x, ones):
    # (groups, numbers) -> (groups, 1)
    total = F.dot(x, ones.numbers, transpose_b=True)
    return F.broadcast_div(total, F.sum(ones.numbers, axis=1, keepdims=True))


class LayerNorm(_Normalisation, nn.HybridBlock):
    """Normalise each sample over all its numbers; gamma and beta are per channel (Gulrajani et al. 2017).

    (N, C, H, W), (N, C, L) or (N, C) -> the same shape. Not to be confused with `nn.LayerNorm` (one axis), with
    PyTorch's (gamma and beta of the sample's whole shape; its `GroupNorm(1, C)` is the same as this one) or with
    Gluon's GroupNorm in 1.x (one gamma per group).

    Parameters
    ----------
    epsilon : float
    in_channels : int
        C; 0 to find it out at the first call, which must not be a hybridized one.
    """

    per_sample, groups = True, (0, -1)

    @staticmethod
    def factors(F, parameter, ones):
        """Return ones for each sample, and gamma or beta for each number of one; see `_Normalisation`."""
        row = F.dot(F.reshape(parameter, shape=(-1, 1)), ones.pixels)
        return ones.groups, F.reshape(row, shape=(1, -1))

    @staticmethod
    def sum_per_channel(F, column, numbers, channels, ones):
        """Sum over the samples, then over each channel's pixels; see `_Normalisation`."""
        row = F.dot(column, numbers, transpose_a=True)
        sums = F.dot(F.reshape(row, shape=(channels, -1)), ones.pixels, transpose_b=True)
        return F.reshape(sums, shape=(-1,))

    def __init__(self, epsilon=1e-5, in_channels=0, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon
        with self.name_scope():
            shape = (in_channels,)
            self.gamma = self.params.get("gamma", shape=shape, init="ones", allow_deferred_init=True)
            self.beta = self.params.get("beta", shape=shape, init="zeros", allow_deferred_init=True)

    def infer_shape(self, x, *_):
        """Set the number of channels; MXNet cannot tell it from a reshaped parameter."""
        self.gamma.shape = self.beta.shape = x.shape[1:2]


class InstanceNorm(_Normalisation, nn.InstanceNorm):
    """Normalise each channel of each sample; (N, C, H, W) or (N, C, L) -> the same shape.

    Parameters
    ----------
    epsilon, center, scale, in_channels, ...
        As for `mxnet.gluon.nn.InstanceNorm`, whose `scale` is off by default: gamma is 1 then.
    """

    per_sample, groups = False, (-3, -1)

    @staticmethod
    def factors(F, parameter, ones):
        """Return gamma or beta for each group, and ones for its numbers; see `_Normalisation`."""
        repeated = F.dot(ones.samples, F.reshape(parameter, shape=(1, -1)))
        return F.reshape(repeated, shape=(-1, 1)), ones.numbers

    @staticmethod
    def sum_per_channel(F, column, numbers, channels, ones):
        """Sum each group, then over the samples; see `_Normalisation`."""
        sums = F.reshape(column * F.dot(numbers, ones.numbers, transpose_b=True), shape=(-1, channels))
        return F.reshape(F.dot(ones.samples, sums, transpose_a=True), shape=(-1,))

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = self._kwargs["eps"]

    infer_shape = LayerNorm.infer_shape
