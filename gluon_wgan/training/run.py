"""From settings to a run: find the data, build the networks and optimizers, start or resume, train."""

import dataclasses
import logging

import mxnet as mx
import numpy as np

from gluon_wgan.checkpoint import list_checkpoints, verify_checkpoint
from gluon_wgan.data import Batches, open_source, prepare
from gluon_wgan.data.lsun import draw_bedrooms
from gluon_wgan.errors import UserError
from gluon_wgan.models import build_critic, build_generator, parameter_count
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.run_folder import describe_environment
from gluon_wgan.schedule import EpochSchedule, Schedule
from gluon_wgan.settings import PROCEDURAL_PICTURES, flag_of
from gluon_wgan.training.loop import expected_seconds, fit
from gluon_wgan.training.trainer import Trainer

log = logging.getLogger(__name__)

# what an imported checkpoint settles
_OF_NETWORKS = (
    "preset generator critic generator_channels critic_channels extra_layers latent_dim image_size image_channels"
).split()


def find_device(name):
    """Return the MXNet context of "cpu" or "gpu"; raises UserError if this MXNet has no GPU."""
    if name == "gpu":
        if not mx.runtime.Features().is_enabled("CUDA"):
            raise UserError("--device", "gpu (this MXNet was built without CUDA)", "cpu")
        if mx.context.num_gpus() == 0:
            raise UserError("--device", "gpu (no GPU found)", "cpu")
        return mx.gpu()
    return mx.cpu()


def check_resume(run, settings):
    """Raise UserError unless these settings may go on with a run; return its newest checkpoint, None if it has none.

    Every setting must be the run's own, but for more generator steps. A run that was imported and never trained is
    bound by its preset and its networks alone. The checkpoint is verified.
    """
    config = run.read_config()
    recorded = type(settings).from_json(config, run.path / "config.json")
    never_trained = "pictures" not in config
    changes = [
        f"{flag_of(field.name)} {getattr(settings, field.name)} (the run has {getattr(recorded, field.name)})"
        for field in dataclasses.fields(settings)
        if getattr(settings, field.name) != getattr(recorded, field.name)
        and not (field.name == "generator_steps" and settings.generator_steps > recorded.generator_steps)
        and not (never_trained and field.name not in _OF_NETWORKS)
    ]
    if changes and never_trained:
        raise UserError("--resume", ", ".join(changes), "the preset and the networks that were imported")
    if changes:
        raise UserError("--resume", ", ".join(changes), "the run's own settings; only --generator-steps may grow")
    checkpoints = list_checkpoints(run.checkpoints) if run.checkpoints.is_dir() else []
    if not checkpoints:
        return None
    verify_checkpoint(checkpoints[-1])
    return checkpoints[-1]


def open_data(settings, cache_dir):
    """Return the source that the settings name; without --data, our own bedrooms, drawn if they are not there yet.

    Raises
    ------
    UserError
        If there is no data, or less than a batch.
    """
    if settings.data is None:
        log.info("no --data: training on %d bedrooms that the project draws itself", PROCEDURAL_PICTURES)
        return open_source(draw_bedrooms(cache_dir, PROCEDURAL_PICTURES), None, settings.image_channels)
    source = open_source(settings.data, settings.category, settings.image_channels)
    if len(source) < settings.batch_size:
        allowed = f"1 to {len(source)}, the number of pictures in {settings.data}"
        raise UserError("--batch-size", settings.batch_size, allowed)
    return source


def open_batches(settings, prepared):
    """Return the `Batches` of prepared pictures that the settings describe."""
    rows = np.flatnonzero(~prepared.held_out) if settings.hold_out else None
    tail = settings.epoch_end == "cut" or settings.generator_turn == "with_critic"
    return Batches(prepared, settings.batch_size, settings.seed, rows, tail=tail)


def build_trainer(settings, batches, context, hybridize=True):
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
        seed=settings.seed,
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


