"""Starvation: a command lacks something while it runs. It does its work, or says in one message what it lacks.

Once it has that again, the same command ends as if nothing had happened.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from disturbed import PATIENCE, SCENARIOS, Disturbed, popen

_ALLOWED = (0, 2, 4)  # statuses: done, a flag or file, a file or the memory
_AS_ROOT = os.geteuid() == 0
# 250 bytes below the folder of a case, with spaces, and letters of two, three and four bytes
_LONG = "Ränder und 卧室 🛏 " * 11
_CLOCK = """
import random, time
_jump = random.Random({seed})
def _jumping(clock):
    off = 0.0
    def read():
        nonlocal off
        if _jump.random() < 0.01:
            off += _jump.choice((-1, 1)) * 10 ** _jump.uniform(0, 6)
        return clock() + off
    return read
time.time = _jumping(time.time)
"""


class Starvation(NamedTuple):
    """What a command lacks.

    Attributes
    ----------
    start : callable
        `start(scenario, place, rng)` starts it so, and returns (process, what happens in words).
    while_it_runs : callable, optional
        `while_it_runs(process, place, rng, seconds)`.
    after : callable, optional
        `after(place)` gives it back what it lacked.
    enough : bool
        Whether it has all that it needs, and must do its work.
    crashes : bool
        Whether a library may end the process, as one that was killed: MXNet writes where there is no memory.
    """

    start: callable
    while_it_runs: callable = None
    after: callable = None
    enough: bool = False
    crashes: bool = False


def _started(words="", environment=None, limit=None, before=()):
    """Return a `start` that takes these from (place, rng)."""

    def start(scenario, place, rng):
        changed = environment(place, rng) if environment else {}
        happened, first = words, before
        if limit:
            flag, most = limit(rng)
            happened, first = f"{words} {most}", ["prlimit", f"--{flag}={most}"]
        return popen(scenario.command, place, first, changed, stderr=subprocess.PIPE), happened

    return start


def _some_memory(rng):
    return "as", int(10 ** rng.uniform(8, 9.5))


def _stop_for_a_while(process, place, rng, seconds):
    time.sleep(rng.uniform(0, seconds))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(rng.uniform(0.1, 3))
        os.killpg(process.pid, signal.SIGCONT)


def _take_a_core(process, place, rng, seconds):
    time.sleep(rng.uniform(0, seconds))
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{process.pid}/task"):
            os.sched_setaffinity(int(task), {min(os.sched_getaffinity(0))})


def _folders(place):
    return [place, *(path for path in place.rglob("*") if path.is_dir() and not path.is_symlink())]


def _withdraw(process, place, rng, seconds):
    time.sleep(rng.uniform(0, seconds))
    for folder in _folders(place):
        folder.chmod(0o500)


def _give_back(place):
    for folder in [place, *place.rglob("*")]:
        if folder.is_dir() and not folder.is_symlink():
            folder.chmod(0o700)


def _on_a_small_disk(scenario, place, rng):
    """Move the place to a disk of a random size, on which it has some room to grow."""
    held = sum(file.stat().st_size + 4096 for file in place.rglob("*"))
    size = held + int(10 ** rng.uniform(3, 6.5))
    beside = place.with_name("beside")
    shutil.rmtree(beside, ignore_errors=True)
    place.rename(beside)
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    shutil.copytree(beside, place, symlinks=True, dirs_exist_ok=True)
    return popen(scenario.command, place, stderr=subprocess.PIPE), f"{size - held} bytes left on the disk"


def _on_a_large_disk(place):
    """Bring what is there back to the disk that it came from."""
    beside = place.with_name("beside")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(place, beside, symlinks=True)
    subprocess.run(["umount", place], check=True)
    place.rmdir()
    beside.rename(place)


def _read_only(scenario, place, rng):
    subprocess.run(["mount", "--bind", place, place], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
    return popen(scenario.command, place, stderr=subprocess.PIPE), "on a disk that is read only"


def _as_nobody(owner):
    """Return a `start` as another user, who owns the place, or may only read it."""

    def start(scenario, place, rng):
        place.parent.chmod(0o755)
        if owner:
            for path in (place, *place.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
        process = popen(scenario.command, place, _SET_NOBODY, {"HOME": str(place)}, stderr=subprocess.PIPE)
        return process, "by another user" if owner else "by another user, in a folder that is not his"

    return start


def _take_back(place):
    for path in (place, *place.rglob("*")):
        os.chown(path, 0, 0, follow_symlinks=False)


def _without_tmp(scenario, place, rng):
    """Run it where /tmp can only be read, but for the place itself, which may lie in it."""
    return popen(scenario.command, place, [*_READ_ONLY_TMP, place], stderr=subprocess.PIPE), "/tmp is read only"


def _jumping_clock(place, rng):
    (place / "clock").mkdir()
    (place / "clock/sitecustomize.py").write_text(_CLOCK.format(seed=rng.randrange(2**31)))
    return {"PYTHONPATH": f"{place / 'clock'}:{Path(__file__).resolve().parents[2]}"}


# root passes over permissions unless it gives that up
_NO_OVERRIDE = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if _AS_ROOT else []
_NOBODY = 65534
# who may read all, since Python itself may lie in a folder of root's
_SET_NOBODY = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
_SET_NOBODY += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
_NOWHERE = "/nonexistent/folder"
# in a namespace of its own for mounts, which ends with the command
_READ_ONLY_TMP = ["unshare", "--mount", "sh", "-c"]
_READ_ONLY_TMP.append(
    'mount --bind "$0" "$0" && mount --rbind /tmp /tmp && mount -o remount,bind,ro /tmp && cd "$0" && exec "$@"'
)
STARVATIONS = {
    "starved: descriptors": Starvation(_started("descriptors:", limit=lambda rng: ("nofile", 64)), enough=True),
    "starved: memory": Starvation(_started("address space:", limit=_some_memory), crashes=True),
    "starved: permissions": Starvation(
        _started("permissions withdrawn", before=_NO_OVERRIDE), _withdraw, after=_give_back
    ),
    "starved: time": Starvation(_started("stopped for a while"), _stop_for_a_while, enough=True),
    "starved: a core": Starvation(_started("on one core"), _take_a_core, enough=True),
    "starved: a steady clock": Starvation(_started("by a jumping clock", _jumping_clock), enough=True),
    "starved: home": Starvation(
        _started("without a home", lambda place, rng: dict.fromkeys(("HOME", "XDG_CACHE_HOME"), _NOWHERE)), enough=True
    ),
    "starved: TMPDIR": Starvation(_started("without a TMPDIR", lambda place, rng: {"TMPDIR": _NOWHERE}), enough=True),
    "starved: a locale": Starvation(
        _started("without a locale", lambda place, rng: {"LC_ALL": "C", "PYTHONUTF8": "0", "LANG": ""}), enough=True
    ),
    "starved: a short path": Starvation(_started("on a long path"), enough=True),
}
if _AS_ROOT:  # who alone may mount, or be somebody else
    STARVATIONS |= {
        "starved: room": Starvation(_on_a_small_disk, after=_on_a_large_disk),
        "starved: writing": Starvation(_read_only, after=lambda place: subprocess.run(["umount", place], check=True)),
        "starved: /tmp": Starvation(_without_tmp, enough=True),
        "starved: root": Starvation(_as_nobody(owner=True), after=_take_back, enough=True),
        "starved: a folder of one's own": Starvation(_as_nobody(owner=False)),
    }


class Starved(Disturbed):
    """Of each kind: a scenario that is drawn at random, and that lacks something."""

    def scenario(self, kind, rng):
        """Return any."""
        return rng.choice(list(SCENARIOS))

    def name_of_place(self, kind):
        """Return a long one where that is what a case is about."""
        return _LONG.encode()[:250].decode(errors="ignore") if kind == "starved: a short path" else "case"

    def disturb(self, kind, scenario, place, rng, seconds):
        """Run it with less than it is used to."""
        starvation = STARVATIONS[kind]
        process, happened = starvation.start(scenario, place, rng)
        try:
            if starvation.while_it_runs:
                starvation.while_it_runs(process, place, rng, seconds)
            said = process.communicate(timeout=PATIENCE)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return happened, f"no answer in {PATIENCE} s"
        finally:
            if starvation.after:
                starvation.after(place)
        return happened, ended(process.returncode, said, starvation.enough, starvation.crashes)


def ended(status, said, enough, crashes=False):
    """Return "right" or "refused" of how a starved command ended, or what was wrong with it.

    Parameters
    ----------
    status : int
    said : str
        On standard error.
    enough : bool
        Whether it had all that it needs.
    crashes : bool
        Whether it may be as one that was killed; 255 is how MXNet ends at a signal, and 128 and more how `launch` does.
    """
    last = (said.strip().splitlines() or [""])[-1]
    if crashes and (status < 0 or status > 128):
        return "refused"
    if "Traceback" in said:
        return f"a traceback, and status {status}: {last}"
    if status not in ((0,) if enough else _ALLOWED):
        return f"it ended with {status}: {last}"
    if status and not last:
        return f"it ended with {status}, and said nothing"
    return "refused" if status else "right"
