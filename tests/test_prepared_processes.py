"""Preparing in processes that are killed, that compete, and that have no main guard: always the same bytes."""

import random
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest
from conftest import make_picture, python_command, run_python
from PIL import Image

from gluon_wgan.data import Prepared

COUNT, BLOCK = 900, 10
BROKEN = range(7, COUNT, 150)  # undecodable, 6 of 900

# Prepares 900 pictures below the folder that it is given, with a note of its progress after every 60, and prints how
# many it read. It kills itself at a read, or at a place in the finishing, where it is told to; at a read not before it
# noted something: on a busy machine it may have read a lot by then.
SCRIPT = f"""
import os, signal, sys, threading, time
import numpy as np
from PIL import Image
from gluon_wgan.data import prepare, prepared
from gluon_wgan.data.decode import UndecodableError
from gluon_wgan.data.source import Source

cache, kill_at = sys.argv[1], sys.argv[2]

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

noted, write = threading.Event(), prepared.write_atomic

def write_and_tell(*arguments):
    write(*arguments)
    noted.set()

prepared.write_atomic = write_and_tell

class Drawn(Source):
    reads, counting = 0, threading.Lock()

    def __len__(self):
        return {COUNT}

    def key(self, index):
        return f"picture {{index}}"

    def identity(self):
        return {{"drawn": {COUNT}}}

    def image(self, index):
        with self.counting:
            Drawn.reads += 1
            if str(Drawn.reads) == kill_at:
                noted.wait(60)
                kill()
        if index in {list(BROKEN)}:
            raise UndecodableError("broken")
        return Image.fromarray(np.random.default_rng(index).integers(0, 256, (40, 54, 3), dtype=np.uint8))

if kill_at == "before finishing":
    prepared._finish = kill
elif kill_at == "while finishing":
    np.save = kill
elif kill_at == "after finishing":
    finish = prepared._finish
    prepared._finish = lambda *arguments: kill(finish(*arguments))
elif kill_at == "wait":
    print("ready", flush=True)
    sys.stdin.readline()

prepared._BLOCK, prepared._SECONDS_BETWEEN_NOTES = {BLOCK}, 0
prepare(Drawn("drawn", 3), 16, "pil", cache)
print(Drawn.reads)
"""


def _content(cache):
    """Return what lies in the one finished folder below a cache, by file name; check that its partial one is gone."""
    lock, finished = sorted((cache / "prepared").iterdir(), key=lambda path: path.suffix != ".lock")
    assert (lock.suffix, finished.suffix) == (".lock", "")
    return {file.name: file.read_bytes() for file in finished.iterdir()}


def _run_and_kill(cache, kill_at):
    killed = subprocess.run(**python_command(SCRIPT, cache, kill_at), capture_output=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert {path.suffix for path in (cache / "prepared").iterdir()} == {".lock", ".partial"}  # nothing that looks whole


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    cache = tmp_path_factory.mktemp("undisturbed")
    assert run_python(SCRIPT, cache, "never") == str(COUNT)
    return _content(cache)


def test_the_undisturbed_result_is_complete(undisturbed):
    assert set(undisturbed) == {"pictures.npy", "keys.txt", "skipped.tsv", "held_out.npy", "identity.json"}
    kept = [index for index in range(COUNT) if index not in BROKEN]
    assert undisturbed["keys.txt"].decode().splitlines() == [f"picture {index}" for index in kept]
    assert undisturbed["skipped.tsv"].decode().splitlines() == [f"picture {index}\tbroken" for index in BROKEN]
    assert len(undisturbed["pictures.npy"]) == 256 + len(kept) * 16 * 16 * 3


def test_killed_at_random_moments_it_goes_on_to_the_same_bytes(tmp_path, undisturbed):
    seed = random.randrange(2**32)  # another each time: every moment should do
    generator = random.Random(seed)
    moments = [generator.randrange(200, 290) for _ in range(3)]
    for moment in moments:
        _run_and_kill(tmp_path, moment)
    reads = int(run_python(SCRIPT, tmp_path, "never"))
    assert _content(tmp_path) == undisturbed, moments
    # blocks that were read but not yet noted are read again; starting over would read them all
    left = COUNT - sum(moments)
    assert left <= reads < COUNT, moments


def test_what_was_written_after_the_last_note_counts_as_not_written(tmp_path, undisturbed):
    _run_and_kill(tmp_path, 400)
    for name in ("pictures.npy", "keys.txt", "skipped.tsv"):
        (file,) = tmp_path.rglob(name)
        with open(file, "ab") as stream:
            stream.write(b"half a row")
    run_python(SCRIPT, tmp_path, "never")
    assert _content(tmp_path) == undisturbed


@pytest.mark.parametrize("moment", ["before finishing", "while finishing", "after finishing"])
def test_killed_at_the_end_it_goes_on_to_the_same_bytes(tmp_path, undisturbed, moment):
    _run_and_kill(tmp_path, moment)
    run_python(SCRIPT, tmp_path, "never")
    assert _content(tmp_path) == undisturbed


def test_two_processes_that_prepare_the_same_share_the_work(tmp_path, undisturbed):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(**python_command(SCRIPT, tmp_path, "wait"), **pipes) for _ in range(2)]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sorted(int(output) for output, _ in outputs) == [0, COUNT]  # one reads, one waits for it
    assert _content(tmp_path) == undisturbed


@pytest.mark.parametrize(("way", "resize"), [("stdin", "pil"), ("file", "mxnet")])
def test_works_from_stdin_and_from_a_script_without_a_main_guard(picture_folder, tmp_path, way, resize):
    script = f"""
from gluon_wgan.data import open_source, prepare
print(prepare(open_source({str(picture_folder)!r}), 16, {resize!r}, {str(tmp_path)!r}).folder)
"""
    (tmp_path / "script.py").write_text(script)
    command = {**python_command(""), "args": [sys.executable, "-" if way == "stdin" else tmp_path / "script.py"]}
    done = subprocess.run(**command, input=script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    result = Prepared(tmp_path / "prepared" / done.stdout.strip().rpartition("/")[2])
    assert result.shape == (20, 16, 16, 3)
    # 54 x 40 becomes int(21.6) x 16, and (21 - 16) / 2 = 2.5 rounds to the even 2; MXNet's bilinear is OpenCV's
    ways = {
        "pil": lambda picture: Image.fromarray(picture).resize((21, 16), Image.BILINEAR),
        "mxnet": lambda picture: cv2.resize(picture, (21, 16), interpolation=cv2.INTER_LINEAR),
    }
    expected = [np.asarray(ways[resize](make_picture(index)))[:, 2:18] for index in range(20)]
    assert np.array_equal(np.asarray(result), expected)
