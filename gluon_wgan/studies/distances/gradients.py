"""The gradient that a generator gets while it stands still and a fresh discriminator, or critic, is trained on.

As Arjovsky and Bottou: Towards Principled Methods for Training Generative Adversarial Networks (2017), Figures 2 and 3:
a generator is trained for a while and then held; a discriminator is trained against it from the start.
"""

from dataclasses import replace

import mxnet as mx
import numpy as np
from mxnet import autograd, nd
from tqdm import tqdm

from gluon_wgan import streams
from gluon_wgan.data import open_source, prepare
from gluon_wgan.data.lsun import draw_bedrooms
from gluon_wgan.errors import UserError
from gluon_wgan.lipschitz import clip_weights
from gluon_wgan.losses import generator_loss
from gluon_wgan.models import build_critic
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.schedule import Schedule
from gluon_wgan.settings import PROCEDURAL_PICTURES, preset_settings
from gluon_wgan.training.build import build_trainer, open_batches
from gluon_wgan.training.trainer import Trainer

# Fixed before anything was trained. Pictures, and the DCGAN pair, since the claim is about them: of 16x16x3 pixels, as
# the smallest that the pair makes, so that all of it takes minutes.
SETTINGS = replace(preset_settings("paper"), image_size=16, generator_channels=8, critic_channels=8)
GENERATOR_STEPS = 200  # with the Wasserstein loss, before the generator is held
PROBES = (0, 10, 30, 100, 300, 1000, 2000, 3000, 4000)  # updates of the fresh network; 0 is before the first
LATENT_BATCHES = 16  # over which norms are averaged and variances taken; the same at every probe
SEEDS = (0, 1, 2)
# the loss a network is trained with, and the losses of the generator that are looked at with it
_LOSSES = {"minimax": ("minimax", "non_saturating"), "wasserstein": ("wasserstein",)}


def generator_gradient(generator, critic, loss, latent):
    """Return the gradient of a generator's loss with respect to all its weights, one float64 vector.

    Parameters
    ----------
    generator, critic : mxnet.gluon.HybridBlock
        BatchNorm takes the statistics of the batch in both, as in training.
    loss : str
        See `gluon_wgan.losses.generator_loss`; another raises UserError.
    latent : numpy.ndarray
        (N, latent_dim, 1, 1).
    """
    with autograd.record():
        fake = generator(nd.array(latent))
    pictures = fake.detach()
    pictures.attach_grad()
    with autograd.record():
        value = generator_loss(loss, critic(pictures))
    (picture_gradient,) = autograd.grad(value, [pictures])
    fake.backward(picture_gradient)
    weights = [one for one in generator.collect_params().values() if one.grad_req != "null"]
    return np.concatenate([one.grad().asnumpy().ravel() for one in weights]).astype(np.float64)


def norm_and_variance(gradients):
    """Return the mean norm of gradients (batches, weights), and their variance over the batches, summed over weights.

    Raises
    ------
    UserError
        If there are fewer than two.
    """
    if len(gradients) < 2:
        raise UserError("gradients", len(gradients), "two or more batches")
    return float(np.linalg.norm(gradients, axis=1).mean()), float(np.var(gradients, axis=0, ddof=1).sum())


def held_generator(settings, prepared, steps, bar):
    """Return a generator trained for so many steps, the critic `n_critic` updates before each; `bar` counts these."""
    trainer = build_trainer(settings, open_batches(settings, prepared), mx.cpu())
    for _ in range(steps):
        for _ in range(settings.n_critic):
            trainer.critic_step()
            bar.update()
        trainer.generator_step()
    return trainer.generator


