"""Read rubbish, one case after the other, and say how each ended: a line before it, and a line after it."""

import io
import os
import resource
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("MXNET_ENGINE_TYPE", "NaiveEngine")

import numpy as np
from mutations import mutate
from readers import READERS, REFUSALS, random_flags, read_flags

FLAGS = "flags"
# What no file may make a program do, by the names of Python's audit events.
_STARTED = {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.startfile"}
_STARTED |= {"socket.connect", "socket.bind"}
_WRITTEN = {
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "open",
}
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MEMORY = 2**30  # bytes that a case may take


def main():
    """Take lines "KIND SEED" from standard input."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    with tempfile.TemporaryDirectory() as folder:
        sound, watch = {}, Watch()
        for line in sys.stdin:
            kind, _, seed = line.rstrip("\n").rpartition(" ")
            if kind != FLAGS and kind not in sound:
                sound[kind] = _make(kind, Path(folder) / f"sound{len(sound)}")
            answers.write("ready\n")
            answers.write(f"{_case(kind, int(seed), sound.get(kind), Path(folder) / 'case', watch)}\n")


class Watch:
    """What a case starts, and what it writes outside its folder, as Python's audit events tell."""

    def __init__(self):
        self.allowed, self.seen = None, []
        sys.addaudithook(self._hear)

    def over(self, folder):
        """Begin to watch a case that may write in a folder alone; what was seen is in `seen`."""
        self.allowed, self.seen = str(folder), []

    def _hear(self, event, arguments):
        if self.allowed is None:
            return
        if event in _STARTED:
            # an LMDB is looked through by another Python, which a damaged one may kill
            if event != "subprocess.Popen" or sys.executable not in arguments[1][:1]:
                self.seen.append(event)
        elif event in _WRITTEN:
            self._hear_of_files(event, arguments)

    def _hear_of_files(self, event, arguments):
        if event == "open" and not arguments[2] & _TO_WRITE:
            return
        if event not in ("open", "os.truncate") and arguments[-1] != -1:  # relative to a folder that is open
            return
        changed = arguments[1:2] if event in ("os.link", "os.symlink") else arguments[: 1 + (event == "os.rename")]
        for path in changed:
            if isinstance(path, (str, bytes, os.PathLike)):
                path = os.path.abspath(os.fsdecode(path))
                # Python keeps what it imports late in __pycache__
                if not path.startswith(self.allowed) and path != os.devnull and "__pycache__" not in path:
                    self.seen.append(f"{event} {path}")


def _make(kind, folder):
    folder.mkdir()
    files = READERS[kind].make(folder)
    expected = READERS[kind].read(folder)  # a sound file is read
    return folder, files, expected


def _case(kind, seed, sound, folder, watch):
    """Return "right", "refused", or "FAILED" and why."""
    found = _read(kind, seed, sound, folder, watch)
    watch.allowed = None
    if watch.seen and not found.startswith("FAILED"):
        return f"FAILED: it did {', '.join(dict.fromkeys(watch.seen))}"
    return found


def _read(kind, seed, sound, folder, watch):
    rng = np.random.default_rng([seed, len(kind), *kind.encode()])
    shutil.rmtree(folder, ignore_errors=True)
    if sound is not None:
        shutil.copytree(sound[0], folder, symlinks=True)
        file = folder / sound[1][rng.integers(len(sound[1]))]
        content = file.read_bytes()
        changed = mutate(content, rng)
        file.write_bytes(changed)
    watch.over(folder)
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY, before[1]))
    try:
        if sound is None:
            read_flags(random_flags(rng))
        else:
            found = READERS[kind].read(folder)
            if READERS[kind].exact and repr(found) != repr(sound[2]):
                return f"FAILED: {file.name} was taken for sound, and is not what was written"
    except REFUSALS as refusal:
        return "refused" if "\n" not in str(refusal).strip() else f"FAILED: a message of several lines: {refusal!r}"
    except BaseException:
        last = traceback.format_exc().strip().splitlines()
        return f"FAILED: {last[-1]} ({' '.join(' '.join(last[-5:-1]).split())})"
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    return "right"


def _address_space():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    sys.stdin = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8")
    main()
