"""A critic that gives its scores together with their input gradient, and differentiates both.

The input gradient itself, g(x), is an ordinary first derivative. Its own derivative needs no second one of any
operator: along a head gradient u, u * g(x) is the derivative of the scores in the direction u, and one ordinary
backward differentiates that, layer by layer; see `gluon_wgan.layers.linearised`. (The other way, a convolution's input
gradient written as a Deconvolution, crashes in oneDNN unless that operator's weight is a leaf of the graph, and for
some sizes even then.)
"""

import numpy as np
from mxnet import autograd, nd

from gluon_wgan.errors import UserError
from gluon_wgan.layers.containers import Sequential
from gluon_wgan.layers.linearised import parts_of


class Critic(Sequential):
    """Map pictures (N, ...) to scores (N,), by layers that end in one number a sample; unbounded.

    `critic(images)` is Gluon's ordinary call.

    Parameters
    ----------
    outputs : int
        Numbers a sample. Of more than one, (N, outputs), the first is the score, whose input gradient is meant.

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

    def __init__(self, outputs=1, **kwargs):
        super().__init__(**kwargs)
        self._outputs = outputs

    def hybrid_forward(self, F, x):
        """Return the scores, or all outputs."""
        # (N, outputs, 1, ..., 1) -> (N, outputs), or (N,); another number a sample fails here
        rows = F.reshape(super().hybrid_forward(F, x), shape=(0, self._outputs if self._outputs > 1 else -1))
        return F.squeeze(rows, axis=1) if self._outputs == 1 else rows

    def linearise(self, x):
        """Return the critic at a batch, without `autograd`; its `output` is what the call returns.

        Parameters
        ----------
        x : mxnet.nd.NDArray
            Pictures (N, ...), of the parameters' dtype.

        Returns
        -------
        LinearisedCritic

        Raises
        ------
        UserError
            If the pictures have another dtype than the parameters.
        """
        for parameter in self._parameters():
            ours, theirs = np.dtype(parameter.dtype), np.dtype(x.dtype)
            if ours != theirs:
                raise UserError("images", theirs, f"{ours}, as {parameter.name}")
            if parameter._deferred_init:
                self(x)  # the layers find out their sizes
        return LinearisedCritic(super().linearise(x), self._outputs)

    def _parameters(self):
        # Gluon takes a quarter of a millisecond to collect them, each time
        kept = self.__dict__.get("_collected")
        if kept is None or not self._active:
            kept = self.__dict__["_collected"] = list(self.collect_params().values())
        return kept

    def _clear_cached_op(self):
        super()._clear_cached_op()
        self.__dict__["_collected"] = None

    def scores_and_input_gradient(self, images):
        """Return the scores, or all outputs, and the gradient of the scores' sum by the images.

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
            (N,), or (N, outputs).
        input_gradient : mxnet.nd.NDArray
            Of the images' shape: row n is the gradient of score n by image n.

        Raises
        ------
        UserError
            If the images have another dtype than the parameters.
        """
        with autograd.pause():
            linearised = self.linearise(images.detach())
            input_gradient = linearised.input_gradient()
        if not autograd.is_recording():
            return linearised.output, input_gradient
        linked = [_linked(images)]
        for parameter in self._parameters():
            array = parameter.data(images.context)
            linked.append(array if parameter.grad_req == "write" else _linked(array))
        return _Differentiable(linearised, input_gradient, self._parameters())(*linked)


class LinearisedCritic:
    """A critic's `output` of a batch, and its derivatives there; see `gluon_wgan.layers.linearised`.

    Parameters
    ----------
    chain : gluon_wgan.layers.linearised.LinearisedChain
    outputs : int
        Numbers a sample: 1, the scores (N,); or more, (N, outputs), the scores first.
    """

    def __init__(self, chain, outputs=1):
        self._chain = chain
        count = chain.output.shape[0]
        if chain.output.size != count * outputs:
            numbers = "one number a sample, dimensions (N, 1, ...)" if outputs == 1 else f"dimensions (N, {outputs})"
            raise UserError("a critic's last layer", chain.output.shape, numbers)
        self.output = chain.output.reshape((count, outputs) if outputs > 1 else (-1,))

    def input_gradient(self):
        """Return the gradient of sum(scores) by the pictures."""
        ones = nd.ones_like(self.output)
        if ones.ndim > 1:
            ones[:, 1:] = 0
        return self.pull(ones)

    def pull(self, heads):
        """Return the gradient of sum(heads * output) by the pictures."""
        return self._chain.pull(heads.reshape(self._chain.output.shape))

    def push(self, direction):
        """Take up sum(direction * input gradient), which was asked for before."""
        self._chain.push(direction)

    def reverse(self, heads, gradients, to_input=True):
        """Return the gradient of sum(heads * output), and of what was pushed, by the pictures; see `Linearised`."""
        return self._chain.reverse(heads.reshape(self._chain.output.shape), gradients, to_input)


def _linked(array):
    """Return a copy that needs a gradient, of an array that may need none, or one that is added (grad_req)."""
    # autograd.Function leaves out, without a word, the gradients of all inputs behind one that needs none, and of any
    # that is added to. This operator knows about both.
    anchor = nd.zeros_like(array)
    anchor.attach_grad()
    return array + anchor


class _Differentiable(autograd.Function):
    """Give what is known already; in backward, the gradient of sum(head * scores) + sum(direction * input_gradient)."""

    def __init__(self, linearised, input_gradient, parameters):
        super().__init__()
        self._linearised, self._parameters = linearised, parameters
        self._known = linearised.output.detach(), input_gradient

    def forward(self, *values):
        # not kept: these arrays refer to this function from here on, which would then never be freed
        known, self._known = self._known, None
        return known

    def backward(self, head, direction):
        gradients = {}
        self._linearised.push(direction)
        by_images = self._linearised.reverse(head, gradients)
        return (by_images, *(nd.add_n(*parts_of(gradients, parameter)) for parameter in self._parameters))
