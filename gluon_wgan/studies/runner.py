"""Train runs: a run folder each, several at once; what is finished is skipped, what was begun goes on."""

import contextlib
import logging
import os
import subprocess
import sys
import time

import mxnet as mx
from loky import cpu_count
from tqdm import tqdm

from gluon_wgan.errors import UserError
from gluon_wgan.files import locked
from gluon_wgan.settings import command_line
from gluon_wgan.studies import machines
from gluon_wgan.training.build import batch_shape, build_trainer
from gluon_wgan.training.loop import expected_seconds
from gluon_wgan.training.run import in_words

log = logging.getLogger(__name__)

# prctl(PR_SET_PDEATHSIG, SIGTERM): whatever ends this process ends its trainings, which then write a checkpoint
_TRAIN = "import ctypes; ctypes.CDLL(None).prctl(1, 15); from gluon_wgan.command import run; run('train')"
_NOT_FINITE = 3  # train_lsun.py's exit status: an outcome of an arm, not a failure of the study


def train_and_measure(runs, flags, measure_run, figures, already, keep):
    """Train the runs that are not finished, here or on the cluster that the flags name, and measure each as it ends.

    Several processes may do this at once, on the same runs: each run is trained and measured by one of them.

    Parameters
    ----------
    runs : list of Run
    flags : object
        A study's, with cache_dir, at_once, cluster.
    measure_run : callable
        `measure_run(run, flags, figures)` measures a finished run, returns a dict of JSON values, and writes pictures
        below `figures`; its module has it by this name.
    figures : pathlib.Path
    already : callable
        `already(run)` says whether a run is measured, which leaves it out. It is asked first, and again once the run is
        trained, as another process may have measured it meanwhile.
    keep : callable
        Called here, with each run and what was found.

    Raises
    ------
    UserError
        As `train_all`, or if the cluster cannot be reached.
    """
    left = [run for run in runs if not already(run)]
    if flags.cluster is not None:
        machines.train_and_measure(left, flags, measure_run, figures, keep)
    else:

        def finished(run):
            if not already(run):
                keep(run, measure_run(run, flags, figures))

        train_all(left, flags.cache_dir, flags.at_once, finished)


def train_all(runs, cache_dir, at_once=None, on_finished=None, threads=None):
    """Train the runs that are not finished, several at once, each with its share of the threads.

    It may be killed at any moment: its trainings stop with it, and the next call goes on. The weights are those of a
    training that never stopped. Two calls at once share the runs: what one trains and measures, the other waits for.

    Parameters
    ----------
    runs : list of Run
    cache_dir : str or pathlib.Path
        Of the prepared pictures, which all runs share.
    at_once : int, optional
        Trainings side by side; as many as physical cores by default.
    on_finished : callable, optional
        Called with each finished run, also with those that were finished before.
    threads : int, optional
        Of each training; its share of the cores by default.

    Returns
    -------
    dict of Run to int
        Exit status of each: 0, or 3 where a loss was not finite.

    Raises
    ------
    UserError
        If a training failed for another reason; the others are finished first.
    """
    cores = cpu_count(only_physical_cores=True)
    at_once = cores if at_once is None else at_once
    unfinished = [run for run in runs if not run.finished()]
    left = sorted(runs, key=lambda run: run in unfinished)  # what is finished comes first
    if unfinished:
        announce(unfinished)
    results, running, locks, failed = {}, {}, {}, []
    bars = {run: _bar(run, place) for place, run in enumerate(unfinished)}

    def ended(run, status):
        results[run] = status
        if status in (0, _NOT_FINITE):
            if on_finished:
                on_finished(run)
        else:
            failed.append(f"{run.arm}, seed {run.seed}: status {status}, see {_log_file(run)}")
        locks.pop(run).close()  # not before: else another study would measure it too

    try:
        while left or running:
            for run in list(left):
                if len(running) == at_once:
                    break
                if lock := _lock(run):
                    left.remove(run)
                    locks[run] = lock
                    if run.finished():  # before, or by another study
                        ended(run, 0)
                    else:
                        running[run] = _start(run, cache_dir, threads or max(1, cores // at_once))
            time.sleep(0.5)
            for run in bars.keys() & {*running, *left}:
                bars[run].update(run.steps_done() - bars[run].n)
            for run, process in list(running.items()):
                if process.poll() is not None:
                    ended(run, running.pop(run).returncode)
    finally:
        for process in running.values():
            process.terminate()  # it writes a checkpoint
        for process in running.values():
            process.wait()
        for lock in locks.values():
            lock.close()
        for bar in bars.values():
            bar.close()
    if failed:
        raise UserError("runs", "; ".join(failed), "trainings that end; the same command goes on with them")
    return results


def announce(runs):
    """Log how many trainings there are, and how long they will take, by this machine's speed at a matrix product."""
    total = 0.0
    for run in runs:
        settings = run.settings
        trainer = build_trainer(settings, _Batches(settings), mx.cpu(), hybridize=False)
        share = 1 - run.steps_done() / settings.generator_steps
        total += share * expected_seconds(trainer, settings.generator_steps, batch_shape(settings))
    log.info("%d trainings, expected duration: %s", len(runs), in_words(total))


class _Batches:
    """What a trainer asks of its batches before it trains; how many an epoch has moves the duration little."""

    def __init__(self, settings):
        self.batch_size = settings.batch_size

    def __len__(self):
        return 1000


def _lock(run):
    """Return what keeps other studies from a run until it is closed; None while another process trains it."""
    _log_file(run).parent.mkdir(parents=True, exist_ok=True)
    lock, of_folder = contextlib.ExitStack(), run.folder / ".lock"
    try:
        lock.enter_context(locked(_log_file(run).with_suffix(".lock"), wait=False))
        if of_folder.exists():  # a training whose study was killed may be writing its checkpoint
            with locked(of_folder, wait=False):
                pass
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _start(run, cache_dir, threads):
    """Start, or resume, a training in a process of its own, which ends with this one."""
    flags = [*command_line(run.settings), "--out", str(run.folder), "--cache-dir", str(cache_dir)]
    if (run.folder / "config.json").exists():
        flags.append("--resume")
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    with open(_log_file(run), "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", _TRAIN, *flags],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        )


def _log_file(run):
    return run.folder.parent / "logs" / f"{run.folder.name}.log"


def _bar(run, place):
    return tqdm(
        total=run.settings.generator_steps,
        initial=run.steps_done(),
        position=place,
        unit="step",
        desc=f"{run.arm}, seed {run.seed}",
        mininterval=0.5 if sys.stderr.isatty() else 60,
    )
