"""Layers made of layers."""

from mxnet.gluon import nn

from gluon_wgan.layers.layer import Layer, check_layers
from gluon_wgan.layers.linearised import LinearisedChain, LinearisedSum


class Sequential(Layer, nn.HybridSequential):
    """`nn.HybridSequential` of layers.

    Raises
    ------
    UserError
        From `add`, for a block that is no layer.
    """

    def add(self, *blocks):
        """Append layers."""
        check_layers(blocks)
        super().add(*blocks)

    def linearise(self, x):
        """Return the layers at a batch, see `gluon_wgan.layers.linearised`."""
        return LinearisedChain(self._children.values(), x)


class Residual(Layer, nn.HybridBlock):
    """body(x) + shortcut(x) (He et al. 2015).

    Parameters
    ----------
    body : Layer
    shortcut : Layer or None
        None for x itself.

    Raises
    ------
    UserError
        If one of them is no layer.
    """

    def __init__(self, body, shortcut=None, **kwargs):
        super().__init__(**kwargs)
        check_layers([body] if shortcut is None else [body, shortcut])
        self.body = body
        self.shortcut = shortcut

    def hybrid_forward(self, F, x):
        """Return the sum."""
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))

    def linearise(self, x):
        """Return both ways at a batch, see `gluon_wgan.layers.linearised`."""
        return LinearisedSum([self.body, self.shortcut], x)
