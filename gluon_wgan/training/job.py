"""Start the processes of a job, here or by ssh, and end them together."""

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

from gluon_wgan.errors import UserError
from gluon_wgan.roles import PATIENCE, SCHEDULER, SERVER, WORKER, answers

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_GRACE = 30  # seconds to write a checkpoint in
# prctl(PR_SET_PDEATHSIG, SIGKILL): what is started here ends with this process
_ENDS_WITH_THIS = "import ctypes; ctypes.CDLL(None).prctl(1, 9); "
# the threads of another machine, of which each of its workers takes a share
_SHARE_THERE = (
    "import os; from loky import cpu_count; cores = cpu_count(only_physical_cores=True); "
    "os.environ['OMP_NUM_THREADS'] = str(max(1, int(os.environ.get('OMP_NUM_THREADS', cores)) // {})); "
)


class Job:
    """Processes with the same command, each with its role: a scheduler, servers, workers.

    Parameters
    ----------
    code : str
        Python, which finds `arguments` in sys.argv and its role in the environment.
    arguments : sequence of str
    workers, servers : int
    hosts : sequence of str
        Names or addresses, taken in turn; `LOOPBACK` for this machine, all others by ssh.
    port : int, optional
        The scheduler's, on the first of the hosts; a free one by default.
    quiet : bool
        Repeat nothing of what they say, unless one ends badly.
    """

    def __init__(self, code, arguments, workers, servers=1, hosts=(LOOPBACK,), port=None, quiet=False):
        self._code, self._arguments = code, [str(argument) for argument in arguments]
        self._workers, self._servers, self._hosts = workers, servers, hosts
        self._address = socket.gethostbyname(hosts[0])
        self._port = port or _free_port(self._address)
        # through files in /tmp, which only their owner may write to: faster than loopback, and closed to other users
        here = set(hosts) == {LOOPBACK}
        self._local = here and os.access("/tmp", os.W_OK)
        if here and not self._local:
            log.warning("/tmp cannot be written: the processes talk by loopback, where other users could join in")
        self._running, self._readers, self._quiet = {}, [], quiet
        self._said, self._telling = [], threading.Lock()
        self._longest = len(f"worker {workers - 1}")

    def run(self):
        """Start all, wait until the workers are done, and return the exit status."""
        if answers((self._address, self._port), 0, local=self._local):
            raise UserError("--port", f"{self._port} (somebody listens there)", "a free port")
        asked = []
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in before:
            signal.signal(number, lambda number, frame: asked.append(number))
        try:
            self._start(SCHEDULER, 0, self._hosts[0])
            scheduler = self._running[SCHEDULER]
            address = self._address, self._port
            if not answers(address, PATIENCE, lambda: scheduler.poll() is not None, self._local):
                time.sleep(0.5)  # for what it said to be read
                self._tell()
                raise UserError(
                    "launch", f"a scheduler that does not start at {self._address}:{self._port}", "see above"
                )
            for number in range(self._servers):
                self._start(SERVER, number, self._hosts[number % len(self._hosts)])
            for number in range(self._workers):
                self._start(WORKER, number, self._hosts[number % len(self._hosts)])
            return self._wait(asked)
        finally:
            self._end()
            for number, handler in before.items():
                signal.signal(number, handler)

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
        if self._local:
            variables["DMLC_LOCAL"] = "1"
        if role == WORKER:
            variables["DMLC_WORKER_ID"] = str(number)
        environment = None
        if host == LOOPBACK:
            threads = max(1, int(os.environ["OMP_NUM_THREADS"]) // on_host) if role == WORKER else 1
            environment = {**os.environ, **variables, "OMP_NUM_THREADS": str(threads)}
            command = [sys.executable, "-c", _ENDS_WITH_THIS + self._code, *self._arguments]
        else:
            code = _SHARE_THERE.format(on_host if role == WORKER else 10**6) + self._code
            there = ["env", *(f"{key}={value}" for key, value in variables.items()), sys.executable, "-c", code]
            there = f"cd {shlex.quote(os.getcwd())} && {shlex.join([*there, *self._arguments])}"
            # -tt, a terminal of its own: what runs there ends with this connection
            command = ["ssh", "-tt", "-o", "BatchMode=yes", host, there]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if host != LOOPBACK else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # a Ctrl-C is handed on to the workers alone
        )
        self._running[name] = process
        self._readers.append(threading.Thread(target=self._repeat, args=(name, process.stdout), daemon=True))
        self._readers[-1].start()

    def _repeat(self, name, output):
        """Write what a process says to stderr, line by line, with its name."""
        for line in _lines(output):
            self._said.append(f"{name:{self._longest}} | {line}\n")
            if not self._quiet:
                self._tell()

    def _tell(self):
        with self._telling:
            while self._said:
                sys.stderr.write(self._said.pop(0))
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
                    self._tell()
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
        for reader in self._readers:
            reader.join(2)  # what they said last


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
