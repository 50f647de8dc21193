"""Measure the departures that change what a training does, in float64, against the PyTorch reference.

Each function returns (size, restored), see `departures.measure`.
"""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import copy
import functools
from dataclasses import replace

import mxnet as mx
import numpy as np
import torch
from mxnet import autograd, nd
from recipes import SMALL, rooms
from reference import Recipe, Reference, normalise

from gluon_wgan import streams
from gluon_wgan.data import Batches
from gluon_wgan.layers import LeakyReLU
from gluon_wgan.losses import critic_loss
from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.models.sampling import sample
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.schedule import Schedule
from gluon_wgan.settings import Settings
from gluon_wgan.tools.train import parse_train_flags
from gluon_wgan.training.trainer import Trainer

GENERATOR_STEPS = 5
# An epoch has 25 batches of 8 and a tail of 3: it ends within the boost of the fourth generator step.
PICTURES = 203
BOOSTS = {"n_critic": 5, "n_critic_boost": 10, "boost_generator_steps": 1, "boost_every": 3}
SETTINGS = Settings(**SMALL, **BOOSTS)
PIXEL_LEVELS = 127.5  # per unit of a picture in [-1, 1]
BOUND = 0.01


@functools.cache
def pictures():
    """Return the pictures to train on, uint8 (203, 16, 16, 3)."""
    return rooms(PICTURES, SMALL["image_size"])


def restore(settings, flags):
    """Return the settings with what a string of flags asks for."""
    parsed = parse_train_flags(flags.split())[0]
    names = [word[2:].replace("-", "_") for word in flags.split() if word.startswith("--")]
    return replace(settings, **{name: getattr(parsed, name) for name in names})


def train(settings, rescale_grad=1.0, before_critic_step=None):
    """Train in float64 as the settings say; return the trainer after five generator steps."""
    generator, critic = build_generator(settings), build_critic(settings)
    for network in (generator, critic):
        network.cast("float64")
    cut = settings.epoch_end == "cut"
    batches = Batches(pictures(), settings.batch_size, settings.seed, tail=cut)
    shared = (settings.learning_rate, settings.rmsprop_decay)
    placed = {"epsilon_placement": settings.epsilon_placement, "rescale_grad": rescale_grad}
    trainer = Trainer(
        generator,
        critic,
        batches,
        generator_optimizer=RMSProp(*shared, settings.generator_rmsprop_epsilon, **placed),
        critic_optimizer=RMSProp(*shared, settings.critic_rmsprop_epsilon, **placed),
        schedule=Schedule(
            settings.n_critic,
            settings.n_critic_boost,
            settings.boost_generator_steps,
            settings.boost_every,
            batches_an_epoch=len(batches) if cut else 0,
        ),
        clip_bound=settings.clip_bound,
        clip_order=settings.clip_order,
        latent_dim=settings.latent_dim,
        seed=settings.seed,
    )
    for _ in range(GENERATOR_STEPS):
        for _ in range(trainer.critic_updates_left()):
            if before_critic_step:
                before_critic_step(trainer.critic)
            trainer.critic_step()
        trainer.generator_step()
    return trainer


@functools.cache
def original_settings():
    """Return the trainer of the original's settings."""
    return train(SETTINGS)


def make_reference(run_on=True, **changes):
    """Return the reference before its first step."""
    return Reference(Recipe(**{**SMALL, **BOOSTS, "dtype": torch.float64, "run_on": run_on, **changes}), pictures())


def run(trained):
    """Train a reference for five generator steps; return it."""
    for _ in range(GENERATOR_STEPS):
        trained.step()
    return trained


@functools.cache
def reference(run_on=True):
    """Return the reference after five generator steps. It is shared: leave it alone."""
    return run(make_reference(run_on))


