"""Every departure from the original has the size that another computation predicts, and its flag takes it away.

Where a training departs, the prediction is PyTorch's: the reference, made to depart in the same way.
"""

import pytest

pytest.importorskip("torch")

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import copy
import dataclasses
import json

import departures
import mxnet as mx
import numpy as np
import torch
from departing_reference import (
    Negated,
    clipping_after,
    dividing_gradients,
    gather_statistics,
    predicted,
    running_scores,
    with_epsilon_inside,
)
from departures_of_pictures import by_torchvision, photographs, squares
from departures_of_training import (
    BOUND,
    SETTINGS,
    clip_everything,
    distance,
    make_reference,
    original_settings,
    our_numbers,
    pictures,
    reference,
    run,
    their_numbers,
    train,
)
from mxnet import autograd, gluon, nd
from PIL import Image
from reference import Recipe, normalise
from their_stages import triangle
from training_fixtures import NumpyMLP, convolve_transposed, normalise_batch

from gluon_wgan import streams
from gluon_wgan.lipschitz import clip_weights
from gluon_wgan.models import build_critic
from gluon_wgan.resize import get_resizer
from gluon_wgan.settings import Settings
from gluon_wgan.tools.train import parse_train_flags

ROUNDING = 1e-10  # of float64, after some 35 critic updates: 1e-15 was measured


@pytest.fixture(scope="module")
def measured():
    named = []
    records = departures.measure(named.append)
    assert named == [record["name"] for record in records]
    return {record["test"]: record for record in records}


@pytest.fixture
def departure(measured, request):
    """The record that names this test."""
    return measured[request.node.name]


def check_training(departure, prediction):
    # 1e-6: rounding grows faster where epsilon is small; a departure of another kind is off by much more
    assert departure["size"] == pytest.approx(prediction, rel=1e-6)
    assert departure["size"] > 0.01
    assert 0 <= departure["restored"] < ROUNDING


def test_the_list(measured):
    records = list(measured.values())
    assert [record["number"] for record in records] == list(range(1, len(departures.DEPARTURES) + 1))
    assert len({record["name"] for record in records}) == len(records)
    allowed = {field.name for field in dataclasses.fields(Settings)}
    for record in records:
        assert callable(globals()[record["test"]])
        if record["flag"].startswith("--"):
            flags = record["flag"].split()
            assert {flag[2:].replace("-", "_") for flag in flags[::2]} <= allowed
            parse_train_flags(flags)
        else:
            assert record["flag"].startswith("none: ")
    assert json.loads(json.dumps(records)) == records


# --- RMSprop, clipping and the schedule: PyTorch departs too


def test_place_of_epsilon(departure):
    check_training(departure, predicted(with_epsilon_inside(critic=1e-8, generator=1e-8)))


def test_value_of_epsilon(departure):
    check_training(departure, predicted(with_epsilon_inside(critic=1e-12, generator=1e-14)))


def test_decay(departure):
    check_training(departure, predicted(make_reference(rmsprop_decay=0.9)))


def test_order_of_clipping(departure):
    check_training(departure, predicted(clipping_after(BOUND)))


def test_gradient_divided_by_the_batch_size(departure):
    check_training(departure, predicted(dividing_gradients(SETTINGS.batch_size)))
    # what the departing side is said to do: gluon's step divides a gradient of 1
    weight = gluon.Parameter("weight", shape=(1,), init="zeros")
    weight.initialize()
    with autograd.record():
        loss = weight.data().sum()
    loss.backward()
    gluon.Trainer([weight], "sgd", {"learning_rate": 1}).step(SETTINGS.batch_size)
    assert weight.data().asscalar() == -1 / SETTINGS.batch_size


def test_end_of_an_epoch(departure):
    original = reference(run_on=False)
    check_training(departure, predicted(make_reference(run_on=True), original))
    # 10 + 5 + 5, then the 6 batches that the epoch still has instead of a boost of 10, then 5
    assert original.critic_steps == 31


def test_boost_of_the_critic(departure):
    original = run(make_reference(boost_generator_steps=25, boost_every=500))
    departing = make_reference(boost_generator_steps=0, boost_every=0)
    check_training(departure, predicted(departing, original))
    assert (departing.critic_steps, original.critic_steps) == (25, 50)


# --- BatchNorm's statistics


def test_clipping_of_running_statistics(departure):
    expected = distance([running_scores(clip=BOUND)], [running_scores()])
    # MXNet's momentum is a float32 number: 3e-8 aside
    assert departure["size"] == pytest.approx(expected, rel=1e-5)
    assert departure["size"] > 0.1
    # no update depends on them: the weights have the same bits
    clipped, plain = train(SETTINGS, before_critic_step=clip_everything), original_settings()
    for name in ("generator", "critic"):
        pairs = zip(our_numbers(getattr(clipped, name)), our_numbers(getattr(plain, name)), strict=True)
        assert all(np.array_equal(left, right) for left, right in pairs)


def test_biased_running_variance(departure):
    # m / (m - 1) - 1, of variances about 1; MXNet's float32 momentum is 3e-8 aside, and 0.1 of it is added
    assert departure["size"] == pytest.approx(1 / (8 * 4 * 4 - 1), rel=1e-4)


