"""Machines that are network namespaces of this one, joined by a slow link; `ssh` reaches them."""

import contextlib
import itertools
import os
import subprocess
import tempfile
from pathlib import Path
from unittest import mock

from gluon_wgan.errors import UserError

_NETWORK = "10.213.77"
_CALLS = itertools.count()
# `script` gives what it runs a terminal of its own, as `ssh -tt` does: with the one the other ends
_SSH = """#!/bin/sh
while [ "${{1#-}}" != "$1" ]; do [ "$1" = -o ] && shift; shift; done
machine=$1; shift
exec ip netns exec {name}${{machine##*.}} script --quiet --return --flush --command "$*" /dev/null
"""


@contextlib.contextmanager
def machines(count, rate):
    """Lay out machines while the block lasts; give their addresses.

    Parameters
    ----------
    count : int
    rate : str
        Of each machine's link, either way, as `tc tbf` takes it.

    Raises
    ------
    UserError
        If this machine does not allow it.
    """
    name = f"gw{os.getpid()}-{next(_CALLS)}-"  # what is taken down is gone only a while later
    bridge = f"{name}br"
    with contextlib.ExitStack() as undo:
        try:
            _ip(f"link add {bridge} type bridge")
            undo.callback(_ip, f"link del {bridge}")
            _ip(f"addr add {_NETWORK}.254/24 dev {bridge}")
            _ip(f"link set {bridge} up")
            for number in range(1, count + 1):
                machine, outside = f"{name}{number}", f"{name}v{number}"
                _ip(f"netns add {machine}")
                undo.callback(_ip, f"netns del {machine}")
                _ip(f"link add {outside} type veth peer name eth0 netns {machine}")
                undo.callback(_ip, f"link del {outside}")
                _ip(f"link set {outside} master {bridge} up")
                _ip(f"-n {machine} addr add {_NETWORK}.{number}/24 dev eth0")
                for device in ("lo", "eth0"):
                    _ip(f"-n {machine} link set {device} up")
                for where, device in (([], outside), (["ip", "netns", "exec", machine], "eth0")):
                    limit = f"tc qdisc add dev {device} root tbf rate {rate} burst 256kb latency 100ms"
                    _run([*where, *limit.split()])
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or error
            raise UserError("network namespaces", str(said).strip(), "root, ip and tc with tbf, on Linux") from error
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        (folder / "ssh").write_text(_SSH.format(name=name))
        (folder / "ssh").chmod(0o755)
        undo.enter_context(mock.patch.dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}"))
        yield [f"{_NETWORK}.{number}" for number in range(1, count + 1)]


def _ip(arguments):
    _run(["ip", *arguments.split()])


def _run(command):
    subprocess.run(command, check=True, capture_output=True, text=True)
