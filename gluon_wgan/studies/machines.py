"""Give the runs of a study to the machines of a Dask cluster; what each measured of its own comes back."""

import importlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.files import write_atomic
from gluon_wgan.settings import Settings
from gluon_wgan.studies.plan import Run

log = logging.getLogger(__name__)

_PATIENCE = 30  # seconds in which the scheduler has to answer
# prctl(PR_SET_PDEATHSIG, SIGTERM): it ends with the worker that started it
_APART = f"import ctypes; ctypes.CDLL(None).prctl(1, 15); from {__name__} import work_apart; work_apart()"


def train_and_measure(runs, flags, measure_run, figures, keep):
    """Train and measure each run on a machine of the cluster `flags.cluster`; see `gluon_wgan.studies.runner`.

    Whoever is given a run trains it in its own folder `flags.runs`, so that one that was begun there goes on. The run
    of a machine that is lost is given to another. Every machine has this package, and the pictures at the same path.

    Raises
    ------
    UserError
        If Dask is not installed, no scheduler answers, or a run failed; the others are finished first.
    """
    try:
        from dask.distributed import Client, as_completed
    except ImportError as error:
        raise UserError(
            "--cluster", flags.cluster, "with what `make setup-cluster` installs (of pip, the extra cluster)"
        ) from error
    try:
        client = Client(flags.cluster, timeout=_PATIENCE)
    except (OSError, ValueError) as error:
        given = f"{flags.cluster} ({str(error).splitlines()[0]})"
        raise UserError(
            "--cluster", given, "the address of a dask scheduler that runs, as in tcp://10.0.0.1:8786"
        ) from error
    with client:
        log.info("%d trainings on the cluster %s, watched at %s", len(runs), flags.cluster, client.dashboard_link)
        tasks = {
            # by name: asked for twice, it is trained once
            client.submit(
                train_there, _task(run, flags, measure_run), key=f"{measure_run.__module__}/{run.folder.name}"
            ): run
            for run in runs
        }
        failed = []
        for number, (future, found) in enumerate(as_completed(tasks, with_results=True, raise_errors=False), 1):
            run = tasks[future]
            if future.status != "finished":
                failed.append(f"{run.arm}, seed {run.seed}: {future.exception()}")
                continue
            for name, content in found["figures"].items():
                _write(Path(figures), name, content)
            log.info("%d of %d: %s, seed %d, by %s", number, len(runs), run.arm, run.seed, found["machine"])
            keep(run, found["found"])
    if failed:
        raise UserError("runs", "; ".join(failed), "trainings that end; the same command goes on with them")


def _write(folder, name, content):
    """Write a picture that came from another machine, below a folder and nowhere else."""
    place = (folder / name).resolve()
    if not place.is_relative_to(folder.resolve()):
        raise UserError("--cluster", f"a worker that sends {name}", "workers of this package, on a network of your own")
    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(place, content)


def _task(run, flags, measure_run):
    return {
        "module": measure_run.__module__,
        "flags": [type(flags).__module__, type(flags).__name__, asdict(flags)],
        "run": [run.arm, run.seed, run.settings.to_json(), str(run.folder)],
    }


def train_there(task):
    """Train and measure a run on this machine, in a process of its own; called by a Dask worker.

    Returns
    -------
    dict
        found: what `measure_run` returned. figures: {name: bytes}. machine: its name.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "found.json"
        content = json.dumps({**task, "result": str(result), "figures": f"{folder}/figures"})
        environment = {**os.environ, "OMP_NUM_THREADS": str(_threads())}
        done = subprocess.run(
            [sys.executable, "-c", _APART], input=content, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"status {done.returncode}: {done.stderr[-1000:]}")
        root = Path(folder) / "figures"
        figures = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        return {"found": json.loads(result.read_text()), "figures": figures, "machine": os.uname().nodename}


def _threads():
    """Return this task's share of the threads that its Dask worker may take, which has so many tasks at once."""
    from dask.distributed import get_worker

    return max(1, int(os.environ["OMP_NUM_THREADS"]) // get_worker().state.nthreads)


def work_apart():
    """Do what a task on stdin says: train the run, measure it, write what was found."""
    from gluon_wgan import use_synchronous_engine

    task = json.load(sys.stdin)
    use_synchronous_engine()
    from gluon_wgan.studies.runner import train_all

    module, name, values = task["flags"]
    flags = getattr(importlib.import_module(module), name)(**values)
    arm, seed, settings, folder = task["run"]
    run = Run(arm, seed, Settings.from_json(settings, "the task"), Path(folder))
    train_all([run], flags.cache_dir, 1, threads=int(os.environ["OMP_NUM_THREADS"]))
    found = importlib.import_module(task["module"]).measure_run(run, flags, Path(task["figures"]))
    Path(task["result"]).write_text(json.dumps(found))
