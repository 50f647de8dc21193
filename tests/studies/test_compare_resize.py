"""The comparison of resizes: differences and responses by hand, the measured table, and a report that is not stale."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, encode, make_picture
from PIL import Image

from gluon_wgan import resize
from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.report.page import as_png
from gluon_wgan.report.style import known_arms, style
from gluon_wgan.resize import known_resizers, register
from gluon_wgan.studies.ablation_epsilon import styles
from gluon_wgan.studies.ablation_epsilon.question import ARMS as EPSILONS
from gluon_wgan.studies.ablation_resize.question import ARMS
from gluon_wgan.studies.compare_resize import figures as resize_figures
from gluon_wgan.studies.compare_resize.measure import compare, measure_all, open_images
from gluon_wgan.studies.compare_resize.pixels import differences, summarise
from gluon_wgan.studies.compare_resize.response import frequency_response, summarise_response

REPORTS = ROOT / "reports"


@pytest.fixture
def two_arms(monkeypatch):
    """A registry of two arms: all zeros, and the same with two known values in the top left corner."""
    monkeypatch.setattr(resize, "_REGISTRY", {})

    def zeros(image, width, height):
        return np.zeros((height, width, 3), np.uint8)

    def marked(image, width, height):
        pixels = zeros(image, width, height)
        pixels[0, 0] = image[0, 0, 0], 0, 7
        return pixels

    register("zeros", zeros, antialiased=True)
    register("marked", marked, antialiased=True)


def write_pictures(folder, values, side=20):
    folder.mkdir(exist_ok=True)
    for number, value in enumerate(values):
        (folder / f"{number}.png").write_bytes(encode(np.full((side, side, 3), value, np.uint8)))
    return folder


def run(*arguments):
    call("compare_resize", [str(argument) for argument in arguments])


def test_differences_by_hand():
    a = np.array([[[[10, 0, 255]]], [[[1, 2, 3]]]], np.uint8)
    b = np.array([[[[12, 0, 0]]], [[[1, 2, 3.5]]]], np.float32)
    l1, largest = differences(a, b)
    assert l1.tolist() == [257, 0.5]  # 2 + 0 + 255: bytes do not wrap
    assert largest.tolist() == [255, 0.5]


def test_a_summary_by_hand():
    summary = summarise(np.array([0.0, 10_000, 20_000, 30_000, 40_000]), np.array([0.0, 59, 60, 61, 200]), 1000)
    assert (summary["l1_median"], summary["l1_p25"], summary["l1_p75"]) == (20_000, 10_000, 30_000)
    assert summary["l1_p05"] == pytest.approx(2_000)  # numpy's percentile is linear between the values
    assert summary["l1_p95"] == pytest.approx(38_000)
    assert (summary["max_median"], summary["max"]) == (60, 200)
    assert summary["share_ge_60"] == 0.6  # 60 counts
    assert summary["share_l1_above_20000"] == 0.4  # 20,000 does not
    assert summary["mean_abs"] == 20  # 20,000 on average / 1,000 values


def test_two_arms_that_differ_by_known_pixels(two_arms, tmp_path):
    source, count = open_images(write_pictures(tmp_path / "in", [3, 53, 93]))
    data, keys, l1 = compare(source, count, (8,), "zeros")
    assert keys == ["0.png", "1.png", "2.png"]
    assert l1[8, "marked"].tolist() == [10, 60, 100]  # the picture's value, and 7
    row = data["sizes"]["8"]["marked"]
    assert (row["l1_median"], row["max_median"], row["max"]) == (60, 53, 93)
    assert row["share_ge_60"] == pytest.approx(1 / 3)
    assert row["mean_abs"] == pytest.approx((170 / 3) / (8 * 8 * 3))
    assert set(data["sizes"]["8"]["zeros"].values()) == {0}
    # against the other: the same distance, seen from there
    assert compare(source, count, (8,), "marked")[0]["sizes"]["8"]["zeros"] == row


def test_a_picture_is_read_once_and_results_keep_its_order(two_arms, tmp_path):
    source, count = open_images(write_pictures(tmp_path / "in", range(30), side=9))
    read = []
    source.image = lambda index, image=source.image: read.append(index) or image(index)
    _, keys, l1 = compare(source, count, (8,), "zeros")
    assert sorted(read) == list(range(30))
    assert l1[8, "marked"].tolist() == [7 + int(Path(key).stem) for key in keys]
    assert keys == [source.key(index) for index in range(30)]


@pytest.mark.parametrize("against", ["pil", "gluoncv"])
def test_the_reference_against_itself_is_zero_everywhere(against, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.png").write_bytes(encode(make_picture(index, 40, 59)))
    source, count = open_images(folder)
    data, _, _ = compare(source, count, (16, 24), against)
    for size in ("16", "24"):
        rows = data["sizes"][size]
        assert list(rows) == known_resizers()
        assert set(rows[against].values()) == {0}
        for twin, other in (("mxnet", "cv2"), ("mxnet-area", "cv2-area")):  # the same OpenCV
            assert rows[twin] == rows[other]
        for arm in set(rows) - {against}:
            assert 0 < rows[arm]["l1_p05"] <= rows[arm]["l1_median"] <= rows[arm]["l1_p95"]
    # One crop for all: of a width of 59 * 24 / 40 = 35, gluoncv's own would lie a pixel beside cv2-area's, which on
    # noise is tens of levels. Rounding is half a level.
    assert abs(rows["gluoncv"]["max"] - rows["cv2-area"]["max"]) <= 0.5
    assert abs(rows["gluoncv"]["mean_abs"] - rows["cv2-area"]["mean_abs"]) <= 0.5


def _box(frequency, width):
    """Return the amplitude that the mean of `width` samples leaves of a grating: |sin(pi f k) / (k sin(pi f))|."""
    half = np.pi * np.maximum(frequency, 1e-12)
    return np.abs(np.sin(width * half) / (width * np.sin(half)))


# Gratings are rounded to levels, 0.3 of 100 on average; the mean over three phases and 24 pixels or more has far less,
# but a grating that repeats after a few pixels has the same rounding in all of them.
TOLERANCE = 0.008


@pytest.mark.parametrize("size", [128, 64, 32])
@pytest.mark.parametrize(
    ("arms", "formula"),
    [
        # one source pixel for each of the result: nothing is lost, and above the Nyquist frequency all of it is folded
        (["pil-nearest", "cv2-nearest"], lambda f, k: np.ones_like(f)),
        (["pil-box", "cv2-area", "mxnet-area", "gluoncv"], _box),
        # between the two middle pixels, however many there are
        (["cv2", "mxnet"], lambda f, k: _box(f, 2)),
    ],
)
def test_the_response_to_gratings_by_formula(arms, formula, size):
    for arm in arms:
        frequencies, amplitudes = frequency_response(arm, size)
        assert np.array_equal(frequencies, np.arange(129) / 256)
        assert np.abs(amplitudes - formula(frequencies, 256 // size)).max() < TOLERANCE


@pytest.mark.parametrize("arm", known_resizers())
def test_a_plain_area_passes_unchanged(arm):
    _, amplitudes = frequency_response(arm, 64)
    assert amplitudes[0] == pytest.approx(1, abs=1e-6)
    assert amplitudes[1] == pytest.approx(1, abs=0.01)  # 256 pixels long: every filter lets it through


def test_a_response_in_three_numbers():
    frequencies = np.array(
        [0, 0.0625, 0.125, 0.25, 0.5]
    )  # 64 of 256 pixels: Nyquist at 0.125, which counts for neither
    summary = summarise_response(frequencies, np.array([1, 0.8, 9, 0.4, 0.2]), 64)
    assert summary == {"passed": pytest.approx(0.9), "folded": pytest.approx(0.3), "folded_max": 0.4}


def test_kodak_gives_the_measured_table(real_data):
    source, count = open_images(real_data("photos/kodak"))
    rows = compare(source, count, (64,))[0]["sizes"]["64"]
    # measured before, by another script: decoded by Pillow, torchvision's crop, medians over the 24 pictures
    expected = {
        "cv2": (100_685, 111, 1),
        "cv2-bicubic": (118_224, 136, 1),
        "cv2-area": (24_744, 28, 0),
        "pil-bicubic": (18_812, 20, 0),
        "pil-box": (24_820, 28, 0),
    }
    for arm, (l1, largest, share) in expected.items():
        assert rows[arm]["l1_median"] == pytest.approx(l1, rel=0.01)
        assert rows[arm]["max_median"] == pytest.approx(largest, abs=0.51)  # the table is rounded to whole levels
        assert rows[arm]["share_ge_60"] == share


def test_undecodable_and_small_pictures_are_left_out_and_counted(two_arms, tmp_path, caplog):
    folder = write_pictures(tmp_path / "in", [1, 2])
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "small.png").write_bytes(encode(make_picture(0, 8, 30)))  # nothing to shrink at size 8
    source, count = open_images(folder)
    data, keys, _ = compare(source, count, (8,), "zeros")
    assert keys == ["0.png", "1.png"]
    assert (data["count"], data["undecodable"], data["too_small"]) == (2, 1, 1)
    assert "broken.png is left out" in caplog.text


BAD = [
    ("no such path", ["--images", "nowhere"], ["--images", "nowhere", "does not exist"]),
    ("no pictures", ["--images", "empty"], ["--images", "empty", "no pictures"]),
    ("none decodes", ["--images", "broken"], ["--images", "broken", "no picture can be decoded"]),
    ("reference", ["--images", "in", "--against", "magic"], ["--against", "'magic'", "pil, ", "gluoncv"]),
    ("size 0", ["--images", "in", "--size", "0"], ["--size", "given 0", "8 or more"]),
    ("a size twice", ["--images", "in", "--size", "16", "16"], ["--size", "16 16", "different"]),
    ("size too large", ["--images", "in", "--size", "8", "20"], ["--size", "given 20", "at most 20 pixels"]),
    ("count", ["--images", "in", "--count", "0"], ["--count", "0", "1 or more"]),
    ("out is a file", ["--images", "in", "--out", "in/0.png"], ["--out", "in/0.png", "can be created"]),
    ("nothing to render", ["--render", "--out", "empty"], ["--out", "empty", "compare_resize.json"]),
]


@pytest.mark.parametrize(("flags", "words"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_mistake_is_one_message_and_leaves_nothing(flags, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_pictures(Path("in"), [1, 2])
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken/0.png").write_bytes(b"no picture")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError) as caught:
        run(*flags)
    assert [word for word in words if word not in str(caught.value)] == []
    assert sorted(tmp_path.rglob("*")) == before


def test_the_command_writes_a_report_without_folders_of_this_machine(tmp_path, monkeypatch):
    folder = tmp_path / "secret place" / "pictures"
    folder.mkdir(parents=True)
    for index in range(3):
        (folder / f"{index}.png").write_bytes(encode(make_picture(index)))
    other, out = tmp_path / "another secret place" / "pictures", tmp_path / "out"
    shutil.copytree(folder, other)
    arguments = ["--images", folder, other, "--size", 16, 8, "--out", out]
    monkeypatch.setattr("sys.argv", ["compare_resize.py", *map(str, arguments)])
    monkeypatch.setattr("gluon_wgan.studies.results._start", {})  # as a process of its own has
    run(*arguments)
    names = "l1 response spectra worst".split()
    assert sorted(file.name for file in (out / "figures").iterdir()) == [f"compare_resize_{name}.png" for name in names]
    text = (out / "compare_resize.md").read_text()
    images = "--images path/to/pictures path/to/pictures"
    assert f"python experiments/compare_resize.py {images} --size 16 8 --out path/to/out" in text
    assert "secret place" not in (out / "data/compare_resize.json").read_text() + text
    assert text.split("**Answer.** ")[1].startswith("At 16x16, OpenCV's bilinear resize")
    (out / "compare_resize.md").unlink()
    run("--render", "--out", out)
    assert (out / "compare_resize.md").read_text() == text
    run(*arguments[:2], "--size", 16, "--out", tmp_path / "numbers", "--no-pictures", "--against", "cv2")
    assert not (tmp_path / "numbers/figures/compare_resize_worst.png").exists()
    assert "_worst.png" not in (tmp_path / "numbers/compare_resize.md").read_text()


def test_the_worst_picture_is_the_one_farthest_away(tmp_path):
    folder = write_pictures(tmp_path / "in", [10, 20], side=64)
    (folder / "noise.png").write_bytes(encode(make_picture(0, 64, 64)))  # flat pictures stay flat however shrunk
    data, worst = measure_all([folder], (16,))
    assert data["worst"]["picture"] == "noise.png"
    assert list(worst) == ["pil", "cv2", "cv2-bicubic", "cv2-area"]
    apart = np.abs(worst["cv2"].astype(int) - worst["pil"]).sum()
    assert apart == data["worst"]["l1"] > 0
    # the other two are at 0, so numpy's percentile at 95 % lies nine tenths of the way up
    assert data["sources"][0]["sizes"]["16"]["cv2"]["l1_p95"] == pytest.approx(0.9 * apart)


def test_without_images_the_project_draws_its_own(tmp_path):
    run("--count", 2, "--size", 32, "--out", tmp_path / "out", "--cache-dir", tmp_path / "cache")
    data = json.loads((tmp_path / "out/data/compare_resize.json").read_text())
    assert (data["sources"][0]["name"], data["sources"][0]["count"]) == ("bedroom_train", 2)


def test_every_arm_has_a_look_of_its_own():
    assert {*known_resizers(), *ARMS} <= set(known_arms())
    epsilons = [styles.style(arm) for arm in EPSILONS]
    assert len({(one.colour, one.line) for one in epsilons}) == len({one.label for one in epsilons}) == len(EPSILONS)
    assert styles.style("another").label == "another"
    assert len({(style(arm).colour, style(arm).line) for arm in known_arms()}) == len(known_arms())
    assert style("one of my own").label == "one of my own"


def test_the_figure_of_the_worst_picture_shows_differences_on_grey():
    plain = {arm: np.full((8, 8, 3), 100, np.uint8) for arm in ("pil", "cv2")}
    for more, grey in ((0, 128), (10, 128 + 10 * resize_figures.AMPLIFIED)):
        shown = {**plain, "cv2": plain["cv2"] + np.uint8(more)}
        drawn = as_png(resize_figures.draw_worst(shown))
        pixels = np.asarray(Image.open(io.BytesIO(drawn)).convert("L"))
        assert pixels[int(0.75 * len(pixels)), int(0.75 * pixels.shape[1])] == grey
