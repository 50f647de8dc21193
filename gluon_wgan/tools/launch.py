"""Start one training on several workers, here or on other machines, with MXNet's scheduler and servers."""

import contextlib
import logging
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import tyro
from loky import cpu_count

from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional
from gluon_wgan.roles import PATIENCE, SCHEDULER, SERVER, WORKER, answers

log = logging.getLogger(__name__)

_DESCRIPTION = """\
Train on several workers: each takes its share of every batch, and all apply the same update.

  gluon-wgan launch --workers 2 -- train --preset demo --out runs/two
  gluon-wgan launch --workers 4 --hosts hosts.txt -- train --data lsun --out runs/four

Everything listens on this machine's loopback, or on the addresses of the hosts file: a name or address a
line, each reached by `ssh` without a password, with this package in the same folder. The first one runs the
scheduler, and worker 0, which keeps the run folder. When one process ends badly, all end; Ctrl-C stops
all, with a checkpoint. Exit status: that of the process that ended first, see README."""
_LOOPBACK = "127.0.0.1"
_GRACE = 30  # seconds to write a checkpoint in
# prctl(PR_SET_PDEATHSIG, SIGKILL): what is started here ends with this process
_TRAIN = "import ctypes; ctypes.CDLL(None).prctl(1, 9); from gluon_wgan.command import run; run('train')"


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
    flags = tyro.cli(LaunchFlags, args=arguments[:cut], prog=prog, description=_DESCRIPTION)
    command = arguments[cut + 1 :]
    if command[:1] != ["train"]:
        raise UserError("launch", " ".join(command) or "no command", "-- train and its flags, at the end")
    for flag in ("workers", "servers"):
        if getattr(flags, flag) < 1:
            raise UserError(f"--{flag}", getattr(flags, flag), "1 or more")
    hosts = [_LOOPBACK] if flags.hosts is None else _read_hosts(flags.hosts)
    if "--kvstore" not in command:
        command += ["--kvstore", "dist_sync"]
    status = _Job(flags, hosts, command[1:]).run()
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


class _Job:
    """The processes of a training: the scheduler, the servers, the workers."""

    def __init__(self, flags, hosts, arguments):
        self._hosts, self._arguments = hosts, arguments
        self._workers, self._servers = flags.workers, flags.servers
        self._address = socket.gethostbyname(hosts[0])
        self._port = flags.port or _free_port(self._address)
        self._running = {}
        self._longest = len(f"worker {flags.workers - 1}")

    def run(self):
        """Start all, wait until the workers are done, and return the exit status."""
        if answers(self._address, self._port, 0):
            raise UserError("--port", f"{self._port} (somebody listens there)", "a free port")
        asked = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, frame: asked.append(number))
        try:
            self._start(SCHEDULER, 0, self._hosts[0])
            scheduler = self._running[SCHEDULER]
            if not answers(self._address, self._port, PATIENCE, lambda: scheduler.poll() is not None):
                return scheduler.poll() or 2
            for number in range(self._servers):
                self._start(SERVER, number, self._hosts[number % len(self._hosts)])
            for number in range(self._workers):
                self._start(WORKER, number, self._hosts[number % len(self._hosts)])
            return self._wait(asked)
        finally:
            self._end()

    def _start(self, role, number, host):
        name = role if role == SCHEDULER else f"{role} {number}"
        on_host = sum(1 for each in range(self._workers) if self._hosts[each % len(self._hosts)] == host)
        variables = {
            "DMLC_ROLE": role,
            "DMLC_PS_ROOT_URI": self._address,
            "DMLC_PS_ROOT_PORT": str(self._port),
            "DMLC_NUM_WORKER": str(self._workers),
            "DMLC_NUM_SERVER": str(self._servers),
            "DMLC_NODE_HOST": socket.gethostbyname(host),
        }
        if role == WORKER:
            variables["DMLC_WORKER_ID"] = str(number)
        environment = None
        if host == _LOOPBACK:
            threads = max(1, cpu_count(only_physical_cores=True) // on_host) if role == WORKER else 1
            environment = {"OMP_NUM_THREADS": str(threads), **os.environ, **variables}
            command = [sys.executable, "-c", _TRAIN, *self._arguments]
        else:
            threads = os.environ.get("OMP_NUM_THREADS")
            if threads is not None:
                variables["OMP_NUM_THREADS"] = threads
            there = ["env", *(f"{key}={value}" for key, value in variables.items())]
            there += [sys.executable, "-m", "gluon_wgan", "train", *self._arguments]
            # a terminal of its own: what runs there ends with this connection
            command = [
                "ssh",
                "-tt",
                "-o",
                "BatchMode=yes",
                host,
                f"cd {shlex.quote(os.getcwd())} && {shlex.join(there)}",
            ]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if host != _LOOPBACK else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # a Ctrl-C is handed on to the workers alone
        )
        self._running[name] = process
        threading.Thread(target=self._repeat, args=(name, process.stdout), daemon=True).start()

    def _repeat(self, name, output):
        """Write what a process says to stderr, line by line, with its name."""
        for line in _lines(output):
            sys.stderr.write(f"{name:{self._longest}} | {line}\n")
            sys.stderr.flush()

    def _wait(self, asked):
        """Return the status of the job, once it has one; `asked` is the signals that arrived."""
        handed_on = False
        while len(asked) < 2:
            if asked and not handed_on:
                handed_on = True
                for process in self._processes(WORKER):
                    _interrupt(process)
            statuses = {name: process.poll() for name, process in self._running.items()}
            for name, status in statuses.items():
                if status:
                    if not handed_on:
                        what = f"killed by signal {-status}" if status < 0 else f"status {status}"
                        log.error("%s ended first: %s; all others are ended", name, what)
                    return status if status > 0 else 128 - status
            if all(process.poll() == 0 for process in self._processes(WORKER)):
                return 0
            time.sleep(0.1)
        return 130

    def _processes(self, role):
        return [process for name, process in self._running.items() if name.startswith(role)]

    def _end(self):
        """End every process that is left; workers that were stopped get some seconds to write a checkpoint in."""
        workers = self._processes(WORKER)
        until = time.monotonic() + (_GRACE if 130 in [process.poll() for process in workers] else 0)
        for process in workers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0, until - time.monotonic()))
        for process in self._running.values():
            process.kill()
            process.wait()


def _interrupt(process):
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.write(b"\x03")
            process.stdin.flush()
    else:
        process.send_signal(signal.SIGINT)


def _lines(stream):
    """Yield the lines of a stream as text; a progress bar's returns end lines too."""
    rest = b""
    while chunk := os.read(stream.fileno(), 65536):
        *whole, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        yield from (line.decode(errors="replace") for line in whole if line.strip())
    if rest.strip():
        yield rest.decode(errors="replace")


def _free_port(host):
    with socket.socket() as probe:
        with contextlib.suppress(OSError):  # an address of another machine: this one's ports are as good a guess
            probe.bind((host, 0))
        if probe.getsockname()[1] == 0:
            probe.bind(("", 0))
        return probe.getsockname()[1]
