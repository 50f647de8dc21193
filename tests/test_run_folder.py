"""The run folder: files that appear whole or not at all, a lock, and metrics that continue without a gap."""

import json
import multiprocessing
import os

import pytest

from gluon_wgan.errors import UserError
from gluon_wgan.files import locked, write_atomic
from gluon_wgan.run_folder import SCHEMA, RunFolder, read_metrics, sealed, unsealed


def test_write_atomic_replaces_and_leaves_nothing_beside(tmp_path):
    write_atomic(tmp_path / "file", b"old")
    write_atomic(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_content(tmp_path, monkeypatch):
    write_atomic(tmp_path / "file", b"old")

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomic(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_lock_excludes_another_process_and_ends_with_it(tmp_path):
    def hold():
        with locked(tmp_path / "lock", wait=False):
            ready.set()
            release.wait(20)
            os._exit(1)  # as a kill would: the lock is not given back

    context = multiprocessing.get_context("fork")
    ready, release = context.Event(), context.Event()
    process = context.Process(target=hold)
    process.start()
    assert ready.wait(20)
    with pytest.raises(BlockingIOError), locked(tmp_path / "lock", wait=False):
        pass
    release.set()
    process.join(20)
    with locked(tmp_path / "lock", wait=False):
        pass


def steps(path):
    return [json.loads(line)["generator_step"] for line in path.read_text().splitlines()]


def test_metrics_continue_after_the_checkpoint_without_gap_or_double(tmp_path):
    run = RunFolder(tmp_path / "run")
    with run:
        run.start_metrics(0)
        for step in (1, 2, 3):
            run.append_metrics({"generator_step": step})
    with open(run.metrics_file, "a") as file:
        file.write('{"generator_st')  # a kill in the middle of a line
    assert [record["generator_step"] for record in read_metrics(run.path)] == [1, 2, 3]
    with run:
        run.start_metrics(2)
        run.append_metrics({"generator_step": 3})
    assert steps(run.metrics_file) == [1, 2, 3]


@pytest.mark.parametrize("lines", [[], [1], [1, 3], [2, 1]])
def test_metrics_that_do_not_reach_the_checkpoint_are_refused(lines, tmp_path):
    run = RunFolder(tmp_path / "run")
    with run:
        run.metrics_file.write_text("".join(json.dumps({"generator_step": step}) + "\n" for step in lines))
        with pytest.raises(UserError, match=r"metrics\.jsonl"):
            run.start_metrics(2)
    assert steps(run.metrics_file) == lines


def test_a_folder_with_files_in_it_is_not_taken(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"--out.*holds files"):
        RunFolder(tmp_path).check_new()
    RunFolder(tmp_path / "new" / "run").check_new()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_killed_before_its_config_can_be_started_again(tmp_path):
    with RunFolder(tmp_path / "run") as run:
        pass
    assert [path.name for path in run.path.iterdir()] == [".lock"]
    run.check_new()
    with run:
        run.write_config({})
    with pytest.raises(UserError, match=r"--out"):
        run.check_new()


def test_what_a_killed_process_was_writing_is_removed(tmp_path):
    run = RunFolder(tmp_path / "run")
    with run:
        run.write_config({"seed": 3})
    (run.checkpoints / "step_0000010").mkdir()
    halves = [run.checkpoints / ".step_0000020.partial", run.samples / ".step_0000020.png.partial"]
    halves[0].mkdir()
    (halves[0] / "generator.params").write_bytes(b"half")
    halves[1].write_bytes(b"half")
    (run.checkpoints / ".latest.partial").symlink_to("step_0000010")
    (tmp_path / ".other.partial").touch()  # not the run's
    with run:
        assert sorted(path.name for path in run.path.rglob("*")) == [
            ".lock", "checkpoints", "config.json", "samples", "step_0000010"
        ]  # fmt: skip
    assert (tmp_path / ".other.partial").exists()


def test_a_broken_config_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config\.json"):
        RunFolder(tmp_path).read_config()


def test_every_start_is_added_to_the_environment(tmp_path):
    with RunFolder(tmp_path / "run") as run:
        assert run.add_environment({"number": 1}) == []
        assert run.add_environment({"number": 2}) == [{"number": 1}]
    assert json.loads((run.path / "environment.json").read_text()) == {"starts": [{"number": 1}, {"number": 2}]}


# --- the fingerprint of config.json and state.json


CONTENT = {"rate": 1 / 3, "name": "Räume\n", "none": None, "list": [1, 2.5, True], "inner": {"b": 1, "a": 10**20}}


def test_what_is_sealed_comes_back():
    assert unsealed(sealed(CONTENT)) == {"schema": SCHEMA, **CONTENT}
    assert unsealed(sealed(unsealed(sealed(CONTENT)))) == {"schema": SCHEMA, **CONTENT}


def test_every_changed_character_is_noticed_or_changes_nothing():
    """Of each character three others are tried: what is still JSON either says the same or is refused."""
    text = sealed(CONTENT).decode()
    refused = 0
    for place, character in enumerate(text):
        for other in "7x ":
            if other != character:
                changed = (text[:place] + other + text[place + 1 :]).encode()
                try:
                    found = unsealed(changed)
                    # of a later version, it is refused by who reads it
                    assert found["schema"] > SCHEMA or found == {"schema": SCHEMA, **CONTENT}, changed
                except ValueError:
                    refused += 1
    assert refused > 2 * len(text)  # spaces between say nothing
    for end in range(len(text)):
        with pytest.raises(ValueError, match=r"."):
            unsealed(text[:end].encode())


def test_older_files_have_no_fingerprint_and_later_ones_are_not_judged():
    assert unsealed(b'{"rate": 1}') == {"rate": 1}
    assert unsealed(b'{"schema": 2, "rate": 1}') == {"schema": 2, "rate": 1}
    later = f'{{"schema": {SCHEMA + 1}, "rate": 1}}'.encode()
    assert unsealed(later) == {"schema": SCHEMA + 1, "rate": 1}
    for bad in (b'{"schema": 3, "rate": 1}', b"[]", b"7", b'{"schema": "3"}', b"\xff", b""):
        with pytest.raises(ValueError, match=r"."):
            unsealed(bad)


def test_a_changed_config_is_refused(tmp_path):
    run = RunFolder(tmp_path / "run")
    with run:
        run.write_config({"seed": 1})
    file = tmp_path / "run" / "config.json"
    file.write_text(file.read_text().replace('"seed": 1', '"seed": 2'))
    with pytest.raises(
        UserError, match=r"--resume: given .*config.json \(not as it was written: changed, or damaged\)"
    ):
        run.read_config()
