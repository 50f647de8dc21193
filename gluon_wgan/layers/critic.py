"""A critic that gives its scores together with their input gradient, and differentiates both.

The input gradient itself, g(x), is an ordinary first derivative. Its own derivative needs no second one of any
operator: along a head gradient u, u * g(x) is the derivative of the scores in the direction u, which the layers write
in ordinary operators (`push`), and one ordinary backward differentiates that. (The other way, a convolution's input
gradient written as a Deconvolution, crashes in oneDNN unless that operator's weight is a leaf of the graph, and for
some sizes even then.)
"""

import numpy as np
from mxnet import autograd, nd, symbol

from gluon_wgan.errors import UserError
from gluon_wgan.layers.containers import Sequential


class Critic(Sequential):
    """Map pictures (N, ...) to scores (N,), by layers that end in one number a sample; unbounded.

    `critic(images)` is Gluon's ordinary call.

    Examples
    --------
    >>> critic = Critic()
    >>> critic.add(Conv2D(16, 4, 2, 1, in_channels=3), LeakyReLU(0.2), Flatten(), Dense(1))
    >>> critic.initialize()
    >>> with autograd.record():
    ...     scores, input_gradient = critic.scores_and_input_gradient(images)
    ...     loss = 10 * gradient_penalty(input_gradient) - scores.mean()
    >>> loss.backward()
    """

    def hybrid_forward(self, F, x):
        """Return the scores."""
        return _scores(F, super().hybrid_forward(F, x))

    def scores_and_input_gradient(self, images):
        """Return the scores, and the gradient of their sum by the images.

        Where `autograd` records, both can be differentiated once, by one ordinary `backward`, with respect to the
        parameters and to the images. Change neither before that: as everywhere in MXNet, what backward needs is not
        copied.

        Parameters
        ----------
        images : mxnet.nd.NDArray
            (N, ...), of the parameters' dtype.

        Returns
        -------
        scores : mxnet.nd.NDArray
            (N,).
        input_gradient : mxnet.nd.NDArray
            Of the images' shape: row n is the gradient of score n by image n.

        Raises
        ------
        UserError
            If the images have another dtype than the parameters.
        """
        self._check_dtype(images)
        recording = autograd.is_recording()
        leaf = images.detach()
        leaf.attach_grad()
        with autograd.record():
            scores = self(leaf)
        # kept until it goes out of scope: to free it MXNet would also empty the nodes of parameters without gradient,
        # which the graphs that were recorded before share
        (input_gradient,) = autograd.grad(scores, [leaf], retain_graph=True)
        if not recording:
            return scores.detach(), input_gradient
        parameters = self.collect_params().values()
        linked = [_linked(images)]
        for parameter in parameters:
            array = parameter.data(images.context)
            linked.append(array if parameter.grad_req == "write" else _linked(array))
        pushed = self._pushed or self._push_graph()
        if self._active:  # else a layer may change without notice, as in Gluon: no graph is kept
            self._pushed = pushed
        names = [_IMAGES, *(parameter.name for parameter in parameters)]
        return _Differentiable(pushed, names, scores, input_gradient)(*linked)

    def _check_dtype(self, images):
        for parameter in self.collect_params().values():
            ours, theirs = np.dtype(parameter.dtype), np.dtype(images.dtype)
            if ours != theirs:
                raise UserError("images", theirs, f"{ours}, as {parameter.name}")

    def _push_graph(self):
        """Return (operator, names of its inputs): images, direction and parameters -> scores and their derivative."""
        pushed = self.push(symbol, symbol.var(_IMAGES), symbol.var(_DIRECTION))
        graph = symbol.Group([_scores(symbol, output) for output in pushed])
        return nd.CachedOp(graph), graph.list_inputs()

    def _clear_cached_op(self):
        # Gluon calls this wherever the graph changes: add, cast, hybridize
        super()._clear_cached_op()
        self._pushed = None


_IMAGES, _DIRECTION = "images", "direction"


def _scores(F, outputs):
    # (N, 1, ..., 1) -> (N,); more than one number a sample fails here
    return F.squeeze(F.reshape(outputs, shape=(0, -1)), axis=1)


def _linked(array):
    """Return a copy that needs a gradient, of an array that may need none, or one that is added (grad_req)."""
    # autograd.Function leaves out, without a word, the gradients of all inputs behind one that needs none, and of any
    # that is added to. This operator knows about both.
    anchor = nd.zeros_like(array)
    anchor.attach_grad()
    return array + anchor


class _Differentiable(autograd.Function):
    """Give what is known already; in backward, the gradient of sum(head * scores) + sum(direction * input_gradient)."""

    def __init__(self, pushed, names, scores, input_gradient):
        super().__init__()
        self._operator, self._inputs = pushed
        self._names = names
        self._known = scores.detach(), input_gradient

    def forward(self, *values):
        self._values = [array.detach() for array in values]
        # not kept: what comes out refers to this function, which would then never be freed
        known, self._known = self._known, None
        return known

    def backward(self, head, direction):
        # leaves of this graph alone, or the parameters' own gradients would be overwritten
        leaves = {name: array.detach() for name, array in zip(self._names, self._values)}
        for leaf in leaves.values():
            leaf.attach_grad()
        with autograd.record():
            outputs = self._operator(*({**leaves, _DIRECTION: direction}[name] for name in self._inputs))
        autograd.backward(outputs, [head, nd.ones_like(head)])
        return tuple(leaf.grad for leaf in leaves.values())
