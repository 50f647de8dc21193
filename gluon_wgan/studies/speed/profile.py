"""Where an update's time goes, operator by operator; threads and kernels are those of the process."""

import contextlib
import inspect
import json
import tempfile
import time
from dataclasses import replace
from unittest import mock

import mxnet as mx
import numpy as np

from gluon_wgan import kernels
from gluon_wgan.models.flops import gemm_flops_per_second, update_flops
from gluon_wgan.settings import preset_settings
from gluon_wgan.training.timing import noise_trainer, seconds_of

UPDATES = 10  # profiled; as many are timed without the profiler
_LEFT_OUT = ("CachedOp", "CustomFunction")  # what holds others


def settings_of(size, penalised):
    """Return the settings of a size, a dict of image_size, channels and batch_size."""
    channels = dict.fromkeys(("generator_channels", "critic_channels"), size["channels"])
    sides = {name: size[name] for name in ("image_size", "batch_size")}
    return replace(preset_settings("wgan-gp" if penalised else "wassersteingan"), **sides, **channels)


def works(size):
    """Return {work: (a call that does it once, its GFLOP)} of a size, see `question.WORK`."""
    found = {}
    for penalised in (False, True):
        settings = settings_of(size, penalised)
        trainer = noise_trainer(settings)
        shape = (settings.image_channels, settings.image_size, settings.image_size)
        parts = trainer.generator, trainer.critic, settings.batch_size, settings.latent_dim, shape
        in_critic, in_generator = update_flops(*parts, penalised)
        found[f"{'penalised' if penalised else 'clipped'} critic"] = trainer.critic_step, in_critic / 1e9
        if not penalised:
            found["generator"] = trainer.generator_step, in_generator / 1e9
    return found


def profile(size):
    """Return {work: seconds, gflop, operators, loops} of a size, and the matrix product's rate.

    operators: [name, calls an update, milliseconds an update], the longest first. loops: the same of all compiled
    loops together, which MXNet's profiler does not see. What both leave of `seconds`, the median without the profiler,
    is Python and MXNet's way from it to an operator.
    """
    found = {}
    for work, (once, gflop) in works(size).items():
        for _ in range(3):
            once()
        seconds = float(np.median([seconds_of(once) for _ in range(UPDATES)]))
        with _timing_loops() as loops:
            operators = _operators(once)
        found[work] = {
            "seconds": seconds,
            "gflop": gflop,
            "operators": operators,
            "loops": ["loops", loops["calls"] / UPDATES, 1e3 * loops["seconds"] / UPDATES],
        }
    rate = max(gemm_flops_per_second(mx.cpu(), by=by) for by in ("oneDNN", "OpenBLAS"))
    return {"gemm_gflops": rate / 1e9, "work": found}


def _operators(once):
    with tempfile.NamedTemporaryFile() as file:
        mx.profiler.set_config(profile_symbolic=True, profile_imperative=True, aggregate_stats=True, filename=file.name)
        mx.profiler.set_state("run")
        for _ in range(UPDATES):
            once()
        mx.nd.waitall()
        mx.profiler.set_state("stop")
        counted = json.loads(mx.profiler.dumps(reset=True, format="json"))["Time"]["operator"]
    rows = [
        [name, found["Count"] / UPDATES, found["Total"] / UPDATES]
        for name, found in counted.items()
        if not any(part in name for part in _LEFT_OUT)
    ]
    return sorted(rows, key=lambda row: -row[2])


@contextlib.contextmanager
def _timing_loops():
    """Count the calls of the compiled loops from Python, and their seconds."""
    spent = {"calls": 0, "seconds": 0.0}
    module = kernels.loops()

    def timed(function):
        def call(*arguments):
            began = time.perf_counter()
            found = function(*arguments)
            spent["seconds"] += time.perf_counter() - began
            spent["calls"] += 1
            return found

        return call

    with contextlib.ExitStack() as stack:
        for name, function in inspect.getmembers(module, lambda member: hasattr(member, "py_func")) if module else ():
            stack.enter_context(mock.patch.object(module, name, timed(function)))
        yield spent
