"""Run a training in a run folder: schedule, records, samples, curves, checkpoints, progress, a clean stop."""

import contextlib
import logging
import math
import signal
import sys
import time

from mxnet import nd
from tqdm import tqdm

from gluon_wgan.checkpoint import drop_checkpoints_by_clock, list_checkpoints
from gluon_wgan.errors import Interrupted, NotFiniteError
from gluon_wgan.files import as_text
from gluon_wgan.models.flops import gemm_flops_per_second, update_flops, update_outputs
from gluon_wgan.pictures import Curve, save_curves
from gluon_wgan.training.event_file import EventFile

log = logging.getLogger(__name__)

# Drawing curves.png costs a quarter of a second, more than some runs' 500 steps: it is due when so many times as long
# has passed as it took.
_BETWEEN_CURVES = 200
# How long an update takes: its convolutions at the rate of a matrix product, which does so much in the time in which an
# operator writes a number, and seconds for what is there at any size. Set by hand, so that what experiments/speed.py
# and experiments/networks.py measured comes out right.
_FLOP_OF_AN_OUTPUT = 100
_UPDATE_OVERHEAD = 0.005


def fit(trainer, run, shown, *, generator_steps, sample_every, checkpoint_every, seconds=0.0, checkpoint_minutes=5.0):
    """Train until `generator_steps`, and keep the run folder: metrics, samples, curves, checkpoints, TensorBoard.

    Parameters
    ----------
    trainer : Trainer
        New, or loaded from a checkpoint of this run.
    run : RunFolder
        Entered, so that this process is its only writer.
    shown : gluon_wgan.training.shown.ShownPictures or ShownLines
    generator_steps, sample_every, checkpoint_every : int
    seconds : float
        What earlier starts of this run took.
    checkpoint_minutes : float
        Minutes after which a checkpoint is due at the latest, be it between two critic updates. Of these only the
        newest is kept.

    Raises
    ------
    NotFiniteError
        If a loss, a weight or a sample is not finite; nothing is saved after it.
    Interrupted
        If SIGINT or SIGTERM arrived; a checkpoint was written, if need be between two critic updates.
    OSError
        If a file cannot be written.
    """
    curve = Curve()
    run.start_metrics(trainer.generator_steps, lambda record: curve.add(record["em_distance_estimate"]))
    began = time.monotonic() - seconds
    if not any(run.samples.glob("real.*")):
        shown.real(trainer, run.samples)
    board = EventFile(run.path / "tensorboard", trainer.generator_steps + 1)
    updates = trainer.schedule.critic_updates_until(generator_steps) + generator_steps
    bar = _Bar(total=updates, initial=trainer.critic_steps + trainer.generator_steps)
    saved = time.monotonic()
    draw_after = -math.inf

    def save(by_clock=False):
        nonlocal saved
        run.flush_metrics()  # before what counts on them
        trainer.save(run.checkpoints, seconds=time.monotonic() - began, by_clock=by_clock)
        drop_checkpoints_by_clock(run.checkpoints)
        saved = time.monotonic()

    last = None  # the critic update before

    with _naming_what_is_kept(run), contextlib.closing(board), bar, _stop_requests() as stop:
        while trainer.generator_steps < generator_steps:
            for _ in range(trainer.critic_updates_left()):
                stopping, due = trainer.agree(stop.requested, time.monotonic() - saved > 60 * checkpoint_minutes)
                if stopping or due:
                    if last is not None:
                        _require_finite(trainer, critic_loss=last.loss.asscalar())
                    save(by_clock=not stopping)
                if stopping:
                    raise Interrupted(f"stopped after generator step {trainer.generator_steps}")
                last = trainer.critic_step()
                bar.update()
            generator_loss = trainer.generator_step()
            record = _record(trainer, last, generator_loss, time.monotonic() - began)
            step, estimate = trainer.generator_steps, record["em_distance_estimate"]
            show = step % sample_every == 0 or step == generator_steps
            if show:
                record |= shown.samples(trainer, run.samples, step)
            run.append_metrics(record)
            board.add(record)
            curve.add(estimate)
            bar.update()
            bar.set_postfix_str(f"generator step {step}/{generator_steps}, EM estimate {estimate:.4f}", refresh=False)
            if show:
                now = time.monotonic()
                if step == generator_steps or now >= draw_after:
                    save_curves(run.path / "curves.png", curve, as_text(run.path.resolve().name))
                    draw_after = time.monotonic() + _BETWEEN_CURVES * (time.monotonic() - now)
            if step % checkpoint_every == 0 or step == generator_steps:
                save()


