"""The toy experiments of WGAN-GP: the data, what is measured by hand and by scipy, little training, the report."""

import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm

from gluon_wgan.evaluate.critics import input_gradients, scores
from gluon_wgan.studies.plane import distributions as data
from gluon_wgan.studies.plane import networks
from gluon_wgan.studies.toy import modes, surfaces
from gluon_wgan.studies.toy import numbers as measures

ROOT_OF_2 = math.sqrt(2)


def test_centres_by_hand():
    centres, near, three_sigma = data.describe("8 gaussians")
    assert centres[0] == pytest.approx([2 / 1.414, 0])
    assert centres[1] == pytest.approx([ROOT_OF_2 / 1.414] * 2)
    assert np.hypot(*centres.T) == pytest.approx([2 / 1.414] * 8)
    # two neighbours on a circle of radius r are 2 r sin(pi / 8) apart
    assert near == pytest.approx(0.2 * 2 * (2 / 1.414) * math.sin(math.pi / 8))
    assert three_sigma == pytest.approx(0.06 / 1.414)
    centres, near, three_sigma = data.describe("25 gaussians")
    expected = {(2 * x / 2.828, 2 * y / 2.828) for x in range(-2, 3) for y in range(-2, 3)}
    assert {tuple(centre) for centre in centres} == expected
    assert (near, three_sigma) == pytest.approx((0.4 / 2.828, 0.15 / 2.828))


def test_points_by_hand():
    noise = np.array([[1.0, -2.0], [0.0, 0.0]])
    # places .3 and .99 of 8: centres 2, above the origin, and 7
    found = data.points("8 gaussians", np.array([0.3, 0.99]), noise)
    assert found == pytest.approx(np.array([[0.02, 2 - 0.04], [ROOT_OF_2, -ROOT_OF_2]]) / 1.414)
    # at place 1/6 t is 2 pi: (2 pi, 0); at 1/2 it is 3 pi: (-3 pi, 0)
    found = data.points("swiss roll", np.array([1 / 6, 1 / 2]), noise)
    expected = np.array([[2 * math.pi + 0.25, -0.5], [-3 * math.pi, 0]]) / 7.5
    assert found == pytest.approx(expected, abs=1e-12)
    # a place that was rounded up to 1 is of the last centre
    assert data.points("25 gaussians", np.float32([1]), np.zeros((1, 2))) == pytest.approx(4 / 2.828)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("8 gaussians", (2 + 0.02**2) / 1.414**2),  # of an axis: half the squared radius
        ("25 gaussians", (8 + 0.05**2) / 2.828**2),  # 4 (4 + 1 + 0 + 1 + 4) / 5
    ],
)
def test_moments(name, variance):
    drawn = data.draw(name, 0, "test", 0, 20000)
    assert drawn.mean(axis=0) == pytest.approx([0, 0], abs=0.03)  # four standard errors of a spread of 1
    assert drawn.var(axis=0) == pytest.approx([variance] * 2, rel=0.03)
    assert np.array_equal(drawn, data.draw(name, 0, "test", 0, 20000))
    assert not np.array_equal(drawn, data.draw(name, 1, "test", 0, 20000))


def test_the_held_generator_adds_a_unit_gaussian():
    latents = np.random.default_rng(0).normal(size=(20000, 5))
    found = data.beside("8 gaussians", latents)
    assert found.var(axis=0) == pytest.approx([(2 + 0.02**2) / 1.414**2 + 1] * 2, rel=0.04)
    quiet = data.beside("8 gaussians", np.array([[norm.ppf(0.3), 0, 0, 0.5, -1.0]]))
    assert quiet == pytest.approx(np.array([[0.5, 2 / 1.414 - 1]]))
    batch = data.Batches("swiss roll", 7, seed=3)[2]
    assert (batch.shape, batch.dtype) == ((7, 2, 1, 1), np.float32)


