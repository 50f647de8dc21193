"""Real pictures, no GAN: what is compared with what, what is kept, and what is refused."""

import json

import numpy as np
import pytest
from conftest import encode, make_picture

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import kernel_distance
from gluon_wgan.studies.seen_by_network import measure, page


@pytest.fixture
def flags(tmp_path, monkeypatch):
    """Return the flags of a small measurement, with eight pixels in the place of the network's features."""
    (tmp_path / "pictures").mkdir()
    for index in range(60):
        (tmp_path / "pictures" / f"{index:02}.png").write_bytes(encode(make_picture(index)))
    monkeypatch.setattr(measure, "features", lambda pictures: pictures.reshape(len(pictures), -1)[:, :8] / 255)
    monkeypatch.setattr(measure, "SIZES", (8, 16))
    monkeypatch.setattr(measure, "known_resizers", lambda: ["pil", "cv2"])
    monkeypatch.setattr(page, "SIZES", (8, 16))
    places = {name: str(tmp_path / name) for name in ("reports", "cache")}
    return ["--data", str(tmp_path / "pictures"), "--cache-dir", places["cache"], "--reports", places["reports"]]


def test_no_photograph_is_on_both_sides(flags, tmp_path):
    call("seen_by_network", ["--measure", *flags])
    found = json.loads((tmp_path / "reports/data/seen_by_network.json").read_text())["pictures"]
    assert found["pictures"] == 60
    assert [(run["size"], run["resize"]) for run in found["runs"]] == [
        (8, "pil"), (8, "cv2"), (16, "pil"), (16, "cv2")
    ]  # fmt: skip
    prepared = {
        resize: np.load(next((tmp_path / "cache/prepared").glob(f"*-{resize}-8x*/pictures.npy")))
        for resize in ("pil", "cv2")
    }
    points = {resize: pictures.reshape(60, -1)[:, :8] / 255 for resize, pictures in prepared.items()}
    for run, resize in zip(found["runs"], ("pil", "cv2")):
        expected = kernel_distance(points["pil"][::2], points[resize][1::2])
        assert (run["distance"], run["error"]) == pytest.approx(expected)
    text = " ".join((tmp_path / "reports/seen_by_network.md").read_text().split())
    assert f"OpenCV bilinear {1000 * found['runs'][1]['distance']:.1f} ± " in text
    assert "(n = 30 on each side, one set of photographs)" in text


def test_what_is_measured_is_not_measured_again(flags, monkeypatch):
    call("seen_by_network", ["--measure", *flags])
    monkeypatch.setattr(measure, "features", lambda pictures: pytest.fail("measured again"))
    call("seen_by_network", ["--measure", *flags])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--measure"], "--data: given nothing"),
        (["--measure", "--data", "nowhere"], "--data: given nowhere"),
        (["--pictures", "39"], "--pictures: given 39; allowed: 40 or more"),
    ],
)
def test_bad_flags_are_refused(given, message, tmp_path):
    with pytest.raises(UserError, match=message):
        call("seen_by_network", [*given, "--reports", str(tmp_path)])
