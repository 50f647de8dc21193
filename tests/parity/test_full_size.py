"""The full-size training: the reference's own steps, the same bits after a stop, and the way there and back."""

import json
import sys

import full_size
import numpy as np
import pytest
import torch
from conftest import encode, make_picture
from on_device import load
from PIL import Image
from reference import Recipe, Reference

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.studies.ablation_resize.question import ARMS
from gluon_wgan.studies.full_size import measure as study
from gluon_wgan.studies.results import Results

SMALL = {
    "image_size": 16,
    "generator_channels": 2,
    "critic_channels": 2,
    "n_critic": 2,
    "n_critic_boost": 3,
    "boost_generator_steps": 2,
    "run_on": True,
}


@pytest.fixture
def folder(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(150):
        (pictures / f"{index}.png").write_bytes(encode(make_picture(index)))
    return pictures


@pytest.fixture
def packed(folder, tmp_path):
    return study.pack("cv2", str(folder), tmp_path / "packed" / "cv2.npz", tmp_path / "cache", 16)


def test_packing_loses_nothing(folder, packed, tmp_path):
    from gluon_wgan.data import open_source, prepare

    prepared = prepare(open_source(str(folder)), 16, "cv2", tmp_path / "cache")
    with np.load(packed, allow_pickle=False) as content:
        pictures = np.cumsum(content["differences"], axis=2, dtype=np.uint8)
        assert str(content["arm"]) == "cv2"
        assert len(content["latents"]) == -(-prepared.held_out.sum() // 64)
    assert np.array_equal(pictures, prepared.pictures[np.flatnonzero(~prepared.held_out)])


def test_what_cannot_be_packed(folder, tmp_path):
    with pytest.raises(UserError, match=r"--arm: given gluoncv \(its pictures are float32\)"):
        study.pack("gluoncv", str(folder), tmp_path / "x.npz", tmp_path / "cache", 16)
    with pytest.raises(UserError, match="--arm: given 'none'; allowed: pil, cv2"):
        study.pack("none", str(folder), tmp_path / "x.npz", tmp_path / "cache", 16)


def test_what_cannot_be_measured(folder, packed, tmp_path):
    def measure(run):
        study.measure_run(run, str(folder), Results(tmp_path, "full_size"), tmp_path / "cache")

    with pytest.raises(UserError, match=r"--run: given .*state\.json"):
        measure(tmp_path)
    trained(packed, tmp_path / "run", 2, minutes=0)
    with pytest.raises(UserError, match=r"--run: given .*run \(stopped at generator step 1\); allowed: a finished run"):
        measure(tmp_path / "run")
    trained(packed, tmp_path / "run", 2)
    (tmp_path / "run/samples/step_0000002.webp").write_bytes(b"RIFF")
    with pytest.raises(UserError, match=r"--run: given .*\(arm 'cv2', seed 0: not of this study\)"):
        measure(tmp_path / "run")
    file = tmp_path / "run/state.json"
    file.write_text(file.read_text().replace('"seed": 0', '"seed": 20'))
    with pytest.raises(UserError, match=r"--run: given .*cannot identify image file"):
        measure(tmp_path / "run")


@pytest.mark.parametrize("content", ["", "[]", "7", '{"finished": true, "generator_steps": "x"}'])
def test_of_rubbish_nothing_is_measured(folder, tmp_path, content):
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(UserError, match=r"--run: given .*; allowed: a finished run of tests/parity/full_size\.py"):
        study.measure_run(tmp_path, str(folder), Results(tmp_path, "full_size"), tmp_path / "cache")


@pytest.mark.parametrize(("arm", "seed"), [("../x", 20), ("cv2", "../../x"), ("cv2", 19), ("gluoncv", 20)])
def test_of_another_arm_or_seed_nothing_is_kept(folder, tmp_path, arm, seed):
    state = {"finished": True, "generator_steps": 2, "arm": arm, "recipe": {"seed": seed}}
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(UserError, match="not of this study"):
        study.measure_run(tmp_path, str(folder), Results(tmp_path, "full_size"), tmp_path / "cache")


def trained(packed, folder, generator_steps, minutes=9):
    """Train one arm on the CPU; return the state that was kept."""
    training = full_size.Training(load(packed), folder, Recipe(**SMALL), generator_steps, "cpu", recorded=True)
    full_size.train([training], minutes, False)
    return json.loads((folder / "state.json").read_text())


def test_its_steps_are_the_references(packed, tmp_path):
    state = trained(packed, tmp_path / "run", 5)
    assert (state["finished"], state["critic_steps"], state["tf32"]) == (True, 3 + 3 + 2 * 3, False)
    plain = Reference(Recipe(**SMALL), full_size.unpacked(load(packed)))
    estimates = []
    for _ in range(5):
        scores, _ = plain.step()
        estimates.append(scores[-1][1] - scores[-1][0])
    # the difference of two float32 numbers, taken in float32 and in float64
    assert np.load(tmp_path / "run/estimates.npy") == pytest.approx(estimates, rel=1e-5, abs=1e-8)
    with np.load(tmp_path / "run/critic.npz", allow_pickle=False) as weights:
        for name, tensor in plain.critic.state_dict().items():
            assert np.array_equal(weights[name], tensor.numpy()), name


def test_stopped_and_gone_on_it_is_the_same_bits(packed, tmp_path):
    whole = trained(packed, tmp_path / "whole", 6)
    for steps in (1, 4):  # a stop after 1 and 4 steps is what a spent time would do
        assert trained(packed, tmp_path / "parts", steps)["generator_steps"] == steps
    parts = trained(packed, tmp_path / "parts", 6)
    assert parts["critic_steps"] == whole["critic_steps"]
    for name in ("generator", "generator_squares", "critic", "critic_squares"):
        left, right = (load(tmp_path / run / f"{name}.npz") for run in ("whole", "parts"))
        assert all(left[key].tobytes() == right[key].tobytes() for key in left), name
    assert np.array_equal(*(np.load(tmp_path / run / "estimates.npy") for run in ("whole", "parts")))
    last = "samples/step_0000006.webp"
    assert (tmp_path / "whole" / last).read_bytes() == (tmp_path / "parts" / last).read_bytes()


def test_in_turns_each_is_as_alone(packed, tmp_path):
    alone = trained(packed, tmp_path / "alone", 3)
    seeds = {seed: Recipe(**{**SMALL, "seed": seed}) for seed in (0, 1)}
    both = [
        full_size.Training(load(packed), tmp_path / str(seed), recipe, 3, "cpu", recorded=True)
        for seed, recipe in seeds.items()
    ]
    full_size.train(both, 9, False)
    assert alone["at_once"] == 1
    assert json.loads((tmp_path / "0/state.json").read_text())["at_once"] == 2
    runs = [load(tmp_path / run / "critic.npz") for run in ("alone", "0", "1")]
    for name, tensor in runs[0].items():
        assert np.array_equal(tensor, runs[1][name]), name
    assert not np.array_equal(*(run["main.initial:3-2:conv.weight"] for run in runs[1:]))


def test_a_spent_time_stops_it(packed, tmp_path):
    state = trained(packed, tmp_path / "run", 5, minutes=0)
    assert (state["finished"], state["generator_steps"]) == (False, 1)  # one at the least, or it would never end


def test_a_sheet_loses_nothing(tmp_path):
    pictures = np.stack([make_picture(index, 16, 16) for index in range(64)])
    full_size.save_sheet(pictures, tmp_path / "sheet.webp")
    with Image.open(tmp_path / "sheet.webp") as sheet:
        assert sheet.size == (32 * 16, 2 * 16)
        assert np.array_equal(study._cut(np.asarray(sheet.convert("RGB")), 16), pictures)


def test_there_and_back(folder, packed, tmp_path, monkeypatch, capsys):
    study.pack("pil", str(folder), tmp_path / "packed/pil.npz", tmp_path / "cache", 16)
    flags = ["--packed", tmp_path / "packed/pil.npz", packed, "--seeds", "20", "21", "--out", tmp_path / "runs"]
    flags += ["--generator-steps", "30", "--channels", "2", "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["full_size.py", *map(str, flags)])
    monkeypatch.setattr(full_size, "Recipe", lambda **given: Recipe(**{**SMALL, **given}))
    full_size.main()
    assert capsys.readouterr().err.count("finished: generator step 30") == 4
    places = {"data": "pictures", "reports": "reports", "cache-dir": "cache"}
    for run in ("pil-20", "cv2-20", "pil-21", "cv2-21"):
        flags = {**places, "run": f"runs/{run}"}
        call("full_size", ["measure", *(f"--{flag}={tmp_path / name}" for flag, name in flags.items())])
    found = json.loads((tmp_path / "reports/data/full_size.json").read_text())
    run = found["runs"]["cv2"]["21"]
    assert (run["device"], run["at_once"], run["torch"]) == ("cpu", 4, torch.__version__)
    kept = json.loads((tmp_path / f"reports/data/ablations/{run['name']}.json").read_text())
    estimates = np.load(tmp_path / "runs/cv2-21/estimates.npy", allow_pickle=False)
    assert kept["estimates"] == pytest.approx([estimates[i : i + 10].mean() for i in (0, 10, 20)], rel=1e-3)
    assert 0 < kept["measures"]["swd_same"] < 2 and 0 < kept["measures"]["swd_reference"] < 2
    differences = found["differences"]["cv2"]["swd_reference"]["values"]
    alone = [found["arms"][arm]["measures"]["swd_reference"]["values"] for arm in ("cv2", "pil")]
    assert differences == pytest.approx([cv2 - pil for cv2, pil in zip(*alone)])
    assert (tmp_path / f"reports/figures/{run['name']}.png").is_file()
    page = (tmp_path / "reports/full_size.md").read_text()
    assert "**Answer.** Not decided yet: 4 of the 6 trainings that decide are done." in page
    assert "| OpenCV bilinear | 21 |" in page


def test_without_a_gpu_it_says_so(packed, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["full_size.py", "--packed", str(packed), "--out", str(tmp_path / "run")])
    with pytest.raises(SystemExit) as stop:
        full_size.main()
    assert stop.value.code == 2
    assert "--device: given cuda (none found), allowed cpu" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no more", "other"])
def test_what_was_not_packed_is_named(content, tmp_path, monkeypatch, capsys):
    file = tmp_path / "packed.npz"
    if content == "other":
        np.savez(file, differences=np.zeros(1), latents=np.zeros(1), arm="cv2")
    elif content is not None:
        file.write_bytes(content)
    flags = ["--packed", str(file), "--out", str(tmp_path / "run"), "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", ["full_size.py", *flags])
    with pytest.raises(SystemExit) as stop:
        full_size.main()
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert f"--packed: given {file} (" in message and "allowed a file that full_size.py pack wrote" in message
    assert ("(commit)" in message) == (content == "other")


def test_the_help_names_the_arms(capsys):
    with pytest.raises(SystemExit):
        call("full_size", ["pack", "--help"])
    text = capsys.readouterr().out
    assert all(arm in text for arm in ARMS if arm != "gluoncv")