def test_when_running_statistics_move(departure):
    trained, gathered = gather_statistics()
    means = {name: [layer.mean.numpy() for layer in layers] for name, layers in gathered.items()}
    expected = distance(means["generator"], their_numbers(trained.generator, "running_mean"))
    assert departure["size"] == pytest.approx(expected, rel=1e-5)
    assert departure["size"] > 0.1
    assert distance(our_numbers(original_settings().critic, "running_mean"), means["critic"]) < 1e-6
    # what decides which pictures come first: from 0, 1 and then 3 gives 0.9 * 0.1 + 0.3, the other order 0.27 + 0.1
    for loss, expected in ((lambda real, fake: fake - real, 0.39), (lambda real, fake: real - fake, 0.37)):
        layer = gluon.nn.BatchNorm(in_channels=1)
        layer.initialize()
        with autograd.record():
            loss(layer(nd.full((2, 1), 1)), layer(nd.full((2, 1), 3))).backward()
        assert layer.running_mean.data().asscalar() == pytest.approx(expected, rel=1e-6)


def test_statistics_of_samples(departure):
    trainer = original_settings()
    weights = [values.astype(np.float64) for values in our_numbers(trainer.generator)]
    means, variances = (our_numbers(trainer.generator, kind) for kind in ("running_mean", "running_var"))
    samples = {}
    for mode in ("running", "batch"):
        values = trainer.latents("fixed_latents", 0).asnumpy()
        # (N, latent_dim, 1, 1) -> 4x4 -> 8x8 -> 16x16; a convolution, then BatchNorm's scale and shift
        for layer in range(2):
            convolution, gamma, beta = weights[3 * layer : 3 * layer + 3]
            values = convolve_transposed(values, convolution, *((2, 1) if layer else (1, 0)))
            statistics = (means[layer], variances[layer]) if mode == "running" else (None, None)
            values = np.maximum(normalise_batch(values, gamma, beta, *statistics), 0)
        samples[mode] = np.tanh(convolve_transposed(values, weights[6], 2, 1))
    expected = 127.5 * np.abs(samples["running"] - samples["batch"]).mean()
    assert departure["size"] == pytest.approx(expected, rel=1e-6)
    assert departure["size"] > 1
    assert 0 <= departure["restored"] < ROUNDING


# --- pictures


def test_offset_of_the_crop(departure):
    shrunk = np.stack(
        [np.asarray(Image.fromarray(picture).resize((67, 64), Image.BILINEAR)) for picture in photographs()]
    )
    shrunk = shrunk.astype(np.float64)
    # 1.5 pixels: the even 2, or 1
    assert departure["size"] == pytest.approx(np.abs(shrunk[:, :, 1:65] - shrunk[:, :, 2:66]).mean(), rel=1e-12)
    assert departure["size"] > 1
    assert departure["restored"] == 0
    # a quarter of the widths: MXNet's own crop against torchvision's formula
    apart = 0
    for width in range(257, 513):
        scaled = 64 * width // 256
        _, (left, *_) = mx.image.center_crop(nd.zeros((64, scaled, 1)), (64, 64))
        apart += round((scaled - 64) / 2.0) - left
    assert apart == 256 / 4


def test_interpolation_code_3(departure):
    taken = np.stack(squares()).astype(np.float64)
    # area is the mean of a block of 4x4, bilinear a triangle 8 wide each way; each rounded
    area = np.floor(taken.reshape(8, 64, 4, 64, 4, 3).mean((2, 4)) + 0.5)
    bilinear = np.stack([np.floor(triangle(triangle(picture, 64, 0), 64, 1) + 0.5) for picture in taken])
    # Pillow rounds between the two directions too, by half a level at most and either way
    assert departure["size"] == pytest.approx(np.abs(area - bilinear).mean(), abs=0.02)
    assert departure["size"] > 1
    assert departure["restored"] == 0
    code_3 = np.stack([mx.image.imresize(nd.array(picture, dtype="uint8"), 64, 64, 3).asnumpy() for picture in taken])
    assert np.abs(code_3 - area).max() <= 1
    bicubic = np.stack([get_resizer("cv2-bicubic")(picture, 64, 64) for picture in squares()]).astype(np.float64)
    # the fix as it was meant would have gone the other way
    assert np.abs(bicubic - by_torchvision(squares())).mean() > 2 * departure["size"]


def test_unrounded_resize(departure):
    # means of 16 whole numbers: the farthest are half a level from one
    blocks = np.stack(squares()).reshape(8, 64, 4, 64, 4, 3).astype(np.float64).mean((2, 4))
    assert np.abs(blocks - np.round(blocks)).max() == 0.5
    assert departure["size"] == pytest.approx(0.5 / 255, rel=1e-6)
    assert departure["restored"] == 0


def test_order_of_colours(departure):
    picture = squares()[0].astype(np.float64)
    # red and blue change places, green stays
    assert departure["size"] == pytest.approx(2 / 3 * np.abs(picture[..., 0] - picture[..., 2]).mean(), rel=1e-12)
    assert departure["size"] > 1
    assert departure["restored"] == 0