def our_numbers(network, kind="weights"):
    """Return a Gluon network's weights, or its "running_mean" or "running_var", in order."""
    parameters = network.collect_params().items()
    if kind == "weights":
        return [parameter.data().asnumpy() for _, parameter in parameters if parameter.grad_req != "null"]
    return [parameter.data().asnumpy() for name, parameter in parameters if name.endswith(kind)]


def their_numbers(network, kind="weights"):
    """Return the same of a PyTorch network, with the sign of ours: a critic's last layer is negated."""
    if kind != "weights":
        return [values.numpy().copy() for name, values in network.named_buffers() if name.endswith(kind)]
    weights = [parameter.detach().numpy().copy() for parameter in network.parameters()]
    if hasattr(network, "scores"):
        weights[-1] = -weights[-1]
    return weights


def distance(ours, theirs):
    """Return the largest difference of two lists of arrays, over the largest number of the second."""
    difference = max(np.abs(left - right).max() for left, right in zip(ours, theirs, strict=True))
    return float(difference / max(np.abs(values).max() for values in theirs))


def weight_distance(trainer, trained):
    """Return the `distance` of the weights, of the network where it is larger."""
    pairs = ((trainer.generator, trained.generator), (trainer.critic, trained.critic))
    return max(distance(our_numbers(ours), their_numbers(theirs)) for ours, theirs in pairs)


def training_departure(changes, flag, run_on=True):
    """Train with changed settings, and again with the flag that restores the original's."""
    departing = replace(SETTINGS, **changes)
    trained = reference(run_on)
    return weight_distance(train(departing), trained), weight_distance(train(restore(departing, flag)), trained)


def missing_boost(flag):
    """Train without boosts, and with the original's: here ten critic updates in each of the first 25 steps."""
    departing = replace(SETTINGS, boost_generator_steps=0, boost_every=0)
    restored = restore(departing, flag)
    trained = run(make_reference(boost_generator_steps=25, boost_every=500))
    return weight_distance(train(departing), trained), weight_distance(train(restored), trained)


def running_scores(critic):
    """Return the critic's scores of eight pictures by its running statistics."""
    return sample(critic, nd.array(normalise(pictures()[:8]).numpy(), dtype="float64"), "running")


def clip_everything(critic):
    """Clip what `collect_params()` lists and `clip_weights` leaves alone: GluonCV's loop makes no difference."""
    for parameter in critic.collect_params().values():
        if parameter.grad_req == "null":
            parameter.set_data(nd.clip(parameter.data(), -BOUND, BOUND))


def clipped_statistics():
    """Compare the critic's scores in running mode, with its running statistics clipped in training and not."""
    departing = train(SETTINGS, before_critic_step=clip_everything)
    ours, theirs = running_scores(departing.critic), running_scores(original_settings().critic)
    return distance([ours], [theirs]), None


def biased_variance():
    """Compare what one batch adds to the running variance of 4 channels, from 1 * (1 - momentum)."""
    values = streams.normal(0, "departures_variance", 0, (8, 4, 4, 4)).astype(np.float64)
    ours = mx.gluon.nn.BatchNorm(in_channels=4)
    ours.initialize()
    ours.cast("float64")
    with autograd.record():
        ours(nd.array(values, dtype="float64")).backward()
    theirs = torch.nn.BatchNorm2d(4, dtype=torch.float64)
    theirs(torch.from_numpy(values))
    added = [variance - 0.9 for variance in (theirs.running_var.numpy(), ours.running_var.data().asnumpy())]
    return float(np.max(added[0] / added[1] - 1)), None


def late_statistics():
    """Compare the generator's running means, which the biased variance does not touch."""
    pair = original_settings().generator, reference().generator
    return distance(our_numbers(pair[0], "running_mean"), their_numbers(pair[1], "running_mean")), None


