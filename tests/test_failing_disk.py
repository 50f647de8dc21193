"""What the world does: a full disk, a file system without locks, lost permissions, a reader that goes away.

Each ends in one message that names the file, and in a status of the README's table; nothing that was finished is lost.
"""

import errno
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mxnet import nd
from tensorboardX import record_writer

import gluon_wgan
from gluon_wgan import command
from gluon_wgan.checkpoint import list_checkpoints, verify_checkpoint
from gluon_wgan.command import STATUSES
from gluon_wgan.errors import Interrupted, NotFiniteError, UserError
from gluon_wgan.files import flush, locked, naming, write_atomic, write_flushed

ROOT = Path(__file__).parents[1]
TINY = (
    "--image-size 16 --generator-channels 2 --critic-channels 2 --latent-dim 3 --batch-size 4 --n-critic 1 "
    "--boost-generator-steps 0 --boost-every 0"
).split()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mounting is refused: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def start(folder, *arguments):
    """Start a training in a process of its own, on the pictures of a folder."""
    flags = ["--data", folder, "--cache-dir", folder.parent / "cache", *TINY, *arguments]
    return subprocess.Popen(
        [sys.executable, ROOT / "experiments/train_lsun.py", *map(str, flags)], stderr=subprocess.PIPE, text=True
    )


def test_a_full_disk_ends_with_4_names_the_file_and_goes_on_when_there_is_room(picture_folder, small_disk):
    run, filler = small_disk / "run", small_disk / "filler"
    flags = ["--out", run, "--generator-steps", "900", "--checkpoint-every", "200", "--sample-every", "900"]
    filler.write_bytes(bytes(700_000))
    ended = start(picture_folder, *flags)
    _, said = ended.communicate(timeout=180)
    assert ended.returncode == 4, said
    last = said.splitlines()[-1]
    assert re.match(rf"{run}/\S+: No space left on device; ", last) and "--resume" in last
    assert "Traceback" not in said
    checkpoints = list_checkpoints(run / "checkpoints")
    assert checkpoints and not list((run / "checkpoints").glob(".*.partial"))
    assert 0 < verify_checkpoint(checkpoints[-1])["generator_steps"] < 900
    filler.unlink()
    resumed = start(picture_folder, "--resume", "--out", run)
    _, said = resumed.communicate(timeout=180)
    assert resumed.returncode == 0, said
    steps = [json.loads(line)["generator_step"] for line in open(run / "metrics.jsonl")]
    assert steps == list(range(1, 901))


def test_a_request_to_stop_is_obeyed_on_a_disk_that_is_nearly_full(picture_folder, small_disk):
    run = small_disk / "run"
    process = start(picture_folder, "--out", run, "--generator-steps", "100000", "--sample-every", "100000")
    while not (run / "metrics.jsonl").exists() or (run / "metrics.jsonl").stat().st_size < 10_000:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    verify_checkpoint(list_checkpoints(run / "checkpoints")[-1])


# What fails, where: each file of a run, as the system would refuse it


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_only(path, *_, **__):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


