"""The layers' derivatives against differences of the scores; what a critic of them keeps of Gluon.

Every derivative is compared with central differences in float64: steps of 1e-5 leave 1e-10 of the curve, and rounding
1e-16 / 1e-5, of numbers near 1.
"""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import mxnet as mx
import numpy as np
import pytest
from conftest import run_python
from layers_fixtures import (
    CASES,
    HOW,
    SEED,
    STEP,
    TOLERANCE,
    assert_close,
    body,
    draw_images,
    make,
    small_critic,
    squares_and_gradients,
)
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
    MeanPool,
    ReLU,
    Residual,
    Tanh,
    ToScore,
    UpsampleNearest,
)


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


@pytest.mark.parametrize("how", HOW)
def test_of_several_outputs_the_first_is_the_score(how):
    """Beside a critic of the first alone: the input gradient, and what is differentiated of it, are the same."""
    images = draw_images(dtype="float64")

    def parts(outputs):
        return Conv2D(3, 4, 2, 1, in_channels=2), Tanh(), Flatten(), Dense(outputs, in_units=48)

    several, alone = Critic(outputs=3), make(*parts(1))
    several.add(*parts(3))
    several.initialize()
    several.cast("float64")
    for (name, parameter), own in zip(several._collect_params_with_prefix().items(), alone.collect_params().values()):
        last = name.startswith("3.")
        numbers = np.random.default_rng(SEED).standard_normal((2, *parameter.shape[1:])) if last else None
        parameter.set_data(nd.concat(own.data(), nd.array(numbers, dtype="float64"), dim=0) if last else own.data())
    if HOW[how] is not None:
        several.hybridize(**HOW[how])
    outputs, gradient = several.scores_and_input_gradient(images)
    assert outputs.shape == several(images).shape == (3, 3)
    assert np.array_equal(outputs.asnumpy(), several(images).asnumpy())
    scores, expected = alone.scores_and_input_gradient(images)
    np.testing.assert_allclose(outputs[:, 0].asnumpy(), scores.asnumpy(), rtol=1e-12)
    np.testing.assert_allclose(gradient.asnumpy(), expected.asnumpy(), rtol=1e-12)
    _, ours = squares_and_gradients(several, images)
    _, theirs = squares_and_gradients(alone, images)
    for (name, found), own in zip(ours.items(), theirs.values(), strict=True):
        np.testing.assert_allclose(found[: len(own)], own, rtol=1e-10, err_msg=name)
        assert not found[len(own) :].any(), name  # of the others the input gradient knows nothing
    with pytest.raises(UserError, match=r"a critic's last layer: given \(3, 48\); allowed: dimensions \(N, 3\)"):
        several._children.pop("3")
        several.linearise(images)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("channels", [3, 16, 64])  # oneDNN lays multiples of 16 out in blocks
@pytest.mark.parametrize("numbers", [1, 11])
def test_a_score_is_the_convolution_that_it_stands_for(numbers, channels, use_bias):
    score = ToScore(4, use_bias, channels, numbers)
    convolution = nn.Conv2D(numbers, 4, use_bias=use_bias, in_channels=channels)
    found = []
    for block in (score, convolution):
        block.initialize()
        block.hybridize()
        for seed, parameter in enumerate(block.collect_params().values()):
            parameter.set_data(draw_images(parameter.shape, "float32", seed))
        images = draw_images((5, channels, 4, 4), "float32")
        images.attach_grad()
        with autograd.record():
            outputs = block(images)
        outputs.backward()
        gradients = [parameter.grad().asnumpy() for parameter in block.collect_params().values()]
        found.append([outputs.asnumpy().ravel(), images.grad.asnumpy(), *gradients])
        assert block.weight.shape == (numbers, channels, 4, 4)
    for ours, theirs in zip(*found, strict=True):
        # sums of up to 1,024 products of order 1, in float32, in another order
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-5)
    with pytest.raises(mx.base.MXNetError):
        score(nd.ones((5, channels, 5, 4)))


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
