"""The networks: sizes, shapes, names, initial weights, and the forward pass against plain numpy."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import itertools
import random

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd, nd
from training_fixtures import (
    TINY,
    convolve,
    convolve_transposed,
    normalise_batch,
    numbers_of,
    same_bits,
    tiny_settings,
)

from gluon_wgan import layers, streams
from gluon_wgan.models import DCGANCritic, DCGANGenerator, build_critic, build_generator, parameter_count
from gluon_wgan.models.initialise import initialise
from gluon_wgan.settings import Settings

PAIR = {"generator": build_generator, "critic": build_critic}
MLP = {"generator": "mlp", "critic": "mlp", "generator_channels": 16, "critic_channels": 16}


def noise(*shape, seed=0):
    return nd.array(np.random.default_rng(seed).standard_normal(shape))


def randomise(block):
    """Put numbers of order 1 everywhere, so that no layer's effect is lost in rounding."""
    rng = np.random.default_rng(1)
    for name, parameter in block._collect_params_with_prefix().items():
        values = rng.uniform(0.5, 2, parameter.shape) if "var" in name else rng.normal(0, 0.5, parameter.shape)
        parameter.set_data(nd.array(values))


def test_trainable_numbers_of_the_full_size_pair():
    settings = Settings()
    # 4x4 kernels from width to width, and two numbers per BatchNorm channel
    generator = 16 * (100 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (512 + 256 + 128 + 64)
    critic = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) + 2 * (128 + 256 + 512)
    assert (generator, critic) == (3_576_704, 2_765_568)
    assert parameter_count(build_generator(settings)) == generator
    assert parameter_count(build_critic(settings)) == critic


def test_an_extra_layer_is_a_3x3_convolution_with_batch_norm():
    for build in PAIR.values():
        plain, more = (parameter_count(build(tiny_settings(extra_layers=count))) for count in (0, 2))
        assert more - plain == 2 * (9 * 2 * 2 + 2 * 2)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "softplus", "tanh"])
def test_a_nonlinearity_stands_in_every_place_of_the_other(name):
    settings = tiny_settings(generator_nonlinearity=name, critic_nonlinearity=name, image_size=32)
    kinds = {
        "relu": layers.ReLU,
        "leaky_relu": layers.LeakyReLU,
        "softplus": layers.ShiftedSoftplus,
        "tanh": layers.Tanh,
    }
    for build in (build_generator, build_critic):
        found = [type(layer) for layer in build(settings).main if type(layer) in kinds.values()]
        assert found == [kinds[name]] * 3


def test_the_critic_s_extra_layers_may_be_its_own():
    both, more, none = (
        [parameter_count(build(tiny_settings(extra_layers=2, **own))) for build in (build_generator, build_critic)]
        for own in ({}, {"critic_extra_layers": 5}, {"critic_extra_layers": 0})
    )
    one = 2 * 2 * 9 + 2 * 2  # 2 channels: a 3x3 convolution, and BatchNorm's scale and shift
    assert both[0] == more[0] == none[0]
    assert (more[1] - both[1], both[1] - none[1]) == (3 * one, 2 * one)


def test_counting_needs_initial_values():
    with pytest.raises(RuntimeError, match="initialized"):
        parameter_count(DCGANCritic(16, 3, 2))


@pytest.mark.parametrize(
    "changes",
    [
        *({"image_size": side} for side in (16, 32, 64, 128)),
        {"image_channels": 1},
        {"extra_layers": 2},
        {"generator": "dcgan-no-bn", "critic": "dcgan-no-bn"},
        {"generator": "dcgan-no-bn", "critic": "dcgan-no-bn", "extra_layers": 1},
        {
            "generator_nonlinearity": "tanh",
            "critic_nonlinearity": "softplus",
            "critic_extra_layers": 0,
            "extra_layers": 1,
        },
        {**MLP, "image_size": 28, "image_channels": 1},
    ],
    ids=str,
)
def test_shapes(changes):
    settings = tiny_settings(**changes)
    pictures = build_generator(settings)(noise(2, 3, 1, 1))
    assert pictures.shape == (2, settings.image_channels, settings.image_size, settings.image_size)
    assert pictures.dtype == np.float32
    for count in (1, 2):
        assert build_critic(settings)(pictures[:count]).shape == (count,)


@pytest.mark.parametrize("hybridize", [False, True])
@pytest.mark.parametrize("critic", ["dcgan", "mlp"])
def test_pictures_of_another_size_are_refused(critic, hybridize):
    network = build_critic(tiny_settings(critic=critic))
    if hybridize:
        network.hybridize(static_alloc=True, static_shape=True)
    with pytest.raises(mx.MXNetError):
        network(noise(2, 3, 32, 32)).wait_to_read()


