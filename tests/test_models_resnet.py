"""The residual networks: their depth and sizes by hand, what refuses them, and updates of all three kinds."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import itertools

import mxnet as mx
import numpy as np
import pytest
from mxnet import nd

from gluon_wgan.data import Batches
from gluon_wgan.data.batches import noise_pictures
from gluon_wgan.errors import UserError
from gluon_wgan.models import build_critic, build_generator, parameter_count
from gluon_wgan.models.resnet import _plan
from gluon_wgan.models.sampling import sample
from gluon_wgan.settings import Settings
from gluon_wgan.training.build import build_trainer


def settings(**changes):
    sizes = {"image_size": 16, "generator_channels": 16, "critic_channels": 16, "latent_dim": 5, "depth": 11}
    networks = {"generator": "resnet", "critic": "resnet-layer-norm", "batch_size": 4, "boost_generator_steps": 0}
    return Settings(**{**networks, **sizes, **changes})


@pytest.mark.parametrize(
    ("image_size", "depth", "expected"),
    [
        (64, 101, [6, 6, 6, 6, 5]),  # gan_64x64.py's
        (64, 14, [0, 0, 0, 0, 0]),
        (32, 20, [1, 1, 1, 0]),
        (16, 50, [5, 5, 4]),
    ],
)
def test_how_many_blocks_keep_each_size(image_size, depth, expected):
    kept = _plan(image_size, depth)
    assert kept == expected
    # with those that change the size, three convolutions each, and a layer at either end
    assert 3 * (sum(kept) + len(kept) - 1) + 2 == depth


def block(inputs, outputs):
    """Return the trainable numbers of a block that has a shortcut, by hand: two biases, norm, shortcut's bias."""
    half, last = inputs // 2, outputs // 2
    main = inputs * half + half + 9 * half * last + last + last * outputs + 2 * outputs
    return main + inputs * outputs + outputs


def test_trainable_numbers_of_the_papers_pair():
    full = settings(image_size=64, generator_channels=64, critic_channels=64, depth=101, latent_dim=128)
    widths = (512, 256, 128, 64, 32)
    keep = sum(kept * (block(width, width) - width * width - width) for kept, width in zip((6, 6, 6, 6, 5), widths))
    change = sum(block(*pair) for pair in itertools.pairwise(widths))
    assert parameter_count(build_generator(full)) == 128 * 8192 + 8192 + keep + change + 3 * 32 + 3
    change = sum(block(*pair) for pair in itertools.pairwise(widths[::-1]))
    assert parameter_count(build_critic(full)) == 3 * 32 + 32 + keep + change + 512 * 16 + 1


@pytest.mark.parametrize("image_size", [16, 32, 64])
@pytest.mark.parametrize("critic", ["resnet", "resnet-layer-norm"])
def test_shapes(image_size, critic):
    chosen = settings(image_size=image_size, critic=critic, depth=20)
    latents = nd.array(np.random.default_rng(0).standard_normal((2, 5, 1, 1)))
    pictures = sample(build_generator(chosen), latents, "batch")
    assert pictures.shape == (2, 3, image_size, image_size) and np.abs(pictures).max() <= 1
    scores = build_critic(chosen)(nd.array(pictures)).asnumpy()
    assert scores.shape == (2,) and scores[0] != scores[1]


def test_deep_or_not_numbers_keep_their_size():
    # The start is chosen so that 101 layers neither blow up nor die away.
    images = nd.array(np.random.default_rng(0).standard_normal((8, 3, 32, 32)))
    for depth in (11, 101):
        critic = build_critic(settings(image_size=32, depth=depth))
        x = images
        for layer in list(critic.main._children.values())[:-2]:  # without the score and its share
            x = layer(x)
        assert 0.3 < float(x.asnumpy().std()) < 10, depth


@pytest.mark.parametrize(
    ("changes", "flag", "allowed"),
    [
        ({"depth": 5}, "--depth", r"8, 11, 14, \.\.\. for resnet at 16 pixels"),
        ({"depth": 12}, "--depth", "3 a block, and 2"),
        ({"image_size": 64, "depth": 11}, "--depth", "14, 17"),
        ({"image_size": 48}, "--image-size", "for resnet"),
        ({"generator_channels": 18}, "--generator-channels", "a multiple of 4"),
        ({"critic_channels": 6}, "--critic-channels", "a multiple of 4"),
        ({"critic": "resnet", "lipschitz": "gradient_penalty"}, "--critic", "-layer-norm"),
    ],
)
def test_what_cannot_be_built_is_refused(changes, flag, allowed):
    with pytest.raises(UserError, match=f"{flag}: given .*; allowed: .*{allowed}"):
        settings(**changes)


@pytest.mark.parametrize(
    "kind",
    [
        {"lipschitz": "gradient_penalty", "optimizer": "adam"},
        {"critic": "resnet"},
        {"critic": "resnet", "lipschitz": "none", "loss": "non_saturating"},
    ],
    ids=["penalty", "clip", "plain"],
)
def test_every_kind_trains(kind):
    chosen = settings(**kind)
    trainer = build_trainer(chosen, Batches(noise_pictures(chosen), 4, 0), mx.cpu())
    before = weights_of(trainer)
    for _ in range(2):
        update = trainer.critic_step()
        trainer.generator_step()
    assert np.isfinite(update.loss.asscalar())
    after = weights_of(trainer)
    assert all(np.isfinite(values).all() for values in after.values())
    moved = [name for name, values in before.items() if not np.array_equal(values, after[name])]
    assert len([name for name in before if name.endswith("weight")]) == len(
        [name for name in moved if name.endswith("weight")]
    )


def weights_of(trainer):
    networks = {"generator": trainer.generator, "critic": trainer.critic}
    return {
        f"{network}.{name}": parameter.data().asnumpy()
        for network, block in networks.items()
        for name, parameter in block._collect_params_with_prefix().items()
    }
