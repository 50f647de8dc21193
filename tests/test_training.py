"""From settings to a run: real files, real steps, and what lies in the folder afterwards."""

import json
import logging
import subprocess
import sys
from dataclasses import replace
from functools import partial

import mxnet as mx
import numpy as np
import pytest
from conftest import encode, make_picture, write_category
from PIL import Image
from tensorboard_events import scalars

from gluon_wgan.command import call
from gluon_wgan.data import Batches, lsun, open_source
from gluon_wgan.data.batches import noise_pictures
from gluon_wgan.data.prepared import is_held_out
from gluon_wgan.data.text import one_hot
from gluon_wgan.errors import UserError
from gluon_wgan.presets import PRESETS
from gluon_wgan.settings import Settings, preset_settings
from gluon_wgan.studies.networks.question import arms_of
from gluon_wgan.training import build
from gluon_wgan.training import loop as fit
from gluon_wgan.training import run as training

TINY = (
    "--image-size 16 --generator-channels 4 --critic-channels 4 --batch-size 4 --n-critic 2 --n-critic-boost 3 "
    "--boost-generator-steps 2 --boost-every 4 --generator-steps 6 --sample-every 4 --checkpoint-every 5"
).split()


@pytest.mark.parametrize("image_channels", [1, 3])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_trains(preset, image_channels):
    # 16 feature maps: fewer, oneDNN lays out plainly, and what fails in blocks of channels does not show
    small = {"generator_channels": 16, "critic_channels": 16, "batch_size": 4, "image_channels": image_channels}
    full = preset_settings(preset)
    settings = replace(full, image_size=min(full.image_size, 32), **small)
    if settings.generator == "text":
        settings = replace(settings, symbols=32)
        lines = np.random.default_rng(0).integers(0, 32, (16, 32), np.uint16)
        batches = Batches(lines, 4, 0, as_batch=partial(one_hot, symbols=32))
    else:
        batches = Batches(noise_pictures(settings), 4, 0, tail=settings.generator_turn == "with_critic")
    trainer = build.build_trainer(settings, batches, mx.cpu())
    before = [weights_of(network) for network in (trainer.generator, trainer.critic)]
    for _ in range(2):
        for _ in range(min(2, trainer.critic_updates_left())):
            trainer.critic_step()
        trainer.generator_step()
    for network, weights in zip((trainer.generator, trainer.critic), before):
        after = weights_of(network)
        assert all(np.isfinite(value).all() for value in after.values())
        assert any((after[name] != value).any() for name, value in weights.items() if name.endswith("weight"))


