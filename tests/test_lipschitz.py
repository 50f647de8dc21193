"""Weight clipping: what is clipped, what is not, and bad bounds."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import numpy as np
import pytest
from mxnet import nd
from training_fixtures import numbers_of, same_bits, tiny_settings

from gluon_wgan.errors import UserError
from gluon_wgan.lipschitz import clip_weights
from gluon_wgan.models import build_critic

BOUND = 0.01


@pytest.fixture(params=[False, True], ids=["plain", "hybridized"])
def critic(request):
    critic = build_critic(tiny_settings())
    for name, parameter in critic._collect_params_with_prefix().items():
        if "running" in name:
            parameter.set_data(nd.array([50, 0.5, 0.5, 70]))  # far outside the bound
    if request.param:
        critic.hybridize(static_alloc=True, static_shape=True)
        critic(nd.ones((4, 3, 16, 16)))
    return critic


def test_trainable_numbers_outside_move_to_the_bound_and_nothing_else_moves(critic):
    before = numbers_of(critic)
    clip_weights(critic, BOUND)
    after = numbers_of(critic)
    for name in before:
        inside = np.abs(before[name]) <= np.float32(BOUND)
        if "running" in name:
            assert not inside.any()
            assert after[name].tobytes() == before[name].tobytes()
        else:
            assert after[name][inside].tobytes() == before[name][inside].tobytes()
            assert np.array_equal(after[name][~inside], np.sign(before[name][~inside]) * np.float32(BOUND))
            assert not inside.all() or name.endswith("beta")  # N(0, .02): more than half lie outside


def test_batch_norms_scale_and_shift_are_clipped(critic):
    critic.main[3].beta.set_data(nd.array([-1, 1, 0, 0.005]))
    clip_weights(critic, BOUND)
    numbers = numbers_of(critic)
    assert np.array_equal(numbers["main.3.gamma"], np.full(4, np.float32(BOUND)))  # they start near 1
    assert np.array_equal(numbers["main.3.beta"], np.float32([-BOUND, BOUND, 0, 0.005]))


def test_twice_is_once_and_a_large_bound_is_nothing(critic):
    before = numbers_of(critic)
    clip_weights(critic, 1e6)
    assert same_bits(numbers_of(critic), before)
    clip_weights(critic, BOUND)
    once = numbers_of(critic)
    clip_weights(critic, BOUND)
    assert same_bits(numbers_of(critic), once)


def test_a_hybridized_critic_computes_with_the_clipped_weights(critic):
    pictures = nd.ones((4, 3, 16, 16))
    before = critic(pictures).asnumpy()
    clip_weights(critic, BOUND)
    fresh = build_critic(tiny_settings())
    for name, parameter in fresh._collect_params_with_prefix().items():
        parameter.set_data(nd.array(numbers_of(critic)[name]))
    after = critic(pictures).asnumpy()
    assert not np.allclose(after, before, rtol=1e-2, atol=0)
    assert np.allclose(after, fresh(pictures).asnumpy(), rtol=1e-5, atol=0)  # float32, perhaps fused differently


def test_float64_weights_are_clipped_to_the_bound_itself():
    critic = build_critic(tiny_settings())
    critic.cast("float64")
    clip_weights(critic, BOUND)
    largest = max(abs(values).max() for name, values in numbers_of(critic).items() if "running" not in name)
    assert largest == BOUND  # to the last bit; nd.clip would give float32's 0.009999999776...


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_stays_nan(dtype):
    critic = build_critic(tiny_settings())
    critic.cast(dtype)
    critic.main[0].weight.set_data(critic.main[0].weight.data() * float("nan"))
    clip_weights(critic, BOUND)
    assert np.isnan(critic.main[0].weight.data().asnumpy()).all()


@pytest.mark.parametrize("bound", [0, -0.01, float("nan"), float("inf")])
def test_a_bad_bound_is_refused_and_nothing_is_clipped(critic, bound):
    before = numbers_of(critic)
    with pytest.raises(UserError, match="--clip-bound"):
        clip_weights(critic, bound)
    assert same_bits(numbers_of(critic), before)
