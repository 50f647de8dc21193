"""`gluon-wgan view` without a browser: which runs it reads, how far a run is, and what is refused at the start."""

import json
import os
import sys
import time

import pytest

from gluon_wgan import zoo
from gluon_wgan.app.followed import Followed
from gluon_wgan.app.runs import NEWEST, Runs, labels_of
from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.run_folder import sealed


def make_run(folder, steps=0, checkpoints=()):
    """Make a folder that looks like a run's, of 10 generator steps in all, 2 of them a second."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(sealed({"generator_steps": 10}))
    for step in checkpoints:
        (folder / "checkpoints" / f"step_{step:07d}").mkdir(parents=True)
    write_steps(folder, range(1, steps + 1))
    return folder


def write_steps(folder, steps):
    with open(folder / "metrics.jsonl", "a") as file:
        for step in steps:
            record = {"generator_step": step, "em_distance_estimate": step / 100, "seconds": step / 2}
            file.write(json.dumps(record) + "\n")


def test_runs_are_named_from_the_folder_that_was_given_the_last_written_first(tmp_path):
    for age, name in enumerate(("new", "study/old", "study/deep/older")):
        run = make_run(tmp_path / "runs" / name, steps=1)
        os.utime(run / "metrics.jsonl", (1e9 - age, 1e9 - age))
    make_run(tmp_path / "runs/study/deep/deeper/still")  # four floors below
    make_run(tmp_path / "runs/.hidden")
    assert list(Runs([tmp_path / "runs"]).folders()) == ["new", "study/old", "study/deep/older"]
    assert list(Runs([tmp_path / "runs/study/old"]).folders()) == ["old"]
    both = Runs([tmp_path / "runs/study/old", tmp_path / "runs/study/deep"]).folders()
    assert sorted(both) == ["deep/deeper/still", "deep/older", "old"]
    assert both["old"] == tmp_path / "runs/study/old"


def test_a_run_that_begins_later_is_there(tmp_path):
    make_run(tmp_path / "first")
    runs = Runs([tmp_path])
    make_run(tmp_path / "second")
    assert set(runs.folders()) == {"first", "second"}


def test_a_link_that_leads_out_is_not_followed(tmp_path):
    make_run(tmp_path / "elsewhere/secret")
    make_run(tmp_path / "runs/mine")
    (tmp_path / "runs/link").symlink_to(tmp_path / "elsewhere/secret")
    (tmp_path / "runs/above").symlink_to(tmp_path)
    assert list(Runs([tmp_path / "runs"]).folders()) == ["mine"]


@pytest.mark.parametrize("name", ["../elsewhere", "/etc", "mine/..", "", "mine/", "%2e%2e/elsewhere", None])
def test_no_name_but_a_runs_is_taken(tmp_path, name):
    make_run(tmp_path / "elsewhere", checkpoints=[1])
    runs = Runs([make_run(tmp_path / "runs/mine").parent])
    with pytest.raises(UserError, match="one of the runs that this page was given"):
        runs.folder(name)
    with pytest.raises(UserError, match="one of the runs that this page was given"):
        runs.checkpoint(name, NEWEST)


def test_the_zoo_s_models_come_after_the_runs(tmp_path):
    runs = Runs([make_run(tmp_path / "mine")])
    models = [f"zoo:{name}" for name in zoo.names()]
    assert runs.names() == ["mine", *models] and list(runs.folders()) == ["mine"]
    assert Runs([]).names() == models and Runs([]).folders() == {}
    (checkpoint,) = runs.checkpoints("zoo:rooms-64")
    assert runs.checkpoint("zoo:rooms-64", NEWEST) == zoo.located("zoo:rooms-64") / "checkpoints" / checkpoint


def test_checkpoints_by_name_and_the_newest(tmp_path):
    runs = Runs([make_run(tmp_path / "runs/mine", checkpoints=[2, 10]).parent])
    assert runs.checkpoints("mine") == ["step_0000010", "step_0000002"]
    assert runs.checkpoint("mine", NEWEST).name == "step_0000010"
    assert runs.checkpoint("mine", "step_0000002") == tmp_path / "runs/mine/checkpoints/step_0000002"
    for wrong in ("step_0000003", "../checkpoints/step_0000002", "latest", "", None):
        with pytest.raises(UserError, match="one of mine: step_0000010, step_0000002"):
            runs.checkpoint("mine", wrong)
    make_run(tmp_path / "runs/begun")
    with pytest.raises(UserError, match="no checkpoint yet"):
        runs.checkpoint("begun", NEWEST)


def test_labels_say_what_differs():
    assert labels_of(["gan-pil-seed0", "gan-cv2-seed0", "gan-seed0"]) == {
        "gan-pil-seed0": "pil",
        "gan-cv2-seed0": "cv2",
        "gan-seed0": "gan",
    }
    assert labels_of(["gan-pil"]) == {"gan-pil": "gan-pil"}


def test_a_run_is_followed_as_it_is_written(tmp_path):
    run = make_run(tmp_path / "run")
    followed = Followed(run)
    followed.look()
    assert followed.row() == ["0 of 10", "", "", "no step yet"]
    write_steps(run, range(1, 5))
    with open(run / "metrics.jsonl", "a") as file:
        file.write('{"generator_step": 5, "em_dist')  # half a line
    followed.look()
    assert followed.row() == ["4 of 10", "0.04", "2", "training, 3 seconds left"]  # 6 steps at 2 a second
    with open(run / "metrics.jsonl", "a") as file:
        file.write('ance_estimate": 0.07, "seconds": 4.5}\n')
    followed.look()
    assert followed.row()[:2] == ["5 of 10", "0.07"]
    assert len(followed.curve) == 5
    write_steps(run, range(6, 11))
    followed.look()
    assert followed.row()[3] == "finished"


@pytest.mark.parametrize("rewritten", [2, 8])
def test_a_run_that_went_back_is_read_anew(tmp_path, rewritten):
    """Whether the file has become shorter meanwhile or longer."""
    run = make_run(tmp_path / "run", steps=5)
    followed = Followed(run)
    followed.look()
    (run / "metrics.jsonl").unlink()
    with open(run / "metrics.jsonl", "w") as file:
        for step in range(1, rewritten + 1):
            record = {"generator_step": step, "em_distance_estimate": 1.5, "seconds": step / 3, "more": "x" * step}
            file.write(json.dumps(record) + "\n")
    followed.look()
    assert followed.row()[:2] == [f"{rewritten} of 10", "1.5"]
    assert set(followed.curve.lines()[1]) == {1.5}


def test_a_run_without_news_is_not_said_to_be_training(tmp_path):
    run = make_run(tmp_path / "run", steps=4)
    os.utime(run / "metrics.jsonl", (time.time() - 600, time.time() - 600))
    followed = Followed(run)
    followed.look()
    assert followed.row()[3] == "no step for 10 minutes"


def test_a_damaged_config_is_a_message(tmp_path):
    run = make_run(tmp_path / "run")
    (run / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config\.json"):
        Followed(run).look()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{0}/nowhere"], ["RUN", "nowhere", "no such folder"]),
        (["{0}"], ["RUN", "no run in it", "make demo"]),
        (["{0}", "--port", "0"], ["--port", "0", "1 to 65535"]),
        (["{0}", "--port", "70000"], ["--port", "70000", "1 to 65535"]),
    ],
)
def test_a_mistake_is_refused(tmp_path, monkeypatch, arguments, words):
    with pytest.raises(UserError) as refused:
        call("view", [word.format(tmp_path) for word in arguments])
    assert [word for word in words if word not in str(refused.value)] == []


def test_without_the_extra_it_says_how_to_install_it(tmp_path, monkeypatch):
    make_run(tmp_path / "run")
    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in [name for name in sys.modules if name.startswith("gluon_wgan.app.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UserError, match="make setup-app"):
        call("view", [str(tmp_path)])
