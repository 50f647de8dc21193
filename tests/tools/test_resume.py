"""Going on with a run: its settings are bound, its data may have moved, its files may have suffered; the bits agree."""

import base64
import dataclasses
import json
import logging
import os
import shutil
from pathlib import Path

import gluon_wgan

# isort: split
import numpy as np
import pytest
from conftest import encode, make_picture
from training_fixtures import make_trainer
from training_fixtures import run as train_on

from gluon_wgan.checkpoint import drop_checkpoints_by_clock, list_checkpoints
from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.resize import _REGISTRY, Resizer
from gluon_wgan.run_folder import SCHEMA, RunFolder
from gluon_wgan.settings import Settings
from gluon_wgan.training import loop

REPOSITORY = Path(__file__).parents[2]
TINY = (
    "--image-size 16 --generator-channels 4 --critic-channels 4 --batch-size 4 --n-critic 1 --n-critic-boost 2".split()
)


def train(*arguments):
    call("train", [str(argument) for argument in arguments])


def test_resume_refuses_changed_settings_and_lists_them(picture_folder, elsewhere):
    flags = ["--data", picture_folder, *TINY, "--out", "run", "--checkpoint-every", "1", "--generator-steps", "2"]
    train(*flags)
    before = {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*") if path.is_file()}
    with pytest.raises(UserError) as caught:
        train("--out", "run", "--resume", "--clip-bound", "0.02", "--resize", "cv2")
    for word in ("--clip-bound 0.02", "0.01", "--resize cv2", "pil"):
        assert word in str(caught.value)
    with pytest.raises(UserError, match="--generator-steps 1"):
        train("--out", "run", "--resume", "--generator-steps", "1")
    assert {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*") if path.is_file()} == before


def test_other_versions_of_what_computes_are_told(picture_folder, elsewhere, caplog):
    train("--data", picture_folder, *TINY, "--out", "run", "--generator-steps", "1")
    environment = json.loads(Path("run/environment.json").read_text())
    now = environment["starts"][0]["packages"]["numpy"]
    train("--out", "run", "--resume", "--generator-steps", "2")
    assert "last bits" not in caplog.text
    environment["starts"][0]["packages"]["numpy"] = "1.0"
    Path("run/environment.json").write_text(json.dumps(environment))
    train("--out", "run", "--resume", "--generator-steps", "3")
    assert f"numpy was 1.0 and is {now}: the weights may differ in their last bits" in caplog.text


def test_more_generator_steps_are_no_change(picture_folder, elsewhere):
    train("--data", picture_folder, *TINY, "--out", "run", "--generator-steps", "2")
    train("--out", "run", "--resume", "--generator-steps", "3")
    assert [json.loads(line)["generator_step"] for line in open("run/metrics.jsonl")] == [1, 2, 3]
    assert json.loads(Path("run/config.json").read_text())["generator_steps"] == 3


def end_of(folder):
    return {name: (folder / f"checkpoints/latest/{name}.params").read_bytes() for name in ("generator", "optimizer")}


def test_from_code_a_run_is_trained_shown_and_gone_on_with(picture_folder, elsewhere):
    """To the bits of the command line's; what is there already is not trained again, and other settings are refused."""
    train("--data", picture_folder, *TINY, "--out", "run", "--generator-steps", "3")
    settings = Settings.from_json(RunFolder("run").read_config(), "run")
    gluon_wgan.train(dataclasses.replace(settings, generator_steps=2), "own")
    run = gluon_wgan.train(settings, "own")
    assert end_of(run.path) == end_of(Path("run"))
    before = (run.path / "metrics.jsonl").read_bytes()
    gluon_wgan.train(settings, "own")
    assert (run.path / "metrics.jsonl").read_bytes() == before
    with pytest.raises(UserError, match="--seed 7"):
        gluon_wgan.train(dataclasses.replace(settings, seed=7), "own")
    shown = run._repr_html_()
    assert "<b>own</b>, step_0000003" in shown
    for name in ("curves.png", "samples/step_0000003.png"):
        assert base64.b64encode((run.path / name).read_bytes()).decode() in shown
    Path("<i>").mkdir()
    assert RunFolder("<i>")._repr_html_() == "<p><b>&lt;i&gt;</b>, no samples yet</p>"


def cut_metrics(run):
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:3]))
    return "metrics.jsonl has 3 whole lines, and 4 are needed"