def test_modes_of_constructed_samples():
    centres, near, three_sigma = data.describe("8 gaussians")
    # 10 a mode are fair of 80, so 3 of them cover; 2 do not
    samples = np.full((80, 2), 10.0)
    samples[:3] = centres[0]
    samples[3:6] = centres[1] + [0.99 * near, 0]
    samples[6:8] = centres[2] + [0, 0.99 * three_sigma]
    samples[8:30] = centres[3] + [0, 1.01 * near]
    assert data.count_modes("8 gaussians", samples) == {
        "covered": 2,
        "sharp": 1,
        "reached": 2,
        "share_within_3_sigma": 5 / 80,
    }
    everything = data.draw("25 gaussians", 0, "test", 0, 2500)
    found = data.count_modes("25 gaussians", everything)
    assert (found["covered"], found["sharp"], found["reached"]) == (25, 25, 25)
    # Rayleigh: within 3 sigma in two dimensions
    assert found["share_within_3_sigma"] == pytest.approx(1 - math.exp(-4.5), abs=0.01)


@pytest.mark.parametrize("name", modes.MIXTURES)
def test_samples_strewn_evenly_cover_no_mode(name):
    strewn = np.random.default_rng(0).uniform(-2 / ROOT_OF_2, 2 / ROOT_OF_2, (2500, 2)) * (1 + 0.25 * (name[0] == "2"))
    assert data.count_modes(name, strewn)["covered"] == 0


def test_optimal_critic_on_a_line_by_hand():
    # 0 -> 1 and 10 -> 13 cost 4; f falls with slope 1 along both ways and is anything between that is 1-Lipschitz
    em, at_real, at_fake = measures.optimal_critic(np.array([[0.0], [10.0]]), np.array([[1.0], [13.0]]))
    assert em == pytest.approx(2)
    assert at_real - at_fake == pytest.approx([1, 3])
    # one chain: 0 -> 1, 1 -> 2, 2 -> 3; its critic is -x up to a constant
    chain = np.arange(3.0)[:, None]
    em, at_real, at_fake = measures.optimal_critic(chain, chain + 1)
    assert em == pytest.approx(1)
    values = np.concatenate([at_real, at_fake])
    assert values - values[0] == pytest.approx(-np.array([0, 1, 2, 1, 2, 3.0]))
    assert measures.extend(at_fake, chain + 1, chain - 0.5) - at_real[0] == pytest.approx([0.5, -0.5, -1.5])


def test_optimal_critic_beside_scipy():
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(40, 2)), random.normal(size=(40, 2)) + 1
    costs = np.hypot(*(real[:, None] - fake[None]).transpose(2, 0, 1))
    em, at_real, at_fake = measures.optimal_critic(real, fake)
    assert em == pytest.approx(costs[linear_sum_assignment(costs)].mean(), rel=1e-9)
    assert em == pytest.approx(at_real.mean() - at_fake.mean())
    everywhere = np.concatenate([real, fake, random.normal(size=(50, 2))])
    values = measures.extend(at_fake, fake, everywhere)
    assert values[:80] == pytest.approx(np.concatenate([at_real, at_fake]), abs=1e-9)
    ways = np.hypot(*(everywhere[:, None] - everywhere[None]).transpose(2, 0, 1))
    assert (np.abs(values[:, None] - values[None]) <= ways + 1e-9).all()


def test_correlation():
    assert measures.correlation([1, 2, 3], [5, 7, 9]) == pytest.approx(1)
    assert measures.correlation([1, 2, 3, 4], [1, -1, 1, -1]) == pytest.approx(-1 / math.sqrt(5))
    assert measures.correlation([1, 1], [0, 2]) == 0


def test_gradient_norms_of_a_linear_net_by_hand():
    # all units are active: by the last activations the gradient is +-w / N a sample, and each layer before doubles it
    ones = np.ones((1, 2))
    layers = [(2 * np.eye(2), [1, 1]), (2 * np.eye(2), [1, 1]), (2 * np.eye(2), [0, 0]), (np.array([[3.0, 4.0]]), [0])]
    last = math.sqrt(2 * 5**2)  # two samples of norm 5
    assert measures.gradient_norms(layers, ones, 2 * ones) == pytest.approx([4 * last, 2 * last, last])
    # batches of two: half of it a sample, four samples
    twice = [np.concatenate([side, side]) for side in (ones, 2 * ones)]
    assert measures.gradient_norms(layers, *twice)[-1] == pytest.approx(last / math.sqrt(2))
    # a unit that is not active passes nothing on
    layers[2] = (2 * np.eye(2), [0, -100])
    found = measures.gradient_norms(layers, ones, 2 * ones)
    assert found[:2] == pytest.approx(math.sqrt(2) * 3 * np.array([4, 2]))


