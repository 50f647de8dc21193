"""The layers' derivatives against differences of the scores; what a critic of them keeps of Gluon; the penalty by hand.

Every derivative is compared with central differences in float64: steps of 1e-5 leave 1e-10 of the curve, and rounding
1e-16 / 1e-5, of numbers near 1.
"""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import numpy as np
import pytest
from conftest import run_python
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

from gluon_wgan import layers
from gluon_wgan.errors import UserError
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
    Sequential,
    Softplus,
    Tanh,
    UpsampleNearest,
)
from gluon_wgan.lipschitz import gradient_norm, gradient_penalty, interpolates

SEED, STEP, TOLERANCE = 20170331, 1e-5, 1e-6
EPSILON = 2**-16
# name: (a layer, the shape of one sample)
CASES = {
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
    "layer norm, 4 axes": (lambda: LayerNorm(EPSILON, in_channels=3), (3, 2, 2)),
    "layer norm, 2 axes": (lambda: LayerNorm(EPSILON, in_channels=6), (6,)),
    "instance norm": (lambda: InstanceNorm(epsilon=EPSILON, scale=True, in_channels=2), (2, 3, 2)),
    "instance norm, 3 axes": (lambda: InstanceNorm(epsilon=EPSILON, in_channels=2), (2, 5)),
    "mean pool": (MeanPool, (1, 5, 4)),
    "upsample": (lambda: UpsampleNearest(3), (2, 1, 2)),
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


@pytest.mark.parametrize("how", ["plain", "static"])
@pytest.mark.parametrize("case", CASES)
def test_derivatives_are_the_limits_of_differences(case, how):
    build, shape = CASES[case]
    critic = make(build(), Tanh(), Flatten(), Dense(1), how=HOW[how])
    images = draw_images((2, *shape), "float64")
    critic(images)  # the last layer finds out its inputs
    critic[-1].weight.set_data(draw_images(critic[-1].weight.shape, "float64"))
    gradient = critic.scores_and_input_gradient(images)[1].asnumpy().reshape(2, -1)
    for j in range(gradient.shape[1]):  # of all samples at once: a score depends on its own alone
        step = np.zeros(gradient.shape)
        step[:, j] = STEP
        up, down = (critic(images + sign * nd.array(step.reshape(images.shape), dtype="float64")) for sign in (1, -1))
        difference = ((up - down) / (2 * STEP)).asnumpy()
        assert np.allclose(difference, gradient[:, j], rtol=0, atol=TOLERANCE), f"input {j}, seed {SEED}"
    _, gradients = squares_and_gradients(critic, images)
    rng = np.random.default_rng(SEED + 2)
    for name, expected in gradients.items():
        direction = rng.standard_normal(expected.shape)
        values = []
        for sign in (1, -1):
            step = sign * STEP * nd.array(direction, dtype="float64")
            if name == "images":
                moved = critic.scores_and_input_gradient(images + step)[1]
            else:
                parameter = critic._collect_params_with_prefix()[name]
                before = parameter.data().copy()
                parameter.set_data(before + step)
                moved = critic.scores_and_input_gradient(images)[1]
                parameter.set_data(before)
            values.append(nd.square(moved).sum().asscalar())
        slope, along = (values[0] - values[1]) / (2 * STEP), (expected * direction).sum()
        assert slope == pytest.approx(along, rel=TOLERANCE, abs=TOLERANCE), f"{name}, seed {SEED}"


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_are_those_of_the_ordinary_call(dtype, how):
    critic, images = small_critic(dtype, HOW[how]), draw_images(dtype=dtype)
    plain = critic(images)
    for recording in (False, True):
        with autograd.record() if recording else autograd.pause():
            scores, gradient = critic.scores_and_input_gradient(images)
        assert scores.shape == (3,) and scores.dtype == np.dtype(dtype)
        assert gradient.shape == images.shape and gradient.dtype == np.dtype(dtype)
        # bit-equal but for oneDNN's choice of an algorithm: some roundings of numbers near 1
        rounding = {"float32": 1e-5, "float64": 1e-13}[dtype]
        assert np.allclose(scores.asnumpy(), plain.asnumpy(), rtol=rounding, atol=rounding)


def test_hybridized_or_not_is_the_same_in_float64():
    images = draw_images(dtype="float64")
    results = [squares_and_gradients(small_critic("float64", how), images) for how in HOW.values()]
    for value, gradients in results[1:]:
        assert value == pytest.approx(results[0][0], rel=1e-12)
        assert_close(gradients, results[0][1])


def test_parameters_are_gluons_own(tmp_path):
    critic = make(Conv2D(4, 3, in_channels=2), Tanh(), Flatten(), Dense(1, in_units=144), dtype="float32")
    images = draw_images()
    squares_and_gradients(critic, images)
    twin = nn.HybridSequential()
    twin.add(nn.Conv2D(4, 3, in_channels=2), nn.Activation("tanh"), nn.Flatten(), nn.Dense(1, in_units=144))
    assert list(critic._collect_params_with_prefix()) == list(twin._collect_params_with_prefix())
    assert len(critic.collect_params().keys()) == 4
    critic.save_parameters(str(tmp_path / "critic.params"))
    twin.load_parameters(str(tmp_path / "critic.params"))
    assert np.allclose(twin(images).reshape(-1).asnumpy(), critic(images).asnumpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("how", HOW)
def test_nothing_is_stale_after_parameters_change(how, tmp_path):
    critic, other, images = (
        small_critic("float64", HOW[how]),
        small_critic("float64", seed=5),
        draw_images(dtype="float64"),
    )
    named = critic._collect_params_with_prefix()

    def as_a_fresh_one():
        fresh = small_critic("float64")
        for name, parameter in fresh._collect_params_with_prefix().items():
            parameter.set_data(named[name].data())
        ours, expected = squares_and_gradients(critic, images), squares_and_gradients(fresh, images)
        assert ours[0] == pytest.approx(expected[0], rel=1e-12)
        assert_close(ours[1], expected[1])
        return ours[0]

    values = [as_a_fresh_one()]
    gluon.Trainer(critic.collect_params(), "sgd", {"learning_rate": 1e-4}).step(1)
    values.append(as_a_fresh_one())
    named["0.weight"].set_data(named["0.weight"].data() * 1.5)
    values.append(as_a_fresh_one())
    other.save_parameters(str(tmp_path / "other.params"))
    critic.load_parameters(str(tmp_path / "other.params"))
    values.append(as_a_fresh_one())
    assert min(abs(np.diff(values))) > 1e-3  # they did change


def test_gradients_are_added_or_left_out_as_grad_req_says():
    images = draw_images(dtype="float64")
    expected = squares_and_gradients(small_critic("float64"), images)[1]
    critic = small_critic("float64")
    named = critic._collect_params_with_prefix()
    named["0.bias"].grad_req = "null"
    named["4.weight"].grad_req = "add"
    for _ in range(2):
        gradients = squares_and_gradients(critic, images)[1]
    assert "0.bias" not in gradients
    expected["4.weight"] *= 2
    del expected["0.bias"]
    assert_close(gradients, expected)


@pytest.mark.parametrize("how", [None, {"static_alloc": True}])
def test_a_graph_that_was_recorded_before_keeps_its_parameters_without_gradient(how):
    images = draw_images(dtype="float64")
    critic = small_critic("float64", how)
    critic._collect_params_with_prefix()["0.bias"].grad_req = "null"
    weight, parts = critic[0].weight, []
    for first, second in ((1, 0), (0, 1), (1, 1)):
        with autograd.record():
            score = critic(images).sum()
            square = nd.square(critic.scores_and_input_gradient(images)[1]).sum()
            total = first * score + second * square
        total.backward()
        parts.append(weight.grad().asnumpy())
    assert_close({"sum": parts[2]}, {"sum": parts[0] + parts[1]})


def test_one_backward_serves_several_calls_and_plain_scores_and_comes_again():
    critic, images, others = small_critic("float64"), draw_images(dtype="float64"), draw_images(dtype="float64", seed=9)
    weight = critic[0].weight
    parts = []
    for together in (False, True):
        with autograd.record():
            squares = [nd.square(critic.scores_and_input_gradient(x)[1]).sum() for x in (images, others)]
            terms = [*squares, critic(images).sum(), critic.scores_and_input_gradient(others)[0].sum()]
            total = terms[0] + terms[1] + terms[2] + terms[3]
        if together:
            for _ in range(2):
                total.backward(retain_graph=True)
                parts.append(weight.grad().asnumpy())
        else:
            for term in terms:
                term.backward(retain_graph=True)
                parts.append(weight.grad().asnumpy())
    assert_close({"sum": parts[4]}, {"sum": sum(parts[:4])})
    assert parts[5].tobytes() == parts[4].tobytes()


def test_the_graph_is_freed():
    critic, images = small_critic(), draw_images()
    held = autograd.Function._registry.ref_holder
    for _ in range(3):
        before = len(held)
        squares_and_gradients(critic, images)
    assert len(held) == before


def test_the_default_engine_gives_the_same_bits():
    script = """
import os, sys
os.environ["MXNET_ENGINE_TYPE"] = sys.argv[1]
sys.path.insert(0, sys.argv[2])
import test_layers as t
value, gradients = t.squares_and_gradients(t.small_critic(), t.draw_images())
print(value, *(float(abs(g).sum()) for g in gradients.values()))
"""
    folder = __file__.rsplit("/", 1)[0]
    results = [run_python(script, engine, folder) for engine in ("NaiveEngine", "ThreadedEnginePerDevice")]
    assert results[0] == results[1] and results[0]


def test_sizes_are_found_out_at_the_first_call():
    critic = Critic()
    critic.add(Conv2D(3, 3), LayerNorm(), ReLU(), Conv2D(2, 3), InstanceNorm(scale=True), Flatten(), Dense(1))
    critic.initialize()
    scores, gradient = critic.scores_and_input_gradient(draw_images())
    assert scores.shape == (3,) and gradient.shape == (3, 2, 8, 8)
    assert critic[1].gamma.shape == critic[1].beta.shape == (3,) and critic[4].gamma.shape == (2,)


def test_a_residual_critic_of_200_layers():
    blocks = [Residual(body(2, 2)) for _ in range(50)]
    critic = make(*blocks, Flatten(), Dense(1, in_units=32), how={})
    images = draw_images((2, 2, 4, 4), "float64")
    parameter = critic[0].body[1].weight
    _, gradients = squares_and_gradients(critic, images)
    direction = nd.array(np.random.default_rng(SEED).standard_normal(parameter.shape), dtype="float64")
    before, values = parameter.data().copy(), []
    for sign in (1, -1):
        parameter.set_data(before + sign * STEP * direction)
        values.append(nd.square(critic.scores_and_input_gradient(images)[1]).sum().asscalar())
    slope, along = (values[0] - values[1]) / (2 * STEP), (gradients["0.body.1.weight"] * direction.asnumpy()).sum()
    assert slope == pytest.approx(along, rel=1e-5)


def test_layer_norm_by_numpy():
    norm = LayerNorm(EPSILON, in_channels=2)
    norm.initialize()
    norm.cast("float64")
    norm.gamma.set_data(nd.array([1.0, -2.0], dtype="float64"))
    norm.beta.set_data(nd.array([0.5, 3.0], dtype="float64"))
    x = draw_images((3, 2, 4, 5), "float64").asnumpy()
    mean, variance = x.mean(axis=(1, 2, 3), keepdims=True), x.var(axis=(1, 2, 3), keepdims=True)
    gamma, beta = np.array([1.0, -2.0])[:, None, None], np.array([0.5, 3.0])[:, None, None]
    expected = gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta
    assert np.allclose(norm(nd.array(x, dtype="float64")).asnumpy(), expected, rtol=1e-13, atol=1e-14)


def test_activations_where_mxnet_is_off():
    slope = LeakyReLU(0.2)
    slope.cast("float64")
    assert slope(nd.array([-3.0], dtype="float64")).asscalar() == 0.2 * -3.0  # MXNet's operator: -0.6000000089...
    images = nd.array(np.random.default_rng(0).normal(size=(2, 3, 4, 4)))
    assert np.array_equal(LeakyReLU(0.2)(images).asnumpy(), nd.LeakyReLU(images, slope=0.2).asnumpy())  # in float32
    for dtype, relative in (("float32", 1e-6), ("float64", 4e-15)):
        x = nd.array([-30.0, 0.0, 30.0, 1000.0], dtype=dtype)
        x.attach_grad()
        with autograd.record():
            y = Softplus()(x)
        y.backward()
        expected = [np.log1p(np.exp(-30.0)), np.log(2), 30 + np.log1p(np.exp(-30.0)), 1000]
        assert np.allclose(y.asnumpy(), expected, rtol=relative, atol=0)
        assert np.allclose(x.grad.asnumpy(), 1 / (1 + np.exp([30.0, 0, -30, -1000])), rtol=relative, atol=0)


def test_kinks_have_pytorchs_derivative():
    critic = make(LeakyReLU(0.25), Dense(1, use_bias=False, in_units=2))
    zeros = nd.zeros((1, 2), dtype="float64")
    assert np.allclose(critic.scores_and_input_gradient(zeros)[1].asnumpy(), 0.25 * critic[1].weight.data().asnumpy())
    critic = make(ReLU(), Dense(1, use_bias=False, in_units=2))
    assert not critic.scores_and_input_gradient(zeros)[1].asnumpy().any()


@pytest.mark.parametrize("block", [nn.BatchNorm, lambda: nn.Dropout(0.5), nn.HybridSequential, lambda: nn.Conv2D(2, 3)])
def test_a_block_that_is_no_layer_is_refused_by_name_with_those_that_are(block):
    block = block()
    container = (lambda: Critic().add(block), lambda: Residual(block), lambda: Residual(Tanh(), block))
    for call in container:
        with pytest.raises(UserError, match=rf"{type(block).__name__}.*Conv2D, .*LayerNorm") as error:
            call()
        assert ("per sample" in str(error.value)) == isinstance(block, nn.BatchNorm)


def test_bad_arguments_are_refused():
    for call in (
        lambda: Conv2D(2, 3, activation="relu"),
        lambda: Conv1D(2, 3, activation="tanh"),
        lambda: Dense(2, activation="relu"),
    ):
        with pytest.raises(UserError, match=r"activation: given (relu|tanh); allowed: none; add layers\.ReLU"):
            call()
    for cls in (MeanPool, UpsampleNearest):
        with pytest.raises(UserError, match="size: given 0"):
            cls(0)
    with pytest.raises(UserError, match="images: given float64; allowed: float32"):
        small_critic().scores_and_input_gradient(draw_images(dtype="float64"))
    with pytest.raises(Exception, match=r"(?i)squeeze|dimension"):  # two numbers a sample are no score
        make(Flatten(), Dense(2, in_units=128)).scores_and_input_gradient(draw_images(dtype="float64"))
    with pytest.raises(NotImplementedError):
        layers.Layer().push(None, None, None)


def test_the_norm_is_over_all_axes_but_the_batchs_and_its_gradient_at_zero_is_zero():
    numbers = np.zeros((3, 2, 2, 1))
    numbers[0] = [[[1], [2]], [[2], [4]]]  # 1 + 4 + 4 + 16 = 25
    numbers[2] = 1e-150  # a small one is not rounded up
    gradient = nd.array(numbers, dtype="float64")
    gradient.attach_grad()
    with autograd.record():
        norm = gradient_norm(gradient)
    norm.backward()
    assert norm.asnumpy() == pytest.approx(np.array([5, 0, 2e-150]), rel=1e-14, abs=0)
    expected = np.stack([numbers[0] / 5, np.zeros((2, 2, 1)), np.full((2, 2, 1), 0.5)])
    assert np.allclose(gradient.grad.asnumpy(), expected, rtol=1e-14, atol=0)
    with pytest.raises(UserError, match=r"input_gradient: given \(3,\)"):
        gradient_norm(nd.zeros(3))


@pytest.mark.parametrize(("one_sided", "value", "slopes"), [(False, 17 / 3, [8, -2, 0]), (True, 16 / 3, [8, 0, 0])])
def test_the_penalty_by_hand(one_sided, value, slopes):
    # norms 5, 0, 1: (16 + 1 + 0) / 3, one-sided (16 + 0 + 0) / 3; the slopes 2 (norm - 1) / 3 act along gradient / norm
    gradient = nd.array([[3.0, 4.0], [0.0, 0.0], [0.0, -1.0]])
    gradient.attach_grad()
    with autograd.record():
        penalty = gradient_penalty(gradient, one_sided)
    penalty.backward()
    assert penalty.shape == (1,) and penalty.asscalar() == pytest.approx(value, rel=1e-6)
    expected = np.array([[slopes[0] / 3 * 0.6, slopes[0] / 3 * 0.8], [0, 0], [0, 0]])
    assert np.allclose(gradient.grad.asnumpy(), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_interpolates_by_hand(dtype):
    real, fake = (
        nd.array([[[4.0, 8.0]], [[1.0, 2.0]]], dtype=dtype),
        nd.array([[[0.0, 4.0]], [[3.0, 6.0]]], dtype=dtype),
    )
    mixed = interpolates(real, fake, np.float32([0.25, 1]))
    assert mixed.dtype == np.dtype(dtype) and mixed.asnumpy().tolist() == [[[1.0, 5.0]], [[1.0, 2.0]]]
    for weights in (np.float32([0.5]), np.float32(0.5), np.zeros((2, 1), np.float32)):
        with pytest.raises(UserError, match=r"weights: given \(.*\); allowed: \(2,\), one per sample"):
            interpolates(real, fake, weights)
    with pytest.raises(UserError, match="fake"):
        interpolates(real, fake[:1], np.float32([0.5, 0.5]))
