"""What the tests of the layers share: one layer of each kind, small critics, numbers away from kinks."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import numpy as np
from mxnet import autograd, nd

from gluon_wgan.layers import (
    Conv1D,
    Conv2D,
    Critic,
    Dense,
    Flatten,
    InstanceNorm,
    LayerNorm,
    LeakyReLU,
    MeanPool,
    ReLU,
    Reshape,
    Residual,
    Scale,
    Sequential,
    ShiftedSoftplus,
    Softplus,
    Tanh,
    ToScore,
    UpsampleNearest,
)

SEED, STEP, TOLERANCE = 20170331, 1e-5, 1e-6
EPSILON = 2**-16
# name: (a layer, the shape of one sample)
CASES = {
    "to a score": (lambda: ToScore((4, 6), in_channels=2), (2, 4, 6)),
    "to several outputs": (lambda: ToScore((4, 6), in_channels=2, outputs=3), (2, 4, 6)),
    "conv2d": (lambda: Conv2D(3, (3, 2), (2, 3), (1, 0), in_channels=2), (2, 4, 6)),
    "conv2d, groups, dilation": (
        lambda: Conv2D(4, 2, 1, 1, (2, 1), groups=2, use_bias=False, in_channels=2),
        (2, 4, 3),
    ),
    "conv1d": (lambda: Conv1D(3, 4, 3, 2, in_channels=2), (2, 9)),
    "dense": (lambda: Dense(4, in_units=6), (2, 3)),
    "dense, not flattened": (lambda: Dense(4, flatten=False, in_units=3), (2, 3)),
    "leaky": (lambda: LeakyReLU(0.2), (7,)),
    "relu": (ReLU, (7,)),
    "tanh": (Tanh, (7,)),
    "softplus": (Softplus, (7,)),
    "shifted softplus": (ShiftedSoftplus, (7,)),
    "layer norm, 4 axes": (lambda: LayerNorm(EPSILON, in_channels=3), (3, 2, 2)),
    "layer norm, 2 axes": (lambda: LayerNorm(EPSILON, in_channels=6), (6,)),
    "instance norm": (lambda: InstanceNorm(epsilon=EPSILON, scale=True, in_channels=2), (2, 3, 2)),
    "instance norm, 3 axes": (lambda: InstanceNorm(epsilon=EPSILON, in_channels=2), (2, 5)),
    "mean pool": (MeanPool, (1, 5, 4)),
    "upsample": (lambda: UpsampleNearest(3), (2, 1, 2)),
    "scale": (lambda: Scale(0.3), (2, 3)),
    "flatten": (Flatten, (2, 2, 2)),
    "reshape": (lambda: Reshape((2, -1)), (8,)),
    "residual": (lambda: Residual(body(2, 2)), (2, 3, 3)),
    "residual, shortcut": (lambda: Residual(body(2, 3), Conv2D(3, 1, in_channels=2)), (2, 3, 3)),
}
HOW = {"plain": None, "hybridized": {}, "static": {"static_alloc": True}}


def body(before, after):
    block = Sequential()
    block.add(Softplus(), Conv2D(after, 3, 1, 1, in_channels=before), Tanh(), LayerNorm(EPSILON, in_channels=after))
    return block


def make(*parts, dtype="float64", how=None, seed=SEED):
    """Return a critic of these layers, with weights of a seed that are not too small."""
    critic = Critic()
    critic.add(*parts)
    critic.initialize()
    critic.cast(dtype)
    rng = np.random.default_rng(seed)
    for name, parameter in critic._collect_params_with_prefix().items():
        if parameter.grad_req != "null" and all(parameter.shape):  # 0: not known yet
            size = 0.7 if name.endswith("weight") else 0.3
            parameter.set_data(
                nd.array(name.endswith("gamma") + size * rng.standard_normal(parameter.shape), dtype=dtype)
            )
    if how is not None:
        critic.hybridize(**how)
    return critic


def small_critic(dtype="float32", how=None, seed=SEED):
    parts = (Conv2D(4, 4, 2, 1, in_channels=2), LeakyReLU(0.2), Residual(body(4, 4)), Flatten(), Dense(1, in_units=64))
    return make(*parts, dtype=dtype, how=how, seed=seed)


def draw_images(shape=(3, 2, 8, 8), dtype="float32", seed=SEED):
    """Return numbers further than .1 from 0, where LeakyReLU has its kink."""
    numbers = np.random.default_rng(seed + 1).standard_normal(shape)
    return nd.array(numbers + 0.1 * np.sign(numbers), dtype=dtype)


def squares_and_gradients(critic, images):
    """Return the sum of squares of the input gradient, with {name: its gradient}."""
    images = images.copy()
    images.attach_grad()
    with autograd.record():
        _, gradient = critic.scores_and_input_gradient(images)
        value = nd.square(gradient).sum()
    value.backward()
    named = critic._collect_params_with_prefix()
    gradients = {name: p.grad().asnumpy() for name, p in named.items() if p.grad_req != "null"}
    return value.asscalar(), {**gradients, "images": images.grad.asnumpy()}


def assert_close(ours, expected):
    """Check float64 arrays that differ in the order of their sums at most, relative to each one's norm."""
    assert ours.keys() == expected.keys()
    scale = max(np.linalg.norm(values) for values in expected.values())
    for name, values in expected.items():
        # a bias before a norm has the gradient 0 and its rounding: hence the share of the largest
        allowed = 1e-11 * max(np.linalg.norm(values), 1e-2 * scale)
        assert np.linalg.norm(ours[name] - values) <= allowed, f"{name}, seed {SEED}"