def test_latents_of_another_length_are_refused():
    with pytest.raises(mx.MXNetError):
        build_generator(tiny_settings())(noise(2, 4, 1, 1)).wait_to_read()


def test_parameters_are_named_in_the_order_of_the_reference():
    names = [name for name in numbers_of(build_critic(tiny_settings(image_size=32))) if "running" not in name]
    batch_norm = ("main.3.gamma", "main.3.beta"), ("main.6.gamma", "main.6.beta")
    assert names == ["main.0.weight", "main.2.weight", *batch_norm[0], "main.5.weight", *batch_norm[1], "main.8.weight"]


def test_no_batch_norm_means_none():
    for build in PAIR.values():
        names = numbers_of(build(tiny_settings(generator="dcgan-no-bn", critic="dcgan-no-bn")))
        assert {name.rsplit(".")[-1] for name in names} == {"weight"}


@pytest.mark.parametrize("kind", ["dcgan", "dcgan-no-bn", "mlp"])
def test_scores_are_linear_in_the_last_weight_and_unbounded(kind):
    critic, pictures = build_critic(tiny_settings(critic=kind, critic_channels=16)), noise(4, 3, 16, 16)
    if kind == "mlp":
        critic.main[-1].bias.set_data(nd.zeros(1))
    before = critic(pictures).asnumpy()
    critic.main[-1].weight.set_data(critic.main[-1].weight.data() * 2.0**20)
    after = critic(pictures).asnumpy()
    assert np.array_equal(after, before * 2.0**20)  # a power of two scales floats without rounding
    assert np.abs(after).max() > 100  # a sigmoid would end at 1


def test_pictures_are_a_tanh():
    generator, latent = build_generator(tiny_settings()), noise(4, 3, 1, 1)
    small = generator(latent).asnumpy()
    weight = generator.main[-2].weight
    weight.set_data(weight.data() * 2)
    # float32, and numbers far from the ends: arctanh loses nothing there
    assert np.allclose(np.arctanh(generator(latent).asnumpy()), 2 * np.arctanh(small), rtol=1e-5, atol=1e-7)
    weight.set_data(weight.data() * 1e8)
    pictures = generator(latent).asnumpy()
    assert pictures.min() == -1 and pictures.max() == 1


def test_convolution_weights_and_batch_norm_start_as_the_paper_says():
    settings = Settings(seed=3)
    for name, values in itertools.chain(*(numbers_of(build(settings)).items() for build in PAIR.values())):
        kind = name.rsplit(".")[-1]
        if kind in ("weight", "gamma"):
            # Five standard errors of a mean (sigma / sqrt(n)) and of a deviation (sigma / sqrt(2 n)): one check in
            # two million fails by chance, and the seed is fixed.
            center = 0 if kind == "weight" else 1
            assert abs(values.mean() - center) < 5 * 0.02 / np.sqrt(values.size), name
            assert abs(values.std() / 0.02 - 1) < 5 / np.sqrt(2 * values.size), name
        else:
            assert np.all(values == {"beta": 0, "running_mean": 0, "running_var": 1}[kind]), name


def test_dense_layers_start_uniform_within_one_over_the_root_of_their_inputs():
    settings = tiny_settings(**{**MLP, "generator_channels": 96, "critic_channels": 96, "latent_dim": 32})
    for build in PAIR.values():
        numbers = numbers_of(build(settings))
        for name, values in numbers.items():
            inputs = numbers[name.replace("bias", "weight")].shape[1]
            scaled = values * np.sqrt(inputs)
            assert np.abs(scaled).max() <= 1 + 1e-6, name  # float32's rounding of the product
            if values.size > 90:  # the critic's last bias is one number
                # five standard errors: of the mean 1 / sqrt(3 n), of the deviation, relative, sqrt(.2 / n)
                assert abs(scaled.mean()) < 5 / np.sqrt(3 * values.size), name
                assert abs(scaled.std() * np.sqrt(3) - 1) < 5 * np.sqrt(0.2 / values.size), name


def test_parameter_i_is_drawn_from_stream_i():
    settings = tiny_settings(seed=11)
    critic = numbers_of(build_critic(settings))
    # trainable parameters in order: weight 0, weight 1, scale 2, shift 3, weight 4
    for index, name in ((0, "main.0.weight"), (1, "main.2.weight"), (4, "main.5.weight")):
        drawn = streams.normal(11, "critic_weights", index, critic[name].shape)
        assert np.array_equal(critic[name], drawn * np.float32(0.02))
    drawn = streams.normal(11, "critic_weights", 2, (4,))
    assert np.allclose(critic["main.3.gamma"], 1 + 0.02 * drawn.astype(np.float64), rtol=1e-7, atol=0)
    # stored on the first run: a change of purpose, order or generator would show here
    assert build_generator(settings).main[0].weight.data()[0, 0, 0, 0].asscalar() == np.float32(0.009300078)
    assert critic["main.5.weight"][0, 3, 3, 3] == np.float32(0.02889663)