def damage_metrics(run):
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join([*lines[:2], "\0\0\0\n", lines[3]]))
    return "metrics.jsonl has 2 whole lines, and 4 are needed"


def cut_checkpoint(run):
    file = run / "checkpoints/step_0000004/critic.params"
    os.truncate(file, file.stat().st_size // 2)
    return "critic.params is not as it was written"


@pytest.mark.parametrize("damage", [cut_metrics, damage_metrics, cut_checkpoint])
def test_resume_goes_back_to_what_all_files_support_to_the_same_bits(damage, picture_folder, elsewhere, caplog):
    flags = ["--data", picture_folder, *TINY, "--checkpoint-every", "2"]
    train(*flags, "--out", "whole", "--generator-steps", "6")
    train(*flags, "--out", "run", "--generator-steps", "4")
    problem = damage(Path("run"))
    caplog.set_level(logging.WARNING)
    train("--out", "run", "--resume", "--generator-steps", "6")
    assert problem in caplog.text and "going back to step_0000002" in caplog.text
    assert end_of(Path("run")) == end_of(Path("whole"))
    assert [json.loads(line)["generator_step"] for line in open("run/metrics.jsonl")] == [1, 2, 3, 4, 5, 6]


def test_with_no_checkpoint_that_is_supported_it_starts_anew(picture_folder, elsewhere, caplog):
    train("--data", picture_folder, *TINY, "--out", "run", "--generator-steps", "2")
    before = end_of(Path("run"))
    Path("run/metrics.jsonl").unlink()
    train("--out", "run", "--resume")
    assert "going back to the start" in caplog.text
    assert end_of(Path("run")) == before and len(Path("run/metrics.jsonl").read_text().splitlines()) == 2


def test_resume_refuses_other_pictures(picture_folder, elsewhere):
    train("--data", picture_folder, *TINY, "--out", "run", "--generator-steps", "1")
    original = (picture_folder / "00.png").read_bytes()
    (picture_folder / "00.png").write_bytes((picture_folder / "01.png").read_bytes())
    with pytest.raises(UserError, match="20 pictures of the same names, whose content is not the same"):
        train("--out", "run", "--resume", "--generator-steps", "2")
    (picture_folder / "00.png").unlink()
    with pytest.raises(UserError, match=r"--data: given .*19 pictures, not the same .*; allowed: the 20 pictures"):
        train("--out", "run", "--resume", "--generator-steps", "2")
    (picture_folder / "00.png").write_bytes(original)
    train("--out", "run", "--resume", "--generator-steps", "2")


def test_a_run_goes_on_where_its_pictures_lie_now(picture_folder, elsewhere):
    flags = ["--data", picture_folder, *TINY]
    train(*flags, "--out", "whole", "--generator-steps", "4")
    train(*flags, "--out", "run", "--generator-steps", "2")
    shutil.copytree(picture_folder, "moved", copy_function=shutil.copyfile)  # new times
    shutil.rmtree(picture_folder)
    shutil.rmtree("cache")  # and another machine
    with pytest.raises(UserError, match="does not exist"):
        train("--out", "run", "--resume", "--generator-steps", "4")
    train("--out", "run", "--resume", "--generator-steps", "4", "--data", "moved")
    assert end_of(Path("run")) == end_of(Path("whole"))
    assert json.loads(Path("run/config.json").read_text())["data"] == str(elsewhere / "moved")


def test_pictures_of_an_older_library_are_kept_and_a_change_is_told(picture_folder, elsewhere, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    train("--data", picture_folder, *TINY, "--out", "run", "--generator-steps", "1")
    recorded = json.loads(Path("run/config.json").read_text())["pictures"]["made_by"]
    assert recorded["resize"].startswith("Pillow ") and caplog.text == ""
    later = Resizer("pil", lambda image, width, height: np.zeros((height, width, 3), np.uint8), True, version="Later 1")
    monkeypatch.setitem(_REGISTRY, "pil", later)
    train("--out", "run", "--resume", "--generator-steps", "2")
    assert "going on with the pictures that the run began with" in caplog.text
    assert f"resized by {recorded['resize']}; installed here" in caplog.text and "resized by Later 1" in caplog.text
    shutil.rmtree("cache")
    caplog.clear()
    train("--out", "run", "--resume", "--generator-steps", "3")
    assert "differ" in caplog.text and "resized by Later 1" in caplog.text and "--cache-dir" in caplog.text


def test_a_run_of_the_version_before_resumes_generates_and_exports(tmp_path, caplog):
    shutil.copytree(REPOSITORY / "tests/fixtures/run_of_schema_1", tmp_path / "run", symlinks=True)
    (tmp_path / "pictures").mkdir()
    for number in range(12):
        (tmp_path / "pictures" / f"{number:02d}.png").write_bytes(encode(make_picture(number)))
    call("generate", [str(tmp_path / "run"), "--count", "4"])
    assert len(list((tmp_path / "run/generated").iterdir())) == 1
    places = ["--data", tmp_path / "pictures", "--cache-dir", tmp_path / "cache"]
    train("--out", tmp_path / "run", "--resume", "--generator-steps", "6", *places)
    assert [json.loads(line)["generator_step"] for line in open(tmp_path / "run/metrics.jsonl")] == [1, 2, 3, 4, 5, 6]
    assert "did not record its pictures" in caplog.text
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["schema"] == SCHEMA and config["pictures"]["pictures"] == 12
    # and from now on its pictures are known
    (tmp_path / "pictures/00.png").unlink()
    with pytest.raises(UserError, match="allowed: the 12 pictures"):
        train("--out", tmp_path / "run", "--resume", "--generator-steps", "7", *places)


def test_a_run_of_a_later_version_is_refused(picture_folder, elsewhere):
    train("--data", picture_folder, *TINY, "--out", "run", "--generator-steps", "1")
    config = json.loads(Path("run/config.json").read_text())
    Path("run/config.json").write_text(json.dumps({**config, "schema": 99}))
    for arguments in (["train", "--out", "run", "--resume"], ["generate", "run"]):
        with pytest.raises(UserError, match="schema 99, of a later version"):
            call(arguments[0], arguments[1:])


def test_of_the_checkpoints_by_the_clock_the_newest_is_kept(tmp_path):
    trainer = make_trainer()
    for step, by_clock in enumerate([False, True, True, False, True]):
        train_on(trainer, 1)
        trainer.save(tmp_path, by_clock=by_clock)
        drop_checkpoints_by_clock(tmp_path)
        kept = [int(path.name[-1]) for path in list_checkpoints(tmp_path)]
        assert kept == [[1], [1, 2], [1, 3], [1, 4], [1, 4, 5]][step]


def test_a_checkpoint_by_the_clock_comes_inside_a_step_too_and_changes_no_bit(picture_folder, elsewhere, monkeypatch):
    flags = ["--data", picture_folder, *TINY, "--generator-steps", "2"]
    train(*flags, "--out", "whole")
    seen, save = [], loop.drop_checkpoints_by_clock

    def spy(folder):
        save(folder)
        seen.append([path.name for path in list_checkpoints(folder)])

    monkeypatch.setattr(loop, "drop_checkpoints_by_clock", spy)
    train(*flags, "--out", "run", "--checkpoint-minutes", "1e-9")
    # two critic updates in each of two boosted steps: before each, and at the end; one at a time but for the last
    assert [names[0] for names in seen] == [
        "step_0000000",
        "step_0000000_critic_000000001",
        "step_0000001",
        "step_0000001_critic_000000003",
        "step_0000002",
    ]
    assert all(len(names) == 1 for names in seen)
    assert end_of(Path("run")) == end_of(Path("whole"))


def test_two_processes_cannot_write_one_run(picture_folder, elsewhere):
    from gluon_wgan.files import locked

    train("--data", picture_folder, *TINY, "--out", "run", "--generator-steps", "1")
    with locked("run/.lock", wait=False), pytest.raises(UserError, match="another process"):
        train("--out", "run", "--resume", "--generator-steps", "2")
