"""The layers' values by numpy and by hand, where MXNet's own operators are off, and at kinks."""

import numpy as np
from layers_fixtures import EPSILON, draw_images, make
from mxnet import autograd, nd

from gluon_wgan.layers import Dense, LayerNorm, LeakyReLU, ReLU, ShiftedSoftplus, Softplus


def test_layer_norm_by_numpy():
    norm = LayerNorm(EPSILON, in_channels=2)
    norm.initialize()
    norm.cast("float64")
    norm.gamma.set_data(nd.array([1.0, -2.0], dtype="float64"))
    norm.beta.set_data(nd.array([0.5, 3.0], dtype="float64"))
    x = draw_images((3, 2, 4, 5), "float64").asnumpy()
    mean, variance = x.mean(axis=(1, 2, 3), keepdims=True), x.var(axis=(1, 2, 3), keepdims=True)
    gamma, beta = np.array([1.0, -2.0])[:, None, None], np.array([0.5, 3.0])[:, None, None]
    expected = gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta
    assert np.allclose(norm(nd.array(x, dtype="float64")).asnumpy(), expected, rtol=1e-13, atol=1e-14)


def test_activations_where_mxnet_is_off():
    slope = LeakyReLU(0.2)
    slope.cast("float64")
    assert slope(nd.array([-3.0], dtype="float64")).asscalar() == 0.2 * -3.0  # MXNet's operator: -0.6000000089...
    images = nd.array(np.random.default_rng(0).normal(size=(2, 3, 4, 4)))
    assert np.array_equal(LeakyReLU(0.2)(images).asnumpy(), nd.LeakyReLU(images, slope=0.2).asnumpy())  # in float32
    for dtype, relative in (("float32", 1e-6), ("float64", 4e-15)):
        x = nd.array([-30.0, 0.0, 30.0, 1000.0], dtype=dtype)
        x.attach_grad()
        with autograd.record():
            y = Softplus()(x)
        y.backward()
        expected = [np.log1p(np.exp(-30.0)), np.log(2), 30 + np.log1p(np.exp(-30.0)), 1000]
        assert np.allclose(y.asnumpy(), expected, rtol=relative, atol=0)
        assert np.allclose(x.grad.asnumpy(), 1 / (1 + np.exp([30.0, 0, -30, -1000])), rtol=relative, atol=0)


def test_the_shifted_softplus_by_hand():
    x = nd.array([-30.0, -1.0, 0.0, 30.0], dtype="float64")
    x.attach_grad()
    with autograd.record():
        y = ShiftedSoftplus()(x)
    y.backward()
    expected = [-1, np.log(2) / 2 - 1, np.log1p(np.exp(2)) / 2 - 1, 30]
    assert np.allclose(y.asnumpy(), expected, rtol=1e-15, atol=1e-15)
    assert np.allclose(x.grad.asnumpy(), [1 / (1 + np.exp(58.0)), 0.5, 1 / (1 + np.exp(-2.0)), 1], rtol=4e-15, atol=0)


def test_kinks_have_pytorchs_derivative():
    critic = make(LeakyReLU(0.25), Dense(1, use_bias=False, in_units=2))
    zeros = nd.zeros((1, 2), dtype="float64")
    assert np.allclose(critic.scores_and_input_gradient(zeros)[1].asnumpy(), 0.25 * critic[1].weight.data().asnumpy())
    critic = make(ReLU(), Dense(1, use_bias=False, in_units=2))
    assert not critic.scores_and_input_gradient(zeros)[1].asnumpy().any()
