"""RMSprop with epsilon in the place that you name: under the root, as MXNet 1.x, or beside it, as PyTorch."""

import mxnet as mx
import numpy as np
from mxnet import nd

from gluon_wgan.errors import UserError


class RMSProp(mx.optimizer.Optimizer):
    """RMSprop, not centred, without momentum.

    With the gradient g and the running average n of its square::

        n <- decay * n + (1 - decay) * g**2
        w <- w - learning_rate * g / (sqrt(n) + epsilon)      epsilon_placement="outside_sqrt"
        w <- w - learning_rate * g / sqrt(n + epsilon)        epsilon_placement="inside_sqrt"

    An instance goes to `gluon.Trainer(params, RMSProp(...))`. (It is not registered by name: registering a class
    of that name would replace MXNet's own "rmsprop" in the whole process.)

    Warning: the same epsilon means another algorithm in each place. The smallest denominator is epsilon outside
    and sqrt(epsilon) inside: MXNet's default 1e-8 inside is a floor of 1e-4, larger than most gradients of a
    clipped critic, and turns RMSprop into plain gradient descent; PyTorch's 1e-8 outside is matched by 1e-16 inside.
    PyTorch and MXNet 2 put it outside, MXNet 1.x and TensorFlow 1 inside; PyTorch's alpha is .99 by default, MXNet's
    gamma1 .9.

    Parameters
    ----------
    learning_rate : float
    decay : float
        0 <= decay < 1.
    epsilon : float
        More than 0.
    epsilon_placement : str
        "outside_sqrt" or "inside_sqrt". Float32 weights are updated by a fused kernel each, in both places; float64
        weights by plain operators, since the kernels' scalars are float32.
    clip_weights : float, optional
        Clip the weights to [-clip_weights, clip_weights] after the update.
    initial_square : float
        Where the average n starts: 0, or 1 as in TensorFlow 1.
    **kwargs
        Of `mx.optimizer.Optimizer`: rescale_grad, wd, clip_gradient, ... (the gradient is rescaled, then wd * w is
        added, then it is clipped, as the fused kernel does).

    Raises
    ------
    UserError
        If a value is out of its range.
    """

    def __init__(
        self,
        learning_rate=5e-5,
        decay=0.99,
        epsilon=1e-8,
        epsilon_placement="outside_sqrt",
        clip_weights=None,
        initial_square=0.0,
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        if not 0 <= decay < 1:
            raise UserError("decay", decay, "0 <= decay < 1")
        if not 0 < epsilon < float("inf"):
            raise UserError("epsilon", epsilon, "a finite number above 0")
        if epsilon_placement not in ("inside_sqrt", "outside_sqrt"):
            raise UserError("epsilon_placement", repr(epsilon_placement), "inside_sqrt or outside_sqrt")
        if clip_weights is not None and not 0 < clip_weights < float("inf"):
            raise UserError("clip_weights", clip_weights, "None or a finite number above 0")
        if not 0 <= initial_square < float("inf"):
            raise UserError("initial_square", initial_square, "a finite number, 0 or more")
        self.decay = decay
        self.epsilon = epsilon
        self.epsilon_placement = epsilon_placement
        self.clip_weights = clip_weights
        self.initial_square = initial_square
        self._scratch = {}

    def create_state(self, index, weight):
        """Return the average of squared gradients at its start, shaped like the weight."""
        return nd.full(weight.shape, self.initial_square, ctx=weight.context, dtype=weight.dtype)

    def update(self, index, weight, grad, state):
        """Update one weight and its average in place."""
        self._update_count(index)
        if weight.dtype == np.float32:
            self._update_fused(weight, grad, state, self._get_lr(index), self._get_wd(index))
        else:
            self._update_plain(weight, grad, state, self._get_lr(index), self._get_wd(index))

    def _update_fused(self, weight, grad, state, learning_rate, weight_decay):
        """One kernel per weight; its scalars are float32, so it serves float32 weights."""
        scalars = {
            "lr": learning_rate,
            "epsilon": self.epsilon,
            "wd": weight_decay,
            "rescale_grad": self.rescale_grad,
            "clip_gradient": self.clip_gradient or -1.0,
        }
        if self.epsilon_placement == "inside_sqrt":
            limit = self.clip_weights or -1.0
            nd.rmsprop_update(weight, grad, state, out=weight, gamma1=self.decay, clip_weights=limit, **scalars)
            return
        # Adam's kernel divides by sqrt(n) + epsilon; with beta1 = 0 its average gradient is the gradient: RMSprop.
        key = (weight.context, weight.shape)
        if key not in self._scratch:
            self._scratch[key] = nd.zeros(weight.shape, ctx=weight.context)
        nd.adam_update(weight, grad, self._scratch[key], state, out=weight, beta1=0.0, beta2=self.decay, **scalars)
        if self.clip_weights:
            nd.clip(weight, -self.clip_weights, self.clip_weights, out=weight)

    def _update_plain(self, weight, grad, state, learning_rate, weight_decay):
        """The formula in plain operators, whose scalars are as exact as the weights."""
        grad = grad * self.rescale_grad + weight_decay * weight
        if self.clip_gradient:
            grad = nd.clip(grad, -self.clip_gradient, self.clip_gradient)
        state *= self.decay
        state += (1 - self.decay) * nd.square(grad)
        if self.epsilon_placement == "inside_sqrt":
            weight -= learning_rate * grad / nd.sqrt(state + self.epsilon)
        else:
            weight -= learning_rate * grad / (nd.sqrt(state) + self.epsilon)
        if self.clip_weights:
            weight[:] = nd.minimum(nd.maximum(weight, -self.clip_weights), self.clip_weights)
