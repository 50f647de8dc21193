"""Initial weights, drawn from `streams` and put in place with `set_data`: the same numbers in every framework."""

import math

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.gluon import nn

from gluon_wgan import streams
from gluon_wgan.layers import InstanceNorm, LayerNorm, ToScore

_MXNET_BOUND = 0.07


def initialise(block, seed, purpose, like="dcgan"):
    """Give every parameter of a generator or critic its initial value.

    Like "dcgan":

    - convolution weights: N(0, .02) (DCGAN; the reference's weights_init)
    - BatchNorm: scale N(1, .02), shift 0, running mean 0, running variance 1
    - LayerNorm, InstanceNorm: scale 1, shift 0
    - dense layers, and biases of convolutions: uniform in +-1 / sqrt(inputs of one output), PyTorch's default, which
      the references leave as it is. (PyTorch takes the outputs of one input for a transposed convolution's.)

    Like "wgan-gp" (github.com/igul222/improved_wgan_training, tflib/ops), where i and o count the inputs of one output
    and the outputs of one input:

    - convolution weights: uniform in +-sqrt(12 / (i + o)); those of dense layers: in +-sqrt(6 / (i + o)) (Glorot)
    - biases 0; norms as above

    Like "mxnet" (its default, `mx.init.Uniform`): all weights uniform in +-.07, biases 0, scales 1.

    Parameters
    ----------
    block : mxnet.gluon.Block
        Its shapes must be known (in_channels, in_units given).
    seed : int
    purpose : str
        "generator_weights" or "critic_weights". Parameter i of the block draws from stream (seed, purpose, i).
    like : str
        "dcgan", "wgan-gp" or "mxnet".
    """
    block.initialize(mx.init.Zero(), force_reinit=True)
    drawn = 0
    for layer in _leaves(block):
        if isinstance(layer, nn.BatchNorm) and like != "mxnet":
            draws = {layer.gamma: lambda i, shape: 1 + 0.02 * streams.normal(seed, purpose, i, shape), layer.beta: None}
        elif like == "mxnet" and isinstance(layer, (nn.Conv1D, nn.Conv2D, nn.Conv2DTranspose, nn.Dense)):
            draws = {layer.weight: _within(_MXNET_BOUND, seed, purpose), layer.bias: None}
        elif like == "wgan-gp" and isinstance(layer, (nn.Conv1D, nn.Conv2D, nn.Dense)):
            draws = _glorot(seed, purpose, layer)
        elif isinstance(layer, (nn.Conv2D, nn.Conv2DTranspose)):
            draws = {layer.weight: lambda i, shape: 0.02 * streams.normal(seed, purpose, i, shape)}
            draws |= _uniform(seed, purpose, layer, [layer.bias])
        elif isinstance(layer, (LayerNorm, InstanceNorm, nn.BatchNorm)):
            draws = {layer.gamma: lambda i, shape: np.ones(shape, np.float32), layer.beta: None}
        elif isinstance(layer, nn.Dense):
            draws = _uniform(seed, purpose, layer, [layer.weight, layer.bias])
        else:
            continue
        if isinstance(layer, nn.BatchNorm):
            layer.running_var.set_data(nd.ones(layer.running_var.shape))
        for parameter, draw in draws.items():
            if draw is not None:
                parameter.set_data(nd.array(draw(drawn, parameter.shape)))
            drawn += 1


def _uniform(seed, purpose, layer, parameters):
    draw = _within(1 / math.sqrt(math.prod(layer.weight.shape[1:])), seed, purpose)
    return {parameter: draw for parameter in parameters if parameter is not None}


def _glorot(seed, purpose, layer):
    outputs, inputs, *kernel = layer.weight.shape
    if isinstance(layer, (nn.Dense, ToScore)):  # a kernel as large as the picture meets each number once
        bound = math.sqrt(6 / (math.prod(layer.weight.shape[1:]) + outputs))
    else:  # twice the variance, for a ReLU
        bound = math.sqrt(12 / ((inputs + outputs) * math.prod(kernel)))
    return {layer.weight: _within(bound, seed, purpose), layer.bias: None}


def _within(bound, seed, purpose):
    def draw(i, shape):
        return bound * (2 * streams.uniform(seed, purpose, i, shape) - 1)

    return draw


def _leaves(block):
    if not block._children:
        yield block
    for child in block._children.values():
        yield from _leaves(child)
