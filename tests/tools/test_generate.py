"""Pictures from a trained run: the same seed the same pictures, whatever their number; both BatchNorm modes."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, encode, make_picture
from mxnet import nd
from PIL import Image, ImageSequence

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.models.sampling import draw_latents, load_generator, sample
from gluon_wgan.pictures import to_uint8
from gluon_wgan.tools.generate import closed_walk, generate, rows_of_walks


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a run folder of 3 generator steps with batches of 8, and checkpoints at each."""
    folder = tmp_path_factory.mktemp("generation")
    (folder / "pictures").mkdir()
    for index in range(8):
        (folder / "pictures" / f"{index}.png").write_bytes(encode(make_picture(index)))
    sizes = "--image-size 16 --generator-channels 4 --critic-channels 4 --batch-size 8 --latent-dim 5"
    few = "--n-critic 1 --n-critic-boost 1 --generator-steps 3 --checkpoint-every 1"
    places = ["--data", folder / "pictures", "--out", folder / "run", "--cache-dir", folder / "cache"]
    call("train", [*sizes.split(), *few.split(), *map(str, places)])
    return folder / "run"


def pixels(file):
    with Image.open(file) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("bn_mode", ["batch", "running"])
def test_a_picture_does_not_depend_on_how_many_are_asked_for(run, tmp_path, bn_mode):
    few = generate(run, "pictures", 3, bn_mode, 0, tmp_path / "few")
    many = generate(run, "pictures", 11, bn_mode, 0, tmp_path / "many")
    assert sorted(path.name for path in few.iterdir()) == ["000000.png", "000001.png", "000002.png"]
    assert len(list(many.iterdir())) == 11
    for path in few.iterdir():
        assert np.array_equal(pixels(path), pixels(many / path.name))


def test_a_grid_shows_the_same_pictures(run, tmp_path):
    single = generate(run, "pictures", 9, "batch", 5, tmp_path)
    large = pixels(generate(run, "grid", 9, "batch", 5, tmp_path))
    sheet = large[::8, ::8]  # 16 pixels shown as 128, each a square of one colour
    assert np.array_equal(sheet.repeat(8, axis=0).repeat(8, axis=1), large)
    assert sheet.shape == (16 + 2 + 16, 8 * 16 + 7 * 2, 3)
    assert np.array_equal(sheet[:16, :16], pixels(single / "000000.png"))
    assert np.array_equal(sheet[18:, :16], pixels(single / "000008.png"))


def test_seed_mode_and_checkpoint_each_change_the_pictures(run, tmp_path):
    first, second = (run / "checkpoints" / name for name in ("step_0000001", "latest"))
    sheets = [
        generate(path, "grid", 8, bn_mode, seed, tmp_path).read_bytes()
        for path, bn_mode, seed in [(run, "batch", 0), (run, "batch", 1), (run, "running", 0), (first, "batch", 0)]
    ]
    assert len(set(sheets)) == 4
    assert generate(second, "grid", 8, "batch", 0, tmp_path).read_bytes() == sheets[0]


def test_a_walk_starts_and_ends_at_normal_latents_and_stays_on_the_sphere(run):
    _, settings, _ = load_generator(run)
    rows = rows_of_walks(3, 2, settings).reshape(2, 8, settings.latent_dim)
    for row in rows:
        norms = np.linalg.norm(row, axis=1)
        low, high = sorted(norms[[0, -1]])
        assert (norms > low - 1e-5).all()  # where a straight line would dip
        assert (norms < high + 1e-5).all()
    unit = rows / np.linalg.norm(rows, axis=2, keepdims=True)
    assert np.abs((unit[:, 1:] * unit[:, :-1]).sum(axis=2)).max() <= 1 + 1e-6


def test_an_interpolation_has_rows_of_8(run, tmp_path):
    assert pixels(generate(run, "interpolation", 12, "running", 0, tmp_path)).shape == (8 * 34, 8 * 142, 3)


def test_latents_of_one_number_walk_straight(run):
    settings = dataclasses.replace(load_generator(run)[1], latent_dim=1)
    start, *between, end = rows_of_walks(3, 1, settings).ravel()
    np.testing.assert_allclose(between, np.linspace(start, end, 8)[1:-1], rtol=1e-5)


