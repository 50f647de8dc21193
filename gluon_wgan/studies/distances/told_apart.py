"""How surely a fresh discriminator tells a held generator's pictures from real ones that neither has seen.

Arjovsky and Bottou 2017, Theorem 2.1 and Figure 1: where the supports hardly overlap, a trained discriminator is
perfect. Held-out pictures decide, so that learning the training pictures by heart is no help.
"""

from dataclasses import replace

import mxnet as mx
import numpy as np
from mxnet import autograd, nd
from tqdm import tqdm

from gluon_wgan import streams
from gluon_wgan.data import open_source, prepare
from gluon_wgan.data.batches import normalise
from gluon_wgan.data.lsun import draw_bedrooms
from gluon_wgan.errors import UserError
from gluon_wgan.models import build_critic
from gluon_wgan.models.sampling import sample
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies.distances.gradients import held_generator
from gluon_wgan.training.build import open_batches
from gluon_wgan.training.trainer import Trainer

# Fixed before anything was trained. The discriminator normalises each picture for itself: by a batch's statistics it
# would be told that all of a batch are of one kind.
SETTINGS = replace(preset_settings("paper"), image_size=32, generator_channels=16, critic_channels=16, hold_out=True)
_DISCRIMINATOR = "dcgan-layer-norm"
GENERATOR_STEPS = 1000  # with the Wasserstein loss, before the generator is held
UPDATES = 2000  # of the fresh discriminator
PICTURES = 5000  # a tenth of them held out
SEEDS = (0, 1, 2, 3, 4)
_RATE, _BETA1 = 2e-4, 0.5  # DCGAN's Adam


def accuracy(real_scores, fake_scores):
    """Return the share of scores on the right side of 0: (of real ones, above; of generated ones, below)."""
    return float(np.mean(np.asarray(real_scores) > 0)), float(np.mean(np.asarray(fake_scores) < 0))


def _discriminate(generator, settings, prepared, updates, bar):
    """Train a fresh discriminator; return its `accuracy` on held-out and as many new generated pictures."""
    # other weights and draws than the generator was trained with
    fresh = replace(settings, seed=settings.seed + 1000, critic=_DISCRIMINATOR)
    trainer = Trainer(
        generator,
        build_critic(fresh),
        open_batches(fresh, prepared),
        generator_optimizer=mx.optimizer.SGD(),  # which makes no step
        critic_optimizer=mx.optimizer.Adam(learning_rate=_RATE, beta1=_BETA1),
        schedule=None,
        loss="minimax",
        clip_bound=None,
        latent_dim=fresh.latent_dim,
        seed=fresh.seed,
    )
    for _ in range(updates):
        trainer.critic_step()
        bar.update()
    real = normalise(prepared.pictures[np.flatnonzero(prepared.held_out)])
    shape = (fresh.batch_size, fresh.latent_dim, 1, 1)
    batches = -(-len(real) // fresh.batch_size)
    latents = (streams.normal(fresh.seed, "distances: told apart", index, shape) for index in range(batches))
    fake = np.concatenate([sample(generator, nd.array(latent), "batch") for latent in latents])[: len(real)]
    with autograd.predict_mode():
        scores = [trainer.critic(nd.array(pictures)).asnumpy() for pictures in (real, fake)]
    return accuracy(*scores)


def measure(
    cache_dir, settings=SETTINGS, seeds=SEEDS, generator_steps=GENERATOR_STEPS, updates=UPDATES, pictures=PICTURES
):
    """Train a generator, hold it, and train a discriminator against it; return JSON values.

    Parameters
    ----------
    cache_dir : str or pathlib.Path
        For the bedrooms that are drawn.
    settings : gluon_wgan.settings.Settings
        Of the generator's training; the discriminator is as large as its critic.
    seeds : sequence of int
    generator_steps, updates, pictures : int

    Returns
    -------
    dict
        accuracy, of_real and of_fake: means over the seeds; n; and each seed's in of_seeds.

    Raises
    ------
    UserError
        If there is no seed.
    """
    if not seeds:
        raise UserError("seeds", "none", "one or more")
    prepared = prepare(open_source(draw_bedrooms(cache_dir, pictures)), settings.image_size, settings.resize, cache_dir)
    of_seeds = []
    with tqdm(
        total=len(seeds) * (generator_steps * settings.n_critic + updates), unit="update", desc="told apart"
    ) as bar:
        for seed in seeds:
            of_seed = replace(settings, seed=seed)
            generator = held_generator(of_seed, prepared, generator_steps, bar)
            of_real, of_fake = _discriminate(generator, of_seed, prepared, updates, bar)
            of_seeds.append({"seed": seed, "of_real": of_real, "of_fake": of_fake, "accuracy": (of_real + of_fake) / 2})
    shown = ("image_size", "generator_channels", "critic_channels", "batch_size", "n_critic")
    return {
        "settings": {name: getattr(settings, name) for name in shown} | {"discriminator": _DISCRIMINATOR},
        "pictures": pictures,
        "held_out": int(prepared.held_out.sum()),
        "generator_steps": generator_steps,
        "updates": updates,
        "n": len(seeds),
        **{name: float(np.mean([one[name] for one in of_seeds])) for name in ("accuracy", "of_real", "of_fake")},
        "of_seeds": of_seeds,
    }
