"""What a layer adds to a Gluon block: its derivative along a direction."""

from gluon_wgan.errors import UserError


class Layer:
    """Mix-in of a `HybridBlock` that knows its Jacobian-vector product.

    A layer of one's own derives from this and from a block, and defines `push`.
    """

    def push(self, F, x, tangent):
        """Return (output, its tangent): the block's output, and the Jacobian by x times `tangent`.

        Parameters
        ----------
        F : module
            `mxnet.symbol`; parameters come as `self.weight.var()`.
        x, tangent : mxnet.symbol.Symbol
            Of one shape. Both products may be written in any operator that MXNet can differentiate once. A mask is a
            constant: `F.BlockGrad`.

        Returns
        -------
        tuple of mxnet.symbol.Symbol
        """
        raise NotImplementedError


def check_layers(blocks):
    """Raise UserError for a block that does not know its derivative, BatchNorm among them."""
    for block in blocks:
        if not isinstance(block, Layer):
            name = type(block).__name__
            why = "the penalty is per sample and BatchNorm ties samples together; " if "BatchNorm" in name else ""
            raise UserError(
                "a critic's layer", name, f"{why}{', '.join(_names())}, or your own gluon_wgan.layers.Layer"
            )


def _names():
    from gluon_wgan import layers

    return (name for name in layers.__all__ if name not in ("Layer", "Critic"))