def follow(trainer, generator_steps):
    """Train until `generator_steps` as a worker beside the one that keeps the run folder, see `fit`.

    Raises
    ------
    NotFiniteError, Interrupted
        Together with that one.
    """
    last = None
    with _stop_requests() as stop:
        while trainer.generator_steps < generator_steps:
            for _ in range(trainer.critic_updates_left()):
                stopping, due = trainer.agree(stop.requested, False)
                if (stopping or due) and last is not None:
                    _require_finite(trainer, critic_loss=last.loss.asscalar())
                if stopping:
                    raise Interrupted(f"stopped after generator step {trainer.generator_steps}")
                last = trainer.critic_step()
            _record(trainer, last, trainer.generator_step(), 0.0)  # it looks whether all is finite


@contextlib.contextmanager
def _naming_what_is_kept(run):
    """Let a NotFiniteError from within name the last good checkpoint, if there is one."""
    try:
        yield
    except NotFiniteError as error:
        kept = list_checkpoints(run.checkpoints)
        kept = f"the last good checkpoint, {kept[-1].name}, is kept" if kept else "no checkpoint was written yet"
        raise NotFiniteError(f"{error}; {kept}") from error


class _Bar(tqdm):
    """A progress bar of updates; into a file it is often drawn at first, to show life, and then each half minute."""

    def __init__(self, **arguments):
        super().__init__(unit="update", desc="training", smoothing=0.05, mininterval=0.5, **arguments)

    def update(self, n=1):
        if not (sys.stderr.isatty() or "ipykernel" in sys.modules):  # a notebook's shows as a terminal's
            self.mininterval = min(30, max(0.5, (time.time() - self.start_t) / 4))
        return super().update(n)


def _record(trainer, last, generator_loss, seconds):
    scalars = nd.concat(generator_loss, last.means(), dim=0)
    generator_loss, *means = (float(value) for value in scalars.asnumpy())
    seen = dict(zip(last.names(), means))
    losses = {"critic_loss": seen.pop("loss"), "generator_loss": generator_loss}
    _require_finite(trainer, **losses, **seen)
    score_real, score_fake = seen["score_real"], seen["score_fake"]
    return {
        "generator_step": trainer.generator_steps,
        "critic_steps": trainer.critic_steps,
        "images_seen": trainer.batches.images_until(trainer.critic_steps),
        **losses,
        "em_distance_estimate": score_real - score_fake,
        **seen,
        "seconds": round(seconds, 3),
    }


def _require_finite(trainer, **values):
    for name, value in values.items():
        if not math.isfinite(value):
            raise NotFiniteError(f"{name} is {value} at generator step {trainer.generator_steps}")


class _StopRequest:
    requested = False


@contextlib.contextmanager
def _stop_requests():
    """Turn the first SIGINT or SIGTERM into a request, seen between two updates; a second SIGINT ends at once."""
    stop = _StopRequest()

    def on_signal(number, frame):
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True
        log.warning("stopping after this update and writing a checkpoint (Ctrl-C again to stop without)")

    earlier = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def expected_seconds(trainer, generator_steps, image_shape):
    """Estimate how long the rest of a training takes, by what it computes and writes, on a machine as fast as this one.

    Good to a factor of 1.5 or so, for DCGANs of 8 feature maps and more, residual networks of up to 101 layers, and
    text. Of DCGANs with further layers it is 0.2 (4 feature maps and softplus) to 2.3 times what was measured. The
    progress bar knows better after some updates.

    Parameters
    ----------
    trainer : Trainer
    generator_steps : int
    image_shape : tuple of int
        (C, H, W) of a picture, or (symbols, length) of a line.
    """
    update = (
        trainer.generator,
        trainer.critic,
        trainer.batches.batch_size,
        trainer.latent_dim + trainer.classes,
        image_shape,
        trainer.gp_lambda is not None,
    )
    # a small product: it is done in a tenth of a second, where a run is to start at once
    rate = gemm_flops_per_second(trainer.latents("fixed_latents", 0, 1).context, side=1024)
    of_critic, of_generator = (
        (flops + _FLOP_OF_AN_OUTPUT * outputs) / rate + _UPDATE_OVERHEAD
        for flops, outputs in zip(update_flops(*update), update_outputs(*update))
    )
    critic_updates = trainer.schedule.critic_updates_until(generator_steps) - trainer.critic_steps
    return critic_updates * of_critic + (generator_steps - trainer.generator_steps) * of_generator
