"""Plans and their trainings: what is trained, what is skipped, what survives a kill."""

import json
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import small_study
from conftest import python_command
from training_fixtures import TINY_RUN

from gluon_wgan.checkpoint import verify_checkpoint
from gluon_wgan.errors import UserError
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies import find_studies
from gluon_wgan.studies.ablation_epsilon.question import ARMS as EPSILONS
from gluon_wgan.studies.ablation_resize.question import ARMS as RESIZES
from gluon_wgan.studies.plan import TrainingFlags, plan
from gluon_wgan.studies.runner import train_all, train_and_measure

ARMS = {"pil": {}, "cv2": {"resize": "cv2"}}


@pytest.fixture
def base(picture_folder):
    return replace(preset_settings("wassersteingan"), data=str(picture_folder), **TINY_RUN)


def settings_of(arms, base):
    return {arm: replace(base, **changes) for arm, changes in arms.items()}


def test_a_plan_is_seed_by_seed_and_two_ablations_share_their_baseline(base, tmp_path):
    resize = plan(settings_of(RESIZES, base), (0, 1), tmp_path)
    epsilon = plan(settings_of(EPSILONS, base), (0, 1), tmp_path)
    assert [(run.arm, run.seed) for run in resize] == [(arm, seed) for seed in (0, 1) for arm in RESIZES]
    assert len({run.folder for run in resize + epsilon}) == 2 * (5 + 6 - 1)
    assert resize[0].folder == epsilon[0].folder
    assert [run.settings.resize for run in resize[:5]] == ["pil", "cv2", "cv2-bicubic", "cv2-area", "gluoncv"]
    floors = {run.arm: run.settings for run in epsilon}
    assert floors["tensorflow"].rmsprop_initial_square == 1
    assert (floors["tensorflow"].rmsprop_decay, floors["tensorflow"].critic_rmsprop_epsilon) == (0.9, 1e-10)
    assert floors["inside-gluoncv"].generator_rmsprop_epsilon == 1e-14


def test_what_is_finished_is_not_trained_again(base, tmp_path):
    runs = plan(settings_of(ARMS, base), (0,), tmp_path / "runs")
    finished = []
    first = train_all(runs, tmp_path / "cache", 2, finished.append)
    assert first == dict.fromkeys(runs, 0)
    assert sorted(run.arm for run in finished) == ["cv2", "pil"]
    assert all(run.finished() and run.steps_done() == 6 for run in runs)
    written = {run: (run.folder / "metrics.jsonl").stat().st_mtime_ns for run in runs}
    assert train_all(runs, tmp_path / "cache", 2) == first
    assert {run: (run.folder / "metrics.jsonl").stat().st_mtime_ns for run in runs} == written


def start(run, cache_dir):
    """Return a process that trains a run as a study does."""
    script = (
        "import sys, json; from pathlib import Path; from gluon_wgan.settings import Settings\n"
        "from gluon_wgan.studies.plan import Run; from gluon_wgan.studies.runner import train_all\n"
        "settings = Settings.from_json(json.loads(sys.argv[1]), 'argument')\n"
        "train_all([Run('pil', 0, settings, Path(sys.argv[2]))], sys.argv[3], 1)"
    )
    command = python_command(script, json.dumps(run.settings.to_json()), run.folder, cache_dir)
    return subprocess.Popen(**command, stderr=subprocess.DEVNULL)


def test_of_two_studies_at_once_one_trains_a_run_and_the_other_waits(base, tmp_path):
    long = replace(base, generator_steps=150)
    shared, own = plan(settings_of({"pil": {}, "cv2": {"resize": "cv2"}}, long), (0,), tmp_path / "runs")
    other, finished = start(shared, tmp_path / "cache"), []
    deadline = time.monotonic() + 120
    while shared.steps_done() < 10:
        assert time.monotonic() < deadline and other.poll() is None
        time.sleep(0.02)
    assert train_all([shared, own], tmp_path / "cache", 1, finished.append) == {shared: 0, own: 0}
    assert other.wait(60) == 0
    # what nobody trains comes first, and nothing is trained twice
    assert finished == [own, shared]
    log = (tmp_path / "runs/logs" / f"{shared.folder.name}.log").read_text()
    assert log.count("run folder:") == 1 and "another process" not in log
    assert len((shared.folder / "metrics.jsonl").read_text().splitlines()) == 150