def _follow(generator, loss, settings, prepared, probes, latent_batches, bar):
    """Train a fresh network with a loss against a generator; return {generator's loss: (norms, variances)}."""
    fresh = replace(settings, seed=settings.seed + 1000)  # other weights and draws than the generator was trained with
    clip_bound = fresh.clip_bound if loss == "wasserstein" else None
    trainer = Trainer(
        generator,
        build_critic(fresh),
        open_batches(fresh, prepared),
        generator_optimizer=RMSProp(),
        critic_optimizer=RMSProp(clip_weights=clip_bound),
        schedule=Schedule(),
        loss=loss,
        clip_bound=None,
        latent_dim=fresh.latent_dim,
        seed=fresh.seed,
    )
    if clip_bound is not None:
        clip_weights(trainer.critic, clip_bound)
    shape = (fresh.batch_size, fresh.latent_dim, 1, 1)
    latents = [streams.normal(fresh.seed, "distances: latents", index, shape) for index in range(latent_batches)]
    found = {name: ([], []) for name in _LOSSES[loss]}
    for probe in probes:
        while trainer.critic_steps < probe:
            trainer.critic_step()
            bar.update()
        for name, (norms, variances) in found.items():
            gradients = [generator_gradient(generator, trainer.critic, name, latent) for latent in latents]
            norm, variance = norm_and_variance(np.array(gradients))
            norms.append(norm)
            variances.append(variance)
    return found


def summarise(norms, variances):
    """Return what of the norms and variances, each (seeds, probes), the claims ask for: medians, and every seed's."""
    norms, variances = np.array(norms), np.array(variances)
    last_over_first, growth = norms[:, -1] / norms[:, 0], variances[:, -1] / variances[:, 0]
    last_over_largest = norms[:, -1] / norms.max(axis=1)
    return {
        "last_over_first": float(np.median(last_over_first)),
        "last_over_first_of_seeds": last_over_first.tolist(),
        "last_over_largest": float(np.median(last_over_largest)),
        "last_over_largest_of_seeds": last_over_largest.tolist(),
        "variance_growth": float(np.median(growth)),
        "variance_growth_of_seeds": growth.tolist(),
        "norms": norms.tolist(),
        "variances": variances.tolist(),
    }


def measure(
    cache_dir,
    settings=SETTINGS,
    seeds=SEEDS,
    probes=PROBES,
    generator_steps=GENERATOR_STEPS,
    latent_batches=LATENT_BATCHES,
    pictures=PROCEDURAL_PICTURES,
):
    """Follow the generator's gradient for the three losses; return norms, variances and their summaries, JSON values.

    Parameters
    ----------
    cache_dir : str or pathlib.Path
        For the bedrooms that are drawn.
    settings : gluon_wgan.settings.Settings
    seeds : sequence of int
    probes : sequence of int
        Growing numbers of updates, the first of them 0.
    generator_steps, latent_batches, pictures : int

    Raises
    ------
    UserError
        If the probes do not grow from 0, or there is no seed.
    """
    if len(probes) < 2 or probes[0] != 0 or list(probes) != sorted(set(probes)):
        raise UserError("probes", probes, "two or more growing numbers of updates, the first of them 0")
    if not seeds:
        raise UserError("seeds", "none", "one or more")
    prepared = prepare(open_source(draw_bedrooms(cache_dir, pictures)), settings.image_size, settings.resize, cache_dir)
    total = len(seeds) * (generator_steps * settings.n_critic + len(_LOSSES) * probes[-1])
    courses = {name: ([], []) for names in _LOSSES.values() for name in names}
    with tqdm(total=total, unit="update", desc="generator's gradients") as bar:
        for seed in seeds:
            of_seed = replace(settings, seed=seed)
            generator = held_generator(of_seed, prepared, generator_steps, bar)
            for loss in _LOSSES:
                found = _follow(generator, loss, of_seed, prepared, probes, latent_batches, bar)
                for name, (norms, variances) in found.items():
                    courses[name][0].append(norms)
                    courses[name][1].append(variances)
    shown = ("image_size", "generator_channels", "critic_channels", "batch_size", "n_critic", "learning_rate")
    return {
        "settings": {name: getattr(settings, name) for name in (*shown, "clip_bound", "clip_order")},
        "pictures": pictures,
        "generator_steps": generator_steps,
        "latent_batches": latent_batches,
        "seeds": list(seeds),
        "probes": list(probes),
        **{name: summarise(*course) for name, course in courses.items()},
    }
