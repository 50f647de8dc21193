"""Small studies of networks end to end, and the flags that are refused."""

import json

import numpy as np
import pytest
from conftest import encode, make_picture

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.studies.networks import measure, question


@pytest.fixture
def small_study(tmp_path, monkeypatch):
    """Return call(subject, networks, flags), which measures them at a small size; what it keeps, and the page."""
    (tmp_path / "pictures").mkdir()
    for index in range(400):
        (tmp_path / "pictures" / f"{index}.png").write_bytes(encode(make_picture(index, 20, 20)))
    monkeypatch.setattr(measure, "SAMPLES", 24)
    monkeypatch.setattr(measure, "features", lambda pictures: pictures.reshape(len(pictures), -1)[:, :8] / 255)
    measure._judges.cache_clear()
    monkeypatch.chdir(tmp_path)

    def study(subject, networks, flags=()):
        sizes = dict.fromkeys(("generator_channels", "critic_channels"), 4) if subject != "random" else {}
        sizes |= {"image_size": 16, "batch_size": 4, "latent_dim": 3, "boost_generator_steps": 0, "boost_every": 0}
        small = question.SUBJECTS[subject]._replace(sizes=sizes, networks=networks)
        monkeypatch.setitem(question.SUBJECTS, subject, small)
        places = ["--data", "pictures", "--reports", "reports", "--runs", "runs", "--cache-dir", "cache"]
        call("networks", ["--measure", subject, "--generator-steps", "10", "--at-once", "2", *flags, *places])
        data = json.loads((tmp_path / "reports/data/networks.json").read_text())
        return data[subject]["runs"], " ".join((tmp_path / "reports/networks.md").read_text().split())

    yield study
    measure._judges.cache_clear()


def test_a_small_study_end_to_end(small_study, tmp_path):
    networks = question.SUBJECTS["bedrooms"].networks
    runs, told = small_study("bedrooms", networks, ["--bases", "gan", "--seeds", "1"])
    assert [(one["arm"], one["finished"]) for one in runs] == [(f"gan, {network}", True) for network in networks["gan"]]
    for one in runs:
        course = one["course"]
        assert course["generator_step"] == list(range(1, 11)) and np.isfinite(course["kernel_distance"]).all()
        assert one["kernel_distance"] == pytest.approx(np.mean(course["kernel_distance"][-3:]))
        # a plain GAN's critic begins by guessing: -2 log 2
        assert course["value"][0] == pytest.approx(-2 * np.log(2), abs=0.3)
        assert (tmp_path / "reports/figures" / question.sheet_of("bedrooms", one["arm"])).is_file()
        assert one["frechet_distance"] > 0 and 0 <= one["precision"] <= 1 and 0 <= one["recall"] <= 1
    assert "Not answered yet: bedrooms (3 of 42 trainings)." in told and "Samples of gan, DCGAN" in told


@pytest.mark.thorough
def test_a_small_random_search(small_study):
    networks = question.SUBJECTS["random"].networks
    runs, told = small_study(
        "random", {base: {"architecture 3": of["architecture 3"]} for base, of in networks.items()}
    )
    assert [one["course"]["generator_step"] for one in runs] == [[8, 9, 10]] * 3
    assert "![Samples of penalty, architecture 3](figures/networks/random-penalty-architecture-3.png)" in told


@pytest.mark.thorough
def test_a_small_study_of_depths(small_study):
    networks = {base: {"11 layers": of["11 layers"]} for base, of in question.SUBJECTS["depth"].networks.items()}
    runs, told = small_study("depth", networks, ["--seeds", "50"])
    assert len(runs) == 2
    for one in runs:
        assert one["finished"] and {"critic_seconds", "peak_memory_mib"} < set(one["cost"])
        assert np.isfinite(one["norms"]["end"]).all() and one["norms"]["end"] != one["norms"]["start"]
    assert (
        "Not answered yet: depths of residual networks (2 of 6 trainings)." in told
        and "What depth does to gradients" in told
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--measure", "bedrooms"], "--data: given nothing"),
        (["--measure", "digits", "--data", "nowhere"], "--data: given nowhere"),
        (["--measure", "faces", "--data", "."], "--cascade: given nothing"),
        (["--measure", "digits", "--data", ".", "--cascade", "faces.xml"], "--cascade: given faces.xml, with other"),
        (["--bases", "clip", "wgan"], "--bases: given wgan; allowed: clip, penalty, gan"),
        (["--generator-steps", "9"], "--generator-steps: given 9; allowed: 10 or more"),
    ],
)
def test_bad_flags_are_refused(given, message, tmp_path):
    with pytest.raises(UserError, match=message):
        call("networks", [*given, "--reports", str(tmp_path)])
