"""Start one training on several workers, here or on other machines, with MXNet's scheduler and servers."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional, parse
from gluon_wgan.roles import PATIENCE
from gluon_wgan.training.job import LOOPBACK, Job

_DESCRIPTION = """\
Train on several workers: each takes its share of every batch, and all apply the same update.

  gluon-wgan launch --workers 2 -- train --preset demo --out runs/two
  gluon-wgan launch --workers 4 --hosts hosts.txt -- train --data lsun --out runs/four

On this machine the processes talk through files that other users cannot open. A hosts file has the name or
address of a machine a line, each reached by `ssh` without a password, with this package in the same folder;
everything listens on these addresses and no others. The first machine runs the scheduler, and worker 0,
which keeps the run folder. The workers of a machine share OMP_NUM_THREADS, by default its cores. When one
process ends badly, all end; Ctrl-C stops all, with a checkpoint. Exit status: that of the process that
ended first, see README."""
_TRAIN = "from gluon_wgan.command import run; run('train')"


@dataclass(frozen=True)
class LaunchFlags:
    """The flags before `--`; what follows is the command of each worker."""

    workers: int = 2
    """processes that train"""
    servers: int = 1
    """processes that add up gradients; each takes its part of them"""
    hosts: optional(str, "this machine") = None
    """a file with a machine a line; workers and servers take them in turn"""
    port: optional(int, "a free one") = None
    """where the scheduler listens"""


def run(arguments=None, prog=None):
    """Do what the command line asks."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    flags = parse(LaunchFlags, arguments[:cut], prog, description=_DESCRIPTION)
    command = arguments[cut + 1 :]
    if command[:1] != ["train"]:
        raise UserError("launch", " ".join(command) or "no command", "-- train and its flags, at the end")
    for flag in ("workers", "servers"):
        if getattr(flags, flag) < 1:
            raise UserError(f"--{flag}", getattr(flags, flag), "1 or more")
    hosts = [LOOPBACK] if flags.hosts is None else _read_hosts(flags.hosts)
    if "--kvstore" not in command:
        command += ["--kvstore", "dist_sync"]
    status = Job(_TRAIN, command[1:], flags.workers, flags.servers, hosts, flags.port).run()
    if status:
        sys.exit(status)


def _read_hosts(file):
    try:
        lines = [line.partition("#")[0].strip() for line in Path(file).read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            "--hosts", f"{file} ({error})", "a text file, the name or address of a machine a line"
        ) from error
    hosts = [line for line in lines if line]
    if not hosts:
        raise UserError("--hosts", f"{file} (no machine in it)", "the name or address of a machine a line")
    for host in hosts:
        if host.startswith("-") or len(host.split()) > 1:
            raise UserError("--hosts", f"{file}: {host!r}", "the name or address of a machine a line")
    for host in dict.fromkeys(hosts):
        _answer_of(host)
    return hosts


def _answer_of(host):
    """Raise UserError unless a machine lets us in."""
    command = ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={PATIENCE}", host, "true"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE)
        said = None if done.returncode == 0 else done.stderr.strip() or f"status {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    if said is not None:
        raise UserError("--hosts", f"{host} ({said})", "machines that `ssh` reaches without a password")
