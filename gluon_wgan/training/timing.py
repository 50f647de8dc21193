"""Time updates on noise: what every figure of speed is made of."""

import time

import mxnet as mx
from mxnet import nd

from gluon_wgan.data import Batches
from gluon_wgan.data.batches import noise_pictures
from gluon_wgan.training.build import build_trainer


def noise_trainer(settings, hybridize=True):
    """Return a `Trainer` of these settings, on the CPU, whose pictures are noise."""
    return build_trainer(settings, Batches(noise_pictures(settings), settings.batch_size, 0), mx.cpu(), hybridize)


def critic_seconds(trainer, count):
    """Do critic updates; return the seconds of each, a list."""
    return [seconds_of(trainer.critic_step) for _ in range(count)]


def step_seconds(trainer, n_critic, count):
    """Do steps of `n_critic` critic updates and one generator update each; return the seconds of each, a list."""

    def step():
        for _ in range(n_critic):
            trainer.critic_step()
        trainer.generator_step()

    return [seconds_of(step) for _ in range(count)]


def seconds_of(work):
    """Return the seconds of a call, with all that MXNet still does after it."""
    began = time.perf_counter()
    work()
    nd.waitall()
    return time.perf_counter() - began
