"""Bad input: status 2, one message that names flag, given and allowed, nothing left behind. And --dry-run, --help."""

import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gluon_wgan  # noqa: F401
from gluon_wgan.command import call
from gluon_wgan.data.lsun import write_lsun_lmdb
from gluon_wgan.errors import UserError
from gluon_wgan.settings import Settings, command_line, preset_settings
from gluon_wgan.tools.train import parse_train_flags

REPOSITORY = Path(__file__).parents[2]
TINY = (
    "--image-size 16 --generator-channels 4 --critic-channels 4 --batch-size 4 --n-critic 1 --n-critic-boost 2".split()
)


@pytest.fixture
def pictures(tmp_path):
    """Return a folder of 12 small random pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(12):
        pixels = random.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    return folder


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Run in an empty folder, so that everything left behind is seen."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def train(*arguments):
    call("train", [str(argument) for argument in arguments])


def empty_lmdb(root):
    write_lsun_lmdb(root / "empty_lmdb", [])
    return root / "empty_lmdb"


def folder_named(root, name):
    (root / name).mkdir()
    return root / name


# what is wrong, flags (made from a scratch folder and a good folder of pictures), what the message must hold
BAD = [
    ("no such path", lambda root, good: ["--data", root / "nowhere"], ["--data", "nowhere", "does not exist"]),
    ("a file", lambda root, good: ["--data", good / "00.png"], ["--data", "00.png", "not a folder"]),
    ("empty LMDB", lambda root, good: ["--data", empty_lmdb(root)], ["--data", "no entries"]),
    ("no LMDB", lambda root, good: ["--data", folder_named(root, "x_lmdb")], ["--data", "data.mdb"]),
    ("no pictures", lambda root, good: ["--data", folder_named(root, "x")], ["--data", "no pictures"]),
    ("image size", lambda root, good: ["--data", good, "--image-size", 60], ["--image-size", "60", "16, 32, 64"]),
    ("resize", lambda root, good: ["--data", good, "--resize", "magic"], ["--resize", "magic", "pil", "cv2-area"]),
    (
        "clip bound",
        lambda root, good: ["--data", good, "--clip-bound", -0.01],
        ["--clip-bound", "-0.01", "more than 0"],
    ),
    (
        "not a number",
        lambda root, good: ["--data", good, "--learning-rate", "nan"],
        ["--learning-rate", "nan", "finite"],
    ),
    ("no GPU", lambda root, good: ["--data", good, "--device", "gpu"], ["--device", "gpu", "cpu"]),
    ("batch", lambda root, good: ["--data", good, "--batch-size", 13], ["--batch-size", "13", "1 to 12"]),
    ("preset", lambda root, good: ["--preset", "hope"], ["--preset", "hope", "wassersteingan"]),
    ("penalty", lambda root, good: ["--lipschitz", "gradient_penalty"], ["--critic", "BatchNorm", "-layer-norm"]),
    ("no run", lambda root, good: ["--resume", "--out", folder_named(root, "y")], ["--resume", "y", "config.json"]),
    ("nothing there", lambda root, good: ["--resume", "--out", root / "z"], ["--resume", "z", "config.json"]),
    ("out is a file", lambda root, good: ["--data", good, "--out", good / "00.png"], ["--out", "00.png"]),
    ("out is taken", lambda root, good: ["--data", good, "--out", good], ["--out", "pictures", "--resume"]),
]


@pytest.mark.parametrize(("flags", "words"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_mistake_is_one_message_and_leaves_nothing(flags, words, pictures, elsewhere):
    (elsewhere / "in").mkdir()
    arguments = flags(elsewhere / "in", pictures)
    before = sorted(elsewhere.rglob("*"))
    with pytest.raises(UserError) as caught:
        train(*arguments)
    assert [word for word in words if word not in str(caught.value)] == []
    assert "given" in str(caught.value)
    assert "allowed" in str(caught.value)
    assert sorted(elsewhere.rglob("*")) == before
    assert len(list(pictures.iterdir())) == 12


def test_a_read_only_out_is_refused(pictures, elsewhere, monkeypatch):
    # root may write everywhere, so the refusal is made here, where the file system would make it
    def refuse(path, *rest, **more):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(UserError, match=r"--out: given .*Permission denied.*allowed"):
        train("--data", pictures, "--out", elsewhere / "run")
    assert list(elsewhere.iterdir()) == []


def run_script(*arguments, **options):
    command = [sys.executable, REPOSITORY / "experiments/train_lsun.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["--image-size", "60"], "--image-size"), (["--optimizer", "adagrad"], "--optimizer"), (["--nope"], "--nope")],
)
def test_the_script_exits_with_2_and_no_traceback(arguments, word, elsewhere):
    ended = run_script(*arguments)
    assert ended.returncode == 2
    assert word in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert list(elsewhere.iterdir()) == []


def test_a_loss_that_is_not_finite_ends_with_3_and_keeps_the_checkpoint(pictures, elsewhere):
    flags = ["--data", pictures, *TINY, "--out", "run", "--checkpoint-every", "1"]
    assert run_script(*flags, "--generator-steps", "2").returncode == 0
    config = json.loads(Path("run/config.json").read_text())
    # the mistake that makes a loss infinite cannot be given on resume, so it is put where the run would have it
    Path("run/config.json").write_text(json.dumps({**config, "learning_rate": 1e38}))
    ended = run_script("--out", "run", "--resume", "--generator-steps", "9")
    assert ended.returncode == 3, ended.stderr
    assert re.search(r"(critic|generator)_loss is -?(nan|inf)", ended.stderr)
    assert "Traceback" not in ended.stderr
    assert (elsewhere / "run/checkpoints/step_0000002/state.json").exists()
    assert all(np.isfinite(json.loads(line)["critic_loss"]) for line in open("run/metrics.jsonl"))


def test_resume_refuses_changed_settings_and_lists_them(pictures, elsewhere):
    flags = ["--data", pictures, *TINY, "--out", "run", "--checkpoint-every", "1", "--generator-steps", "2"]
    train(*flags)
    before = {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*") if path.is_file()}
    with pytest.raises(UserError) as caught:
        train("--out", "run", "--resume", "--clip-bound", "0.02", "--resize", "cv2")
    for word in ("--clip-bound 0.02", "0.01", "--resize cv2", "pil"):
        assert word in str(caught.value)
    with pytest.raises(UserError, match="--generator-steps 1"):
        train("--out", "run", "--resume", "--generator-steps", "1")
    assert {path: path.stat().st_mtime_ns for path in elsewhere.rglob("*") if path.is_file()} == before


def test_more_generator_steps_are_no_change(pictures, elsewhere):
    train("--data", pictures, *TINY, "--out", "run", "--generator-steps", "2")
    train("--out", "run", "--resume", "--generator-steps", "3")
    assert [json.loads(line)["generator_step"] for line in open("run/metrics.jsonl")] == [1, 2, 3]
    assert json.loads(Path("run/config.json").read_text())["generator_steps"] == 3


def test_a_truncated_checkpoint_is_refused_and_the_previous_one_offered(pictures, elsewhere):
    train("--data", pictures, *TINY, "--out", "run", "--checkpoint-every", "1", "--generator-steps", "3")
    damaged = elsewhere / "run/checkpoints/step_0000003"
    file = damaged / "critic.params"
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(UserError) as caught:
        train("--out", "run", "--resume", "--generator-steps", "4")
    assert "critic.params" in str(caught.value)
    assert "step_0000002" in str(caught.value)
    # and doing what the message says works
    for path in damaged.iterdir():
        path.unlink()
    damaged.rmdir()
    train("--out", "run", "--resume", "--generator-steps", "4")
    assert (elsewhere / "run/checkpoints/step_0000004").is_dir()


def test_resume_refuses_other_pictures(pictures, elsewhere):
    train("--data", pictures, *TINY, "--out", "run", "--generator-steps", "1")
    (pictures / "00.png").unlink()
    with pytest.raises(UserError, match="--data"):
        train("--out", "run", "--resume", "--generator-steps", "2")


def test_two_processes_cannot_write_one_run(pictures, elsewhere):
    from gluon_wgan.run_folder import locked

    train("--data", pictures, *TINY, "--out", "run", "--generator-steps", "1")
    with locked("run/.lock", wait=False), pytest.raises(UserError, match="another process"):
        train("--out", "run", "--resume", "--generator-steps", "2")


def test_dry_run_shows_settings_counts_and_shapes_and_writes_nothing(elsewhere, caplog):
    caplog.set_level(logging.INFO)
    train("--dry-run")
    for text in ("--clip-bound 0.01", "3,576,704", "2,765,568", "main.0.weight (100, 512, 4, 4)", "(64, 3, 64, 64)"):
        assert text in caplog.text
    assert list(elsewhere.iterdir()) == []


def test_one_epsilon_flag_overrides_both_of_a_preset(elsewhere):
    settings, _ = parse_train_flags(["--preset", "gluoncv", "--rmsprop-epsilon", "1e-6"])
    assert (settings.critic_rmsprop_epsilon, settings.generator_rmsprop_epsilon) == (1e-6, 1e-6)
    settings, _ = parse_train_flags(["--preset", "gluoncv"])
    assert (settings.critic_rmsprop_epsilon, settings.generator_rmsprop_epsilon) == (1e-12, 1e-14)


def test_flags_override_the_preset_wherever_they_stand():
    before, _ = parse_train_flags(["--batch-size", "8", "--preset", "demo"])
    after, _ = parse_train_flags(["--preset=demo", "--batch-size=8"])
    assert before == after
    assert (before.batch_size, before.image_size) == (8, 32)


@pytest.mark.parametrize(
    "script",
    """train_lsun.py generate.py benchmark.py first_light.py compare_resize.py parity.py ablate_resize.py
    ablate_epsilon.py claims.py make_reports.py""".split(),
)
def test_help_teaches_every_flag(script):
    shown = subprocess.run(
        [sys.executable, REPOSITORY / "experiments" / script, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    flags = re.findall(r"│ (--[a-z0-9-]+)", shown)
    assert len(flags) >= 2
    # each flag is followed by words that explain it, on its line or the next
    for flag in flags:
        assert re.search(rf"│ {flag}[ ,][^│]*│?\n?│? +[^│]*[a-z]{{3}}", shown), flag


def test_a_preset_flag_in_the_design_exists():
    shown = subprocess.run(
        [sys.executable, REPOSITORY / "experiments/train_lsun.py", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    promised = """--data --category --hold-out --resize --preset --image-size --generator-channels --critic-channels
        --latent-dim --batch-size --generator-steps --n-critic --lipschitz --clip-bound --clip-order --gp-lambda
        --gp-one-sided --loss --learning-rate --rmsprop-epsilon --critic-rmsprop-epsilon --generator-rmsprop-epsilon
        --rmsprop-decay --epsilon-placement --optimizer --adam-beta1 --adam-beta2 --generator --critic --seed --device
        --out --resume --sample-every --checkpoint-every --cache-dir --dry-run""".split()
    assert [flag for flag in promised if not re.search(rf"{flag}[ ,]", shown)] == []


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(seed=3, resize="cv2", image_size=32, clip_bound=0.02, rmsprop_decay=0.9, critic_rmsprop_epsilon=1e-12),
        Settings(hold_out=True, category=("bedroom_train", "tower_train"), data="/nowhere"),
        replace(preset_settings("gluoncv"), epoch_end="cut", generator_steps=7),
    ],
)
def test_the_command_line_of_settings_gives_these_settings(settings):
    parsed, _ = parse_train_flags(command_line(settings))
    assert parsed == settings
