"""Linear layers, which do to a tangent what they do to x, without the bias: convolutions, dense layers, resampling."""

from mxnet.gluon import nn

from gluon_wgan.errors import UserError
from gluon_wgan.layers.layer import Layer


class _Convolution(Layer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _refuse_activation(self)

    def push(self, F, x, tangent):
        """Convolve the tangent."""
        return F.Convolution(tangent, self.weight.var(), **{**self._kwargs, "no_bias": True})


class Conv2D(_Convolution, nn.Conv2D):
    """`nn.Conv2D` without its `activation`: (N, C, H, W) -> (N, channels, H', W').

    Parameters
    ----------
    channels, kernel_size, strides, padding, dilation, groups, use_bias, in_channels, ...
        As for `mxnet.gluon.nn.Conv2D`.

    Raises
    ------
    UserError
        If `activation` is given: add the layer.
    """


class ToScore(Conv2D):
    """A `Conv2D` whose kernel is as large as what it gets: (N, C, H, W) -> (N, 1), one number a sample, or more.

    It is computed as the matrix product that it is: oneDNN's convolution to a single channel takes 8 to 24 times as
    long. The weight keeps the convolution's shape, (outputs, C, H, W).

    Parameters
    ----------
    kernel_size : int or tuple of int
        The sides of what it gets; a picture of another size fails.
    use_bias, in_channels
        As for `mxnet.gluon.nn.Conv2D`.
    outputs : int
        Numbers a sample.
    """

    def __init__(self, kernel_size, use_bias=True, in_channels=0, outputs=1, **kwargs):
        super().__init__(outputs, kernel_size, use_bias=use_bias, in_channels=in_channels, **kwargs)

    def hybrid_forward(self, F, x, weight, bias=None):
        """Return the numbers."""
        return self._product(F, x, weight, bias)

    def _product(self, F, x, weight, bias=None):
        inputs = (x, F.reshape(weight, shape=(self._channels, -1)), *(() if bias is None else (bias,)))
        return F.FullyConnected(*inputs, num_hidden=self._channels, no_bias=bias is None)

    def push(self, F, x, tangent):
        """Multiply the tangent by the weight."""
        return self._product(F, tangent, self.weight.var())


class Conv1D(_Convolution, nn.Conv1D):
    """`nn.Conv1D` without its `activation`: (N, C, L) -> (N, channels, L'). Parameters and errors as for `Conv2D`."""


class Dense(Layer, nn.Dense):
    """`nn.Dense` without its `activation`: (N, ...) -> (N, units), or (..., in_units) -> (..., units) unflattened.

    Parameters
    ----------
    units, use_bias, flatten, in_units, ...
        As for `mxnet.gluon.nn.Dense`.

    Raises
    ------
    UserError
        If `activation` is given: add the layer.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        _refuse_activation(self)

    def push(self, F, x, tangent):
        """Multiply the tangent by the weight."""
        weight = self.weight.var()
        return F.FullyConnected(tangent, weight, no_bias=True, num_hidden=self._units, flatten=self._flatten)


class _WithoutParameters(Layer):
    def push(self, F, x, tangent):
        """Do the same to the tangent."""
        return self(tangent)


class MeanPool(_WithoutParameters, nn.AvgPool2D):
    """Take the mean of each size x size square: (N, C, H, W) -> (N, C, H // size, W // size).

    Parameters
    ----------
    size : int
    """

    def __init__(self, size=2, **kwargs):
        super().__init__(pool_size=_checked(size), **kwargs)


class UpsampleNearest(_WithoutParameters, nn.HybridBlock):
    """Repeat each pixel in a size x size square: (N, C, H, W) -> (N, C, size H, size W).

    Parameters
    ----------
    size : int
    """

    def __init__(self, size=2, **kwargs):
        super().__init__(**kwargs)
        self._size = _checked(size)

    def hybrid_forward(self, F, x):
        """Return the larger picture."""
        return F.UpSampling(x, scale=self._size, sample_type="nearest", num_args=1)


class Scale(_WithoutParameters, nn.HybridBlock):
    """Multiply by a number, as the residual blocks of WGAN-GP's language model do by .3.

    Parameters
    ----------
    factor : float
    """

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self._factor = factor

    def hybrid_forward(self, F, x):
        """Return factor * x."""
        return self._factor * x


class Flatten(_WithoutParameters, nn.Flatten):
    """(N, ...) -> (N, everything else)."""


class Reshape(_WithoutParameters, nn.HybridBlock):
    """(N, ...) -> (N, *shape).

    Parameters
    ----------
    shape : tuple of int
        Without the batch; one of them may be -1.
    """

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self._shape = (0, *shape)  # 0: as it is

    def hybrid_forward(self, F, x):
        """Return the same numbers in the other shape."""
        return F.reshape(x, shape=self._shape)


def _refuse_activation(block):
    if block.act is not None:
        raise UserError("activation", block.act._act_type, "none; add layers.ReLU(), LeakyReLU(), Tanh() or Softplus()")


def _checked(size):
    if not (isinstance(size, int) and size > 0):
        raise UserError("size", repr(size), "a whole number above 0")
    return size
