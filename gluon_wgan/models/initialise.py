"""Initial weights, drawn from `streams` and put in place with `set_data`: the same numbers in every framework."""

import math

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.gluon import nn

from gluon_wgan import streams
from gluon_wgan.layers import InstanceNorm, LayerNorm


def initialise(block, seed, purpose):
    """Give every parameter of a generator or critic its initial value.

    - convolution weights: N(0, .02) (DCGAN; the reference's weights_init)
    - BatchNorm: scale N(1, .02), shift 0, running mean 0, running variance 1
    - LayerNorm, InstanceNorm: scale 1, shift 0
    - dense layers, and biases of convolutions: uniform in +-1 / sqrt(inputs of one output), PyTorch's default, which
      the references leave as it is. (PyTorch takes the outputs of one input for a transposed convolution's.)

    Parameters
    ----------
    block : mxnet.gluon.Block
        Its shapes must be known (in_channels, in_units given).
    seed : int
    purpose : str
        "generator_weights" or "critic_weights". Parameter i of the block draws from stream (seed, purpose, i).
    """
    block.initialize(mx.init.Zero(), force_reinit=True)
    drawn = 0
    for layer in _leaves(block):
        if isinstance(layer, nn.BatchNorm):
            draws = {layer.gamma: lambda i, shape: 1 + 0.02 * streams.normal(seed, purpose, i, shape), layer.beta: None}
            layer.running_var.set_data(nd.ones(layer.running_var.shape))
        elif isinstance(layer, (nn.Conv2D, nn.Conv2DTranspose)):
            draws = {layer.weight: lambda i, shape: 0.02 * streams.normal(seed, purpose, i, shape)}
            draws |= _uniform(seed, purpose, layer, [layer.bias])
        elif isinstance(layer, (LayerNorm, InstanceNorm)):
            draws = {layer.gamma: lambda i, shape: np.ones(shape, np.float32), layer.beta: None}
        elif isinstance(layer, nn.Dense):
            draws = _uniform(seed, purpose, layer, [layer.weight, layer.bias])
        else:
            continue
        for parameter, draw in draws.items():
            if draw is not None:
                parameter.set_data(nd.array(draw(drawn, parameter.shape)))
            drawn += 1


def _uniform(seed, purpose, layer, parameters):
    bound = 1 / math.sqrt(math.prod(layer.weight.shape[1:]))

    def draw(i, shape):
        return bound * (2 * streams.uniform(seed, purpose, i, shape) - 1)

    return {parameter: draw for parameter in parameters if parameter is not None}


def _leaves(block):
    if not block._children:
        yield block
    for child in block._children.values():
        yield from _leaves(child)