def sample_statistics(flag):
    """Compare samples by the running statistics, and by the batch's, with the reference's samples."""
    trainer, trained = original_settings(), reference()
    latent = trainer.latents("fixed_latents", 0)
    with torch.no_grad():  # a copy, whose running statistics may move
        theirs = copy.deepcopy(trained.generator)(trained.latents("fixed_latents", 0)).numpy()
    differences = []
    departing = replace(SETTINGS, bn_mode="running")
    for settings in (departing, restore(departing, flag)):
        ours = sample(trainer.generator, latent, settings.bn_mode)
        differences.append(float(PIXEL_LEVELS * np.abs(ours - theirs).mean()))
    return tuple(differences)


def loss_of_scores():
    """Compare the critic's losses of 100 times 64 + 64 scores in float32."""
    losses = []
    for index in range(100):
        scores = streams.normal(0, "departures_scores", index, (2, 64))
        ours = critic_loss("wasserstein", nd.array(scores[0]), nd.array(scores[1])).asscalar()
        # the original's network ends with mean(0).view(1)
        real, fake = torch.from_numpy(scores).view(2, 64, 1, 1, 1).mean(1).view(2, 1)
        losses.append((ours, (fake - real).item()))
    ours, theirs = np.array(losses).T
    return distance([ours], [theirs]), None


def mirror_image():
    """Compare the critics' scores of eight pictures as they are, and with the sign of one turned."""
    images = normalise(pictures()[:8]).to(torch.float64)
    with torch.no_grad():
        theirs = copy.deepcopy(reference().critic).scores(images).numpy()
    ours = sample(original_settings().critic, nd.array(images.numpy(), dtype="float64"), "batch")
    return distance([ours], [theirs]), distance([-ours], [theirs])


def float32_scalars():
    """Compare LeakyReLU of float64 numbers with slope * x."""
    values = -np.abs(streams.normal(0, "departures_leaky", 0, (64,)).astype(np.float64))
    ours = LeakyReLU(0.2)
    ours.cast("float64")
    given = nd.array(values, dtype="float64")
    departing, restored = nd.LeakyReLU(given, slope=0.2).asnumpy(), ours(given).asnumpy()
    return tuple(float(np.max(np.abs(result / (0.2 * values) - 1))) for result in (departing, restored))


def divided_gradient():
    """Train with gradients divided by the batch size, as `gluon.Trainer.step(batch_size)` does."""
    departing = train(SETTINGS, rescale_grad=1 / SETTINGS.batch_size)
    return weight_distance(departing, reference()), weight_distance(original_settings(), reference())


def first_adam_update(gradient=1e-6):
    """Compare the first update of MXNet's Adam with PyTorch's, of one weight."""
    optimizer = mx.optimizer.Adam(learning_rate=5e-5, beta1=0.5, beta2=0.999)
    weight = nd.zeros(1)
    optimizer.update(0, weight, nd.array([gradient]), optimizer.create_state(0, weight))
    theirs = torch.nn.Parameter(torch.zeros(1))
    theirs.grad = torch.tensor([gradient])
    torch.optim.Adam([theirs], lr=5e-5, betas=(0.5, 0.999)).step()
    return abs(weight.asscalar() / theirs.item() - 1), None


def initial_spread():
    """Compare the spread of an MLP critic's scores at the start: GluonCV's initial weights, ours, the original's."""
    sizes = {"image_size": 16, "critic": "mlp", "critic_channels": 32}
    images = normalise(pictures()[:64])
    _, theirs = Recipe(**sizes, dtype=torch.float64).build()
    with torch.no_grad():
        expected = theirs.scores(images.to(torch.float64)).numpy().std()
    spreads = []
    for departs in (True, False):
        critic = build_critic(Settings(**sizes))
        critic.cast("float64")
        if departs:
            for parameter in critic.collect_params().values():
                # Xavier(factor_type="in", magnitude=0.01) is uniform in +-0.1 / sqrt(inputs); Gluon's biases are 0
                parameter.set_data((0.1 if parameter.name.endswith("weight") else 0) * parameter.data())
        spreads.append(sample(critic, nd.array(images.numpy(), dtype="float64"), "batch").std())
    return tuple(float(abs(np.log10(spread / expected))) for spread in spreads)
