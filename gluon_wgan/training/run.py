"""From settings to a run: find the data, build the networks and optimizers, start or resume, train."""

import dataclasses
import logging

import mxnet as mx
import numpy as np

from gluon_wgan.checkpoint import list_checkpoints, verify_checkpoint
from gluon_wgan.data import Batches, open_source, prepare
from gluon_wgan.data.lsun import draw_bedrooms
from gluon_wgan.data.prepared import made_now
from gluon_wgan.errors import UserError
from gluon_wgan.models import build_critic, build_generator, parameter_count
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.run_folder import describe_environment
from gluon_wgan.schedule import EpochSchedule, Schedule
from gluon_wgan.settings import PROCEDURAL_PICTURES, flag_of
from gluon_wgan.training.loop import expected_seconds, fit
from gluon_wgan.training.trainer import Trainer

log = logging.getLogger(__name__)

_BITS = ("mxnet", "numpy", "numba")  # whose version the last bits may depend on
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
    """Raise UserError unless these settings may go on with a run; return the checkpoint to go on from, if there is one.

    Every setting must be the run's own, but for more generator steps, and the place of the data. A run that was
    imported and never trained is bound by its preset and its networks alone. The checkpoint is the newest that is whole
    and that metrics.jsonl reaches.
    """
    config = run.read_config()
    recorded = type(settings).from_json(config, run.path / "config.json")
    never_trained = "pictures" not in config
    changes = [
        f"{flag_of(field.name)} {getattr(settings, field.name)} (the run has {getattr(recorded, field.name)})"
        for field in dataclasses.fields(settings)
        if getattr(settings, field.name) != getattr(recorded, field.name)
        and field.name != "data"  # what the pictures are is compared once they are prepared
        and not (field.name == "generator_steps" and settings.generator_steps > recorded.generator_steps)
        and not (never_trained and field.name not in _OF_NETWORKS)
    ]
    if changes and never_trained:
        raise UserError("--resume", ", ".join(changes), "the preset and the networks that were imported")
    if changes:
        raise UserError("--resume", ", ".join(changes), "the run's own settings; only --generator-steps may grow")
    return _newest_supported(run)


def _newest_supported(run):
    """Return the newest checkpoint that is whole and whose steps metrics.jsonl has; None where training starts anew."""
    lines, problems = None, []
    for checkpoint in reversed(list_checkpoints(run.checkpoints) if run.checkpoints.is_dir() else []):
        try:
            steps = verify_checkpoint(checkpoint)["generator_steps"]
        except UserError as error:
            if checkpoint.name == "step_0000000":
                raise  # perhaps an imported one: nothing would bring its weights back
            problems.append(error.given)
            continue
        if steps and lines is None:
            lines = sum(1 for _ in run.whole_metrics())
        if not steps or steps <= lines:
            break
        problems.append(f"{checkpoint} (metrics.jsonl has {lines} whole lines, and {steps} are needed)")
    else:
        checkpoint = None
    for problem in problems:
        log.warning("not taken: %s", problem)
    if problems:
        log.warning("going back to %s, and training the rest again", checkpoint.name if checkpoint else "the start")
    return checkpoint


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
    count = len(prepared) if rows is None else len(rows)
    one_left = settings.generator_turn == "with_critic" and count % settings.batch_size == 1
    if settings.generator == "mlp-mnist" and one_left:
        given = f"{settings.batch_size}, which leaves 1 of {count} pictures for an epoch's last batch"
        allowed = "one that leaves none, 2 or more: of one sample BatchNorm makes a constant"
        raise UserError("--batch-size", given, allowed)
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


def train(settings, run, checkpoint, source, cache_dir, *, allow_unreadable=False, checkpoint_minutes=5.0):
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
    allow_unreadable : bool
        See `prepare`. A run that goes on has its pictures, and needs no leave.
    checkpoint_minutes : float
        See `fit`.

    Raises
    ------
    UserError, NotFiniteError, Interrupted, OSError
    """
    context = find_device(settings.device)
    begun = (run.path / "config.json").exists()
    pictures = run.read_config().get("pictures") if begun else None
    made_by = pictures["made_by"] if isinstance(pictures, dict) else None
    leave = allow_unreadable or pictures is not None
    prepared = prepare(source, settings.image_size, settings.resize, cache_dir, allow_unreadable=leave, made_by=made_by)
    if pictures is not None:
        pictures = _check_pictures(pictures, prepared, settings)
    skipped = prepared.skipped()
    if skipped:
        log.warning("%d pictures could not be decoded, see %s", len(skipped), prepared.folder / "skipped.tsv")
    batches = open_batches(settings, prepared)
    with run:
        if not begun:
            log.info("run folder: %s", run.path)
        content = {"folder": prepared.folder.name, **(pictures or prepared.content)}
        run.write_config({**settings.to_json(), "overrides": settings.overrides(), "pictures": content})
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
            checkpoint_minutes=checkpoint_minutes,
        )


def _check_pictures(recorded, prepared, settings):
    """Raise UserError unless these are the pictures that a run began with; return what to record of them.

    Where they lie, and when they were copied there, does not matter.
    """
    if not isinstance(recorded, dict):
        log.warning("the run began with an older version, which did not record its pictures: taken to be the same")
        return prepared.content
    now = prepared.content
    where = settings.data or "the drawn bedrooms"
    if (now["pictures"], now["keys_sha256"]) != (recorded["pictures"], recorded["keys_sha256"]):
        given = f"{where}, {now['pictures']} pictures, not the same by number and name"
        raise UserError("--data", given, f"the {recorded['pictures']} pictures that the run began with")
    before, after, here = map(_in_words, (recorded["made_by"], now["made_by"], made_now(settings.resize)))
    if now["pictures_sha256"] != recorded["pictures_sha256"]:
        if before == after:
            given = f"{where}, {now['pictures']} pictures of the same names, whose content is not the same"
            raise UserError("--data", given, "the pictures that the run began with")
        log.warning("the run began with pictures %s; these are %s, and differ", before, after)
        log.warning("to keep the old ones, give the --cache-dir that still has %s", recorded.get("folder"))
    elif after != here:
        log.warning("going on with the pictures that the run began with, %s; installed here is: %s", after, here)
    return recorded


def _in_words(made_by):
    return f"decoded by {made_by['decode']}, resized by {made_by['resize']}"


def _note_start(run, trainer):
    now = {**describe_environment(), "from_generator_step": trainer.generator_steps}
    earlier = run.add_environment(now)
    if earlier:
        log.info("going on after generator step %d, critic step %d", trainer.generator_steps, trainer.critic_steps)
        if earlier[-1]["omp_num_threads"] != now["omp_num_threads"]:
            before, after = earlier[-1]["omp_num_threads"], now["omp_num_threads"]
            log.warning("OMP_NUM_THREADS was %s and is %s: the weights will differ in their last bits", before, after)
        before, after = (_what_bits_hang_on(start) for start in (earlier[-1], now))
        changed = [f"{name} was {before[name]} and is {after[name]}" for name in before if before[name] != after[name]]
        if changed:
            log.warning("%s: the weights may differ in their last bits", ", ".join(changed))


def _what_bits_hang_on(start):
    kernels = {"GLUON_WGAN_KERNELS": start.get("gluon_wgan_kernels")}
    return {**{name: start["packages"].get(name) for name in _BITS}, **kernels}


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
