"""Mistakes in a gradient penalty, planted one at a time: the named test of its layers, or by hand, fails."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import sys

import pytest
import test_layers
import test_penalty_by_hand
from mxnet import nd

from gluon_wgan.layers import Conv2D, normalisation
from gluon_wgan.layers.linearised_norm import LinearisedNorm
from gluon_wgan.lipschitz import gradient_norm, gradient_penalty, interpolates

PENALTY_MODULE = sys.modules[gradient_penalty.__module__]


def penalty_without_its_gradient(monkeypatch):
    def constant(*given):
        penalty = gradient_penalty(*given)
        return nd.BlockGrad(penalty) + 0 * penalty  # backward crashes where nothing at all has a gradient

    monkeypatch.setattr(test_penalty_by_hand, "gradient_penalty", constant)


def norm_over_the_channels_only(monkeypatch):
    monkeypatch.setattr(
        test_penalty_by_hand, "gradient_norm", lambda gradient: nd.sqrt(nd.square(gradient).sum(axis=1))
    )


def norm_with_an_epsilon(monkeypatch):
    def norm(gradient):
        return nd.sqrt(nd.square(gradient).sum(axis=0, exclude=True) + 1e-12)

    monkeypatch.setattr(test_penalty_by_hand, "gradient_norm", norm)


def root_of_the_mean(monkeypatch):
    def norm(gradient):
        return nd.sqrt(nd.square(gradient_norm(gradient)).mean())

    monkeypatch.setattr(PENALTY_MODULE, "gradient_norm", norm)


def weight_detached_in_the_tangent(monkeypatch):
    def push(self, F, x, tangent):
        geometry = {**self._kwargs, "no_bias": True}
        return F.Convolution(tangent, F.BlockGrad(self.weight.var()), **geometry)

    monkeypatch.setattr(Conv2D, "push", push)


def statistics_taken_for_constants(monkeypatch):
    # without the bracket of `linearised_norm`
    def reverse(self, *given):
        self._reverse = "reverse"
        return LinearisedNorm.reverse(self, *given)

    monkeypatch.setattr(normalisation, "LinearisedNorm", type("Mistaken", (LinearisedNorm,), {"reverse": reverse}))


def one_weight_for_the_batch(monkeypatch):
    def shared(real, fake, weights):
        return interpolates(real, fake, 0 * weights + weights[0])

    monkeypatch.setattr(test_penalty_by_hand, "interpolates", shared)


def derivatives(case):
    return lambda: test_layers.test_derivatives_are_the_limits_of_differences(case, "plain")


def by_hand():
    test_penalty_by_hand.test_the_penalty_by_hand(False, 17 / 3, [8, -2, 0])


def norm_by_hand():
    test_penalty_by_hand.test_the_norm_is_over_all_axes_but_the_batchs_and_its_gradient_at_zero_is_zero()


MISTAKES = {
    penalty_without_its_gradient: by_hand,
    norm_over_the_channels_only: norm_by_hand,
    norm_with_an_epsilon: norm_by_hand,
    root_of_the_mean: by_hand,
    weight_detached_in_the_tangent: derivatives("conv2d"),
    statistics_taken_for_constants: derivatives("layer norm, 4 axes"),
    one_weight_for_the_batch: lambda: test_penalty_by_hand.test_interpolates_by_hand("float64"),
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_planted_mistake_makes_the_named_test_fail(mistake, monkeypatch):
    named_test = MISTAKES[mistake]
    named_test()  # without the mistake it holds
    mistake(monkeypatch)
    with pytest.raises(AssertionError):
        named_test()