def test_a_closed_walk_passes_through_its_latents_and_comes_back(run):
    _, settings, _ = load_generator(run)
    steps = closed_walk(3, 48, settings).reshape(48, settings.latent_dim)
    stops = draw_latents(3, 3, settings).reshape(-1, settings.latent_dim)[:3]
    np.testing.assert_allclose(steps[::16], stops, rtol=1e-5, atol=1e-6)  # float32
    unit = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    turns = np.arccos(np.clip((unit * np.roll(unit, -1, axis=0)).sum(axis=1), -1, 1)).reshape(3, 16)
    np.testing.assert_allclose(turns, turns.mean(axis=1, keepdims=True).repeat(16, axis=1), atol=2e-3)  # also the last
    assert closed_walk(3, 1, settings).shape == (1, settings.latent_dim, 1, 1)


def test_a_film_shows_the_walks_pictures_in_turn(run, tmp_path):
    film = generate(run, "animation", 20, "running", 0, tmp_path)
    generator, settings, _ = load_generator(run)
    expected = to_uint8(sample(generator, nd.array(closed_walk(0, 20, settings)), "running"))
    with Image.open(film) as shown:
        assert (shown.n_frames, shown.size, shown.info["loop"]) == (20, (128, 128), 0)
        for number, frame in enumerate(ImageSequence.Iterator(shown)):
            assert np.array_equal(np.asarray(frame.convert("RGB"))[::8, ::8], expected[number])
            assert frame.info["duration"] == 75  # 16 in 1.2 s


def test_less_spread_makes_pictures_more_alike(run, tmp_path):
    def difference(spread):
        return pixels(generate(run, "grid", 8, "running", 0, tmp_path, spread)).astype(float).std(axis=(0, 1)).mean()

    assert generate(run, "grid", 8, "running", 0, tmp_path, 1.0) == generate(run, "grid", 8, "running", 0, tmp_path)
    generator, settings, _ = load_generator(run)
    latents = nd.array(0.5 * draw_latents(0, 8, settings)[0])
    half = pixels(generate(run, "pictures", 1, "running", 0, tmp_path, 0.5) / "000000.png")
    assert np.array_equal(half, to_uint8(sample(generator, latents, "running"))[0])
    assert difference(0.01) < difference(1.0)


def test_the_default_place_is_in_the_run(run):
    place = generate(run, "grid", 2, None, 0, None)
    assert place == run.resolve() / "generated" / "step_0000003-grid-2-seed0-batch.png"


def test_another_number_of_pictures_leaves_no_older_ones_among_them(run, tmp_path):
    assert len(list(generate(run, "pictures", 5, "batch", 0, tmp_path).iterdir())) == 5
    assert len(list(generate(run, "pictures", 3, "batch", 0, tmp_path).iterdir())) == 3
    long = generate(run, "interpolation", 16, "batch", 0, tmp_path)
    before = long.read_bytes()
    generate(run, "interpolation", 8, "batch", 0, tmp_path)
    assert long.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], ["nowhere", "run folder"]),
        (["{run}", "--count", "0"], ["--count", "0", "1 or more"]),
        (["{run}", "--seed", "-1"], ["--seed", "-1", "0 or more"]),
        (["{run}", "--kind", "film"], ["film", "interpolation"]),
        (["{run}", "--spread", "0"], ["--spread", "0", "above 0"]),
        (["{run}", "--spread", "nan"], ["--spread", "nan", "above 0"]),
        (["{run}", "--out", "{run}/config.json"], ["--out", "config.json"]),
    ],
)
def test_a_mistake_ends_with_2_and_one_message(run, arguments, words):
    command = [sys.executable, ROOT / "experiments/generate.py", *(word.format(run=run) for word in arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert [word for word in words if word not in ended.stderr] == []
    assert "Traceback" not in ended.stderr


def test_a_run_without_a_checkpoint_is_refused(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(UserError, match="no checkpoint yet"):
        generate(tmp_path, "grid", 1, None, 0, None)
