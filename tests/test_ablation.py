"""The ablations: what is trained, what is skipped, what survives a kill, what is measured and counted."""

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest
from conftest import encode, make_picture, python_command

from gluon_wgan import study_commands
from gluon_wgan.checkpoint import verify_checkpoint
from gluon_wgan.errors import UserError
from gluon_wgan.report.ablation_answer import answer
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies import ablation, ablation_measures, arms
from gluon_wgan.studies.ablation_summary import summarise

TINY = {
    "image_size": 16,
    "generator_channels": 2,
    "critic_channels": 2,
    "latent_dim": 3,
    "batch_size": 4,
    "n_critic": 1,
    "boost_generator_steps": 0,
    "boost_every": 0,
    "generator_steps": 6,
    "checkpoint_every": 3,
}
ARMS = {"pil": {}, "cv2": {"resize": "cv2"}}


@pytest.fixture
def base(picture_folder):
    return replace(preset_settings("wassersteingan"), data=str(picture_folder), **TINY)


def test_a_plan_is_seed_by_seed_and_two_ablations_share_their_baseline(base, tmp_path):
    resize = ablation.plan(arms.RESIZE, (0, 1), base, tmp_path)
    epsilon = ablation.plan(arms.EPSILON, (0, 1), base, tmp_path)
    assert [(run.arm, run.seed) for run in resize] == [(arm, seed) for seed in (0, 1) for arm in arms.RESIZE]
    assert len({run.folder for run in resize + epsilon}) == 2 * (5 + 5 - 1)
    assert resize[0].folder == epsilon[0].folder
    assert [run.settings.resize for run in resize[:5]] == ["pil", "cv2", "cv2-bicubic", "cv2-area", "gluoncv"]
    floors = {run.arm: run.settings for run in epsilon}
    assert floors["tensorflow"].rmsprop_initial_square == 1
    assert (floors["tensorflow"].rmsprop_decay, floors["tensorflow"].critic_rmsprop_epsilon) == (0.9, 1e-10)
    assert floors["inside-gluoncv"].generator_rmsprop_epsilon == 1e-14


def test_what_is_finished_is_not_trained_again(base, tmp_path):
    runs = ablation.plan(ARMS, (0,), base, tmp_path / "runs")
    finished = []
    first = ablation.train_all(runs, tmp_path / "cache", 2, finished.append)
    assert first == dict.fromkeys(runs, 0)
    assert sorted(run.arm for run in finished) == ["cv2", "pil"]
    assert all(run.finished() and run.steps_done() == 6 for run in runs)
    written = {run: (run.folder / "metrics.jsonl").stat().st_mtime_ns for run in runs}
    assert ablation.train_all(runs, tmp_path / "cache", 2) == first
    assert {run: (run.folder / "metrics.jsonl").stat().st_mtime_ns for run in runs} == written