def test_sixteen_bits(departure):
    levels = np.arange(65536)
    assert departure["size"] == pytest.approx(
        np.abs(np.round(levels / 257) - np.minimum(levels, 255)).mean(), rel=1e-12
    )


# --- the rest


def test_initial_weights_of_the_mlp(departure):
    images = normalise(pictures()[:64]).numpy().reshape(64, -1).astype(np.float64)
    _, critic = Recipe(image_size=16, critic="mlp", critic_channels=32, dtype=torch.float64).build()
    values = [parameter.detach().numpy() for parameter in critic.parameters()]
    layers = list(zip(values[::2], values[1::2]))
    departing = [(0.1 * weight, 0 * bias) for weight, bias in layers]
    spreads = [NumpyMLP(parameters).forward(images).std() for parameters in (layers, departing)]
    assert departure["size"] == pytest.approx(np.log10(spreads[0] / spreads[1]), rel=1e-9)
    assert 3 < departure["size"] < 5  # four layers, 0.1 each, less what the biases do
    assert 0 <= departure["restored"] < ROUNDING
    # what each side is said to draw: of 3072 numbers, some come near the bounds
    dense, xavier = gluon.nn.Dense(32, in_units=96), mx.init.Xavier(factor_type="in", magnitude=0.01)
    for initialiser, bound in (([xavier], 0.1 / 96**0.5), ([], 0.07)):
        dense.initialize(*initialiser, force_reinit=True)
        assert 0.98 * bound < np.abs(dense.weight.data().asnumpy()).max() <= bound * (1 + 1e-6)
        assert not dense.bias.data().asnumpy().any()
    for values in torch.nn.Linear(96, 3072).parameters():
        assert 0.98 / 96**0.5 < values.abs().max().item() <= 1 / 96**0.5 * (1 + 1e-6)


def test_place_of_the_mean(departure):
    # a sum of 64 numbers about 1 is off by 64 * 2**-24 at most, before it is divided by 64
    scores = [streams.normal(0, "departures_scores", index, (2, 64)) for index in range(100)]
    largest = max(abs(pair[1].mean(dtype=np.float64) - pair[0].mean(dtype=np.float64)) for pair in scores)
    worst = max(np.abs(pair).sum() * 2**-24 for pair in scores)
    assert 0 <= departure["size"] <= 2 * worst / largest


def test_sign(departure):
    assert departure["size"] == pytest.approx(2, rel=1e-9)
    assert 0 <= departure["restored"] < ROUNDING
    # the mirror image is exact: the reference with the paper's sign, and as it is
    paper = make_reference()
    paper.critic.main[-1].weight.data.neg_()
    paper.critic = Negated(paper.critic)
    run(paper)
    for ours, theirs in ((paper.generator, reference().generator), (paper.critic.critic, reference().critic)):
        expected = copy.deepcopy(theirs)
        if theirs is reference().critic:
            expected.main[-1].weight.data.neg_()
        assert all(torch.equal(*pair) for pair in zip(ours.parameters(), expected.parameters(), strict=True))


def test_random_numbers(departure):
    assert departure["size"] is departure["restored"] is None
    count = 10_000
    draws = (
        streams.normal(0, "departures_philox", 0, (count,)),
        torch.randn(count, generator=torch.Generator().manual_seed(0)).numpy(),
    )
    for values in draws:  # five standard errors
        assert abs(values.mean()) < 5 / count**0.5
        assert abs(values.var() - 1) < 5 * (2 / count) ** 0.5
    assert abs(np.corrcoef(*draws)[0, 1]) < 5 / count**0.5


def test_float32_scalars(departure):
    values = -np.abs(streams.normal(0, "departures_leaky", 0, (64,)).astype(np.float64))
    rounded = (values * np.float64(np.float32(0.2))).astype(np.float32)
    assert departure["size"] == pytest.approx(np.abs(rounded / (0.2 * values) - 1).max(), rel=1e-6)
    assert 1e-8 < departure["size"] < 1e-7
    assert 0 <= departure["restored"] < 1e-15
    # clip: MXNet's bound is the float32 number next to 0.01, this suite's is 0.01
    assert nd.clip(nd.ones(1, dtype="float64"), -BOUND, BOUND).asscalar() == np.float32(BOUND) != BOUND
    critic = build_critic(SETTINGS)
    critic.cast("float64")
    clip_weights(critic, BOUND)
    assert max(np.abs(values).max() for values in our_numbers(critic)) == BOUND


def test_adams_epsilon(departure):
    # m / (1 - 0.5) = g and sqrt(v / (1 - 0.999)) = g: PyTorch's epsilon joins the second, MXNet's joins sqrt(v)
    gradient, epsilon = 1e-6, 1e-8
    theirs = gradient / (gradient + epsilon)
    ours = gradient / (gradient + epsilon / 0.001**0.5)
    assert departure["size"] == pytest.approx(1 - ours / theirs, rel=1e-4)  # float32
