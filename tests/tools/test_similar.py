"""`gluon-wgan similar`: samples of a run, a picture that was trained on, and what is refused."""

import json

import numpy as np
import pytest
from conftest import encode, make_picture
from PIL import Image

from gluon_wgan import evaluate
from gluon_wgan.command import call
from gluon_wgan.data.prepared import is_held_out
from gluon_wgan.errors import UserError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with 60 pictures, some of which a small run holds out, and that run."""
    folder = tmp_path_factory.mktemp("similar")
    (folder / "pictures").mkdir()
    for index in range(60):
        (folder / "pictures" / f"{index}.png").write_bytes(encode(make_picture(index, 20, 20)))
    sizes = "--image-size 16 --generator-channels 4 --critic-channels 4 --batch-size 8 --latent-dim 5 --hold-out"
    few = "--n-critic 1 --n-critic-boost 1 --generator-steps 2"
    places = ["--data", folder / "pictures", "--out", folder / "run", "--cache-dir", folder / "cache"]
    call("train", [*sizes.split(), *few.split(), *map(str, places)])
    return folder


def similar(folder, *more):
    call("similar", [str(folder / "run"), "--cache-dir", str(folder / "cache"), "--out", str(folder / "out"), *more])
    newest = max((folder / "out").glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
    return json.loads(newest.read_text()), Image.open(newest.with_suffix(".png"))


def test_samples_beside_their_five_nearest(folder, caplog):
    caplog.set_level("INFO")
    found, sheet = similar(folder, "--count", "3")
    assert found["trained_on"] + found["held_out"] == 60
    assert [len(near) for near in found["nearest"]] == [5, 5, 5]
    assert all(0 <= found[share] <= 1 for share in ("nearer", "as_copies"))
    assert sheet.size == ((6 * 18 - 2) * 8, (3 * 18 - 2) * 8)  # 16 pixels and a gap of 2, 8 times as large
    assert not any(is_held_out(near["picture"]) for each in found["nearest"] for near in each)
    assert "% of the samples are nearer to a training picture" in caplog.text


def test_a_picture_that_was_trained_on_is_found(folder):
    found, sheet = similar(folder, "--query", str(folder / "pictures/7.png"))
    (near,) = found["nearest"]
    assert near[0] == {"picture": "7.png", "distance": 0}
    assert near[1]["distance"] > 0
    assert "nearer" not in found
    left, right = (np.asarray(sheet)[:, start : start + 128] for start in (0, 18 * 8))
    np.testing.assert_array_equal(left, right)


def test_by_features_which_are_kept(folder, monkeypatch):
    """Of eight pixels in the place of the network's features; the second call computes the query's alone."""
    seen = []

    def features(pictures):
        seen.append(len(pictures))
        return pictures.reshape(len(pictures), -1)[:, :8] / np.float32(255)

    monkeypatch.setattr(evaluate, "features", features)
    for expected in ([1, 60], [1]):
        found, _ = similar(folder, "--query", str(folder / "pictures/7.png"), "--by", "features")
        assert found["nearest"][0][0] == {"picture": "7.png", "distance": 0}
        assert sorted(seen) == sorted(expected)
        seen.clear()


@pytest.mark.parametrize(
    "more, message",
    [
        (("--count", "0"), "--count: given 0"),
        (("--seed", "-1"), "--seed: given -1; allowed: 0 or more"),
        (("--query", "no-such.png"), "--query: given no-such.png"),
        (("--query", "no-such.png", "--data", "no-such-folder"), "--query: given no-such.png"),  # the slow part last
        (("--data", "no-such-folder"), "no-such-folder"),
        (("--out", "/proc/nowhere", "--query", "no-such.png"), "--out: given /proc/nowhere"),  # before all that is slow
    ],
)
def test_refused(folder, more, message):
    with pytest.raises(UserError, match=message):
        call("similar", [str(folder / "run"), "--cache-dir", str(folder / "cache"), *more])


def test_a_query_that_is_no_picture(folder):
    (folder / "text.png").write_text("no picture")
    with pytest.raises(UserError, match=r"--query: given .*text\.png"):
        similar(folder, "--query", str(folder / "text.png"))


def test_no_run(tmp_path):
    with pytest.raises(UserError, match="run: given"):
        call("similar", [str(tmp_path)])