def test_killed_it_takes_its_trainings_with_it_and_goes_on_to_the_same_bits(base, tmp_path):
    long = replace(base, generator_steps=150, checkpoint_every=50)
    whole, broken = (ablation.plan({"pil": {}}, (0,), long, tmp_path / name)[0] for name in ("whole", "broken"))
    ablation.train_all([whole], tmp_path / "cache", 1)
    script = (
        "import sys, json; from pathlib import Path; from gluon_wgan.settings import Settings\n"
        "from gluon_wgan.studies.ablation import Run, train_all\n"
        "settings = Settings.from_json(json.loads(sys.argv[1]), 'argument')\n"
        "train_all([Run('pil', 0, settings, Path(sys.argv[2]))], sys.argv[3], 1)"
    )
    command = python_command(script, json.dumps(long.to_json()), broken.folder, tmp_path / "cache")
    runner = subprocess.Popen(**command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while broken.steps_done() < 40:
        assert time.monotonic() < deadline and runner.poll() is None
        time.sleep(0.02)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    # the training got SIGTERM, writes a checkpoint and ends: from then on nothing is written
    while not _free(broken.folder / ".lock"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert broken.steps_done() < 150
    assert ablation.train_all([broken], tmp_path / "cache", 1) == {broken: 0}
    files = [verify_checkpoint(run.folder / "checkpoints" / "step_0000150")["files"] for run in (whole, broken)]
    assert files[0] == files[1]


def _free(lock):
    import fcntl

    with open(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_a_training_that_fails_is_named_and_the_others_are_finished(base, tmp_path):
    # --data is not part of a run's name: the second arm has its own folder by its seed
    good, bad = ablation.plan({"pil": {}}, (0, 1), base, tmp_path / "runs")
    bad = replace(bad, settings=replace(bad.settings, data=str(tmp_path / "nothing")))
    with pytest.raises(UserError, match=r"pil, seed 1: status 2, see .*\.log"):
        ablation.train_all([bad, good], tmp_path / "cache", 1)
    assert good.finished()


@pytest.mark.parametrize("at_once", [0, -1])
def test_at_once_is_checked(base, tmp_path, at_once):
    with pytest.raises(UserError, match="--at-once"):
        ablation.train_all(ablation.plan(ARMS, (0,), base, tmp_path), tmp_path, at_once)


def test_half_a_line_is_no_step(base, tmp_path):
    run = ablation.plan({"pil": {}}, (0,), base, tmp_path)[0]
    assert run.steps_done() == 0 and not run.finished()
    run.folder.mkdir()
    (run.folder / "metrics.jsonl").write_text('{"generator_step": 1}\n{"generator_step": 2}\n{"generator_st')
    assert run.steps_done() == 2


def test_estimate_measures_by_hand():
    # 25 boosted steps that count for nothing but the signs; then 1 and 1.4 by turns: half of them .2 off the median
    estimates = [-1.0, 1.0, -1.0] + [1.0] * 22 + [1.0, 1.4] * 300 + [0.5] * 100 + [0.25] * 101
    found = ablation_measures.estimate_measures(estimates, 25)
    assert found["early_sign_changes"] == 3
    assert found["em_estimate_end"] == 0.25
    # the running median of 101 alternating numbers is 1 or 1.4, whichever is in the middle: so the rest is 0 or +-.4
    assert 0 <= found["early_spread"] <= 0.4 / 1.0
    noisy = np.array(estimates)
    noisy[25:500] += np.random.default_rng(0).normal(0, 1, 475)
    assert ablation_measures.estimate_measures(noisy, 25)["early_spread"] > 0.8  # the normal's range is 1.35


def test_a_summary_by_hand(base, tmp_path):
    runs = ablation.plan(ARMS, (0, 1, 2), base, tmp_path / "runs")
    values = {"pil": [1.0, 1.1, 0.9], "cv2": [2.0, 2.2, 2.1]}
    folder = tmp_path / "data" / "ablations"
    folder.mkdir(parents=True)
    for run in runs[:5]:  # the last is not measured yet
        measures = {"far": values[run.arm][run.seed], "near": [0.0, 1.0, 2.0][run.seed]}
        (folder / f"{run.folder.name}.json").write_text(json.dumps({"measures": measures}))
    found = summarise(runs, tmp_path, "pil")
    assert {arm: entry["n"] for arm, entry in found["arms"].items()} == {"pil": 3, "cv2": 2}
    assert found["arms"]["pil"]["measures"]["far"]["mean"] == pytest.approx(1.0)
    difference = found["differences"]["cv2"]
    assert difference["far"]["values"] == pytest.approx([1.0, 1.1])
    assert difference["far"]["differs"] is True  # 1.05 is more than twice the baseline's .07
    assert difference["near"]["differs"] is False
    assert "pil" not in found["differences"]


def test_one_seed_decides_nothing(base, tmp_path):
    runs = ablation.plan(ARMS, (0,), base, tmp_path / "runs")
    (tmp_path / "data" / "ablations").mkdir(parents=True)
    for run in runs:
        file = tmp_path / "data" / "ablations" / f"{run.folder.name}.json"
        file.write_text(json.dumps({"measures": {"far": 1.0 if run.arm == "pil" else 9.0}}))
    assert summarise(runs, tmp_path, "pil")["differences"]["cv2"]["far"]["differs"] is None


def test_a_whole_study_from_the_command_line(picture_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(arms, "RESIZE", ARMS)
    for index in range(20, 60):
        (picture_folder / f"{index}.png").write_bytes(encode(make_picture(index)))
    small = {name: value for name, value in TINY.items() if name not in ("image_size", "generator_steps")}
    shrunk = lambda base: replace(base, **{**small, "generator_channels": 2, "critic_channels": 2})  # noqa: E731
    whole = arms.base_settings
    monkeypatch.setattr(arms, "base_settings", lambda *given: shrunk(whole(*given)))
    places = {name: str(tmp_path / name) for name in ("runs", "reports", "cache")}
    flags = ["--data", str(picture_folder), "--seeds", "0", "--image-size", "16", "--generator-steps", "30"]
    flags += ["--runs", places["runs"], "--reports", places["reports"], "--cache-dir", places["cache"]]
    study_commands.ablate_resize(flags)
    table = json.loads((tmp_path / "reports/data/ablation_resize.json").read_text())
    assert table["arms"].keys() == ARMS.keys()
    assert table["planned"] == {"arms": list(ARMS), "seeds": [0], "generator_steps": 30}
    assert table["arms"]["pil"]["measures"]["swd_same"] == table["arms"]["pil"]["measures"]["swd_reference"]
    assert table["arms"]["cv2"]["measures"]["swd_same"] != table["arms"]["cv2"]["measures"]["swd_reference"]
    assert table["runs"]["cv2"]["0"]["finished"]
    assert (tmp_path / "reports/ablation_resize.html").exists()
    assert len(os.listdir(tmp_path / "reports/figures/ablations")) == 2
    # what is measured is not trained again, though its run folder be gone
    shutil.rmtree(tmp_path / "runs")
    study_commands.ablate_resize(flags)
    assert not (tmp_path / "runs").exists()
    again = json.loads((tmp_path / "reports/data/ablation_resize.json").read_text())
    assert all(again[key] == table[key] for key in ("arms", "differences", "floors", "runs"))


def compared(arms, **measures):
    """Return a table with n = 3 of these {measure: {arm: (difference from pil, differs)}}."""
    planned = {"arms": list(arms), "seeds": [0, 1, 2], "generator_steps": 5000}
    differences = {
        arm: {
            measure: {"mean": of_arm[arm][0], "values": [of_arm[arm][0]] * 3, "differs": of_arm[arm][1]}
            for measure, of_arm in measures.items()
        }
        for arm in arms[1:]
    }
    return {"baseline_arm": arms[0], "planned": planned, "differences": differences}


def test_the_answer_says_what_matters_and_whether_bicubic_is_the_fix():
    arms = ("pil", "cv2", "cv2-bicubic", "cv2-area")
    farther = {"cv2": (0.5, True), "cv2-bicubic": (0.7, True), "cv2-area": (0.01, False)}
    own = dict.fromkeys(arms[1:], (0.0, False))
    found = answer("resize", compared(arms, swd_reference=farther, swd_same=own))
    first, second = found.split(". ")
    assert "the samples of cv2 (farther by 0.5000), cv2-bicubic (farther by 0.7000) differ from pil's" in first
    assert first.endswith(
        "bicubic is not the fix (its samples are no nearer than bilinear's), what fixes it is cv2-area"
    )
    assert second.endswith("no arm differs: each learns what it is shown as well.")
    farther["cv2-bicubic"] = (0.3, True)
    assert "a little nearer than bilinear's" in answer("resize", compared(arms, swd_reference=farther))
    farther["cv2-bicubic"] = (0.3, False)
    assert "bicubic is a fix" in answer("resize", compared(arms, swd_reference=farther))
    none = answer("resize", compared(arms, swd_reference=own))
    assert "does not matter by `swd_reference`" in none and "nothing for bicubic to fix" in none
    apart = {"cv2": (0.1, True), "cv2-bicubic": (0.2, True), "cv2-area": (0.0, False)}
    others = answer("resize", compared(arms, swd_reference=own, spectrum_same=apart, em_estimate_end=apart))
    assert "tell some apart: `spectrum_same` (cv2, cv2-bicubic), `em_estimate_end` (cv2, cv2-bicubic);" in others
    assert "not the fix: where cv2 is told apart, by 2 measures, so are cv2-bicubic in 2, cv2-area in 0." in others


def test_the_answer_sets_the_samples_beside_the_floors():
    data = compared(("pil", "cv2", "cv2-bicubic"), swd_scaled_reference={"cv2": (0.1, True), "cv2-bicubic": (0, False)})
    data["arms"] = {"cv2": {"measures": {"swd_scaled_reference": {"mean": 0.144}}}}
    data["floors"] = {"cv2": {"swd_scaled_reference": 0.179}}
    assert "with no GAN): cv2 0.144 (0.179)." in answer("resize", data)


def test_the_answer_about_epsilon():
    arms = ("outside-1e-8", "inside-1e-8", "inside-1e-16")
    same, spread = {"inside-1e-8": (0.2, True), "inside-1e-16": (0.0, False)}, {"inside-1e-8": (0.1, True)}
    spread["inside-1e-16"] = (-0.1, True)
    found = answer("epsilon", compared(arms, swd_same=same, early_spread=spread))
    assert found.startswith("RMSprop's epsilon matters: after 5,000 steps (n = 3), the samples of inside-1e-8 (farther")
    assert "and those of inside-1e-16 do not." in found
    assert "inside-1e-8 (less steady), inside-1e-16 (more steady)" in found


def test_without_two_seeds_there_is_no_answer():
    undecided = dict.fromkeys(("cv2", "cv2-bicubic"), (0.5, None))
    found = answer("resize", compared(("pil", "cv2", "cv2-bicubic"), swd_reference=undecided, swd_same=undecided))
    assert found == "Not answered yet: no arm has two seeds beside the baseline's."
