"""Commands that are killed: at a random instant, and as they enter a system call."""

import contextlib
import os
import shutil
import signal
import subprocess

from disturbed import PATIENCE, SCENARIOS, Disturbed, popen

STRACE = shutil.which("strace")
# that change what is on the disk
_CALLS = ("openat", "write", "fsync", "rename", "mkdir", "unlink", "symlink", "ftruncate", "flock", "munmap")
KILLED = {f"killed: {name}": name for name in SCENARIOS}
AT_CALLS = {f"killed at: {call}": call for call in _CALLS} if STRACE else {}


class Kills(Disturbed):
    """Of each scenario: a SIGKILL to its processes at a random instant."""

    def scenario(self, kind, rng):
        """Return that of the kind."""
        return KILLED[kind]

    def disturb(self, kind, scenario, place, rng, seconds):
        """Kill it, unless it ends before."""
        after = rng.uniform(0, 1.05 * seconds)
        process = popen(scenario.command, place)
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return f"killed after {after:.2f} s", "right"


def at_call(call, count):
    """Return the words before a command that kill it as it enters a system call for the count-th time.

    Without --seccomp-bpf, with which strace 6.1 injects nothing.
    """
    return [STRACE, "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={count}"]


class KillsAtCalls(Disturbed):
    """Of each system call: a scenario that is drawn at random is killed as it enters it for the n-th time."""

    def scenario(self, kind, rng):
        """Return any."""
        return rng.choice(list(SCENARIOS))

    def disturb(self, kind, scenario, place, rng, seconds):
        """Kill it by strace, and with it those that it started, unless it never comes so far."""
        call, count = AT_CALLS[kind], int(10 ** rng.uniform(0, 3.5))
        process = popen(scenario.command, place, at_call(call, count), stderr=subprocess.PIPE)
        try:
            said = process.communicate(timeout=PATIENCE)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            return f"killed at {call} {count}", f"no end in {PATIENCE} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if "strace: " in said:  # it could not trace, and so killed nothing
            return f"killed at {call} {count}", said.strip().splitlines()[-1]
        return f"killed at {call} {count}", "right"