FAILURES = {
    "metrics": ("gluon_wgan.run_folder.RunFolder.append_metrics", read_only, "."),
    "tensorboard": ("tensorboardX.record_writer.RecordWriter.write", full, "tensorboard"),
    "samples and curves": ("gluon_wgan.pictures.write_atomic", read_only, "real.png"),
    "checkpoints": ("gluon_wgan.checkpoint.write_flushed", read_only, "generator.params"),
    "environment": ("gluon_wgan.run_folder.write_atomic", read_only, "config.json"),
    "prepared": ("gluon_wgan.data.prepared.write_atomic", read_only, "progress.json"),
    "flush": ("os.fsync", full, "partial"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_every_writer_of_a_training_ends_in_one_message(what, picture_folder, tmp_path, monkeypatch, caplog):
    target, failure, named = FAILURES[what]
    monkeypatch.setattr(target, failure)
    flags = ["--data", picture_folder, "--cache-dir", tmp_path / "cache", *TINY, "--out", tmp_path / "run"]
    with pytest.raises(SystemExit) as ended:
        command.run("train", [*map(str, flags), "--generator-steps", "2"])
    assert ended.value.code == 4
    assert named in caplog.messages[-1] and os.strerror(errno.ENOSPC if failure is full else errno.EROFS) in caplog.text


def test_events_are_written_by_the_thread_that_trains(picture_folder, tmp_path, monkeypatch):
    import threading

    seen, write = set(), record_writer.RecordWriter.write

    def spy(writer, event):
        seen.add(threading.current_thread())
        write(writer, event)

    monkeypatch.setattr(record_writer.RecordWriter, "write", spy)
    flags = ["--data", picture_folder, "--cache-dir", tmp_path / "cache", *TINY, "--out", tmp_path / "run"]
    command.call("train", [*map(str, flags), "--generator-steps", "2"])
    assert seen == {threading.main_thread()}


def test_what_could_not_be_written_leaves_no_part_and_the_old_file(tmp_path, monkeypatch):
    write_atomic(tmp_path / "a", b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write_atomic(tmp_path / "a", b"new")
    assert Path(raised.value.filename).parent == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def test_a_failure_names_the_file_unless_it_names_one_itself(tmp_path):
    with pytest.raises(OSError) as raised, naming("here"):
        raise OSError(errno.EIO, "broken")
    assert raised.value.filename == "here"
    with pytest.raises(OSError) as raised, naming("here"):
        raise OSError(errno.EIO, "broken", "there")
    assert raised.value.filename == "there"
    for write in (lambda path: write_flushed(path, b""), flush):
        with pytest.raises(FileNotFoundError) as raised:
            write(tmp_path / "nowhere" / "a")
        assert str(raised.value.filename) == str(tmp_path / "nowhere" / "a")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told_of_and_written(number, tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    for wait in (False, True):
        with locked(tmp_path / "lock", wait=wait):
            pass
    assert caplog.text.count("no locks on this file system") == 2 and str(tmp_path / "lock") in caplog.text


# The statuses


ENDS = {
    0: None,
    2: UserError("--flag", 1, "2"),
    3: NotFiniteError("critic_loss is nan"),
    4: OSError(errno.EIO, "Input/output error", "/a/file"),
    130: Interrupted("stopped after generator step 3"),
    141: BrokenPipeError(errno.EPIPE, "Broken pipe"),
}


def test_no_status_is_without_a_test():
    assert STATUSES.keys() - ENDS.keys() == {5}  # which a job's processes end with by themselves, tests/test_jobs.py


@pytest.mark.parametrize("status", ENDS)
def test_every_way_to_end_has_its_status(status, monkeypatch, caplog):
    def end(*_):
        if ENDS[status]:
            raise ENDS[status]

    monkeypatch.setattr(command, "call", end)
    monkeypatch.setattr(os, "dup2", lambda *_: None)  # pytest needs its stdout
    if status == 0:
        command.run("train")
        return
    with pytest.raises(SystemExit) as ended:
        command.run("train")
    assert ended.value.code == status
    assert len(caplog.messages) == (0 if status == 141 else 1)
    for error in (MemoryError(), KeyboardInterrupt()):
        monkeypatch.setattr(command, "call", lambda *_, error=error: (_ for _ in ()).throw(error))
        with pytest.raises(SystemExit) as ended:
            command.run("train")
        assert ended.value.code == (4 if isinstance(error, MemoryError) else 130)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ImportError("cv2.abi3.so: failed to map segment from shared object"), 4),
        (RuntimeError("MXNetError: Resource temporarily unavailable"), 4),
        (RuntimeError("can't start new thread"), 4),
        (RuntimeError("MXNetError: could not execute a primitive"), 4),
        (RuntimeError('Traceback (most recent call last):\n  File "a.h", line 7\nFailed to allocate CPU Memory'), 4),
        (RuntimeError("another fault"), 1),
        (ImportError("No module named 'a'"), 1),
    ],
)
def test_what_libraries_say_of_no_memory_is_such_an_end(error, status):
    """In a process of its own, which must end though MXNet's threads may not."""
    code = f"""
from gluon_wgan import command
def call(*_):
    raise {error!r}
command.call = call
command.run("train")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == status
    said = str(error).rpartition("\n")[2]
    assert ("Traceback" in ended.stderr) == (status == 1) and said in ended.stderr
    if status == 4:
        assert ended.stderr.startswith(f"not enough memory ({said}); ") and ended.stderr.count("\n") == 1


def test_too_small_an_address_space_is_refused_before_libraries_crash_in_it():
    limited = ["sh", "-c", 'ulimit -v 800000; exec "$0" -m gluon_wgan generate nowhere', sys.executable]
    ended = subprocess.run(limited, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 4
    assert ended.stderr.startswith("not enough memory (`ulimit -v` leaves 819 MB, and the libraries take 1200); ")


def test_the_readme_has_the_table_of_statuses():
    table = re.findall(r"^\| (\d+) \| (.*?) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {int(number): text.replace("\\|", "|") for number, text in table} == STATUSES


def test_no_other_status_is_given_anywhere():
    """Every `sys.exit` and SystemExit of the package gives a status of the table."""
    for file in (ROOT / "gluon_wgan").rglob("*.py"):
        for number in re.findall(r"(?:sys\.exit|SystemExit)\((\d+)\)", file.read_text()):
            assert int(number) in STATUSES, file


def test_a_reader_that_goes_away_is_no_error():
    script = f"{sys.executable} {ROOT / 'experiments/train_lsun.py'} --help | true; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout.strip(), ended.stderr) == ("141", "")


def test_the_engine_says_nothing(picture_folder, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "MXNET_ENGINE_TYPE"}
    flags = ["--data", picture_folder, "--batch-size", "21", "--cache-dir", tmp_path / "cache"]
    ended = subprocess.run(
        [sys.executable, ROOT / "experiments/train_lsun.py", *map(str, flags)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        f"--batch-size: given 21; allowed: 1 to 20, the number of pictures in {picture_folder}"
    ]


def test_a_dead_link_is_one_skipped_picture_of_a_training(picture_folder, tmp_path, caplog):
    (picture_folder / "z.png").symlink_to("nowhere.png")
    flags = ["--data", picture_folder, "--cache-dir", tmp_path / "cache", *TINY, "--out", tmp_path / "run"]
    command.call("train", [*map(str, flags), "--generator-steps", "1"])
    assert "1 pictures could not be decoded" in caplog.text


def test_more_unreadable_pictures_train_with_the_flag_and_resume_without(picture_folder, tmp_path):
    for index in range(5):
        (picture_folder / f"z{index}.png").write_bytes(b"no picture")
    flags = ["--data", picture_folder, "--cache-dir", tmp_path / "cache", *TINY, "--out", tmp_path / "run"]
    flags = [*map(str, flags), "--generator-steps"]
    with pytest.raises(UserError, match="--allow-unreadable"):
        command.call("train", [*flags, "1"])
    command.call("train", [*flags, "1", "--allow-unreadable"])
    command.call("train", [*flags, "2", "--resume"])


def test_pictures_that_are_not_finite_are_not_drawn(picture_folder, tmp_path, monkeypatch):
    flags = ["--data", picture_folder, "--cache-dir", tmp_path / "cache", *TINY, "--out", tmp_path / "run"]
    command.call("train", [*map(str, flags), "--generator-steps", "1"])
    generator, _, _ = gluon_wgan.load_generator(tmp_path / "run")
    # finite weights of both signs, whose products are infinite, and their sum no number
    for name, parameter in generator.collect_params().items():
        sign = 1 if "running" in name else nd.random.uniform(-1, 1, parameter.shape).sign()
        parameter.set_data(nd.ones(parameter.shape) * 1e30 * sign)
    generator.save_parameters(str(tmp_path / "weights"))
    monkeypatch.setattr(
        "gluon_wgan.models.sampling.load_weights", lambda _, block: block.load_parameters(str(tmp_path / "weights"))
    )
    with pytest.raises(NotFiniteError, match="a generated picture is not finite"):
        command.call("generate", [str(tmp_path / "run"), "--bn-mode", "running"])
    assert list((tmp_path / "run/generated").iterdir()) == []
