"""Initial weights, drawn from `streams` and put in place with `set_data`: the same numbers in every framework."""

import math

import mxnet as mx
from mxnet import nd
from mxnet.gluon import nn

from gluon_wgan import streams


def initialise(block, seed, purpose):
    """Give every parameter of a generator or critic its initial value.

    - convolution weights: N(0, .02) (DCGAN; the reference's weights_init)
    - BatchNorm: scale N(1, .02), shift 0, running mean 0, running variance 1
    - dense layers: weight and bias uniform in +-1 / sqrt(inputs), PyTorch's default, which the reference leaves as is

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
        elif isinstance(layer, nn.Dense):
            bound = 1 / math.sqrt(layer.weight.shape[1])
            draw = _uniform(seed, purpose, bound)
            draws = {layer.weight: draw, layer.bias: draw}
        else:
            continue
        for parameter, draw in draws.items():
            if draw is not None:
                parameter.set_data(nd.array(draw(drawn, parameter.shape)))
            drawn += 1


def _uniform(seed, purpose, bound):
    return lambda i, shape: bound * (2 * streams.uniform(seed, purpose, i, shape) - 1)


def _leaves(block):
    if not block._children:
        yield block
    for child in block._children.values():
        yield from _leaves(child)
