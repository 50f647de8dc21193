"""What presets learn of real pictures: digits by their neighbours, the study with little training, the report."""

import gzip
import json

import numpy as np
import pytest
from conftest import ROOT, truncate

from gluon_wgan.command import call
from gluon_wgan.data.idx import find_idx, read_idx
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import recognise
from gluon_wgan.settings import preset_settings
from gluon_wgan.studies.plan import plan
from gluon_wgan.studies.presets import figures
from gluon_wgan.studies.presets import measure as study
from gluon_wgan.studies.presets import page as report

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"


def bars(digits, noise=0):
    """Return pictures (n, 28, 28): a white bar at the height of each digit, on grey noise."""
    pictures = np.random.default_rng(0).integers(0, noise + 1, (len(digits), 28, 28), dtype=np.uint8)
    for picture, digit in zip(pictures, digits):
        picture[2 * digit + 2 : 2 * digit + 4] = 255
    return pictures


def idx_bytes(magic, array):
    """Return a file of idx as LeCun's page describes it."""
    return b"".join(int(number).to_bytes(4, "big") for number in (magic, *array.shape)) + array.tobytes()


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A folder like MNIST's, of 500 bars."""
    folder = tmp_path_factory.mktemp("mnist")
    labels = (np.arange(500) % 10).astype(np.uint8)
    (folder / IMAGES).write_bytes(idx_bytes(0x803, bars(labels, noise=40)))
    (folder / LABELS).write_bytes(gzip.compress(idx_bytes(0x801, labels)))
    return folder


def test_labels_are_read(digits):
    assert find_idx(digits, "images", 3).name == IMAGES
    labels = read_idx(find_idx(digits, "labels", 1), 1)
    assert labels.tolist() == list(range(10)) * 50
    assert find_idx(digits.parent, "labels", 1) is None


@pytest.mark.parametrize("size", [0, 7, 20])
def test_labels_that_were_cut_short_are_refused(tmp_path, size):
    file = tmp_path / "train-labels-idx1-ubyte"
    file.write_bytes(idx_bytes(0x801, np.zeros(20, np.uint8)))
    assert read_idx(file, 1).shape == (20,)
    truncate(file, size)
    with pytest.raises(UserError, match="not an idx file of labels, or cut short"):
        read_idx(file, 1)


def test_pictures_are_no_labels(digits):
    with pytest.raises(UserError, match="not an idx file of labels"):
        read_idx(digits / IMAGES, 1)


def test_neighbours_by_hand():
    # one pixel: 10 known ones of digit 3 at 0, 1, ..., 9 and 10 of digit 7 at 100, 101, ..., 109
    known = np.array([*range(10), *range(100, 110)], np.uint8).reshape(-1, 1, 1, 1)
    labels = np.repeat([3, 7], 10)
    pictures = np.array([2, 20, 109, 56], np.uint8).reshape(-1, 1, 1, 1)
    found = recognise(pictures, known, labels)
    # 56 is 44 from 100 and 47 from 9: then 45, 46, 47, 47, two digits
    assert found["agree"] == 3 / 4
    assert found["shares"] == [0, 0, 0, 0.5, 0, 0, 0, 0.5, 0, 0]
    assert found["distance"] == (0 + 11) / 2  # of 0, 0, 11, 44


