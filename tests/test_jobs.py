"""Real jobs of MXNet's scheduler, server and workers on loopback: their bits, their kills, their refusals."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from conftest import ROOT
from PIL import Image

CLUSTER = ROOT / "docs/cluster"
STEPS = 60
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
SIZES = (
    "--image-size 16 --generator-channels 2 --critic-channels 2 --batch-size 6 --n-critic 2 --boost-generator-steps 0"
)
# The watch waits for seconds instead of some twenty. mxnet is loaded here before the role is known to it.
IMPATIENT = """
import os
role = os.environ.pop("DMLC_ROLE")
import gluon_wgan
gluon_wgan.use_synchronous_engine()
from gluon_wgan.training import cluster
cluster._SILENT = 6
os.environ["DMLC_ROLE"] = role
from gluon_wgan.command import run
run("train")
"""
WITHOUT_TMP = """
import os, runpy
access = os.access
os.access = lambda path, *more, **named: path != "/tmp" and access(path, *more, **named)
runpy.run_module("gluon_wgan", run_name="__main__")
"""
THOROUGH = pytest.mark.thorough  # `make test-thorough`


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with 24 pictures, and the run `one` of one process with two devices."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "pictures").mkdir()
    generator = np.random.default_rng(0)
    for number in range(24):
        pixels = generator.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{number:02d}.png")
    command = [sys.executable, "-m", "gluon_wgan", "train", *flags(folder, "one"), "--devices", "0,1"]
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, timeout=120)
    return folder


def flags(folder, run, *more):
    """Return the flags of a small run, or of going on with it."""
    where = ["--out", str(folder / run), "--cache-dir", str(folder / "cache")]
    if (folder / run / "config.json").exists():
        return [*where, "--resume", *more]
    often = f"--boost-every 50 --n-critic-boost 6 --generator-steps {STEPS} --checkpoint-every 7 --sample-every 30"
    return [*SIZES.split(), *often.split(), "--data", str(folder / "pictures"), *where, *more]


def start(folder, run, program=("-m", "gluon_wgan")):
    command = [sys.executable, *program, "launch", "--workers", "2", "--", "train", *flags(folder, run)]
    return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)


def processes_of(job):
    """Return {"scheduler": ..., "server": [...], "worker": [...]} of a launched job, as psutil knows them."""
    found = {}
    for process in psutil.Process(job.pid).children():
        found.setdefault(process.environ().get("DMLC_ROLE"), []).append(process)
    return found


def wait_for_checkpoint(folder, run, job):
    until = time.monotonic() + 60
    while not list((folder / run / "checkpoints").glob("step_*")):
        assert job.poll() is None and time.monotonic() < until
        time.sleep(0.02)


def assert_same_end(folder, run):
    for file in ("generator.params", "critic.params", "optimizer.params"):
        ends = [(folder / name / f"checkpoints/step_{STEPS:07d}" / file).read_bytes() for name in ("one", run)]
        assert ends[0] == ends[1], file
    one, other = ([json.loads(line) for line in open(folder / name / "metrics.jsonl")] for name in ("one", run))
    for record in (*one, *other):
        assert record.pop("seconds") >= 0
    assert one == other


@pytest.mark.parametrize("run", ["two", pytest.param("without_tmp", marks=THOROUGH)])
def test_two_workers_give_the_bits_of_two_devices_in_one_process(folder, run):
    job = start(folder, run, *([["-c", WITHOUT_TMP]] if run == "without_tmp" else []))
    said = job.communicate(timeout=120)[1]
    assert job.returncode == 0, said
    assert said.count("/tmp cannot be written: the processes talk by loopback") == (run == "without_tmp")
    assert_same_end(folder, run)
    config = json.loads((folder / run / "config.json").read_text())
    assert (config["workers"], config["devices"]) == (2, 1)
    assert "worker 0 | run folder:" in said and "worker 0 | curves:" in said


@pytest.mark.parametrize(
    "victim", ["worker", *(pytest.param(victim, marks=THOROUGH) for victim in ("server", "scheduler", "launch"))]
)
def test_a_killed_job_ends_whole_and_goes_on_to_the_same_bits(folder, victim):
    run = f"killed-{victim}"
    job = start(folder, run)
    wait_for_checkpoint(folder, run, job)
    family = psutil.Process(job.pid).children()
    if victim == "launch":
        job.kill()
    else:
        processes_of(job)[victim][-1].kill()
    said = job.communicate(timeout=60)[1]
    assert psutil.wait_procs(family, timeout=60)[1] == []
    if victim != "launch":
        assert job.returncode == 128 + signal.SIGKILL
        assert re.search(rf"^{victim}.* ended first: killed by signal 9", said, re.MULTILINE)
    again = start(folder, run)
    said = again.communicate(timeout=120)[1]
    assert again.returncode == 0, said
    assert_same_end(folder, run)


@THOROUGH
def test_ctrl_c_reaches_all_and_writes_a_checkpoint(folder):
    job = start(folder, "stopped")
    wait_for_checkpoint(folder, "stopped", job)
    family = psutil.Process(job.pid).children()
    job.send_signal(signal.SIGINT)
    job.communicate(timeout=60)
    assert job.returncode == 130
    assert psutil.wait_procs(family, timeout=10)[1] == []
    again = start(folder, "stopped")
    assert again.wait(timeout=120) == 0
    assert_same_end(folder, "stopped")


@THOROUGH
def test_another_number_of_workers_may_resume_and_is_told(folder):
    job = start(folder, "fewer")
    wait_for_checkpoint(folder, "fewer", job)
    job.send_signal(signal.SIGINT)
    job.communicate(timeout=60)
    command = [sys.executable, "-m", "gluon_wgan", "train", *flags(folder, "fewer")]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "the batch was shared by 2 and is by 1: the weights will differ" in done.stderr
    assert "workers" not in json.loads((folder / "fewer/config.json").read_text())
    starts = json.loads((folder / "fewer/environment.json").read_text())["starts"]
    assert [start.get("workers") for start in starts] == [2, None]


# --- a job that somebody else starts, by variables


@pytest.fixture
def by_hand(folder):
    """Return a function that starts one process of a job of two workers and one server."""
    started = []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def start_one(role, run, *more, number=None, code=IMPATIENT):
        variables = {
            "DMLC_ROLE": role,
            "DMLC_PS_ROOT_URI": "localhost",
            "DMLC_PS_ROOT_PORT": str(port),
            "DMLC_NUM_WORKER": "2",
            "DMLC_NUM_SERVER": "1",
            "PS_HEARTBEAT_INTERVAL": "1",
        }
        if number is not None:
            variables["DMLC_WORKER_ID"] = str(number)
        command = [sys.executable, "-c", code, *flags(folder, run, "--kvstore", "dist_sync", *more)]
        process = subprocess.Popen(
            command, env={**ENVIRONMENT, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("victim", [*(pytest.param(victim, marks=THOROUGH) for victim in (0, 1, 3)), 2])
def test_whatever_a_job_loses_the_others_end_by_themselves(folder, by_hand, victim):
    run = f"lost-{victim}"
    long = ("--generator-steps", "100000")
    job = [by_hand(role, run, *long) for role in ("scheduler", "server")]
    job += [by_hand("worker", run, *long, number=number) for number in (0, 1)]
    wait_for_checkpoint(folder, run, job[2])
    job[victim].kill()
    began = time.monotonic()
    for number, process in enumerate(job):
        said = process.communicate(timeout=60)[0]
        if number != victim:
            assert process.returncode == 5, said
            assert said.count("stopped: a process of this job has ended, or its network") == 1
    assert time.monotonic() - began < 60
    # and what it left can be gone on with
    command = [sys.executable, "-m", "gluon_wgan", "generate", str(folder / run), "--out", str(folder / f"{run}.png")]
    subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    "theirs, named",
    [
        (("--seed", "1"), "--seed"),
        pytest.param(("--data", "other"), "--data", marks=THOROUGH),
        pytest.param(("--devices", "0,1"), "--devices", marks=THOROUGH),
    ],
)
def test_a_worker_with_something_else_is_refused_by_name(folder, by_hand, theirs, named):
    if named == "--data":
        (folder / "other").mkdir(exist_ok=True)
        for number in range(24):
            Image.new("RGB", (20, 24), (number, 0, 0)).save(folder / "other" / f"{number:02d}.png")
        theirs = ("--data", str(folder / "other"))
    for role in ("scheduler", "server"):
        by_hand(role, "refused")
    workers = [by_hand("worker", "refused", number=0), by_hand("worker", "refused", *theirs, number=1)]
    for worker in workers:
        said = worker.communicate(timeout=60)[0]
        assert worker.returncode == 2, said
        assert f"not what worker 0 has, worker 1: {named}; allowed: the same on all workers" in said
    assert not (folder / "refused").exists()


@THOROUGH
def test_a_worker_of_another_version_is_refused(folder, by_hand):
    for role in ("scheduler", "server"):
        by_hand(role, "version")
    older = IMPATIENT.replace("import gluon_wgan\n", "import gluon_wgan; gluon_wgan.__version__ = '0.0.9'\n")
    workers = [by_hand("worker", "version", number=0), by_hand("worker", "version", number=1, code=older)]
    for worker in workers:
        said = worker.communicate(timeout=60)[0]
        assert worker.returncode == 2, said
        assert "worker 1: the version of gluon_wgan; allowed: the same on all workers" in said


# --- batch systems, with processes in the place of their tasks and pods


@THOROUGH
def test_the_sbatch_file(folder, tmp_path):
    """`srun` here starts the tasks on this machine, and ends with the first that ends badly."""
    srun = tmp_path / "srun"
    srun.write_text(
        "#!/bin/bash\n[ $1 = --kill-on-bad-exit=1 ] || exit 99\nshift\n"
        'for i in $(seq 0 $((SLURM_NTASKS - 1))); do SLURM_PROCID=$i "$@" & done\n'
        "for i in $(seq $SLURM_NTASKS); do wait -n || exit; done\n"
    )
    srun.chmod(0o755)
    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    job = {"PATH": path, "SLURM_NTASKS": "4", "SLURM_JOB_ID": "4711", "SLURM_CPUS_PER_TASK": "1"}
    command = ["bash", str(CLUSTER / "train.sbatch"), *flags(folder, "slurm")]
    done = subprocess.run(command, env={**ENVIRONMENT, **job}, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert_same_end(folder, "slurm")


@THOROUGH
def test_the_kubernetes_job(folder):
    service, job = yaml.safe_load_all((CLUSTER / "train-job.yaml").read_text())
    pods, (container,) = job["spec"], job["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    roles_together = 1 + int(variables["DMLC_NUM_SERVER"]) + int(variables["DMLC_NUM_WORKER"])
    assert pods["completions"] == pods["parallelism"] == roles_together
    # the name of pod 0 within the service
    first = f"{job['metadata']['name']}-0.{service['metadata']['name']}"
    assert variables["DMLC_PS_ROOT_URI"] == first
    assert pods["template"]["spec"]["subdomain"] == service["metadata"]["name"]
    assert int(variables["DMLC_PS_ROOT_PORT"]) == service["spec"]["ports"][0]["port"]
    (script,) = container["args"]
    script = script.replace("run=/data/runs/four", f"run={folder / 'pods'}").replace("--data /data/lsun", "$FLAGS")
    script = script.replace("--preset wassersteingan", "")
    given = shlex.join(flags(folder, "pods"))
    here = {"DMLC_PS_ROOT_URI": "localhost", "DMLC_NUM_WORKER": "2", "OMP_NUM_THREADS": "1", "FLAGS": given}
    here["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    started = [
        subprocess.Popen(
            [*container["command"], script],
            env={**ENVIRONMENT, **variables, **here, "JOB_COMPLETION_INDEX": str(index)},
        )
        for index in range(4)
    ]
    assert [pod.wait(timeout=120) for pod in started] == [0, 0, 0, 0]
    assert_same_end(folder, "pods")
