"""FLOP counts against hand counts: 2 per multiply-add, once for each of forward and the two gradients."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import mxnet as mx
import pytest
from mxnet.gluon import nn
from training_fixtures import tiny_settings

from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.models.flops import layer_flops, outputs, update_flops, update_outputs
from gluon_wgan.settings import Settings


def test_one_convolution():
    # (2, 3, 16, 12) -> (2, 5, 8, 6): each output sums 3 x 4 x 4 products
    layer = nn.Conv2D(5, 4, 2, 1, in_channels=3)
    assert layer_flops(layer, (2, 3, 16, 12)) == [2 * (2 * 5 * 8 * 6) * (3 * 4 * 4)]


def test_one_transposed_convolution():
    # (2, 3, 7, 9): each input pixel and channel stamps 5 x 4 x 4 products
    layer = nn.Conv2DTranspose(5, 4, 2, 1, in_channels=3)
    assert layer_flops(layer, (2, 3, 7, 9)) == [2 * (2 * 3 * 7 * 9) * (5 * 4 * 4)]


def test_dense_layers_in_order_without_what_lies_between():
    block = nn.HybridSequential()
    block.add(nn.Dense(7, in_units=12), nn.Activation("relu"), nn.BatchNorm(in_channels=7), nn.Dense(1, in_units=7))
    assert layer_flops(block, (5, 3, 2, 2)) == [2 * 5 * 12 * 7, 2 * 5 * 7]


def test_what_every_operator_writes_counts_and_weights_do_not():
    layer = nn.HybridSequential()
    layer.add(nn.Conv2D(5, 4, 2, 1, in_channels=3), nn.Activation("tanh"))
    assert outputs(layer, (2, 3, 16, 12)) == 2 * (2 * 5 * 8 * 6)


@pytest.mark.parametrize(("penalised", "critic_passes"), [(False, 4), (True, 8)])
def test_what_an_update_writes(penalised, critic_passes):
    generator, critic = nn.HybridSequential(), nn.HybridSequential()
    generator.add(nn.Dense(6, in_units=3), nn.Activation("relu"))
    critic.add(nn.Dense(5, in_units=6), nn.Dense(1, in_units=5))
    written = update_outputs(generator, critic, 4, 3, (1, 2, 3), penalised)
    assert written == (4 * (12 + critic_passes * 6), 4 * 2 * (12 + 6))


def test_an_update_at_full_size():
    settings = Settings()
    # multiply-adds a picture: weights times the pixels of the layer's small side
    generator = [
        100 * 512 * 16 * 1,
        512 * 256 * 16 * 4**2,
        256 * 128 * 16 * 8**2,
        128 * 64 * 16 * 16**2,
        64 * 3 * 16 * 32**2,
    ]
    critic = [
        3 * 64 * 16 * 32**2,
        64 * 128 * 16 * 16**2,
        128 * 256 * 16 * 8**2,
        256 * 512 * 16 * 4**2,
        512 * 1 * 16 * 1,
    ]
    # real and fake pictures, three passes, but no gradient by the pictures
    critic_update = sum(generator) + 2 * (3 * sum(critic) - critic[0])
    # no gradient by the latents, none by the critic's weights
    generator_update = 3 * sum(generator) - generator[0] + 2 * sum(critic)
    counted = update_flops(build_generator(settings), build_critic(settings), 64, 100, (3, 64, 64))
    assert counted == (2 * 64 * critic_update, 2 * 64 * generator_update)
    assert (5 * counted[0] + counted[1]) / 1e9 == pytest.approx(528.2, abs=0.05)  # the figure has four digits


def test_hybridized_and_counted_networks_stay_what_they_are():
    settings = tiny_settings()
    networks = build_generator(settings), build_critic(settings)
    plain = update_flops(*networks, 4, 3, (3, 16, 16))
    for network in networks:
        network.hybridize(static_alloc=True, static_shape=True)
    assert update_flops(*networks, 4, 3, (3, 16, 16)) == plain
    assert networks[0](mx.nd.ones((4, 3, 1, 1))).shape == (4, 3, 16, 16)


def test_a_wrong_input_shape_is_refused():
    with pytest.raises(mx.MXNetError):
        layer_flops(build_critic(tiny_settings()), (4, 1, 16, 16))
    with pytest.raises(mx.MXNetError):
        outputs(build_critic(tiny_settings()), (4, 1, 16, 16))
