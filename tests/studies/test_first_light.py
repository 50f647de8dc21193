"""First light: what the report measures of a run, and which runs it refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.pictures import grid, save_picture
from gluon_wgan.run_folder import RunFolder
from gluon_wgan.settings import preset_settings


def write_config(folder, preset="wassersteingan"):
    settings = replace(preset_settings(preset), boost_generator_steps=25)
    with RunFolder(folder) as run:
        run.write_config(settings.to_json())


@pytest.fixture
def run(tmp_path):
    """Return a made-up run of 5,000 steps whose estimate falls from 1 to .1 and whose samples are stripes."""
    folder = tmp_path / "run"
    folder.mkdir()
    write_config(folder)
    start = {"command": ["train_lsun.py", "--seed", "0"], "from_generator_step": 0, "packages": {"mxnet": "1"}}
    start |= dict.fromkeys(["commit", "processor", "physical_cores", "omp_num_threads", "python", "started"], "x")
    (folder / "environment.json").write_text(json.dumps({"starts": [start]}))
    records = [
        {
            "generator_step": step,
            "critic_steps": 5 * step,
            "images_seen": 320 * step,
            "em_distance_estimate": 1.0 if step <= 2500 else 0.1,
            "seconds": 0.5 * step,
        }
        for step in range(1, 5001)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    smooth = np.broadcast_to(np.linspace(-1, 1, 64), (4, 3, 64, 64))
    noise = np.random.default_rng(0).uniform(-1, 1, (1, 3, 64, 64))
    save_picture(folder / "samples/step_0005000.png", grid(smooth))
    save_picture(folder / "samples/real.png", grid(noise))
    return folder


def test_first_light_measures_what_the_run_holds(run, tmp_path):
    call("first_light", ["--run", str(run), "--reports", str(tmp_path)])
    data = json.loads((tmp_path / "data/first_light.json").read_text())
    assert data["estimate_after_boost"] == 1.0
    assert data["estimate_at_end"] == 0.1
    assert data["correlation_samples"] == pytest.approx(1, abs=1e-4)  # a ramp, rounded to bytes
    assert data["correlation_real"] == pytest.approx(0, abs=0.05)  # noise: 3 standard errors of 12,096 pairs are .03
    assert data["estimates"][-1][:2] == [5000, pytest.approx(0.1)]
    text = (tmp_path / "first_light.md").read_text()
    assert "0.1000 / 1.0000 = 0.10 | yes" in text
    assert "41.7 minutes" in text


@pytest.mark.parametrize(
    ("preset", "said"),
    [
        ("wgan-gp-text", "given one of a language model; allowed: one that makes pictures"),
        ("hw6-simple", r"--run: given .*\(loss non_saturating, without .*; allowed: .*wasserstein"),
    ],
)
def test_first_light_is_of_a_wgan_that_makes_pictures(run, tmp_path, preset, said):
    write_config(run, preset)
    with pytest.raises(UserError, match=said):
        call("first_light", ["--run", str(run), "--reports", str(tmp_path)])


def test_first_light_is_of_a_run_folder(run, tmp_path):
    (run / "environment.json").write_text("{")
    with pytest.raises(UserError, match=r"--run: given .*environment.json \(.*; allowed: .* that the run wrote"):
        call("first_light", ["--run", str(run), "--reports", str(tmp_path)])
    (run / "config.json").unlink()
    with pytest.raises(UserError, match=r"--run: given .*\(no run in it\)"):
        call("first_light", ["--run", str(run), "--reports", str(tmp_path)])


def test_first_light_wants_a_run_of_5000_steps(run, tmp_path):
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:4999]))
    with pytest.raises(UserError, match=r"4999 generator steps.*5000"):
        call("first_light", ["--run", str(run), "--reports", str(tmp_path)])
