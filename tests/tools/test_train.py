"""Bad input: status 2, one message that names flag, given and allowed, nothing left behind. And --dry-run, --help."""

import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import mxnet as mx
import numpy as np
import pytest
from conftest import encode, make_picture
from PIL import Image

from gluon_wgan.checkpoint import list_checkpoints
from gluon_wgan.command import call
from gluon_wgan.data.lsun import write_lsun_lmdb
from gluon_wgan.errors import UserError
from gluon_wgan.run_folder import sealed, unsealed
from gluon_wgan.settings import Settings, command_line, default_run_name, preset_settings
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

    monkeypatch.setattr(os, "mkdir", refuse)
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
    config = unsealed(Path("run/config.json").read_bytes())
    # the mistake that makes a loss infinite cannot be given on resume, so it is put where the run would have it
    Path("run/config.json").write_bytes(sealed({**config, "learning_rate": 1e38}))
    ended = run_script("--out", "run", "--resume", "--generator-steps", "9")
    assert ended.returncode == 3, ended.stderr
    assert re.search(r"(critic|generator)_loss is -?(nan|inf)", ended.stderr)
    assert "Traceback" not in ended.stderr
    assert (elsewhere / "run/checkpoints/step_0000002/state.json").exists()
    assert all(np.isfinite(json.loads(line)["critic_loss"]) for line in open("run/metrics.jsonl"))


@pytest.mark.parametrize("minutes", ["0", "-1", "nan"])
def test_a_clock_without_time_is_refused(minutes):
    with pytest.raises(UserError, match=r"--checkpoint-minutes: given .*; allowed: (more than 0|a finite number)"):
        parse_train_flags(["--checkpoint-minutes", minutes])


@pytest.mark.parametrize("preset", ["paper", "hw6"])
def test_weights_that_are_not_finite_end_with_3_and_are_not_kept(preset, pictures, elsewhere):
    flags = ["--data", pictures, "--preset", preset, "--image-size", 16, "--generator-channels", 4, "--out", "run"]
    flags += ["--critic-channels", 4, "--batch-size", 4, "--generator-steps", 60, "--learning-rate", "1e25"]
    ended = run_script(*flags, "--checkpoint-every", "1", "--sample-every", 60)
    assert ended.returncode == 3, ended.stderr
    assert "Traceback" not in ended.stderr
    assert re.search(r"not finite|is -?(nan|inf)", ended.stderr)
    kept = list_checkpoints(Path("run/checkpoints"))
    assert ("no checkpoint was written yet" in ended.stderr) == (not kept)
    for checkpoint in kept:
        for file in checkpoint.glob("*.params"):
            assert all(np.isfinite(values.asnumpy()).all() for values in mx.nd.load(str(file)).values())


def test_batch_norm_on_one_sample_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"--batch-size: given 1; allowed: 2 or more for mlp-mnist"):
        parse_train_flags(["--preset", "mlp-mnist", "--batch-size", "1"])
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.png").write_bytes(encode(make_picture(number)))
    flags = ["--preset", "mlp-mnist", "--data", folder, "--cache-dir", tmp_path / "cache", "--generator-steps", 1]
    with pytest.raises(UserError, match=r"--batch-size: given 4, which leaves 1 of 9 pictures"):
        train(*flags, "--batch-size", 4, "--out", tmp_path / "run")
    train(*flags, "--batch-size", 7, "--out", tmp_path / "run")


@pytest.mark.parametrize("name", ["\u5bdd\u5ba4" * 40, os.fsdecode(b"caf\xe9")])
def test_data_of_a_long_or_odd_name_trains_under_a_name_of_its_own(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir(name)
    for number in range(12):
        Path(name, f"{number}.png").write_bytes(encode(make_picture(number)))
    train("--data", name, *TINY, "--generator-steps", "1")
    (run,) = Path("runs").iterdir()
    assert (run / "curves.png").exists() and len(os.fsencode(run.name)) <= 200
    os.rename(run, os.fsdecode(b"runs/caf\xe9"))
    train("--out", os.fsdecode(b"runs/caf\xe9"), "--resume", "--generator-steps", "2")


def test_two_long_names_that_differ_behind_the_cut_are_two():
    first, second = (Settings(data="/x/" + "a" * 230 + end) for end in "bc")
    assert default_run_name(first) != default_run_name(second)
    assert default_run_name(first).startswith("wassersteingan-pil-seed0-aaa")


def test_dry_run_shows_settings_counts_and_shapes_and_writes_nothing(elsewhere, caplog):
    caplog.set_level(logging.INFO)
    train("--dry-run")
    for text in ("--clip-bound 0.01", "3,576,704", "2,765,568", "main.0.weight (100, 512, 4, 4)", "(64, 3, 64, 64)"):
        assert text in caplog.text
    assert caplog.text.endswith("-> scores (64,)\n")
    train("--dry-run", "--classes", "10", "--critic-labels", "named")
    assert "weight (11, 512, 4, 4)" in caplog.text
    assert caplog.text.endswith("-> scores (64,), and names of 10 labels\n")
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
    ablate_epsilon.py claims.py make_reports.py presets.py toy.py distances.py""".split(),
)
def test_help_teaches_every_flag(script):
    shown = subprocess.run(
        [sys.executable, REPOSITORY / "experiments" / script, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "None" not in shown
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
