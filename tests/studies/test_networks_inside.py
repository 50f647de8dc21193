"""Inside the study's networks: gradients layer by layer, what an update costs, and MXNet's own initial weights."""

from dataclasses import replace
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest

from gluon_wgan import layers
from gluon_wgan.settings import Settings, preset_settings
from gluon_wgan.studies.networks import inside, question
from gluon_wgan.studies.toy.numbers import gradient_norms as toy_gradient_norms


def test_gradient_norms_are_those_of_the_formula():
    """By the toys' formula in float64, of the same MLP."""
    critic = layers.Critic(prefix="")
    for inputs, outputs in ((6, 5), (5, 4)):
        critic.add(layers.Dense(outputs, in_units=inputs), layers.ReLU())
    critic.add(layers.Dense(1, in_units=4), layers.Scale(1.0))
    critic.initialize(mx.init.Normal(0.5))
    dense = [part for part in critic if isinstance(part, layers.Dense)]
    weights = [(one.weight.data().asnumpy(), one.bias.data().asnumpy()) for one in dense]
    rng = np.random.default_rng(0)
    real, fake = (rng.normal(size=(count, 6)).astype(np.float32) for count in (7, 9))
    found = inside.gradient_norms(SimpleNamespace(main=critic), real, fake)
    # behind each ReLU; the last two parts are left out
    assert len(found) == 4
    assert found[1::2] == pytest.approx(toy_gradient_norms(weights, real, fake), rel=1e-5)  # float32


def test_what_a_deep_training_costs():
    changes = question.arms_of("depth")["penalty, 11 layers"]
    settings = replace(preset_settings(changes["preset"]), **changes)
    settings = replace(settings, image_size=16, generator_channels=4, critic_channels=4, batch_size=4)
    found = inside.cost(settings)
    assert 0 < found["generator_seconds"] < 60 and 0 < found["critic_seconds"] < 60
    # more than MXNet alone, and less than this machine has
    assert 100 < found["peak_memory_mib"] < 20_000 and found["n_critic"] == 1
    pictures = np.zeros((4, 16, 16, 3), np.uint8)
    norms = inside.norms_of(settings, None, pictures)
    # 11 layers: a convolution, three blocks that halve, or two at 16 pixels and one that keeps
    assert list(norms) == ["start"] and len(norms["start"]) == 4 and min(norms["start"]) > 0


def test_mxnets_initial_weights_are_what_mxnet_gives_where_nobody_says():
    """By MXNet's own initializer: the same kinds of numbers, if not the same numbers."""
    from gluon_wgan.models import build_critic, build_generator

    settings = Settings(image_size=16, generator_channels=8, critic_channels=8, initial_weights="mxnet")
    for build in (build_generator, build_critic):
        ours, theirs = build(settings), build(settings)
        theirs.initialize(mx.init.Uniform(0.07), force_reinit=True)
        for (name, parameter), expected in zip(
            ours._collect_params_with_prefix().items(), theirs._collect_params_with_prefix().values()
        ):
            values, expected = parameter.data().asnumpy(), expected.data().asnumpy()
            if np.ptp(expected) == 0:
                assert (values == expected.flat[0]).all(), name
            else:
                assert np.abs(values).max() <= 0.07
                # two uniform draws of n numbers: their standard deviations differ by some 1 / sqrt(2 n) of it
                assert values.std() == pytest.approx(expected.std(), rel=5 / np.sqrt(values.size)), name
                assert values.std() == pytest.approx(0.07 / np.sqrt(3), rel=5 / np.sqrt(values.size)), name
