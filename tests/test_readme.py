"""The README's snippets run as they stand, and its first two commands are the ones that exist."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gluon_wgan.command import call

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DEMO = "runs/demo-pil-seed0"
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_there_are_snippets_for_the_promised_rooms():
    text = "\n".join(SNIPPETS)
    for name in (
        "get_resizer",
        "RMSProp",
        "clip_weights",
        "open_source",
        "prepare",
        "build_generator",
        "build_critic",
        "scores_and_input_gradient",
        "gluon_wgan.load_generator",
    ):
        assert name in text


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_runs_alone(snippet, tmp_path):
    (tmp_path / "pictures").mkdir()
    for number in range(5):
        pixels = np.full((40, 50, 3), 50 * number, dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number}.png")
    if DEMO in snippet:
        few = "--preset demo --data pictures --generator-steps 1 --boost-generator-steps 0 --batch-size 4 --n-critic 1"
        call(
            "train",
            [
                *few.replace("pictures", str(tmp_path / "pictures")).split(),
                "--out",
                str(tmp_path / DEMO),
                "--cache-dir",
                str(tmp_path / "cache"),
            ],
        )
    ended = subprocess.run(
        [sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_the_first_two_commands_are_make_targets():
    commands = re.search(r"```\n(.*?)```", README, re.DOTALL)[1].split("\n")[:2]
    assert commands == ["make demo", "make test"]
    for command in commands:
        target = command.split()[1]
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_links_and_pictures_exist():
    for page in (ROOT / "README.md", *(ROOT / "reports").glob("*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_setup_refuses_another_python_with_the_reason(tmp_path):
    code = (
        "import sys; sys.version_info = (3, 14, 0); sys.argv = ['setup.py', '--version']; exec(open('setup.py').read())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=os.environ
    )
    assert ended.returncode != 0
    assert "gluon_wgan: given Python" in ended.stderr and "allowed: 3.10 to 3.13" in ended.stderr


def test_the_table_of_speeds_is_the_measured_one():
    from gluon_wgan.tools.benchmark import as_table

    results = json.loads((ROOT / "reports/data/benchmark.json").read_text())
    assert as_table(results) in README


def test_what_it_says_of_the_ablations_is_what_the_data_says():
    def read(name):
        return json.loads((ROOT / f"reports/data/{name}.json").read_text())

    text = " ".join(README.split())
    decided = read("ablation_resize")["decisions"]["kid_reference"]
    assert "by area averaging, the fix that really ran, end nearer to Pillow's held-out pictures" in text
    assert all(decided[arm]["answer"] == "differs" and decided[arm]["high"] < 0 for arm in ("cv2-area", "gluoncv"))
    assert "OpenCV's bilinear and bicubic cannot be told from Pillow by six seeds" in text
    assert all((decided[arm]["answer"], decided[arm]["n"]) == ("undecided", 6) for arm in ("cv2", "cv2-bicubic"))
    repeated = read("ablation_resize_64x64")["decisions"]["kid_reference"]
    assert "At 64x64 three seeds tell neither area averaging nor OpenCV's bilinear from Pillow" in text
    assert [(repeated[arm]["answer"], repeated[arm]["n"]) for arm in ("cv2-area", "cv2")] == [("undecided", 3)] * 2
    assert "and by their means both end farther: do not count on the lead" in text
    assert all(repeated[arm]["mean"] > 0 for arm in ("cv2-area", "cv2"))
    faces = read("ablation_resize_anime-faces")["decisions"]
    assert "On anime faces, with three seeds, OpenCV's bilinear ends farther from Pillow's pictures" in text
    farther, own = faces["kid_reference"]["cv2"], faces["kid_same"]["cv2"]
    assert (farther["answer"], farther["n"]) == ("differs", 3) and farther["low"] > 0
    assert "but was not seen to from pictures shrunk as its own: it may only have learned what it was shown" in text
    assert (own["answer"], own["n"]) == ("undecided", 3) and own["mean"] < 0
    assert "None of the five other settings, MXNet's defaults and TensorFlow's among them, can be told from" in text
    epsilon = read("ablation_epsilon")
    found = epsilon["decisions"]["kid_reference"].values()
    assert [(arm["answer"], arm["n"]) for arm in found] == [("undecided", 6)] * 5
    assert "which would have seen a difference of a tenth" in text
    baseline = epsilon["arms"]["outside-1e-8"]["measures"]["kid_reference"]["mean"]
    assert 0.07 < min(arm["detectable"] for arm in found) / baseline
    assert max(arm["detectable"] for arm in found) / baseline < 0.1
