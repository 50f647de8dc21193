"""The language model against PyTorch: what both networks give, and the penalty with every parameter's gradient."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import gluon_wgan  # noqa: E402, F401, before mxnet

# isort: split
from mxnet import autograd, nd  # noqa: E402
from torch.nn import functional  # noqa: E402

from gluon_wgan.lipschitz import gradient_penalty  # noqa: E402
from gluon_wgan.models import build_critic, build_generator  # noqa: E402
from gluon_wgan.settings import Settings  # noqa: E402

# Some hundred products of 1e-16 each; of 32 channels, as MXNet convolves in blocks of 16.
FLOAT64 = 1e-11
LENGTH, SYMBOLS, CHANNELS, BATCH = 12, 19, 32, 3


def block(x, weights, place):
    """X + .3 conv(relu(conv(relu(x)))), as gan_language.py has it."""
    inside = x
    for layer in (1, 3):
        name = f"main.{place}.body.{layer}"
        inside = functional.conv1d(
            functional.relu(inside), weights[f"{name}.weight"], weights[f"{name}.bias"], padding=2
        )
    return x + 0.3 * inside


def their_critic(weights, lines):
    x = functional.conv1d(lines, weights["main.0.weight"], weights["main.0.bias"])
    for place in range(1, 6):
        x = block(x, weights, place)
    return functional.linear(x.flatten(1), weights["main.7.weight"], weights["main.7.bias"])[:, 0]


def their_generator(weights, latents):
    x = functional.linear(latents.flatten(1), weights["main.0.weight"], weights["main.0.bias"])
    x = x.reshape(-1, CHANNELS, LENGTH)
    for place in range(2, 7):
        x = block(x, weights, place)
    return functional.softmax(functional.conv1d(x, weights["main.7.weight"], weights["main.7.bias"]), dim=1)


def pair(build, seed):
    """Return ours in float64, and its numbers as tensors; biases are not 0 here."""
    sizes = {"generator_channels": CHANNELS, "critic_channels": CHANNELS, "symbols": SYMBOLS, "latent_dim": 5}
    network = build(Settings(generator="text", critic="text", sequence_length=LENGTH, seed=seed, **sizes))
    network.cast("float64")
    rng, weights = np.random.default_rng(seed), {}
    for name, parameter in network._collect_params_with_prefix().items():
        values = parameter.data().asnumpy() + 0.1 * rng.standard_normal(parameter.shape) * name.endswith("bias")
        parameter.set_data(nd.array(values, dtype="float64"))
        weights[name] = torch.tensor(values, requires_grad=True)
    return network, weights


def assert_close(ours, theirs, what):
    ours, theirs = ours.asnumpy(), theirs.detach().numpy()
    assert ours.shape == theirs.shape, what
    assert np.linalg.norm(ours - theirs) <= FLOAT64 * np.linalg.norm(theirs), what


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("hybridize", [False, True])
def test_the_generators_lines_and_gradients(hybridize):
    generator, weights = pair(build_generator, 1)
    if hybridize:
        generator.hybridize(static_alloc=True)
    latents, heads = draw((BATCH, 5, 1, 1)), draw((BATCH, SYMBOLS, LENGTH), 1)
    with autograd.record():
        lines = generator(nd.array(latents, dtype="float64"))
    lines.backward(nd.array(heads, dtype="float64"))
    expected = their_generator(weights, torch.tensor(latents))
    expected.backward(torch.tensor(heads))
    assert_close(lines, expected, "lines")
    for name, parameter in generator._collect_params_with_prefix().items():
        assert_close(parameter.grad(), weights[name].grad, name)


@pytest.mark.parametrize("hybridize", [False, True])
def test_the_critics_penalty_and_its_gradients(hybridize):
    critic, weights = pair(build_critic, 2)
    if hybridize:
        critic.hybridize(static_alloc=True)
    values = draw((BATCH, SYMBOLS, LENGTH))
    with autograd.record():
        scores, gradient = critic.scores_and_input_gradient(nd.array(values, dtype="float64"))
        loss = 10 * gradient_penalty(gradient) - scores.mean()
    loss.backward()
    lines = torch.tensor(values, requires_grad=True)
    expected = their_critic(weights, lines)
    (slope,) = torch.autograd.grad(expected.sum(), lines, create_graph=True)
    (10 * (slope.flatten(1).norm(dim=1) - 1).square().mean() - expected.mean()).backward()
    assert_close(scores, expected, "scores")
    assert_close(gradient, slope, "input gradient")
    for name, parameter in critic._collect_params_with_prefix().items():
        assert_close(parameter.grad(), weights[name].grad, name)


def test_a_share_other_than_three_tenths_would_be_seen():
    critic, weights = pair(build_critic, 2)
    lines = draw((BATCH, SYMBOLS, LENGTH))
    weights["main.3.body.3.weight"] = weights["main.3.body.3.weight"] * (0.301 / 0.3)
    with pytest.raises(AssertionError):
        assert_close(critic(nd.array(lines, dtype="float64")), their_critic(weights, torch.tensor(lines)), "scores")
