"""Compare a card with the CPU, train some steps on it, and time them; not yet run on a card by the project."""

import argparse
import sys
import time
from dataclasses import replace

import gluon_wgan  # noqa: F401, before mxnet

# isort: split

import mxnet as mx
import numpy as np
from mxnet import nd

from gluon_wgan.data import Batches
from gluon_wgan.data.batches import noise_pictures
from gluon_wgan.settings import preset_settings
from gluon_wgan.training.build import build_trainer, find_devices

# float32: a card's sums run in another order, and cuDNN's convolutions by other algorithms
TOLERANCE = 1e-3


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="gpu", help="cpu: to see that this script runs")
    parser.add_argument("--steps", type=int, default=100, help="generator steps of each training")
    flags = parser.parse_args()
    (device,) = find_devices(flags.device)
    failed = False
    for preset in ("wassersteingan", "wgan-gp"):
        settings = replace(preset_settings(preset), boost_generator_steps=0, boost_every=0)
        failed |= not compare(settings, device)
        failed |= not train(settings, device, flags.steps)
    sys.exit(int(failed))


def trainer_on(settings, device):
    return build_trainer(settings, Batches(noise_pictures(settings), settings.batch_size, 0), device)


def compare(settings, device):
    """Say how far the first critic update's gradients are from the CPU's, relative to the largest of each."""
    worst = 0.0
    trainers = [trainer_on(settings, where) for where in (mx.cpu(), device)]
    for trainer in trainers:
        trainer.differentiate_critic()
    for ours, theirs in zip(*(trainer.gradients("critic") for trainer in trainers)):
        ours, theirs = ours.asnumpy(), theirs.asnumpy()
        worst = max(worst, float(np.abs(ours - theirs).max() / np.abs(ours).max()))
    return report(f"{settings.preset}, gradients on {device} and cpu differ by {worst:.1e} at most", worst < TOLERANCE)


def train(settings, device, steps):
    """Train at the preset's full size; say how long a step took."""
    trainer = trainer_on(settings, device)
    losses = []
    for step in range(steps + 1):
        if step == 1:
            nd.waitall()
            began = time.perf_counter()
        for _ in range(trainer.critic_updates_left()):
            update = trainer.critic_step()
        trainer.generator_step()
        losses.append(update.loss)
    nd.waitall()
    seconds = (time.perf_counter() - began) / steps
    finite = all(np.isfinite(loss.asscalar()) for loss in losses)
    return report(f"{settings.preset}, {steps} steps on {device}, {seconds:.3f} s a step", finite)


def report(text, good):
    sys.stderr.write(f"{text}: {'ok' if good else 'WRONG'}\n")
    return good


if __name__ == "__main__":
    main()
