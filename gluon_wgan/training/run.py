"""A run of settings: start or resume it in its folder, and train to the end."""

import dataclasses
import logging

from gluon_wgan.checkpoint import list_checkpoints, verify_checkpoint
from gluon_wgan.data.prepared import made_now
from gluon_wgan.environment import describe_environment
from gluon_wgan.errors import UserError
from gluon_wgan.models import build_critic, build_generator, parameter_count
from gluon_wgan.settings import flag_of
from gluon_wgan.training.build import batch_shape, build_whole, find_devices, open_parts, prepare_data
from gluon_wgan.training.loop import expected_seconds, fit, follow
from gluon_wgan.training.shown import ShownLines, ShownPictures

log = logging.getLogger(__name__)

_BITS = ("mxnet", "numpy", "numba")  # whose version the last bits may depend on
# what an imported checkpoint settles
_OF_NETWORKS = (
    "preset generator critic generator_channels critic_channels extra_layers latent_dim image_size image_channels "
    "depth sequence_length symbols classes"
).split()


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


def train(
    settings,
    run,
    checkpoint,
    source,
    cache_dir,
    *,
    allow_unreadable=False,
    checkpoint_minutes=5.0,
    devices=(0,),
    store=None,
):
    """Prepare the data, start a run or go on from a checkpoint, and train to the end.

    Of a job's workers only the first one reads and writes the run folder; the others go on with it.

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
    devices : sequence of int
        Numbers of this process's devices.
    store : gluon_wgan.training.cluster.Store, optional
        Where there are several devices or workers.

    Raises
    ------
    UserError, NotFiniteError, Interrupted, OSError
    """
    contexts = find_devices(settings.device, devices)
    first = store is None or store.worker == 0
    begun = first and (run.path / "config.json").exists()
    pictures = run.read_config().get("pictures") if begun else None
    made_by = pictures["made_by"] if isinstance(pictures, dict) else None
    leave = allow_unreadable or pictures is not None
    prepared = prepare_data(settings, source, cache_dir, allow_unreadable=leave, made_by=made_by)
    if pictures is not None:
        pictures = _check_pictures(pictures, prepared, settings)
    skipped = prepared.skipped()
    if skipped:
        log.warning("%d pictures could not be decoded, see %s", len(skipped), prepared.folder / "skipped.tsv")
    if store is not None:
        store.require_same(_what_all_share(settings, prepared, contexts))
    parts = open_parts(settings, prepared, contexts, store)
    if not first:
        trainer = build_whole(settings, parts, store)
        trainer.start_alike()
        follow(trainer, settings.generator_steps)
        return
    with run:
        if not begun:
            log.info("run folder: %s", run.path)
        content = {"folder": prepared.folder.name, **(pictures or prepared.content)}
        parallel = {"workers": store.workers, "devices": len(contexts)} if store else {}
        config = {**settings.to_json(), "overrides": settings.overrides(), **parallel, "pictures": content}
        run.write_config(config)
        trainer = build_whole(settings, parts, store)
        seconds = trainer.load(checkpoint)["seconds"] if checkpoint else 0.0
        if store is not None:
            trainer.start_alike()
        _note_start(run, trainer, parallel)
        _announce(settings, trainer)
        text = settings.generator == "text"
        fit(
            trainer,
            run,
            ShownLines(prepared, settings.hold_out) if text else ShownPictures(settings.bn_mode),
            generator_steps=settings.generator_steps,
            sample_every=settings.sample_every,
            checkpoint_every=settings.checkpoint_every,
            seconds=seconds,
            checkpoint_minutes=checkpoint_minutes,
        )


def _what_all_share(settings, prepared, contexts):
    """Return what must be the same on all workers, {flag: JSON value}."""
    flags = {flag_of(name): value for name, value in settings.to_json().items() if name not in ("data", "device")}
    flags["--devices"], flags["--data"] = len(contexts), prepared.content
    return flags


