"""What a layer adds to a Gluon block: its derivative along a direction."""

from mxnet import symbol

from gluon_wgan.errors import UserError
from gluon_wgan.layers.linearised import SEPARATE, TANGENT, Linearised, Operator, X, leaf


class Layer:
    """Mix-in of a `HybridBlock` that knows its Jacobian-vector product.

    A layer of one's own derives from this and from a block, and defines `push`.
    """

    # Of a LeakyReLU, the slope below 0: each number is scaled by 1 or by this, and `push` is not used.
    slope = None

    def push(self, F, x, tangent):
        """Return the output's tangent: the Jacobian by x times `tangent`.

        Parameters
        ----------
        F : module
            `mxnet.symbol`; parameters come as `self.weight.var()`.
        x, tangent : mxnet.symbol.Symbol
            Of one shape. The product may be written in any operator that MXNet can differentiate once. A mask is a
            constant: `F.BlockGrad`.

        Returns
        -------
        mxnet.symbol.Symbol
        """
        raise NotImplementedError

    def linearise(self, x):
        """Return the layer at a batch, see `gluon_wgan.layers.linearised.Linearised`."""
        return Linearised(self, x)

    def takes_slope(self, x):
        """Say whether `linearise` also takes the slope of a LeakyReLU that comes next, and does its work."""
        return False

    def operators(self):
        """Return what `build_operators` does, built once where the layer is hybridized.

        Otherwise the layer may change without notice, as in Gluon, and no graph is kept.
        """
        kept = self.__dict__.get("_operators")
        if kept is None:
            kept = self.build_operators()
            if self._active:
                self.__dict__["_operators"] = kept
        return kept

    def build_operators(self):
        """Return (x -> output, x and tangent -> tangent or None, parameters)."""
        x = symbol.var(X)
        output = Operator(self(x), SEPARATE)
        tangent = None if self.slope is not None else Operator(self.push(symbol, x, symbol.var(TANGENT)), SEPARATE)
        return output, tangent, [parameter for parameter in self.params.values() if parameter.name in output.names]

    def leaf(self, parameter, context):
        """Return a leaf that shares the parameter's memory, the same one as long as the parameter's array is."""
        array = parameter.data(context)
        leaves = self.__dict__.setdefault("_leaves", {})
        if leaves.get(parameter.name, (None,))[0] is not array:
            leaves[parameter.name] = array, leaf(array)
        return leaves[parameter.name][1]

    def _clear_cached_op(self):
        # Gluon calls this wherever the graph changes: add, cast, hybridize
        super()._clear_cached_op()
        self.__dict__.update(_operators=None, _leaves={})


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
