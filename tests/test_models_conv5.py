"""The pairs of 5x5 convolutions and the tutorial's MLPs: shapes, weights, norms, and the presets that take them."""

import math
from itertools import pairwise

import numpy as np
import pytest
from mxnet import autograd, nd
from mxnet.gluon import nn
from training_fixtures import numbers_of

from gluon_wgan.errors import UserError
from gluon_wgan.models import build_critic, build_generator, parameter_count
from gluon_wgan.models.transposed import ToPicture
from gluon_wgan.settings import Settings, preset_settings

SMALL = {"generator_channels": 4, "critic_channels": 4, "latent_dim": 6}


def pair(**changes):
    settings = Settings(**{"generator": "conv5", "critic": "conv5-no-bn", **SMALL, **changes})
    return build_generator(settings), build_critic(settings)


@pytest.mark.parametrize("size", [16, 28, 32, 64])
@pytest.mark.parametrize("hybridize", [False, True])
def test_sizes(size, hybridize):
    generator, critic = pair(image_size=size, image_channels=1)
    if hybridize:
        generator.hybridize(static_alloc=True), critic.hybridize(static_alloc=True)
    with autograd.train_mode():
        pictures = generator(nd.random.normal(shape=(3, 6, 1, 1)))
    assert pictures.shape == (3, 1, size, size)
    assert np.abs(pictures.asnumpy()).max() <= 1
    assert critic(pictures).shape == (3,)
    assert critic.scores_and_input_gradient(pictures)[1].shape == pictures.shape


def test_28_pixels_come_from_the_corner_of_32():
    # every layer after the cut sees the first 7 of 8 rows: a convolution's border aside, the same picture
    whole, cut = (pair(image_size=size)[0] for size in (32, 28))
    latent = nd.random.normal(shape=(2, 6, 1, 1))
    ours, theirs = cut(latent).asnumpy(), whole(latent).asnumpy()
    # the last two transposed convolutions of 5x5 mix at most 2 + 4 rows at the new border
    assert np.array_equal(ours[:, :, :20, :20], theirs[:, :, :20, :20])
    assert not np.array_equal(ours[:, :, -1], theirs[:, :, 27, :28])


