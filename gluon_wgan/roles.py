"""A process's place in a job of several: MXNet's DMLC_* variables, read, completed and checked before mxnet loads."""

import os
import socket
import time
from dataclasses import dataclass

from gluon_wgan.errors import UserError

SCHEDULER, SERVER, WORKER = "scheduler", "server", "worker"
PATIENCE = 30  # seconds in which the scheduler has to answer
_HEARTBEAT = "2"  # seconds between two signs of life
# A batch system's number of a process among all of the job: 0 is the scheduler, then the servers, then the workers.
_NUMBERS = ("SLURM_PROCID", "JOB_COMPLETION_INDEX")
_WANTED = ("DMLC_PS_ROOT_URI", "DMLC_PS_ROOT_PORT", "DMLC_NUM_WORKER", "DMLC_NUM_SERVER")


@dataclass(frozen=True)
class Place:
    """What a process is in its job.

    Attributes
    ----------
    role : str
        "scheduler", "server" or "worker".
    worker : int or None
        A worker's number, from 0; None where only MXNet knows it.
    workers : int
    host, port : str, int
        Where the scheduler listens.
    """

    role: str
    worker: int | None
    workers: int
    host: str
    port: int

    def check_scheduler(self):
        """Wait until the scheduler answers or, as the scheduler, see that nobody else listens there.

        Raises
        ------
        UserError
            If it does not answer within `PATIENCE`, or the port is taken.
        """
        address = self.host, self.port
        if self.role == SCHEDULER and (answers(address, 0) or not self._can_listen()):
            given = f"{self.host}:{self.port} (taken, or not of this machine)"
            raise UserError("DMLC_PS_ROOT_PORT", given, "an address of this machine, and a port of no other job")
        if self.role != SCHEDULER and not answers(address, PATIENCE):
            given = f"{self.host}:{self.port} (no scheduler answers there within {PATIENCE} s)"
            raise UserError("DMLC_PS_ROOT_URI", given, "where the job's scheduler runs")

    def _can_listen(self):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError:
                return False
        return True


def answers(address, seconds, ended=lambda: False, local=None):
    """Say whether somebody listens there within so many seconds, unless `ended` says that it is hopeless.

    Parameters
    ----------
    address : tuple of str and int
        Host and port.
    seconds : float
    ended : callable
    local : bool, optional
        Whether the job talks through files, as MXNet does where DMLC_LOCAL is 1; by default as the environment says.
    """
    local = os.environ.get("DMLC_LOCAL") == "1" if local is None else local
    until = time.monotonic() + seconds
    while not ended():
        try:
            with socket.socket(socket.AF_UNIX) if local else socket.socket() as probe:
                probe.settimeout(1)
                probe.connect(f"/tmp/{address[1]}" if local else address)  # where MXNet has them
        except OSError:
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        else:
            return True
    return False


def take_place():
    """Return this process's `Place`, and make the environment what MXNet is to find in it.

    DMLC_ROLE is taken out: with it, importing mxnet would not return in a scheduler or a server. Where it is missing, a
    number of the process that Slurm or Kubernetes gave says the role.

    Raises
    ------
    UserError
        If a variable is missing or wrong.
    """
    missing = [name for name in _WANTED if name not in os.environ]
    role = os.environ.pop("DMLC_ROLE", None)
    batch = next((name for name in _NUMBERS if name in os.environ), None)
    if role is None and batch is None:
        missing.append("DMLC_ROLE")
    if missing:
        allowed = "`gluon-wgan launch`, which sets them, or a batch system's job, see docs/cluster/README.md"
        raise UserError("--kvstore", f"dist_sync, without {', '.join(missing)} in the environment", allowed)
    workers, servers = _whole_number("DMLC_NUM_WORKER", 1), _whole_number("DMLC_NUM_SERVER", 1)
    port = _whole_number("DMLC_PS_ROOT_PORT", 1, 65535)
    worker = _whole_number("DMLC_WORKER_ID", 0, workers - 1)
    if role is None:
        number = _whole_number(batch, 0, workers + servers)
        role = SCHEDULER if number == 0 else SERVER if number <= servers else WORKER
        worker = number - servers - 1 if role == WORKER else None
    if role not in (SCHEDULER, SERVER, WORKER):
        raise UserError("DMLC_ROLE", repr(role), f"{SCHEDULER}, {SERVER} or {WORKER}")
    host = _address_of(os.environ["DMLC_PS_ROOT_URI"])
    os.environ["DMLC_PS_ROOT_URI"] = host
    # MXNet would listen on whatever interface it finds first
    os.environ.setdefault("DMLC_NODE_HOST", host if role == SCHEDULER else _own_address_towards(host, port))
    os.environ.setdefault("PS_HEARTBEAT_INTERVAL", _HEARTBEAT)
    return Place(role, worker, workers, host, port)


def _whole_number(name, least, most=None):
    text = os.environ.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
        raise UserError(name, repr(text), f"a whole number, {least} {'or more' if most is None else f'to {most}'}")
    return int(text)


def _address_of(host):
    try:
        return socket.gethostbyname(host)
    except OSError as error:
        raise UserError("DMLC_PS_ROOT_URI", f"{host} ({error.strerror})", "the name or address of a machine") from error


def _own_address_towards(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # sends nothing
        try:
            probe.connect((host, port))
        except OSError as error:
            given = f"{host} ({error.strerror})"
            raise UserError("DMLC_PS_ROOT_URI", given, "a machine that can be reached from here") from error
        return probe.getsockname()[0]
