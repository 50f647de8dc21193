"""Activations: LeakyReLU, ReLU, tanh, softplus, and the softplus of WGAN-GP's random architectures."""

import numpy as np
from mxnet.gluon import nn

from gluon_wgan.layers.layer import Layer


class LeakyReLU(Layer, nn.HybridBlock):
    """LeakyReLU as PyTorch has it in both precisions: on float64, MXNet's own rounds slope * x to float32.

    The derivative at 0 is the slope, as in PyTorch.

    Parameters
    ----------
    slope : float
        Factor of negative numbers.
    """

    def __init__(self, slope, **kwargs):
        super().__init__(**kwargs)
        self.slope = slope
        self._exact = False

    def cast(self, dtype):
        """Choose the operator by the precision: MXNet's own is the faster, and exact enough in float32."""
        self._exact = np.dtype(dtype) == np.float64
        super().cast(dtype)

    def hybrid_forward(self, F, x):
        """Return x where it is above 0, slope * x elsewhere."""
        return F.where(x > 0, x, self.slope * x) if self._exact else F.LeakyReLU(x, slope=self.slope)


class ReLU(Layer, nn.Activation):
    """max(x, 0); the derivative at 0 is 0, as in PyTorch."""

    slope = 0.0

    def __init__(self, **kwargs):
        super().__init__("relu", **kwargs)


class Tanh(Layer, nn.Activation):
    """tanh(x)."""

    def __init__(self, **kwargs):
        super().__init__("tanh", **kwargs)

    def push(self, F, x, tangent):
        """Multiply the tangent by 1 - tanh(x)^2."""
        return tangent * (1 - F.square(self(x)))


class Softplus(Layer, nn.HybridBlock):
    """log(1 + exp(x)).

    MXNet's softrelu adds the 1 before the logarithm, and gives 0 below -17 in float32; this one keeps exp(x) there.
    PyTorch's is x itself above its `threshold` of 20, where 2e-9 is missing: give it 40 to compare in float64.
    """

    _LINEAR_ABOVE = 40  # exp(-40) is less than float64's last bit of 40

    def hybrid_forward(self, F, x):
        """Return log(1 + exp(x)); the derivative is right at 0 too, where max(x, 0) and |x| have none."""
        return F.where(x > self._LINEAR_ABOVE, x, F.log1p(F.exp(F.minimum(x, self._LINEAR_ABOVE))))

    def push(self, F, x, tangent):
        """Multiply the tangent by sigmoid(x)."""
        return tangent * F.sigmoid(x)


class ShiftedSoftplus(Softplus):
    """softplus(2 x + 2) / 2 - 1: about x where that is large, 0.06 at 0, and -1 far below (WGAN-GP, Table 1)."""

    def hybrid_forward(self, F, x):
        """Return softplus(2 x + 2) / 2 - 1."""
        return super().hybrid_forward(F, 2 * x + 2) / 2 - 1

    def push(self, F, x, tangent):
        """Multiply the tangent by sigmoid(2 x + 2)."""
        return super().push(F, 2 * x + 2, tangent)