def test_the_homeworks_parameters_are_its_listings():
    settings = preset_settings("hw6-simple")
    dim = 64
    # Linear without bias and BatchNorm1d of as many; three ConvTranspose2d without, BatchNorm2d; the last with bias
    expected = 100 * dim * 8 * 16 + 2 * dim * 8 * 16
    expected += sum(25 * inputs * inputs // 2 + 2 * inputs // 2 for inputs in (8 * dim, 4 * dim, 2 * dim))
    expected += 25 * dim * 3 + 3
    assert parameter_count(build_generator(settings)) == expected
    # Conv2d with a bias each in the listing; those in front of a BatchNorm are left out here
    widths = [3, dim, 2 * dim, 4 * dim, 8 * dim]
    listed = sum(25 * a * b + b for a, b in pairwise(widths)) + 2 * sum(widths[2:]) + 16 * 8 * dim + 1
    assert parameter_count(build_critic(settings)) == listed - sum(widths[2:])


def test_norms_of_the_critic():
    kinds = {
        norm: {type(layer).__name__ for layer in pair(critic=f"conv5{norm}", image_size=32)[1].main}
        for norm in ("", "-instance-norm", "-no-bn")
    }
    assert "BatchNorm" in kinds[""] and "InstanceNorm" in kinds["-instance-norm"]
    assert kinds["-no-bn"] == {"Conv2D", "LeakyReLU", "ToScore"}
    critic = pair(critic="conv5-instance-norm", image_size=32)[1]
    scale = next(value for name, value in numbers_of(critic).items() if name.endswith("gamma"))
    assert set(scale) == {1.0}
    trainable = {name for name, p in critic._collect_params_with_prefix().items() if p.grad_req != "null"}
    assert all(name.endswith(("weight", "bias")) for name in trainable)


def test_a_bias_before_a_norm_is_cancelled_so_there_is_none():
    names = {}
    for norm in ("-instance-norm", "-no-bn"):
        parameters = numbers_of(pair(critic=f"conv5{norm}", image_size=32)[1])
        names[norm] = [name for name in parameters if name.endswith("bias")]
    assert len(names["-instance-norm"]) == 2  # the first layer's, which has no norm, and the last's
    assert len(names["-no-bn"]) == 4


def test_biases_of_convolutions_start_uniform_as_pytorchs():
    critic = build_critic(Settings(critic="conv5-no-bn", generator="mlp", image_size=64))
    parameters = numbers_of(critic)
    for name, bias in parameters.items():
        if name.endswith("bias") and bias.size > 100:
            bound = 1 / math.sqrt(np.prod(parameters[name.replace("bias", "weight")].shape[1:]))
            assert 0.9 * bound < np.abs(bias).max() <= bound
            assert bias.std() == pytest.approx(bound / math.sqrt(3), rel=0.2)  # 128 numbers and more: 3 errors


def test_the_tutorials_mlp():
    settings = preset_settings("mlp-mnist")
    generator, critic = build_generator(settings), build_critic(settings)
    widths = [100, 128, 256, 512, 1024, 784]
    expected = sum(a * b + b for a, b in pairwise(widths)) + 2 * (256 + 512 + 1024)
    assert parameter_count(generator) == expected
    assert parameter_count(critic) == 784 * 512 + 512 + 512 * 256 + 256 + 256 + 1
    with autograd.train_mode():
        pictures = generator(nd.random.normal(shape=(5, 100, 1, 1)))
    assert pictures.shape == (5, 1, 28, 28) and np.abs(pictures.asnumpy()).max() <= 1
    assert critic(pictures).shape == (5,)
    epsilons = {layer._kwargs["eps"] for layer in generator.main if type(layer).__name__ == "BatchNorm"}
    assert epsilons == {0.8}


PENALTY = {"lipschitz": "gradient_penalty", "gp_lambda": 10, "n_critic": 5, "optimizer": "adam", "learning_rate": 1e-4}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wgan-gp-cifar", {**PENALTY, "adam_beta1": 0.5, "adam_beta2": 0.9, "image_size": 32, "critic_channels": 128}),
        ("wgan-gp-mnist", {**PENALTY, "adam_beta1": 0.5, "adam_beta2": 0.9, "image_size": 28, "batch_size": 50}),
        ("hw6", {"lipschitz": "gradient_penalty", "n_critic": 1, "critic": "conv5-instance-norm", "gp_lambda": 10}),
        ("hw6-medium", {"lipschitz": "clip", "n_critic": 1, "critic": "conv5", "optimizer": "rmsprop"}),
        ("hw6-simple", {"lipschitz": "none", "loss": "non_saturating", "n_critic": 1, "critic": "conv5"}),
        ("mlp-mnist", {"generator_turn": "with_critic", "clip_order": "after_update", "learning_rate": 5e-5}),
    ],
)
def test_presets(name, expected):
    settings = preset_settings(name)
    for field, value in expected.items():
        assert getattr(settings, field) == value, field
    assert settings.overrides() == []
    assert (settings.boost_generator_steps, settings.boost_every) == (0, 0)


@pytest.mark.parametrize("size", [8, 27, 48])
def test_sizes_that_do_not_double(size):
    with pytest.raises(UserError, match=f"--image-size: given {size}; allowed: 28, or 16, 32"):
        Settings(generator="conv5", critic="mlp", image_size=size)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("kernel", "padding", "more"), [(4, 1, 0), (5, 2, 1)])
def test_a_grey_picture_is_that_of_mxnets_transposed_convolution(kernel, padding, more, bias):
    # of 8 feature maps, where MXNet's own backward works
    geometry = {"strides": 2, "padding": padding, "output_padding": more, "use_bias": bias, "in_channels": 8}
    blocks = ToPicture(12, 1, kernel, **geometry), nn.Conv2DTranspose(1, kernel, **geometry)
    rng = np.random.default_rng(kernel)
    features = nd.array(rng.standard_normal((3, 8, 6, 6)), dtype="float64")
    head = nd.array(rng.standard_normal((3, 1, 12, 12)), dtype="float64")
    values = [rng.standard_normal(shape) for shape in [(8, 1, kernel, kernel), (1,)][: 1 + bias]]
    found = []
    for block in blocks:
        block.initialize()
        block.cast("float64")
        features.attach_grad()
        parameters = [block.weight, block.bias][: 1 + bias]
        for parameter, value in zip(parameters, values):
            parameter.set_data(nd.array(value, dtype="float64"))
        with autograd.record():
            picture = block(features)
        picture.backward(head)
        found.append([picture, features.grad.copy(), *(parameter.grad() for parameter in parameters)])
    for ours, theirs in zip(*found, strict=True):
        # sums of at most 8 * 25 products of order 1
        np.testing.assert_allclose(ours.asnumpy(), theirs.asnumpy(), rtol=0, atol=1e-12)
