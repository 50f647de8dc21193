"""Architectures of critics, drawn at random.

An architecture is a list of (kind, settings), which `random_critics` builds of our layers and as PyTorch functions.
"""

import math

import numpy as np

EPSILON = 2**-16  # of the norms, exact in float32


def draw(seed, redraw=0):
    """Return (architecture, shape of the images with the batch, one_sided) of a seed."""
    rng = np.random.default_rng([seed, redraw])
    axes = int(rng.choice([0, 1, 2, 2, 2]))  # beside the channels
    sizes = {0: [], 1: rng.integers(8, 25, 1).tolist(), 2: rng.integers(6, 15, 2).tolist()}[axes]
    shape = [int(rng.integers(1, 5)), *sizes]
    images = (int(rng.integers(2, 6)), *shape)
    architecture = []
    for _ in range(int(rng.integers(1, 5))):
        architecture += _draw_stage(rng, shape)
    if axes and rng.random() < 0.3:  # a convolution to one number, as in DCGAN
        architecture.append(("conv", _convolution(shape, 1, shape[1:], [1] * axes, [0] * axes, [1] * axes, 1, False)))
    else:
        units = math.prod(shape)
        if axes:
            architecture.append(("flatten", {}) if rng.random() < 0.7 else ("reshape", {"shape": (units,)}))
        if rng.random() < 0.5:
            hidden = int(rng.integers(1, 9))
            architecture += [("dense", {"inputs": units, "outputs": hidden}), _draw_activation(rng)]
            units = hidden
        architecture.append(("dense", {"inputs": units, "outputs": 1}))
    return architecture, images, bool(rng.random() < 0.3)


def _draw_stage(rng, shape):
    """Return some layers that take this shape; change it to their output's."""
    axes, kind = len(shape) - 1, rng.random()
    if axes == 2 and kind < 0.1 and shape[1] * shape[2] < 150:
        shape[1:] = [2 * size for size in shape[1:]]
        return [("upsample", {"size": 2})]
    if axes == 2 and kind < 0.25 and all(size % 2 == 0 and size >= 4 for size in shape[1:]):
        shape[1:] = [size // 2 for size in shape[1:]]
        return [("pool", {"size": 2})]
    if kind < 0.5:
        before, body = list(shape), []
        for _ in range(int(rng.integers(1, 3))):
            body += [_draw_activation(rng), *_draw_linear(rng, shape, keep=True), *_draw_norm(rng, shape)]
        shortcut = None
        if shape[0] != before[0]:
            ones, zeros = [1] * axes, [0] * axes
            shortcut = [
                ("conv", _convolution(before, shape[0], ones, ones, zeros, ones, 1, True))
                if axes
                else ("dense", {"inputs": before[0], "outputs": shape[0]})
            ]
        return [("residual", {"body": body, "shortcut": shortcut})]
    return [*_draw_linear(rng, shape), *_draw_norm(rng, shape), _draw_activation(rng)]


def _draw_linear(rng, shape, keep=False):
    axes = len(shape) - 1
    width = int(rng.choice([1, 2, 3, 4, 5, 7, 8, 16, 17]))
    before, shape[0] = list(shape), width
    if not axes:
        return [("dense", {"inputs": before[0], "outputs": width})]
    if keep:
        kernel = rng.choice([1, 3, 5], axes).tolist()
        stride, dilation = [1] * axes, rng.integers(1, 3, axes).tolist()
        padding = [d * (k - 1) // 2 for k, d in zip(kernel, dilation)]
    else:
        stride, dilation = rng.integers(1, 4, axes).tolist(), rng.choice([1, 1, 2], axes).tolist()
        kernel = [int(rng.integers(1, max(2, min(6, (size - 1) // d + 2)))) for size, d in zip(before[1:], dilation)]
        padding = [int(rng.integers(0, d * (k - 1) // 2 + 1)) for k, d in zip(kernel, dilation)]
    groups = int(rng.choice([g for g in range(1, 5) if width % g == 0 and before[0] % g == 0]))
    settings = _convolution(before, width, kernel, stride, padding, dilation, groups, bool(rng.random() < 0.5))
    shape[1:] = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, k, s, p, d in zip(before[1:], kernel, stride, padding, dilation)
    ]
    return [("conv", settings)]


def _convolution(shape, width, kernel, stride, padding, dilation, groups, bias):
    return {
        "inputs": shape[0],
        "outputs": width,
        "kernel": tuple(kernel),
        "stride": tuple(stride),
        "padding": tuple(padding),
        "dilation": tuple(dilation),
        "groups": groups,
        "bias": bias,
    }


def _draw_norm(rng, shape):
    kind = rng.choice(["none", "layer", "instance"])
    if kind == "none" or (kind == "instance" and math.prod(shape[1:]) < 4) or math.prod(shape) < 4:
        return []
    return [(str(kind), {"channels": shape[0]})]


def _draw_activation(rng):
    kind = str(rng.choice(["leaky", "relu", "tanh", "softplus"]))
    return kind, {"slope": float(rng.choice([0.2, 0.25]))} if kind == "leaky" else {}
