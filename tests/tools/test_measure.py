"""`gluon-wgan measure`: a run and a folder beside real pictures, the table, and what is refused."""

import json

import numpy as np
import pytest
from conftest import encode, make_picture

from gluon_wgan import evaluate
from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.tools import measure


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with 500 pictures, some of which a small run holds out, and that run."""
    folder = tmp_path_factory.mktemp("measured")
    (folder / "pictures").mkdir()
    for index in range(500):
        (folder / "pictures" / f"{index}.png").write_bytes(encode(make_picture(index, 20, 20)))
    sizes = "--image-size 16 --generator-channels 4 --critic-channels 4 --batch-size 8 --latent-dim 5 --hold-out"
    few = "--n-critic 1 --n-critic-boost 1 --generator-steps 3 --checkpoint-every 1"
    places = ["--data", folder / "pictures", "--out", folder / "run", "--cache-dir", folder / "cache"]
    call("train", [*sizes.split(), *few.split(), *map(str, places)])
    return folder


@pytest.fixture
def eight_pixels(monkeypatch):
    """Put eight pixels in the place of the network's features."""
    monkeypatch.setattr(evaluate, "features", lambda pictures: pictures.reshape(len(pictures), -1)[:, :8] / 255)


def measured(folder, pictures, *more):
    flags = [str(folder / pictures), "--data", str(folder / "pictures"), "--cache-dir", str(folder / "cache")]
    call("measure", [*flags, "--json", str(folder / "found.json"), *more])
    return json.loads((folder / "found.json").read_text())


@pytest.mark.usefixtures("eight_pixels")
def test_a_run_is_measured_beside_what_it_held_out(folder):
    found = measured(folder, "run", "--count", "60")
    assert (found["pictures"], found["held_out"], found["resize"]) == (60, True, "pil")
    assert 40 <= found["real"] <= 60  # a tenth of 500
    assert found["measures"].keys() == found["floor"].keys() == measure._ROWS.keys() | {"kernel_distance_error"}
    # the grey of three steps has less of every frequency than the pictures of noise have, and others have as much
    assert found["measures"]["spectrum"] > 1 > 0.1 > found["floor"]["spectrum"]
    table = measure.as_table(found)
    assert "60 pictures beside" in table and "held-out real pictures, shrunk by pil" in table
    assert f"| {1000 * found['measures']['kernel_distance']:.4g} ± " in table
    assert measured(folder, "run/checkpoints/latest", "--count", "60") == found


@pytest.mark.usefixtures("eight_pixels")
def test_the_figures_of_a_run_stay_in_it_and_those_of_a_folder_nowhere(folder):
    flags = ["--data", str(folder / "pictures"), "--cache-dir", str(folder / "cache"), "--count", "60"]
    call("measure", [str(folder / "run"), *flags])
    kept = json.loads((folder / "run/measured/step_0000003.json").read_text())
    assert kept == measured(folder, "run", "--count", "60")

    def written():
        return sorted(path for path in folder.rglob("*.json") if "cache" not in path.parts)

    before = written()
    call("measure", [str(folder / "pictures"), *flags])
    assert written() == before


def test_a_seed_below_0_is_refused(folder):
    with pytest.raises(UserError, match="--seed: given -1; allowed: 0 or more"):
        measured(folder, "run", "--seed", "-1")


@pytest.mark.usefixtures("eight_pixels")
def test_a_folder_of_the_same_noise_is_as_far_as_other_real_pictures(folder):
    found = measured(folder, "pictures", "--count", "500")
    # both halves of the 500; as many pictures, since most distances fall with their number
    assert not found["held_out"] and found["real"] == found["pictures"] == 250
    these, others = found["measures"], found["floor"]
    assert abs(these["kernel_distance"] - others["kernel_distance"]) < 4 * others["kernel_distance_error"]
    assert these["frechet_distance"] == pytest.approx(others["frechet_distance"], rel=0.5)
    # 20 pixels a side: the pyramid of patches halves powers of two
    assert "sliced_wasserstein" not in these


def test_pictures_are_at_no_distance_from_themselves():
    pictures = np.stack([np.asarray(make_picture(index, 20, 20)) for index in range(60)])
    seen = pictures.reshape(60, -1)[:, :8] / 255
    found = measure._distances(pictures, pictures, [seen, seen])
    assert found["frechet_distance"] == pytest.approx(0, abs=1e-9)
    assert found["coverage"] == found["recall"] == 1 and found["spectrum"] == 0


def test_others_are_as_many_as_the_pictures_and_none_of_the_real_ones():
    def split(*asked):
        return [rows.tolist() for rows in measure._split(*asked)]

    # seven of ten rows, evenly; three of these
    assert split(np.ones(10, dtype=bool), 4, 3) == [[1, 3, 6, 7], [0, 4, 9]]
    assert split(np.ones(10, dtype=bool), 8, 20) == [[1, 3, 5, 7, 8], [0, 2, 4, 6, 9]]
    assert split(np.array([True, False, False, True, False]), 1, 2) == [[0], [1, 4]]


def test_without_the_network_the_other_measures_are_told(folder, monkeypatch, caplog):
    def missing(pictures):
        raise UserError("features", "a network without its trained weights", "`make parity`")

    monkeypatch.setattr(evaluate, "features", missing)
    found = measured(folder, "run", "--count", "60")
    assert found["measures"].keys() == {"sliced_wasserstein", "spectrum"}
    assert "`make parity`" in caplog.text
    assert "KID" not in measure.as_table(found)


@pytest.mark.parametrize(
    ("pictures", "more", "message"),
    [
        ("run", ["--count", "39"], "--count: given 39; allowed: 40 or more"),
        ("nowhere", [], "nowhere"),
        ("run", ["--resize", "pill"], "--resize: given 'pill'"),
    ],
)
def test_what_cannot_be_measured_is_refused(folder, pictures, more, message):
    with pytest.raises(UserError, match=message):
        measured(folder, pictures, *more)


def test_too_few_real_pictures_are_refused(folder, tmp_path):
    for index in range(8):
        (tmp_path / f"{index}.png").write_bytes(encode(make_picture(index)))
    with pytest.raises(UserError, match="--data: given 0 held-out pictures; allowed: 40 or more"):
        call("measure", [str(folder / "run"), "--data", str(tmp_path), "--cache-dir", str(tmp_path / "cache")])
