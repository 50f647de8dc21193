"""The residual networks against PyTorch, 101 layers deep: scores, penalty and every parameter's gradient."""

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
from gluon_wgan.training.conditional import NamedLabels  # noqa: E402

# Float64, 101 layers: some thousand roundings of 1e-16, and what the norms' roots amplify.
FLOAT64 = 1e-9
SIDE, CHANNELS, BATCH = 16, 16, 3
# 33 blocks: 31 keep the size, in three stages, and two halve it
STAGES = (11, 10, 10)


def settings(**changes):
    sizes = {"image_size": SIDE, "generator_channels": CHANNELS, "critic_channels": CHANNELS, "latent_dim": 5}
    networks = {"generator": "resnet", "critic": "resnet-layer-norm", "lipschitz": "gradient_penalty"}
    return Settings(**{**networks, **sizes, **changes})


class Weights:
    """Numbers as tensors, which a network takes in the order in which it needs them."""

    def __init__(self, block, seed):
        rng = np.random.default_rng(seed)
        self.named = {}
        for name, parameter in block._collect_params_with_prefix().items():
            values = parameter.data().asnumpy()
            if not name.endswith(("weight", "running_mean", "running_var")):
                values = values + 0.1 * rng.standard_normal(parameter.shape)
            parameter.set_data(nd.array(values, dtype="float64"))
            self.named[name] = torch.tensor(values, requires_grad="running" not in name)

    def __getitem__(self, name):
        return self.named[name]


def convolve(x, weights, name, bias=True, padding=0):
    return functional.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"] if bias else None, padding=padding)


def double(x):
    return functional.interpolate(x, scale_factor=2, mode="nearest")


def halve(x):
    return functional.avg_pool2d(x, 2)


def block(x, weights, name, normalise, resample=None):
    """Return shortcut + .3 norm(conv(relu(conv(relu(conv(relu(x)))))); in the middle the size changes."""
    inside = convolve(functional.relu(x), weights, f"{name}.body.1")
    inside = functional.relu(inside)
    at = {"up": 4, None: 3, "down": 3}[resample]
    inside = convolve(double(inside) if resample == "up" else inside, weights, f"{name}.body.{at}", padding=1)
    inside = halve(inside) if resample == "down" else inside
    last = at + (3 if resample == "down" else 2)
    inside = convolve(functional.relu(inside), weights, f"{name}.body.{last}", bias=False)
    inside = normalise(inside, weights[f"{name}.body.{last + 1}.gamma"], weights[f"{name}.body.{last + 1}.beta"])
    if resample == "up":
        x = double(convolve(x, weights, f"{name}.shortcut.0"))
    elif resample == "down":
        x = convolve(halve(x), weights, f"{name}.shortcut.1")
    return x + 0.3 * inside


def layer_norm(x, gamma, beta):
    return functional.group_norm(x, 1, gamma, beta, 1e-5)


def batch_norm(x, gamma, beta):
    return functional.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-5)


def their_critic(weights, images):
    x, place = convolve(images, weights, "main.0"), 1
    for number, kept in enumerate(reversed(STAGES)):
        for resample in (["down"] if number else []) + [None] * kept:
            x = block(x, weights, f"main.{place}", layer_norm, resample)
            place += 1
    return 0.2 * convolve(x, weights, f"main.{place}").flatten(1)


def their_generator(weights, latents):
    x = functional.linear(latents.flatten(1), weights["main.0.weight"], weights["main.0.bias"])
    x, place = x.reshape(BATCH, -1, 4, 4), 2
    for number, kept in enumerate(STAGES):
        for resample in (["up"] if number else []) + [None] * kept:
            x = block(x, weights, f"main.{place}", batch_norm, resample)
            place += 1
    return torch.tanh(0.2 * convolve(x, weights, f"main.{place}"))


def assert_close(ours, theirs, what, scale=0.0):
    ours, theirs = ours.asnumpy(), theirs.detach().numpy()
    assert ours.shape == theirs.shape, what
    difference = np.linalg.norm(ours - theirs)
    assert difference <= FLOAT64 * max(np.linalg.norm(theirs), scale), f"{what}: {difference}"


def assert_gradients_close(network, weights):
    trained = {name: p for name, p in network._collect_params_with_prefix().items() if p.grad_req != "null"}
    # a bias in front of a norm has the gradient 0 and its rounding: hence a share of all
    scale = 1e-2 * float(torch.stack([weights[name].grad.norm() for name in trained]).norm())
    for name, parameter in trained.items():
        assert_close(parameter.grad(), weights[name].grad, name, scale)


def draw(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("hybridize", [False, True])
@pytest.mark.parametrize("labels", [{}, {"classes": 10, "critic_labels": "named"}], ids=["", "labels named"])
def test_the_penalty_of_101_layers(hybridize, labels):
    critic = build_critic(settings(**labels))
    critic.cast("float64")
    weights = Weights(critic, 1)
    assert sum(name.endswith("weight") and "shortcut" not in name for name in weights.named) == 101
    if hybridize:
        critic.hybridize(static_alloc=True)
    values = draw((BATCH, 3, SIDE, SIDE))
    with autograd.record():
        outputs, gradient = critic.scores_and_input_gradient(nd.array(values, dtype="float64"))
        scores = NamedLabels().scores(outputs) if labels else outputs
        loss = 10 * gradient_penalty(gradient) - scores.mean()
        if labels:
            loss = loss + NamedLabels().label_loss(outputs, np.array([7, 0, 9]))
    loss.backward()
    images = torch.tensor(values, requires_grad=True)
    theirs = their_critic(weights, images)
    expected = theirs[:, 0]
    (slope,) = torch.autograd.grad(expected.sum(), images, create_graph=True)
    named = functional.cross_entropy(theirs[:, 1:], torch.tensor([7, 0, 9])) if labels else 0
    (10 * (slope.flatten(1).norm(dim=1) - 1).square().mean() - expected.mean() + named).backward()
    assert_close(scores, expected, "scores")
    assert_close(gradient, slope, "input gradient")
    assert_gradients_close(critic, weights)


def test_the_generator_of_101_layers():
    generator = build_generator(settings())
    generator.cast("float64")
    weights = Weights(generator, 2)
    assert sum(name.endswith("weight") and "shortcut" not in name for name in weights.named) == 101
    generator.hybridize(static_alloc=True)
    latents, heads = draw((BATCH, 5, 1, 1)), draw((BATCH, 3, SIDE, SIDE), 1)
    with autograd.record():
        pictures = generator(nd.array(latents, dtype="float64"))
    pictures.backward(nd.array(heads, dtype="float64"))
    expected = their_generator(weights, torch.tensor(latents))
    expected.backward(torch.tensor(heads))
    assert_close(pictures, expected, "pictures")
    assert_gradients_close(generator, weights)