def train(settings, run, checkpoint, source, cache_dir):
    """Prepare the data, start a run or go on from a checkpoint, and train to the end.

    Parameters
    ----------
    settings : Settings
    run : RunFolder
        Checked: new, or of these settings.
    checkpoint : pathlib.Path or None
        To go on from.
    source : gluon_wgan.data.source.Source
    cache_dir : str or pathlib.Path
        For the prepared pictures.

    Raises
    ------
    UserError, NotFiniteError, Interrupted
    """
    context = find_device(settings.device)
    prepared = prepare(source, settings.image_size, settings.resize, cache_dir)
    skipped = prepared.skipped()
    if skipped:
        log.warning("%d pictures could not be decoded, see %s", len(skipped), prepared.folder / "skipped.tsv")
    batches = open_batches(settings, prepared)
    with run:
        config = run.path / "config.json"
        if config.exists():
            used = run.read_config().get("pictures")
            if used not in (None, prepared.folder.name):
                raise UserError("--data", f"{prepared.folder.name} (prepared)", f"{used}, which the run began with")
        else:
            log.info("run folder: %s", run.path)
        run.write_config({**settings.to_json(), "overrides": settings.overrides(), "pictures": prepared.folder.name})
        trainer = build_trainer(settings, batches, context)
        seconds = trainer.load(checkpoint)["seconds"] if checkpoint else 0.0
        _note_start(run, trainer)
        _announce(settings, trainer)
        fit(
            trainer,
            run,
            generator_steps=settings.generator_steps,
            sample_every=settings.sample_every,
            checkpoint_every=settings.checkpoint_every,
            bn_mode=settings.bn_mode,
            seconds=seconds,
        )


def _note_start(run, trainer):
    now = {**describe_environment(), "from_generator_step": trainer.generator_steps}
    earlier = run.add_environment(now)
    if earlier:
        log.info("going on after generator step %d, critic step %d", trainer.generator_steps, trainer.critic_steps)
        if earlier[-1]["omp_num_threads"] != now["omp_num_threads"]:
            before, after = earlier[-1]["omp_num_threads"], now["omp_num_threads"]
            log.warning("OMP_NUM_THREADS was %s and is %s: the weights will differ in their last bits", before, after)


def _announce(settings, trainer):
    image_shape = (settings.image_channels, settings.image_size, settings.image_size)
    seconds = expected_seconds(trainer, settings.generator_steps, image_shape)
    log.info("expected duration: %s (to generator step %d)", in_words(seconds), settings.generator_steps)
    if seconds > 86400:
        log.info("shorter: --generator-steps 5000, --image-size 32 --generator-channels 16 --critic-channels 16")


def in_words(seconds):
    """Return a duration as people say it: "40 seconds", "12 minutes", "3.5 hours", "18 days"."""
    for unit, length, limit in (("seconds", 1, 90), ("minutes", 60, 90), ("hours", 3600, 48)):
        if seconds < limit * length:
            return f"{seconds / length:.0f} {unit}" if unit != "hours" else f"{seconds / length:.1f} {unit}"
    return f"{seconds / 86400:.0f} days"


def describe(settings, out, source):
    """Log what a run of these settings would be: every setting, the parameter counts, the shapes."""
    generator, critic = build_generator(settings), build_critic(settings)
    lines = [f"{flag_of(name)} {value}" for name, value in settings.to_json().items()]
    lines += [f"run folder: {out}", f"overrides of {settings.preset}: {', '.join(settings.overrides()) or 'none'}"]
    lines.append(f"pictures: {f'{len(source)} in {settings.data}' if source else 'bedrooms drawn by the project'}")
    for name, network in (("generator", generator), ("critic", critic)):
        lines.append(f"{name}: {parameter_count(network):,} trainable parameters")
        lines += [
            f"    {parameter_name} {parameter.shape}"
            for parameter_name, parameter in network._collect_params_with_prefix().items()
        ]
    batch, side = settings.batch_size, settings.image_size
    pictures = (batch, settings.image_channels, side, side)
    lines.append(f"latents {(batch, settings.latent_dim, 1, 1)} -> pictures {pictures} -> scores ({batch},)")
    log.info("%s", "\n".join(lines))