def test_gradient_norms_are_mxnets():
    from mxnet import autograd, nd

    critic = networks.build_critic(0, 6, 2)
    layers = networks.layers_of(critic)
    random = np.random.default_rng(0)
    real, fake = (random.normal(size=(4, 2)).astype(np.float32) for _ in range(2))
    active = nd.relu(nd.dot(nd.array(np.concatenate([real, fake])), nd.array(layers[0][0].T)))
    active.attach_grad()
    with autograd.record():
        hidden = nd.relu(nd.dot(active, nd.array(layers[1][0].T)))
        value = nd.dot(hidden, nd.array(layers[2][0].T))
        loss = value[4:].mean() - value[:4].mean()
    loss.backward()
    found = measures.gradient_norms(layers, real, fake)
    assert found[0] == pytest.approx(np.linalg.norm(active.grad.asnumpy()), rel=1e-5)


def test_share_at_bound_and_histogram():
    layers = [(np.array([[0.01, -0.0099], [0.0098, 0.0]]), [0.01, 0.01]), (np.array([[0.0, -0.01]]), [0.01])]
    assert measures.share_at_bound(layers, 0.01) == pytest.approx(3 / 6)
    found = measures.weight_histogram(layers)
    assert found["reach"] == 0.01
    assert found["shares"][0] == pytest.approx(2 / 6)
    assert found["shares"][measures.BINS // 2] == pytest.approx(2 / 6)


def test_networks_start_as_he():
    critic, generator = networks.build_critic(0, 64), networks.build_generator(0, 64)
    shapes = [weight.shape for weight, _ in networks.layers_of(critic)]
    assert shapes == [(64, 2), (64, 64), (64, 64), (1, 64)]
    weight, bias = networks.layers_of(critic)[1]
    assert weight.std() == pytest.approx(math.sqrt(2 / 64), rel=0.03)
    assert np.abs(weight).max() <= math.sqrt(6 / 64)
    assert np.abs(networks.layers_of(critic)[3][0]).max() <= math.sqrt(6 / 65)
    assert not bias.any()
    from mxnet import nd

    assert generator(nd.ones((3, 2, 1, 1))).shape == (3, 2, 1, 1)
    assert critic(nd.ones((3, 2, 1, 1))).shape == (3,)


def test_the_penalty_brings_the_norm_nearer_to_1():
    trainer = networks.build_trainer("8 gaussians", "penalty", 0, 16, held=True)
    # three times as steep as it starts
    last = list(trainer.critic.collect_params().values())[-2]
    last.set_data(3 * last.data())
    real = data.draw("8 gaussians", 0, "test", 0, 200)
    fake = networks.generated(trainer, "test", 200)
    before = networks.norm_between(trainer.critic, real, fake, 0)
    for _ in range(80):
        trainer.critic_step()
    after = networks.norm_between(trainer.critic, real, fake, 0)
    assert abs(after - 1) < 0.8 * abs(before - 1)


def test_norm_between_is_that_of_the_gradients(monkeypatch):
    trainer = networks.build_trainer("8 gaussians", "clip", 0, 8, held=True)
    point = np.array([[0.3, -0.2]])
    step = np.eye(2) * 1e-2
    slopes = (scores(trainer.critic, point + step) - scores(trainer.critic, point - step)) / 2e-2
    expected = np.linalg.norm(slopes)
    assert networks.norm_between(trainer.critic, point, point, 0) == pytest.approx(expected, rel=1e-3)
    assert input_gradients(trainer.critic, point)[0] == pytest.approx(slopes, rel=1e-2)


def test_a_clipped_critic_stays_in_its_box():
    trainer = networks.build_trainer("swiss roll", "clip", 0, 8, clip_bound=0.02)
    trainer.critic_step()
    trainer.generator_step()
    largest = max(np.abs(part).max() for layer in networks.layers_of(trainer.critic) for part in layer)
    assert largest == np.float32(0.02)


def test_the_optimal_arm_has_the_trainers_latents():
    trainer = networks.build_trainer("swiss roll", "clip", 5, 4, held=True)
    fake = networks.generated(trainer, "toy: held-out latents", surfaces.POINTS)
    assert data.beside("swiss roll", surfaces._held_latents(5)) == pytest.approx(fake, abs=1e-6)
