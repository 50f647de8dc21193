"""Normalisation per sample: LayerNorm and InstanceNorm. BatchNorm has no place in a penalised critic."""

from mxnet.gluon import nn

from gluon_wgan.layers.layer import Layer


class _Normalisation(Layer):
    """(x - mean) / sqrt(variance + epsilon), times gamma, plus beta; mean and biased variance are of one sample.

    The operators of MXNet round epsilon to float32; here it is exact.
    """

    _axes = None  # of (N, C, everything else): those of the mean

    def hybrid_forward(self, F, x, gamma, beta):
        """Return the normalised x."""
        return self._normalise(F, x, gamma, beta)[0]

    def push(self, F, x, tangent):
        """Derive: centred' = t - mean(t), normal' = scale * (centred' - normal * mean(normal * centred'))."""
        gamma = self.gamma.var()
        y, normal, scale = self._normalise(F, x, gamma, self.beta.var())
        centred = self._centre(F, tangent)
        along = F.broadcast_mul(normal, self._mean(F, normal * centred))
        dy = F.broadcast_mul(F.broadcast_mul(centred - along, scale), _per_channel(F, gamma))
        return y, F.reshape_like(dy, x)

    def _normalise(self, F, x, gamma, beta):
        centred = self._centre(F, x)
        # (N, 1 or C, 1)
        scale = 1 / F.sqrt(self._mean(F, F.square(centred)) + self._epsilon)
        normal = F.broadcast_mul(centred, scale)
        y = F.broadcast_add(F.broadcast_mul(normal, _per_channel(F, gamma)), _per_channel(F, beta))
        return F.reshape_like(y, x), normal, scale

    def _centre(self, F, x):
        # (N, C, ...) -> (N, C, everything else)
        flat = F.reshape(x, shape=(0, 0, -1))
        return F.broadcast_sub(flat, self._mean(F, flat))

    def _mean(self, F, x):
        return F.mean(x, axis=self._axes, keepdims=True)


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

    _axes = (1, 2)

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

    _axes = 2

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._epsilon = self._kwargs["eps"]

    infer_shape = LayerNorm.infer_shape


def _per_channel(F, parameter):
    # (C,) -> (1, C, 1)
    return F.reshape(parameter, shape=(1, -1, 1))
