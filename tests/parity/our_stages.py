"""Every stage of a training as this project computes it, as arrays under the names that their_stages.py gives its own.

A name is "stage|tensor". It runs without torch, so that the default tests can compare it with stored arrays.
"""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import numpy as np
from mxnet import autograd, nd
from recipes import (
    LENGTHS,
    MAGNITUDES,
    PLACES,
    RMSPROP,
    encoded_pictures,
    gradients,
    noise_picture,
    photograph,
    scores,
    seen_pictures,
)

from gluon_wgan.data import Batches
from gluon_wgan.data.batches import normalise
from gluon_wgan.data.decode import decode
from gluon_wgan.evaluate import features
from gluon_wgan.lipschitz import clip_weights
from gluon_wgan.losses import critic_loss, generator_loss
from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.models.sampling import sample
from gluon_wgan.resize import crop_offset, get_resizer, resize_and_crop
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.schedule import Schedule
from gluon_wgan.settings import Settings
from gluon_wgan.training.trainer import Trainer

LOSSES = ("wasserstein", "minimax", "non_saturating")


def make_trainer(recipe, pictures, dtype, hybridize, epoch_end="run_on"):
    """Return our trainer of a recipe, with the original's RMSprop and clipping."""
    settings = Settings(**recipe)
    generator, critic = build_generator(settings), build_critic(settings)
    for network in (generator, critic):
        network.cast(dtype)
    batches = Batches(pictures, settings.batch_size, settings.seed, tail=epoch_end == "cut")
    return Trainer(
        generator,
        critic,
        batches,
        generator_optimizer=RMSProp(**RMSPROP),
        critic_optimizer=RMSProp(**RMSPROP),
        schedule=Schedule(batches_an_epoch=len(batches) if epoch_end == "cut" else 0),
        clip_bound=settings.clip_bound if settings.lipschitz == "clip" else None,
        gp_lambda=settings.gp_lambda if settings.lipschitz == "gradient_penalty" else None,
        latent_dim=settings.latent_dim,
        hybridize=hybridize,
    )


def picture_stages():
    """Return the stages from an encoded picture to a batch; they have one precision."""
    arrays = {f"decode|{name}": np.asarray(decode(value)) for name, value in encoded_pictures().items()}
    arrays["resize|pil"] = resize_and_crop(photograph(), 64, get_resizer("pil"))
    arrays["resize, triangle filter|pil"] = resize_and_crop(photograph(), 64, get_resizer("pil"))
    arrays["resize, code 3|gluoncv"] = resize_and_crop(noise_picture(), 32, get_resizer("gluoncv"))
    arrays["crop offset|64 of 64 to 600"] = np.array([crop_offset(length, 64, False) for length in LENGTHS])
    arrays["normalisation|uint8"] = normalise(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1))
    return arrays


def training_stages(recipe, pictures, dtype, hybridize):
    """Return the stages from the initial weights to one critic and one generator step."""
    trainer = make_trainer(recipe, pictures, dtype, hybridize)
    arrays = {}

    def note(stage, network, values):
        for name, parameter in getattr(trainer, network)._collect_params_with_prefix().items():
            if (parameter.grad_req == "null") == (values == "running"):
                array = parameter.grad() if values == "gradient" else parameter.data()
                arrays[f"{stage}|{network} {name}"] = array.asnumpy()

    note("initial weights", "generator", "weight")
    note("initial weights", "critic", "weight")
    latent, real = trainer.latents("critic_latents", 0), trainer._array(trainer.batches[0])
    for mode in ("batch", "running"):
        arrays[f"generator forward|{mode} statistics"] = fake = sample(trainer.generator, latent, mode)
        for name, images in (("real", real), ("fake", trainer._array(fake))):
            arrays[f"critic forward|{name}, {mode} statistics"] = sample(trainer.critic, images, mode)

    scores = trainer.critic_step()[1:3]
    note("gradients of the critic's step", "critic", "gradient")
    # the scores and not their difference, the loss, whose rounding errors are as large as the scores'
    arrays["critic step|mean scores"] = np.array([score.mean().asscalar() for score in scores])
    note("critic step", "critic", "weight")
    note("running statistics after a critic step", "critic", "running")
    loss = trainer.generator_step()
    note("gradients of the generator's step", "generator", "gradient")
    arrays["generator step|loss"] = loss.asnumpy()
    note("generator step", "generator", "weight")
    note("running statistics after a generator step", "generator", "running")
    note("running statistics after a generator step", "critic", "running")

    clipped = build_critic(Settings(**recipe))
    clipped.cast(dtype)
    clip_weights(clipped, 0.01)
    for name, parameter in clipped._collect_params_with_prefix().items():
        if parameter.grad_req != "null":
            arrays[f"clip|{name}"] = parameter.data().asnumpy()
    return arrays


def formula_stages(dtype):
    """Return the losses of given scores; and one update of a zero weight, for both places of epsilon."""
    score_real, score_fake = (nd.array(values, dtype=dtype) for values in scores())
    arrays = {}
    for name in LOSSES:
        arrays[f"losses|critic, {name}"] = critic_loss(name, score_real, score_fake).asnumpy()
        arrays[f"losses|generator, {name}"] = generator_loss(name, score_fake).asnumpy()
    for place in PLACES:
        for magnitude in MAGNITUDES:
            optimizer = RMSProp(epsilon_placement=place, **RMSPROP)
            weight = nd.zeros(64, dtype=dtype)
            gradient = nd.array(gradients(magnitude), dtype=dtype)
            with autograd.pause():
                optimizer.update(0, weight, gradient, optimizer.create_state(0, weight))
            arrays[f"RMSprop update|{place}, gradients of {magnitude:.0e}"] = weight.asnumpy()
    return arrays


def feature_stages():
    """Return what the network behind the kernel distance sees; it has one precision."""
    return {"features of the kernel distance|EfficientNet-lite0": features(seen_pictures(), batch_size=4)}


class Lockstep:
    """Our training, a generator step at a time."""

    def __init__(self, recipe, pictures, dtype, hybridize, epoch_end="run_on"):
        self.trainer = make_trainer(recipe, pictures, dtype, hybridize, epoch_end)

    def step(self):
        """Do one generator step with the critic updates before it; return all their losses."""
        losses = [self.trainer.critic_step()[0] for _ in range(self.trainer.critic_updates_left())]
        losses.append(self.trainer.generator_step())
        return np.array([loss.asscalar() for loss in losses])

    def weights(self):
        """Return the trainable weights of both networks."""
        return {
            f"{name} {key}": parameter.data().asnumpy()
            for name in ("generator", "critic")
            for key, parameter in getattr(self.trainer, name)._collect_params_with_prefix().items()
            if parameter.grad_req != "null"
        }