def test_the_seed_decides_and_the_two_networks_differ():
    for build in PAIR.values():
        once, again, other = (numbers_of(build(tiny_settings(seed=seed))) for seed in (5, 5, 6))
        assert same_bits(once, again)
        assert not np.array_equal(once["main.0.weight"], other["main.0.weight"])
    assert streams.normal(5, "generator_weights", 0, (1,)) != streams.normal(5, "critic_weights", 0, (1,))


def test_global_generators_are_neither_read_nor_moved():
    def draws():
        return random.random(), np.random.random(), nd.random.uniform().asscalar()

    def seed_all():
        random.seed(0), np.random.seed(0), mx.random.seed(0)

    seed_all()
    expected = draws()
    built = [numbers_of(build(tiny_settings())) for build in PAIR.values()]
    seed_all()
    again = [numbers_of(build(tiny_settings())) for build in PAIR.values()]
    assert draws() == expected
    assert all(same_bits(left, right) for left, right in zip(built, again))


def test_a_seed_out_of_range_is_refused():
    with pytest.raises(ValueError, match="seed"):
        initialise(build_critic(tiny_settings()), -1, "critic_weights")


@pytest.mark.parametrize("mode", ["batch", "running"])
def test_critic_equals_numpy(mode):
    critic = DCGANCritic(16, 3, 2)
    critic.initialize()
    randomise(critic)
    pictures = noise(4, 3, 16, 16)
    with autograd.train_mode() if mode == "batch" else autograd.predict_mode():
        scores = critic(pictures).asnumpy()
    p = {name: values.astype(np.float64) for name, values in numbers_of(critic).items()}
    running = (p["main.3.running_mean"], p["main.3.running_var"]) if mode == "running" else (None, None)
    x = convolve(pictures.asnumpy(), p["main.0.weight"], 2, 1)
    x = np.where(x > 0, x, 0.2 * x)
    x = normalise_batch(convolve(x, p["main.2.weight"], 2, 1), p["main.3.gamma"], p["main.3.beta"], *running)
    x = np.where(x > 0, x, 0.2 * x)
    expected = convolve(x, p["main.5.weight"], 1, 0).ravel()
    # float32 sums of some dozen terms, each rounded at 6e-8
    assert np.allclose(scores, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("mode", ["batch", "running"])
def test_generator_equals_numpy(mode):
    generator = DCGANGenerator(16, 3, 5, 2)
    generator.initialize()
    randomise(generator)
    latent = noise(4, 5, 1, 1)
    with autograd.train_mode() if mode == "batch" else autograd.predict_mode():
        pictures = generator(latent).asnumpy()
    p = {name: values.astype(np.float64) for name, values in numbers_of(generator).items()}
    x = latent.asnumpy()
    for layer, (stride, pad) in ((0, (1, 0)), (3, (2, 1))):
        norm = f"main.{layer + 1}."
        running = (p[norm + "running_mean"], p[norm + "running_var"]) if mode == "running" else (None, None)
        x = convolve_transposed(x, p[f"main.{layer}.weight"], stride, pad)
        x = np.maximum(normalise_batch(x, p[norm + "gamma"], p[norm + "beta"], *running), 0)
    expected = np.tanh(convolve_transposed(x, p["main.6.weight"], 2, 1))
    assert np.allclose(pictures, expected, rtol=1e-5, atol=1e-5)  # as above
    assert np.abs(expected).mean() < 0.9  # not all at tanh's ends, where everything agrees


@pytest.mark.parametrize("kind", ["dcgan", "dcgan-no-bn", "mlp"])
@pytest.mark.parametrize("network", PAIR)
def test_hybridized_equals_not_and_keeps_earlier_results(network, kind):
    shape = (4, TINY["latent_dim"], 1, 1) if network == "generator" else (4, 3, 16, 16)
    settings = tiny_settings(**{**MLP, "generator": kind, "critic": kind})
    plain, hybrid = (PAIR[network](settings) for _ in range(2))
    hybrid.hybridize(static_alloc=True, static_shape=True)
    for mode in (autograd.train_mode, autograd.predict_mode):
        with mode():
            first, second = hybrid(noise(*shape)), hybrid(noise(*shape, seed=1))
            expected = [plain(noise(*shape)).asnumpy(), plain(noise(*shape, seed=1)).asnumpy()]
        # the same kernels, in float32; fusing may round once less
        assert np.allclose(first.asnumpy(), expected[0], rtol=1e-5, atol=1e-7)
        assert np.allclose(second.asnumpy(), expected[1], rtol=1e-5, atol=1e-7)
        assert np.abs(expected[0] - expected[1]).max() > 1e-5  # else keeping would prove nothing
