"""RMSprop against float64 numpy, against MXNet's own, and the floor that each place of epsilon means."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, gluon, nd

from gluon_wgan.errors import UserError
from gluon_wgan.rmsprop import RMSProp

PLACES = ("inside_sqrt", "outside_sqrt")
# relative error of a movement after some updates. float32: the kernels round 1 - .99 to 1e-6 of itself (0.99 has 24
# bits), and each operation at 6e-8. float64: each operation at 1e-16, 1e-13 leaves room for sums of opposite signs.
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}


def expected(start, gradients, place, *, learning_rate=5e-5, decay=0.99, epsilon=1e-8, initial_square=0.0, **more):
    """Return (weight, average) after updates with these gradients, in float64."""
    weight, square = np.array(start, np.float64), np.full(np.shape(start), initial_square)
    limit, box = more.get("clip_gradient", np.inf), more.get("clip_weights", np.inf)
    for gradient in np.asarray(gradients, np.float64):
        gradient = np.clip(gradient * more.get("rescale_grad", 1) + more.get("wd", 0) * weight, -limit, limit)
        square = decay * square + (1 - decay) * gradient**2
        root = np.sqrt(square + epsilon) if place == "inside_sqrt" else np.sqrt(square) + epsilon
        weight = np.clip(weight - learning_rate * gradient / root, -box, box)
    return weight, square


def updated(optimizer, start, gradients, dtype):
    weight = nd.array(start, dtype=dtype)
    updater = mx.optimizer.get_updater(optimizer)
    for gradient in gradients:
        updater(0, nd.array(gradient, dtype=dtype), weight)
    return weight.asnumpy(), updater.states[0]


def random_gradients(count=6, magnitude=1.0, size=50):
    # of one sign per weight, so that movements do not cancel; exact in float32
    rng = np.random.default_rng(0)
    sizes = magnitude * rng.uniform(0.3, 3, (count, size)) * rng.choice([-1, 1], size)
    return sizes.astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("exponent", range(-9, 0))
def test_equals_numpy_at_gradients_from_1e_1_to_1e_9(exponent, place, dtype):
    gradients, start = random_gradients(magnitude=10.0**exponent), np.zeros(50)  # from 0, so w is the movement itself
    epsilon = 1e-8 if place == "outside_sqrt" else 1e-14
    optimizer = RMSProp(epsilon=epsilon, epsilon_placement=place)
    weight, square = updated(optimizer, start, gradients, dtype)
    expected_weight, expected_square = expected(start, gradients, place, epsilon=epsilon)
    assert weight.dtype == dtype and square.dtype == np.dtype(dtype)
    assert np.allclose(weight, expected_weight, rtol=TOLERANCE[dtype], atol=0)
    assert np.allclose(square.asnumpy(), expected_square, rtol=TOLERANCE[dtype], atol=0)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "arguments",
    [
        {"wd": 0.25},
        {"rescale_grad": 1 / 64},
        {"clip_gradient": 0.5},
        {"wd": 0.25, "rescale_grad": 0.5, "clip_gradient": 0.5},  # the result shows their order
        {"clip_weights": 0.07},
        {"initial_square": 1.0},
        {"decay": 0.9},
        {"decay": 0.0},
    ],
    ids="+".join,
)
def test_every_argument_equals_numpy(arguments, place, dtype):
    gradients, start = random_gradients(), np.linspace(-1, 1, 50).astype(np.float32) / 8
    arguments = {"learning_rate": 0.01, "epsilon": 1e-3, **arguments}
    weight, square = updated(RMSProp(epsilon_placement=place, **arguments), start, gradients, dtype)
    expected_weight, expected_square = expected(start, gradients, place, **arguments)
    plain, _ = expected(start, gradients, place, learning_rate=0.01, epsilon=1e-3)
    assert np.abs(expected_weight - plain).max() > 1e-3  # the argument matters
    # weights are of order .1, so their rounding is not relative to the movement
    assert np.allclose(weight, expected_weight, rtol=TOLERANCE[dtype], atol=0.1 * TOLERANCE[dtype])
    assert np.allclose(square.asnumpy(), expected_square, rtol=TOLERANCE[dtype], atol=0)


@pytest.mark.parametrize("epsilon", [1e-8, 1e-14])
def test_inside_is_mxnets_own_bit_for_bit(epsilon):
    gradients, start = random_gradients(magnitude=1e-5), np.linspace(-0.01, 0.01, 50)
    constants = {"epsilon": epsilon, "clip_weights": 0.01, "wd": 1e-4, "rescale_grad": 0.5}
    ours = RMSProp(5e-5, 0.99, epsilon_placement="inside_sqrt", **constants)
    own = mx.optimizer.RMSProp(5e-5, gamma1=0.99, centered=False, **constants)
    left, right = (updated(optimizer, start, gradients, "float32")[0] for optimizer in (ours, own))
    assert np.array_equal(left, right)
    assert not np.array_equal(left, start.astype(np.float32))


def test_mxnets_rmsprop_is_still_its_own():
    assert type(mx.optimizer.create("rmsprop")).__module__.startswith("mxnet.")
    assert not issubclass(RMSProp, mx.optimizer.RMSProp)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_same_epsilon_is_another_floor_in_each_place(dtype):
    def step(gradient, epsilon, place):
        """Return the first movement, in learning rates."""
        weight, _ = updated(RMSProp(1.0, 0.99, epsilon, place), [0.0], [[gradient]], dtype)
        return -weight[0]

    # The root of the average is .1 g = 1e-7 after one update. The root is right to 1e-6 (TOLERANCE).
    assert step(1e-6, 1e-8, "outside_sqrt") == pytest.approx(1e-6 / (1e-7 + 1e-8), rel=1e-5)
    # Inside, 1e-8 is a floor of 1e-4, which swallows the root: plain gradient descent, 900 times slower.
    assert step(1e-6, 1e-8, "inside_sqrt") == pytest.approx(1e-6 / 1e-4, rel=1e-5)
    # The floor of 1e-8 outside is 1e-16 inside: the same where the gradient vanishes ...
    assert step(1e-13, 1e-8, "outside_sqrt") == pytest.approx(1e-5, rel=1e-4)
    assert step(1e-13, 1e-16, "inside_sqrt") == pytest.approx(1e-5, rel=1e-4)
    # ... and half-way 1 / (1 + 1) against 1 / sqrt(1 + 1).
    assert step(1e-7, 1e-8, "outside_sqrt") == pytest.approx(10 / 2, rel=1e-5)
    assert step(1e-7, 1e-16, "inside_sqrt") == pytest.approx(10 / np.sqrt(2), rel=1e-5)


@pytest.mark.parametrize("place", PLACES)
def test_through_gluons_trainer(place):
    layer = gluon.nn.Dense(3, in_units=4, use_bias=False)
    layer.initialize(mx.init.Zero())
    rows = random_gradients(8, size=4)
    trainer = gluon.Trainer(layer.collect_params(), RMSProp(0.01, epsilon=1e-3, epsilon_placement=place))
    for _ in range(3):
        with autograd.record():
            loss = layer(nd.array(rows)).sum()
        loss.backward()
        trainer.step(8)  # divides the gradient, the sum of the rows, by 8
    gradient = np.broadcast_to(rows.mean(axis=0), (3, 4))
    weight, _ = expected(np.zeros((3, 4)), [gradient] * 3, place, learning_rate=0.01, epsilon=1e-3)
    assert np.allclose(layer.weight.data().asnumpy(), weight, rtol=TOLERANCE["float32"], atol=0)


def test_weights_of_one_shape_do_not_mix():
    gradients = random_gradients(2, size=4)
    updater = mx.optimizer.get_updater(RMSProp())
    weights = nd.zeros(4), nd.zeros(4)
    for _ in range(3):
        for index in (0, 1):
            updater(index, nd.array(gradients[index]), weights[index])
    for index in (0, 1):
        alone, _ = updated(RMSProp(), np.zeros(4), [gradients[index]] * 3, "float32")
        assert np.array_equal(weights[index].asnumpy(), alone)


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "decay": [-0.1, 1, NAN, INF],
        "epsilon": [0, -1e-8, NAN, INF],
        "epsilon_placement": ["inside", None],
        "clip_weights": [0, -0.01, NAN, INF],
        "initial_square": [-1, NAN, INF],
    }.items(),
)
def test_bad_values_are_refused_by_name(name, values):
    for value in values:
        with pytest.raises(UserError, match=f"^{name}: given"):
            RMSProp(**{name: value})
