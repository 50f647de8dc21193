"""A process's place in a job: the variables that say it, right and wrong, and what `launch` is given."""

import os
import socket
from pathlib import Path

import pytest

from gluon_wgan import roles
from gluon_wgan.errors import UserError
from gluon_wgan.tools import launch, train

WHOLE = {
    "DMLC_ROLE": "worker",
    "DMLC_PS_ROOT_URI": "127.0.0.1",
    "DMLC_PS_ROOT_PORT": "9",
    "DMLC_NUM_WORKER": "2",
    "DMLC_NUM_SERVER": "1",
}


@pytest.fixture
def variables(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("DMLC_", "SLURM_", "JOB_", "PS_"))]:
        monkeypatch.delenv(name)
    for name in ("DMLC_NODE_HOST", "PS_HEARTBEAT_INTERVAL"):
        monkeypatch.setenv(name, "x")  # so that what is set below is taken back
        monkeypatch.delenv(name)

    def give(changes):
        for name, value in {**WHOLE, **changes}.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)

    return give


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            dict.fromkeys(WHOLE),
            "without DMLC_PS_ROOT_URI, DMLC_PS_ROOT_PORT, DMLC_NUM_WORKER, DMLC_NUM_SERVER, DMLC_ROLE",
        ),
        (
            {"DMLC_NUM_SERVER": None},
            "dist_sync, without DMLC_NUM_SERVER in the environment; allowed: `gluon-wgan launch`",
        ),
        ({"DMLC_ROLE": "boss"}, "DMLC_ROLE: given 'boss'; allowed: scheduler, server or worker"),
        ({"DMLC_NUM_WORKER": "0"}, "DMLC_NUM_WORKER: given '0'; allowed: a whole number, 1 or more"),
        ({"DMLC_PS_ROOT_PORT": "x9"}, "DMLC_PS_ROOT_PORT: given 'x9'"),
        ({"DMLC_PS_ROOT_PORT": "70000"}, "DMLC_PS_ROOT_PORT: given '70000'"),
        ({"DMLC_WORKER_ID": "2"}, "DMLC_WORKER_ID: given '2'; allowed: a whole number, 0 to 1"),
        ({"DMLC_PS_ROOT_URI": "no.such.host.invalid"}, "DMLC_PS_ROOT_URI: given no.such.host.invalid"),
        ({"DMLC_ROLE": None, "SLURM_PROCID": "4"}, "SLURM_PROCID: given '4'; allowed: a whole number, 0 to 3"),
    ],
)
def test_variables_that_are_wrong(variables, changes, message):
    variables(changes)
    with pytest.raises(UserError) as caught:
        roles.take_place()
    assert message in str(caught.value)


@pytest.mark.parametrize("number, role, worker", [(0, "scheduler", None), (1, "server", None), (3, "worker", 1)])
@pytest.mark.parametrize("name", ["SLURM_PROCID", "JOB_COMPLETION_INDEX"])
def test_a_batch_systems_number_says_the_role(variables, name, number, role, worker):
    variables({"DMLC_ROLE": None, name: str(number)})
    place = roles.take_place()
    assert (place.role, place.worker, place.workers) == (role, worker, 2)
    assert os.environ["DMLC_NODE_HOST"] == "127.0.0.1"  # nothing listens where nobody named it


def test_mxnet_does_not_see_the_role_before_it_is_asked_to(variables):
    variables({})
    assert roles.take_place().role == "worker"
    assert "DMLC_ROLE" not in os.environ


def test_a_scheduler_that_does_not_answer(variables, monkeypatch):
    variables({})
    monkeypatch.setattr(roles, "PATIENCE", 0.3)
    with pytest.raises(UserError, match=r"127.0.0.1:9 .no scheduler answers there within 0.3 s"):
        roles.take_place().check_scheduler()


def test_a_port_that_another_job_has(variables):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        variables({"DMLC_ROLE": "scheduler", "DMLC_PS_ROOT_PORT": str(port)})
        with pytest.raises(UserError, match=f"DMLC_PS_ROOT_PORT: given 127.0.0.1:{port}"):
            roles.take_place().check_scheduler()


def test_a_port_that_another_job_of_this_machine_has(variables):
    """They talk through files; that somebody else listens at the number does not matter."""
    with socket.socket(socket.AF_UNIX) as other:
        file = Path("/tmp/64999")
        other.bind(str(file))
        other.listen()
        try:
            with pytest.raises(UserError, match=r"--port: given 64999 .somebody listens there"):
                launch.run(["--port", "64999", "--", "train"])
            variables({"DMLC_ROLE": "scheduler", "DMLC_PS_ROOT_PORT": "64999", "DMLC_LOCAL": "1"})
            with pytest.raises(UserError, match=r"DMLC_PS_ROOT_PORT: given 127\.0\.0\.1:64999"):
                roles.take_place().check_scheduler()
        finally:
            file.unlink()


def test_a_dry_run_in_a_job_is_no_job(variables, caplog):
    variables({})
    caplog.set_level("INFO")
    train.run(["--preset", "demo", "--kvstore", "dist_sync", "--dry-run"])
    assert "trainable parameters" in caplog.text
    assert "DMLC_ROLE" not in os.environ


def test_a_role_without_a_job(variables):
    variables({})
    with pytest.raises(UserError, match="DMLC_ROLE: given worker; allowed: with --kvstore dist_sync"):
        train.run(["--preset", "demo"])


@pytest.mark.parametrize("text", ["", "a", "0;1", "-1", "0,"])
def test_devices_that_are_no_numbers(text):
    with pytest.raises(UserError, match="--devices: given"):
        train.run(["--preset", "demo", f"--devices={text}"])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "launch: given no command; allowed: -- train"),
        (["--", "generate", "x"], "launch: given generate x; allowed: -- train"),
        (["--workers", "0", "--", "train"], "--workers: given 0; allowed: 1 or more"),
        (["--servers", "0", "--", "train"], "--servers: given 0; allowed: 1 or more"),
        (["--hosts", "no-such-file", "--", "train"], "--hosts: given no-such-file"),
    ],
)
def test_launch_with_what_cannot_be(arguments, message):
    with pytest.raises(UserError) as caught:
        launch.run(arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "content, message",
    [
        ("# nobody\n\n", "no machine in it"),
        ("-oProxyCommand=touch x\n", "'-oProxyCommand=touch x'"),
        ("one two\n", "'one two'"),
        ("gone\n", "gone .connect to host gone: timed out.; allowed: machines that `ssh` reaches"),
    ],
)
def test_hosts_that_are_none(tmp_path, monkeypatch, content, message):
    ssh = tmp_path / "bin/ssh"
    ssh.parent.mkdir()
    ssh.write_text('#!/bin/sh\necho "connect to host gone: timed out" >&2\nexit 255\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    (tmp_path / "hosts").write_text(content)
    with pytest.raises(UserError, match=message):
        launch.run(["--hosts", str(tmp_path / "hosts"), "--", "train"])
