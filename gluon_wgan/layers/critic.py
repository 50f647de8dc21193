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
        (input_gradient,) = autograd.grad(scores, [leaf])
        if not recording:
            return scores.detach(), input_gradient
        parameters = {parameter.name: parameter.data(images.context) for parameter in self.collect_params().values()}
        pushed = self._pushed or self._push_graph()
        if self._active:  # else a layer may change without notice, as in Gluon: no graph is kept
            self._pushed = pushed
        values = {_IMAGES: images, **parameters}
        known = _Differentiable(pushed, values, scores, input_gradient)(_vector(values.values()))
        return _cut(known, images.shape)

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


def _vector(arrays):
    return nd.concat(*(array.reshape((-1,)) for array in arrays), dim=0)


def _cut(vector, shape):
    # (N + N everything else,) -> (N,), (N, everything else)
    scores = nd.slice_axis(vector, axis=0, begin=0, end=shape[0])
    return scores, nd.slice_axis(vector, axis=0, begin=shape[0], end=None).reshape(shape)


class _Differentiable(autograd.Function):
    """Give what is known already; in backward, the gradient of sum(head * scores) + sum(direction * input_gradient).

    One vector goes in and one comes out. Of several inputs autograd.Function leaves out the gradients of all those
    behind one that needs none, and of any one that is added to (grad_req), without a word. The ordinary operators that
    put the vectors together and cut them know about all that.
    """

    def __init__(self, pushed, values, scores, input_gradient):
        super().__init__()
        self._operator, self._names = pushed
        self._values = {name: array.detach() for name, array in values.items()}
        self._known = scores.detach(), input_gradient

    def forward(self, vector):
        return _vector(self._known)

    def backward(self, heads):
        head, direction = _cut(heads, self._known[1].shape)
        # leaves of this graph alone, or the parameters' own gradients would be overwritten
        leaves = {name: array.detach() for name, array in self._values.items()}
        for leaf in leaves.values():
            leaf.attach_grad()
        with autograd.record():
            outputs = self._operator(*({**leaves, _DIRECTION: direction}[name] for name in self._names))
        autograd.backward(outputs, [head, nd.ones_like(head)])
        return _vector(leaf.grad for leaf in leaves.values())