def weights_of(network):
    return {name: value.data().asnumpy() for name, value in network.collect_params().items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a run on an LSUN root with two categories."""
    root = tmp_path_factory.mktemp("training")
    write_category(root / "lsun", "bedroom_train", range(6))
    write_category(root / "lsun", "kitchen_train", range(6, 12))
    flags = ["--data", root / "lsun", "--category", "bedroom_train", "kitchen_train", "--out", root / "run"]
    call("train", [*TINY, *map(str, flags), "--cache-dir", str(root / "cache")])
    return root / "run"


def records(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_the_run_folder_holds_what_the_readme_promises(run):
    names = {path.relative_to(run).as_posix() for path in run.rglob("*")}
    for name in (
        "config.json environment.json metrics.jsonl curves.png samples/real.png samples/step_0000004.png "
        "samples/step_0000006.png checkpoints/step_0000005/generator.params checkpoints/step_0000005/critic.params "
        "checkpoints/step_0000005/optimizer.params checkpoints/step_0000005/state.json checkpoints/step_0000006 "
        "checkpoints/latest"
    ).split():
        assert name in names
    assert (run / "checkpoints/latest").resolve().name == "step_0000006"
    assert any(name.startswith("tensorboard/events") for name in names)


def test_metrics_count_critic_updates_and_pictures(run):
    # boosted: steps 1, 2 (the first two) and 5 (0-based 4); 3 updates each, else 2
    assert [record["critic_steps"] for record in records(run)] == [3, 6, 8, 10, 13, 15]
    for step, record in enumerate(records(run), 1):
        assert record["generator_step"] == step
        assert record["images_seen"] == 4 * record["critic_steps"]
        # the two sides are rounded to float32 apart: 1e-6 of scores of order .01 to 1
        estimate = record["score_real"] - record["score_fake"]
        assert record["em_distance_estimate"] == pytest.approx(estimate, abs=1e-6)
        assert record["critic_loss"] == pytest.approx(-estimate, abs=1e-6)
    seconds = [record["seconds"] for record in records(run)]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def test_tensorboard_shows_the_same_numbers(run):
    events = scalars(run / "tensorboard")
    for record in records(run):
        shown = events["em_distance_estimate", record["generator_step"]]
        assert shown == pytest.approx(record["em_distance_estimate"], rel=1e-6)  # float32 in the file


def test_config_holds_every_setting_and_what_was_overridden(run):
    config = json.loads((run / "config.json").read_text())
    assert Settings.from_json(config, "config.json").n_critic_boost == 3
    assert config["category"] == ["bedroom_train", "kitchen_train"]
    assert {"data", "image_size", "n_critic"} <= set(config["overrides"])
    assert "latent_dim" not in config["overrides"]


def test_the_sheet_of_real_pictures_shows_the_first_batch(run):
    with Image.open(run / "samples/real.png") as sheet:
        assert sheet.size == (4 * 16 + 3 * 2, 16)


def test_held_out_pictures_are_not_trained_on(tmp_path, monkeypatch):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(40):
        (folder / f"{index}.png").write_bytes(encode(make_picture(index)))
    source = open_source(folder)
    kept = [row for row in range(40) if not is_held_out(source.key(row))]
    assert 0 < len(kept) < 40
    seen = []

    class Spy(build.Batches):
        def __init__(self, pictures, batch_size, seed, rows=None, **others):
            seen.append(rows)
            super().__init__(pictures, batch_size, seed, rows, **others)

    monkeypatch.setattr(build, "Batches", Spy)
    for name, flag in (("all", "--no-hold-out"), ("some", "--hold-out")):
        places = ["--data", folder, "--out", tmp_path / name, "--cache-dir", tmp_path / "cache"]
        call("train", [*TINY, "--generator-steps", "1", flag, *map(str, places)])
    assert seen[0] is None
    assert seen[1].tolist() == kept


def test_metrics_count_the_short_batches_where_epochs_cut(picture_folder, tmp_path):
    places = ["--data", picture_folder, "--out", tmp_path / "run", "--cache-dir", tmp_path / "cache"]
    call("train", [*TINY, "--epoch-end", "cut", "--batch-size", "8", *map(str, places)])
    # an epoch is 8, 8 and 4 pictures; 3 updates in steps 1, 2 and 5, else 2, but 1 where the epoch has no more
    assert [record["critic_steps"] for record in records(tmp_path / "run")] == [3, 6, 8, 9, 12, 14]
    assert [record["images_seen"] for record in records(tmp_path / "run")] == [20, 40, 56, 60, 80, 96]


@pytest.mark.parametrize(
    "flags",
    [
        "--generator mlp --critic mlp",
        "--generator dcgan-no-bn --critic dcgan-no-bn --extra-layers 1",
        "--optimizer adam --loss non_saturating",
        "--optimizer sgd --loss minimax --clip-order after_update",
        "--epsilon-placement inside_sqrt --clip-order after_update --bn-mode running",
        "--image-channels 1 --resize gluoncv",
        "--resize mxnet-area --batch-size 12 --preset gluoncv",
        "--epoch-end cut --batch-size 3",  # 7 batches an epoch: the updates are 3, 3, 1, 2
    ],
)
def test_every_choice_trains_and_resumes_to_the_same_bits(flags, picture_folder, tmp_path):
    def start(out, steps, *more):
        places = ["--data", picture_folder, "--out", tmp_path / out, "--cache-dir", tmp_path / "cache"]
        call("train", [*TINY, *flags.split(), *map(str, places), "--generator-steps", steps, *more])

    start("whole", "4")
    start("parts", "2")
    start("parts", "4", "--resume")
    for name in ("generator", "critic", "optimizer"):
        files = [tmp_path / out / "checkpoints/step_0000004" / f"{name}.params" for out in ("whole", "parts")]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert [record["generator_step"] for record in records(tmp_path / "parts")] == [1, 2, 3, 4]


def test_drawn_bedrooms_are_a_real_lmdb_and_are_drawn_once(tmp_path, monkeypatch):
    folder = lsun.draw_bedrooms(tmp_path, 3)
    source = open_source(folder.parent, "bedroom_train")
    assert len(source) == 3
    assert len(source.key(0)) == 40
    assert min(source[0].shape[:2]) == 256
    monkeypatch.setattr(lsun, "draw_room", None)  # a second drawing would fail
    assert lsun.draw_bedrooms(tmp_path, 3) == folder


def test_the_expected_duration_is_the_work_over_the_rate(monkeypatch):
    monkeypatch.setattr(fit, "gemm_flops_per_second", lambda context, side: 1e12)
    settings = Settings()
    batches = np.zeros((1, 64, 3, 64, 64), dtype=np.float32)

    class Whole:
        batch_size = 64

        def __getitem__(self, number):
            return batches[0]

    trainer = build.build_trainer(settings, Whole(), mx.cpu())
    # by hand: 25 steps of 100 critic updates; 92.32 GFLOP a critic update, 66.65 a generator update (test_flops)
    seconds = fit.expected_seconds(trainer, 25, (3, 64, 64))
    work = (2500 * 92.32e9 + 25 * 66.65e9) / 1e12
    assert work < seconds < 3 * work  # what operators write, and an overhead per update, come on top


def test_a_deep_network_of_few_feature_maps_takes_longer_than_its_work(monkeypatch):
    monkeypatch.setattr(fit, "gemm_flops_per_second", lambda context, side: 103e9)
    changes = {**arms_of("depth")["penalty, 101 layers"], "generator_steps": 1000}
    settings = replace(preset_settings(changes["preset"]), **changes)

    class Batches:
        batch_size = settings.batch_size

    trainer = build.build_trainer(settings, Batches(), mx.cpu(), hybridize=False)
    seconds = fit.expected_seconds(trainer, 1000, (3, 32, 32))
    # 1.29 s a step were measured on a core (reports/data/networks.json, depth) of machines whose two do 205 GFLOP/s
    # (speed.json); the convolutions alone are 0.17 s
    assert 1290 / 1.5 < seconds < 1290 * 1.5


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "5 seconds"), (600, "10 minutes"), (5400, "1.5 hours"), (20 * 86400, "20 days")],
)
def test_durations_in_words(seconds, words):
    assert training.in_words(seconds) == words


def test_a_long_run_says_so_and_how_to_make_it_shorter(picture_folder, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(training, "expected_seconds", lambda *arguments: 30 * 86400)
    caplog.set_level(logging.INFO)
    places = ["--data", picture_folder, "--out", tmp_path / "run", "--cache-dir", tmp_path / "cache"]
    call("train", [*TINY, *map(str, places), "--generator-steps", "1"])
    assert "expected duration: 30 days" in caplog.text
    assert "--generator-steps" in caplog.text


def test_gpu_is_refused_where_there_is_none():
    with pytest.raises(UserError, match=r"--device: given gpu.*allowed: cpu"):
        build.find_devices("gpu")


def test_freed_memory_stays_with_the_process():
    script = """
import resource
import gluon_wgan
gluon_wgan.use_synchronous_engine()
from mxnet import nd
def take():
    for _ in range(5):
        nd.ones(2**23).wait_to_read()  # 32 MiB, 8,192 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print([take() for _ in range(4)])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    *_, before, after = json.loads(done.stdout)  # the first may still find their places
    assert after - before < 1000  # anew each time, 40,960 pages would be faulted in