def test_digits_are_recognised_and_noise_is_not():
    labels = np.arange(200) % 10
    known = bars(labels, noise=40)[..., np.newaxis]
    assert recognise(bars([4, 4, 9])[..., np.newaxis], known, labels)["agree"] == 1
    # half of one digit and half of another: of 20 and 20 neighbours at one distance, 5 of one kind by chance, 1 / 16
    both = np.stack([bars([one])[0] // 2 + bars([other])[0] // 2 for one in range(10) for other in range(one)])
    assert recognise(both[..., np.newaxis], known, labels)["agree"] < 0.4


@pytest.mark.parametrize(
    ("pictures", "labels"), [((1, 2, 1, 1), 6), ((1, 1, 1, 1), 5), ((0, 1, 1, 1), 6)], ids=["shape", "labels", "none"]
)
def test_neighbours_of_what_does_not_fit_are_refused(pictures, labels):
    known = np.zeros((6, 1, 1, 1), np.uint8)
    assert recognise(np.zeros((1, 1, 1, 1), np.uint8), known, np.zeros(6, int))["agree"] == 1
    with pytest.raises(UserError, match=r"pictures|labels"):
        recognise(np.zeros(pictures, np.uint8), known, np.zeros(labels, int))


def test_a_subject_is_of_the_presets_and_their_arms_share_the_rest():
    for subject, (arms, changes) in study.SUBJECTS.items():
        runs = plan(study.arms_of(subject, "some/data"), (3, 4), "runs")
        assert [(run.seed, run.arm) for run in runs] == [(seed, arm) for seed in (3, 4) for arm in arms]
        for run in runs:
            base = preset_settings(arms[run.arm])
            assert set(run.settings.overrides()) <= {"data", "hold_out", "seed", *changes}
            assert (run.settings.lipschitz, run.settings.optimizer) == (base.lipschitz, base.optimizer)
        assert len({run.folder for run in runs}) == len(runs)


def arguments(digits, folder, *more):
    places = [f"--{name}={folder / name}" for name in ("runs", "reports", "cache-dir")]
    return ["--measure", "digits", "--data", str(digits), "--generator-steps", "3", *places, *more]


@pytest.mark.thorough
def test_digits_are_trained_measured_and_reported_once(digits, tmp_path):
    call("presets", arguments(digits, tmp_path))
    file = tmp_path / "reports" / "data" / "presets.json"
    content = json.loads(file.read_text())
    found = content["digits"]
    (run,) = found["runs"]
    assert (run["arm"], run["preset"], run["generator_steps"], run["finished"]) == ("tutorial", "mlp-mnist", 3, True)
    assert run["curve"]["generator_step"] == [1, 2, 3]
    assert str(tmp_path) not in file.read_text()
    # what is held out is as the rest; a generator of three steps makes noise
    assert found["real"]["agree"] == 1
    assert min(found["real"]["shares"]) > 0.03
    assert run["trained"]["agree"] < 0.5
    assert run["trained"] != run["untrained"]
    # 28x28 in a frame of 32x32
    assert found["real"]["swd"] < run["trained"]["swd"]
    page = (tmp_path / "reports" / "presets.md").read_text()
    assert "Digits: after 3 generator steps" in page
    assert (tmp_path / "reports" / "figures" / "presets" / "digits-tutorial-seed0.png").is_file()
    # once more: nothing is trained; with more steps everything is
    before = file.stat().st_mtime_ns
    call("presets", arguments(digits, tmp_path))
    assert file.stat().st_mtime_ns == before
    call("presets", [*arguments(digits, tmp_path), "--generator-steps", "4"])
    assert [run["generator_steps"] for run in json.loads(file.read_text())["digits"]["runs"]] == [4]


def test_what_cannot_be_measured_is_refused(digits, tmp_path):
    with pytest.raises(UserError, match="--data: given nothing"):
        call("presets", ["--measure", "digits"])
    with pytest.raises(UserError, match=r"--reports: given .*no data/presets.json"):
        call("presets", ["--reports", str(tmp_path)])
    with pytest.raises(SystemExit) as stop:
        call("presets", ["--measure", "cats", "--data", str(digits)])
    assert stop.value.code == 2
    (tmp_path / IMAGES).write_bytes((digits / IMAGES).read_bytes())
    with pytest.raises(UserError, match="a label in train-labels-idx1-ubyte for each of 500 pictures"):
        call("presets", arguments(tmp_path, tmp_path))


def made_up(arms, **measures):
    """Return a subject's data: each arm's run with these measures, 1 where untrained and of real pictures."""
    curve = {"generator_step": list(range(1, 101)), "em_distance_estimate": [1.0] * 100}
    runs = [
        {"arm": arm, "seed": 0, "curve": curve, "trained": values, "untrained": dict.fromkeys(values, 1.0)}
        for arm, values in arms.items()
    ]
    summary = {arm: {"n": 1, "swd_ratio": values.get("swd_ratio")} for arm, values in arms.items()}
    return {"runs": runs, "real": measures, "arms": summary}


def verdicts(subject, found):
    return [holds for _, _, holds in report._CRITERIA[subject](found)]


@pytest.mark.parametrize(("norm", "holds"), [(0.79, False), (0.8, True), (1.2, True), (1.21, False)])
def test_the_criteria_of_bedrooms_by_hand(norm, holds):
    found = made_up({"clip": {"swd_scaled": 0.5}, "penalty": {"swd_scaled": 0.51}})
    # the last tenth decides
    found["runs"][1]["curve"] = {**found["runs"][1]["curve"], "gradient_norm": [9.0] * 90 + [norm] * 10}
    assert verdicts("bedrooms", found) == [True, False, holds]


def test_the_criteria_of_faces_by_hand():
    found = made_up(
        {"simple": {"swd_scaled": 0.6, "mean_picture": 0.79}, "strong": {"swd_scaled": 0.4, "mean_picture": 0.8}}
    )
    assert verdicts("faces", found) == [False, True, False, True]


def test_the_criteria_of_digits_by_hand():
    for least, agree, ratio, holds in ((0.01, 0.4, 0.249, True), (0.009, 0.39, 0.25, False)):
        measures = {"agree": agree, "shares": [least] * 9 + [1 - 9 * least], "swd_ratio": ratio}
        assert verdicts("digits", made_up({"tutorial": measures}, agree=0.8)) == [holds] * 3


def test_a_summary_by_hand():
    swd = {"simple": (0.5, 0.4, 0.6), "strong": (0.1, 0.2, 0.3)}
    runs = [
        {"arm": arm, "seed": seed, "trained": {"swd": value}, "untrained": {"swd": 2 * value + 1}}
        for arm, values in swd.items()
        for seed, value in enumerate(values)
    ]
    found = study.summarise(runs)
    assert found["arms"]["strong"]["n"] == 3
    assert found["arms"]["strong"]["swd_ratio"] == pytest.approx((0.1 / 1.2 + 0.2 / 1.4 + 0.3 / 1.6) / 3)
    strong = found["differences"]["strong"]
    assert strong["values"] == pytest.approx([-0.4, -0.2, -0.3])
    assert strong["mean"] == pytest.approx(-0.3)
    # more than twice the spread of the first arm, 0.1, and all of one sign
    assert strong["differs"] is True
    one = study.summarise([run for run in runs if run["seed"] == 0])
    assert one["differences"] == {}


def test_a_peak_at_the_start_does_not_squeeze_a_curve_and_is_named():
    found = json.loads((ROOT / "reports/data/presets.json").read_text())["bedrooms"]
    axes = figures._draw_curves(found).axes[1]
    curve = report.runs_of(found, "penalty")[0]["curve"]["em_distance_estimate"]
    later = max(curve[len(curve) // 10 :])
    assert later < axes.get_ylim()[1] < 1.1 * later < max(curve) / 3
    assert axes.get_title() == f"gradient penalty, peak {max(curve):.2g}"
