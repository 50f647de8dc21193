"""Normalisation per sample: LayerNorm and InstanceNorm. BatchNorm has no place in a penalised critic."""

from mxnet.gluon import nn

from gluon_wgan.layers.layer import Layer


class _Normalisation(Layer):
    """(x - mean) / sqrt(variance + epsilon), times gamma, plus beta; mean and biased variance are of one group.

    Sums and repetitions are products with ones: of a broadcasting operator MXNet's backward takes some ten times as
    long. The operators that MXNet has for the whole round epsilon to float32; here it is exact.
    """

    _groups = None  # how (N, C, ...) is reshaped to (groups, numbers of a group)

    def hybrid_forward(self, F, x, gamma, beta):
        """Return the normalised x."""
        return self._normalise(F, x, gamma, beta)[0]

    def push(self, F, x, tangent):
        """Derive, with t' = t - mean(t) and n = centred * scale: y' = gamma * scale * (t' - n * mean(n * t'))."""
        y, centred, scale, gain = self._normalise(F, x, self.gamma.var(), self.beta.var())
        normal = centred * _spread(F, scale, centred)
        moved = _centre(F, self._grouped(F, tangent))
        along = normal * _spread(F, _mean(F, normal * moved), normal)
        return y, F.reshape_like((moved - along) * gain, x)

    def _normalise(self, F, x, gamma, beta):
        centred = _centre(F, self._grouped(F, x))
        # (groups, 1)
        scale = 1 / F.sqrt(_mean(F, F.square(centred)) + self._epsilon)
        gain = self._per_channel(F, scale, gamma, x, centred)
        shift = self._per_channel(F, F.ones_like(scale), beta, x, centred)
        return F.reshape_like(centred * gain + shift, x), centred, scale, gain

    def _grouped(self, F, x):
        return F.reshape(x, shape=self._groups)


def _ones(F, like, axis):
    # (a, b) -> (1, b) or (a, 1)
    return F.BlockGrad(F.ones_like(F.slice_axis(like, axis=axis, begin=0, end=1)))


def _mean(F, x):
    # (groups, numbers) -> (groups, 1)
    ones = _ones(F, x, 0)
    return F.broadcast_div(F.dot(x, ones, transpose_b=True), F.sum(ones, axis=1, keepdims=True))


def _spread(F, column, like):
    # (groups, 1) -> (groups, numbers)
    return F.dot(column, _ones(F, like, 0))


def _centre(F, x):
    return x - _spread(F, _mean(F, x), x)


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

    _groups = (0, -1)

    @staticmethod
    def _per_channel(F, column, parameter, x, _):
        # (N, 1) and (C,) -> their products, (N, C * pixels)
        first = F.slice_axis(F.reshape(x, shape=(0, 0, -1)), axis=0, begin=0, end=1)
        pixels = _ones(F, F.reshape(first, shape=(-3, -1)), 0)
        row = F.dot(F.reshape(parameter, shape=(-1, 1)), pixels)
        return F.dot(column, F.reshape(row, shape=(1, -1)))

    def __init__(self, epsilon=1e-5, in_channels=0, **kwargs):
        super().__init__(**kwargs)
        self._epsilon = epsilon
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

    _groups = (-3, -1)

    @staticmethod
    def _per_channel(F, column, parameter, x, like):
        # (N * C, 1) and (C,) -> their products, (N * C, pixels)
        samples = _ones(F, F.reshape(x, shape=(0, -1)), 1)
        repeated = F.dot(samples, F.reshape(parameter, shape=(1, -1)))
        return _spread(F, column * F.reshape(repeated, shape=(-1, 1)), like)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._epsilon = self._kwargs["eps"]

    infer_shape = LayerNorm.infer_shape
