"""From settings to what trains: devices, data, networks, optimizers, and one trainer or a team of them."""

import logging
from functools import partial

import mxnet as mx
import numpy as np

from gluon_wgan.cuda import check_card
from gluon_wgan.data import Batches, open_source, prepare
from gluon_wgan.data.batches import normalise
from gluon_wgan.data.lsun import draw_bedrooms
from gluon_wgan.data.sentences import COUNT as SENTENCES
from gluon_wgan.data.sentences import draw_sentences
from gluon_wgan.data.text import Text, one_hot
from gluon_wgan.errors import UserError
from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.schedule import EpochSchedule, Schedule
from gluon_wgan.settings import PROCEDURAL_PICTURES
from gluon_wgan.training.team import Team, share_of
from gluon_wgan.training.trainer import Trainer

log = logging.getLogger(__name__)


def find_devices(name, numbers=(0,)):
    """Return the MXNet contexts of "cpu" or "gpu" with these numbers, a list.

    Raises
    ------
    UserError
        If this MXNet has no GPU, or not so many, or a number comes twice.
    """
    if name == "gpu" and not mx.runtime.Features().is_enabled("CUDA"):
        raise UserError("--device", "gpu (this MXNet was built without CUDA)", "cpu; or what `make setup-gpu` installs")
    there = mx.context.num_gpus() if name == "gpu" else None
    if there == 0:
        raise UserError("--device", "gpu (no GPU found)", "cpu")
    if len(set(numbers)) < len(numbers) or min(numbers) < 0 or (there and max(numbers) >= there):
        allowed = f"0 to {there - 1}, each once" if there else "whole numbers, 0 or more, each once"
        raise UserError("--devices", ",".join(map(str, numbers)), allowed)
    if name == "gpu":
        for number in numbers:
            check_card(number)
    return [mx.Context(name, number) for number in numbers]


def open_data(settings, cache_dir):
    """Return the source that the settings name; without --data, what the project draws, drawn if it is not there yet.

    Raises
    ------
    UserError
        If there is no data, or less than a batch.
    """
    text = settings.generator == "text"
    if settings.data is None:
        count, what = (SENTENCES, "sentences") if text else (PROCEDURAL_PICTURES, "bedrooms")
        log.info("no --data: training on %d %s that the project draws itself", count, what)
    if text:
        source = Text(settings.data or draw_sentences(cache_dir), settings.sequence_length, settings.symbols)
    elif settings.data is None:
        source = open_source(draw_bedrooms(cache_dir, PROCEDURAL_PICTURES), None, settings.image_channels)
    else:
        source = open_source(settings.data, settings.category, settings.image_channels)
    if settings.data is not None and len(source) < settings.batch_size:
        allowed = f"1 to {len(source)}, the number of {'lines' if text else 'pictures'} in {settings.data}"
        raise UserError("--batch-size", settings.batch_size, allowed)
    return source


def prepare_data(settings, source, cache_dir, **how):
    """Return what `open_data` gave as rows to train on: pictures prepared, see `prepare`; a text is as it is.

    Raises
    ------
    UserError
        As `prepare`; or if the pictures do not have so many labels as the settings say.
    """
    if settings.generator == "text":
        return source
    prepared = prepare(source, settings.image_size, settings.resize, cache_dir, **how)
    if settings.classes:
        prepared.labels = _labels(source, prepared, settings.classes)
    return prepared


def _labels(source, prepared, classes):
    """Return the label of each row, uint8."""
    labels = source.labels()
    if labels is None:
        raise UserError("--classes", f"{classes}, of {source.name}", "0: there are no labels with these pictures")
    if len(labels) != len(prepared) or labels.max() >= classes:
        given = f"{classes}, of {len(prepared)} pictures with {len(labels)} labels, up to {labels.max()}"
        raise UserError("--classes", given, f"{labels.max() + 1}, a label for each picture; or 0")
    return labels


def open_batches(settings, prepared, share=slice(None)):
    """Return the `Batches` of prepared pictures that the settings describe, or a share of each."""
    rows = np.flatnonzero(~prepared.held_out) if settings.hold_out else None
    tail = settings.epoch_end == "cut" or settings.generator_turn == "with_critic"
    count = len(prepared) if rows is None else len(rows)
    one_left = settings.generator_turn == "with_critic" and count % settings.batch_size == 1
    if settings.generator == "mlp-mnist" and one_left:
        given = f"{settings.batch_size}, which leaves 1 of {count} pictures for an epoch's last batch"
        allowed = "one that leaves none, 2 or more: of one sample BatchNorm makes a constant"
        raise UserError("--batch-size", given, allowed)
    as_batch = partial(one_hot, symbols=settings.symbols) if settings.generator == "text" else normalise
    labels = prepared.labels if settings.classes else None
    how = {"tail": tail, "share": share, "as_batch": as_batch, "labels": labels}
    return Batches(prepared, settings.batch_size, settings.seed, rows, **how)