def test_of_two_studies_at_once_one_measures_a_run_and_the_other_leaves_it(base, tmp_path):
    (run,) = plan(settings_of({"pil": {}}, base), (0,), tmp_path / "runs")
    train_all([run], tmp_path / "cache", 1)
    flags, measured, kept, asked = small_study.Flags(str(tmp_path / "cache"), at_once=1), [], {}, threading.Event()

    def measure_run(run, flags, figures):
        measured.append(run)
        if len(measured) == 1:  # the other begins, and has time for a mistake
            others.append(beside.submit(study))
            assert asked.wait(60)
            time.sleep(2)
        return "found"

    def already(run):
        if measured:
            asked.set()
        return run in kept

    def study():
        train_and_measure([run], flags, measure_run, tmp_path, already, kept.__setitem__)

    others = []
    with ThreadPoolExecutor(1) as beside:
        study()
        others[0].result(60)
    assert measured == [run] and kept == {run: "found"}


def test_killed_it_takes_its_trainings_with_it_and_goes_on_to_the_same_bits(base, tmp_path):
    long = replace(base, generator_steps=150, checkpoint_every=50)
    whole, broken = (plan(settings_of({"pil": {}}, long), (0,), tmp_path / name)[0] for name in ("whole", "broken"))
    train_all([whole], tmp_path / "cache", 1)
    runner = start(broken, tmp_path / "cache")
    deadline = time.monotonic() + 120
    while broken.steps_done() < 40:
        assert time.monotonic() < deadline and runner.poll() is None
        time.sleep(0.02)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    # the training got SIGTERM, and may still be writing its checkpoint: that is waited for
    assert train_all([broken], tmp_path / "cache", 1) == {broken: 0}
    files = [verify_checkpoint(run.folder / "checkpoints" / "step_0000150")["files"] for run in (whole, broken)]
    assert files[0] == files[1]
    starts = json.loads((broken.folder / "environment.json").read_text())["starts"]
    assert len(starts) == 2


def test_a_training_that_fails_is_named_and_the_others_are_finished(base, tmp_path):
    # --data is not part of a run's name: the second arm has its own folder by its seed
    good, bad = plan(settings_of({"pil": {}}, base), (0, 1), tmp_path / "runs")
    bad = replace(bad, settings=replace(bad.settings, data=str(tmp_path / "nothing")))
    with pytest.raises(UserError, match=r"pil, seed 1: status 2, see .*\.log"):
        train_all([bad, good], tmp_path / "cache", 1)
    assert good.finished()


@pytest.mark.parametrize("at_once", [0, -1])
def test_at_once_is_checked_before_anything_is_prepared(at_once):
    checked = 0
    for study in find_studies():
        flags = study.question.Flags
        if isinstance(flags, type) and issubclass(flags, TrainingFlags):
            with pytest.raises(UserError, match=f"--at-once: given {at_once}; allowed: 1 or more"):
                flags(at_once=at_once).check()
            checked += 1
    assert checked >= 6


def test_half_a_line_is_no_step(base, tmp_path):
    run = plan(settings_of({"pil": {}}, base), (0,), tmp_path)[0]
    assert run.steps_done() == 0 and not run.finished()
    run.folder.mkdir()
    (run.folder / "metrics.jsonl").write_text('{"generator_step": 1}\n{"generator_step": 2}\n{"generator_st')
    assert run.steps_done() == 2
    with open(run.folder / "metrics.jsonl", "ab") as file:  # as a power cut leaves it
        file.write(bytes(40) + b"\n")
    assert run.steps_done() == 2
