"""Count what a WGAN step computes and writes, by the shapes of its layers, and how fast a machine computes."""

import json
import math
import time

import mxnet as mx
import numpy as np
from mxnet import nd


def layer_flops(block, input_shape):
    """Return the FLOP of one forward pass of each convolution and dense layer, in order of evaluation.

    A multiply-add counts as 2. The gradient by the data costs as much again, and so does the gradient by the weight.

    Parameters
    ----------
    block : mxnet.gluon.HybridBlock
    input_shape : tuple of int
        With the batch.

    Returns
    -------
    list of int
    """
    symbol = block(mx.sym.var("data"))
    internals = symbol.get_internals()
    _, shapes, _ = internals.infer_shape(data=input_shape)
    shape_of = dict(zip(internals.list_outputs(), shapes))
    nodes = json.loads(symbol.tojson())["nodes"]

    def shape(node):
        return shape_of[node["name"] if node["op"] == "null" else f"{node['name']}_output"]

    flops = []
    for node in nodes:
        if node["op"] in ("Convolution", "Deconvolution", "FullyConnected"):
            data, weight = (shape(nodes[entry[0]]) for entry in node["inputs"][:2])
            # every weight meets each pixel of the small side once: a convolution's outputs, a transposed one's inputs
            pixels = data if node["op"] == "Deconvolution" else shape(node)
            positions = pixels[0] * _product(pixels[2:])
            flops.append(2 * positions * _product(weight))
    return flops


def update_flops(generator, critic, batch_size, latent_dim, image_shape, penalised=False):
    """Return (FLOP of one critic update, FLOP of one generator update) that the algorithm needs.

    A critic update: the generator forward; the critic forward and both gradients, on real and on fake pictures,
    without the gradient by the pictures. With a gradient penalty also the scores and the input gradient of as many
    interpolates, and of both the gradients by data and weights. A generator update: the generator forward and both
    gradients, without the gradient by the latents; the critic forward and the gradient by the data, not by its weights.

    Parameters
    ----------
    generator, critic : mxnet.gluon.HybridBlock
    batch_size, latent_dim : int
    image_shape : tuple of int
        (C, H, W).
    penalised : bool
    """
    in_generator = layer_flops(generator, (batch_size, latent_dim, 1, 1))
    in_critic = layer_flops(critic, (batch_size, *image_shape))
    critic_update = sum(in_generator) + 2 * (3 * sum(in_critic) - in_critic[0])
    if penalised:
        critic_update += 6 * sum(in_critic) - in_critic[0]
    generator_update = 3 * sum(in_generator) - in_generator[0] + 2 * sum(in_critic)
    return critic_update, generator_update


def outputs(block, input_shape):
    """Return how many numbers the operators of one forward pass write.

    Parameters
    ----------
    block : mxnet.gluon.HybridBlock
    input_shape : tuple of int
        With the batch.
    """
    internals = block(mx.sym.var("data")).get_internals()
    _, shapes, _ = internals.infer_shape(data=input_shape)
    given = set(internals.list_inputs())
    return sum(_product(shape) for name, shape in zip(internals.list_outputs(), shapes) if name not in given)


def update_outputs(generator, critic, batch_size, latent_dim, image_shape, penalised=False):
    """Return (numbers that a critic update writes, numbers that a generator update writes), of forward and backward.

    A gradient counts as many as what it is the gradient of: a critic update has the generator forward, and the critic
    there and back on real and on fake pictures; a gradient penalty has the interpolates there and back, twice. A
    generator update has both networks there and back.

    Parameters
    ----------
    generator, critic, batch_size, latent_dim, image_shape, penalised
        As of `update_flops`.
    """
    in_generator = outputs(generator, (batch_size, latent_dim, 1, 1))
    in_critic = outputs(critic, (batch_size, *image_shape))
    return in_generator + (8 if penalised else 4) * in_critic, 2 * (in_generator + in_critic)


def gemm_flops_per_second(context, side=2048, repeats=3, by="oneDNN"):
    """Measure the best float32 rate of MXNet's matrix product (side x side x side) on a device, in FLOP/s.

    Parameters
    ----------
    context : mxnet.Context
    side, repeats : int
    by : str
        Whose product on a CPU: that of "oneDNN", which also does the convolutions, or of "OpenBLAS", which does
        `nd.dot`, and on some processors a fifth of that.
    """
    left = nd.array(np.ones((side, side), dtype=np.float32), ctx=context)
    best = math.inf
    for _ in range(repeats + 1):
        began = time.perf_counter()
        product = nd.FullyConnected(left, left, num_hidden=side, no_bias=True) if by == "oneDNN" else nd.dot(left, left)
        product.wait_to_read()
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best


def _product(sizes):
    product = 1
    for size in sizes:
        product *= size
    return product