def batch_shape(settings):
    """Return the shape of one picture, or line, as the critic sees it."""
    if settings.generator == "text":
        return settings.symbols, settings.sequence_length
    return settings.critic_inputs, settings.image_size, settings.image_size


def build_trainer(settings, batches, context, hybridize=True, share=slice(None)):
    """Return a `Trainer` with the networks, optimizers, schedule and clipping that the settings describe.

    For --epoch-end cut and --generator-turn with_critic, `batches` have their tail, and a length.
    """
    generator, critic = build_generator(settings), build_critic(settings)
    for network in (generator, critic):
        network.collect_params().reset_ctx(context)
    clip_bound = settings.clip_bound if settings.lipschitz == "clip" else None
    # MXNet's fused kernel clips after the update: where that is what is asked for, it does both at once
    fused_clip = (settings.optimizer, settings.clip_order) == ("rmsprop", "after_update")
    return Trainer(
        generator,
        critic,
        batches,
        generator_optimizer=_optimizer(settings, settings.generator_rmsprop_epsilon, None),
        critic_optimizer=_optimizer(settings, settings.critic_rmsprop_epsilon, clip_bound if fused_clip else None),
        schedule=_schedule(settings, batches),
        shared_latents=settings.generator_turn == "with_critic",
        loss=settings.loss,
        clip_bound=None if fused_clip else clip_bound,
        clip_order=settings.clip_order,
        gp_lambda=settings.gp_lambda if settings.lipschitz == "gradient_penalty" else None,
        gp_one_sided=settings.gp_one_sided,
        latent_dim=settings.latent_dim,
        classes=settings.classes,
        critic_labels=settings.critic_labels,
        seed=settings.seed,
        share=share,
        hybridize=hybridize,
    )


def _schedule(settings, batches):
    if settings.generator_turn == "with_critic":
        return EpochSchedule(settings.n_critic, len(batches))
    return Schedule(
        settings.n_critic,
        settings.n_critic_boost,
        settings.boost_generator_steps,
        settings.boost_every,
        batches_an_epoch=len(batches) if settings.epoch_end == "cut" else 0,
    )


def _optimizer(settings, epsilon, clip_bound):
    if settings.optimizer == "adam":
        return mx.optimizer.Adam(settings.learning_rate, settings.adam_beta1, settings.adam_beta2)
    if settings.optimizer == "sgd":
        return mx.optimizer.SGD(learning_rate=settings.learning_rate)
    return RMSProp(
        settings.learning_rate,
        settings.rmsprop_decay,
        epsilon,
        settings.epsilon_placement,
        clip_bound,
        settings.rmsprop_initial_square,
    )


def check_parts(settings, parts):
    """Raise UserError unless a batch can be shared between so many devices."""
    most = settings.batch_size // (2 if settings.generator == "mlp-mnist" else 1)  # of one sample it makes a constant
    if parts > most:
        allowed = f"{most} at most, for --batch-size {settings.batch_size}"
        raise UserError("workers times --devices", parts, allowed)
    if settings.epoch_end == "cut" or settings.generator_turn == "with_critic":
        given = f"{parts} devices with --epoch-end {settings.epoch_end} --generator-turn {settings.generator_turn}"
        raise UserError(
            "--kvstore", given, "batches that are all full: --epoch-end run_on --generator-turn after_critic"
        )


def open_parts(settings, prepared, contexts, store):
    """Return (context, share, batches) of each device of this process; `store` is None for one device alone."""
    if store is None:
        return [(contexts[0], slice(None), open_batches(settings, prepared))]
    parts = len(contexts) * store.workers
    shares = [
        share_of(settings.batch_size, store.worker * len(contexts) + number, parts) for number in range(len(contexts))
    ]
    return [(context, share, open_batches(settings, prepared, share)) for context, share in zip(contexts, shares)]


def build_whole(settings, parts, store):
    """Return what trains on these parts: a trainer, or a `Team` of one for each."""
    trainers = [build_trainer(settings, batches, context, share=share) for context, share, batches in parts]
    return trainers[0] if store is None else Team(trainers, store)