def _check_pictures(recorded, prepared, settings):
    """Raise UserError unless these are the pictures that a run began with; return what to record of them.

    Where they lie, and when they were copied there, does not matter.
    """
    if not isinstance(recorded, dict):
        log.warning("the run began with an older version, which did not record its pictures: taken to be the same")
        return prepared.content
    now, text = prepared.content, settings.generator == "text"
    what, drawn = ("lines", "sentences") if text else ("pictures", "bedrooms")
    where = settings.data or f"the drawn {drawn}"
    if (now["pictures"], now["keys_sha256"]) != (recorded["pictures"], recorded["keys_sha256"]):
        given = f"{where}, {now['pictures']} {what}, not the same by number and name"
        raise UserError("--data", given, f"the {recorded['pictures']} {what} that the run began with")
    made_here = now["made_by"] if text else made_now(settings.resize)
    before, after, here = map(_in_words, (recorded["made_by"], now["made_by"], made_here))
    if now["pictures_sha256"] != recorded["pictures_sha256"]:
        if before == after:
            given = f"{where}, {now['pictures']} {what} of the same names, whose content is not the same"
            raise UserError("--data", given, f"the {what} that the run began with")
        log.warning("the run began with pictures %s; these are %s, and differ", before, after)
        log.warning("to keep the old ones, give the --cache-dir that still has %s", recorded.get("folder"))
    elif after != here:
        log.warning("going on with the pictures that the run began with, %s; installed here is: %s", after, here)
    return recorded


def _in_words(made_by):
    return f"decoded by {made_by['decode']}, resized by {made_by['resize']}"


def _note_start(run, trainer, parallel):
    now = {**describe_environment(), **parallel, "from_generator_step": trainer.generator_steps}
    earlier = run.add_environment(now)
    if earlier:
        log.info("going on after generator step %d, critic step %d", trainer.generator_steps, trainer.critic_steps)
        if earlier[-1]["omp_num_threads"] != now["omp_num_threads"]:
            before, after = earlier[-1]["omp_num_threads"], now["omp_num_threads"]
            log.warning("OMP_NUM_THREADS was %s and is %s: the weights will differ in their last bits", before, after)
        before, after = (start.get("workers", 1) * start.get("devices", 1) for start in (earlier[-1], now))
        if before != after:
            log.warning("the batch was shared by %d and is by %d: the weights will differ", before, after)
        before, after = (_what_bits_hang_on(start) for start in (earlier[-1], now))
        changed = [f"{name} was {before[name]} and is {after[name]}" for name in before if before[name] != after[name]]
        if changed:
            log.warning("%s: the weights may differ in their last bits", ", ".join(changed))


def _what_bits_hang_on(start):
    kernels = {"GLUON_WGAN_KERNELS": start.get("gluon_wgan_kernels")}
    return {**{name: start["packages"].get(name) for name in _BITS}, **kernels}


def _announce(settings, trainer):
    seconds = expected_seconds(trainer, settings.generator_steps, batch_shape(settings))
    log.info("expected duration: %s (to generator step %d)", in_words(seconds), settings.generator_steps)
    if seconds > 86400:
        smaller = "--generator-channels 64 --critic-channels 64"
        if settings.generator != "text":
            smaller = "--image-size 32 --generator-channels 16 --critic-channels 16"
        log.info("shorter: --generator-steps 5000, %s", smaller)


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
    what, drawn = ("lines", "sentences") if settings.generator == "text" else ("pictures", "bedrooms")
    lines.append(f"{what}: {f'{len(source)} in {settings.data}' if source else f'{drawn} drawn by the project'}")
    for name, network in (("generator", generator), ("critic", critic)):
        lines.append(f"{name}: {parameter_count(network):,} trainable parameters")
        lines += [
            f"    {parameter_name} {parameter.shape}"
            for parameter_name, parameter in network._collect_params_with_prefix().items()
        ]
    batch = settings.batch_size
    shapes = (batch, settings.latent_numbers, 1, 1), (batch, *batch_shape(settings))
    scores = f"scores ({batch},)" + (f", and names of {settings.classes} labels" if settings.critic_outputs > 1 else "")
    lines.append(f"latents {shapes[0]} -> {what} {shapes[1]} -> {scores}")
    log.info("%s", "\n".join(lines))
