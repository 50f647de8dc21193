"""Several workers: what is foretold from sums, the page of a study in small, and a job over a network of namespaces."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.studies import find_studies
from gluon_wgan.studies.cluster import measure, page
from gluon_wgan.studies.cluster.network import machines

LINKS = {
    "bytes": {"64x64/64": {"critic": 1000, "generator": 500}},
    "sums": [
        {"link": "loopback", "workers": 2, "threshold": 0.0, "seconds": [9.0] * 4, "errors": [0.0]},
        {"link": "1 Gbit/s", "workers": 2, "threshold": 0.0, "seconds": [7, 7, 7, 2.0], "errors": [0.0]},
        {"link": "1 Gbit/s", "workers": 3, "threshold": 0.0, "seconds": [7, 7, 7, 4.0], "errors": [0.0]},
        {"link": "1 Gbit/s", "workers": 3, "threshold": 1.0, "seconds": [7, 7, 7, 9.0], "errors": [0.5]},
    ],
}


def test_exchange_by_hand():
    """2 ms a byte that passes the first machine's link; of n servers each link carries 2 (n - 1) / n of the bytes."""
    assert page.exchange_seconds(LINKS, 1000, 2, 1) == pytest.approx(2.0)
    assert page.exchange_seconds(LINKS, 1000, 5, 1) == pytest.approx(8.0)
    assert page.exchange_seconds(LINKS, 1000, 2, 2) == pytest.approx(2.0)
    assert page.exchange_seconds(LINKS, 1000, 4, 4) == pytest.approx(3.0)
    assert page.exchange_seconds(LINKS, 500, 1, 1) == 0


def test_speed_up_by_hand():
    """A step of 22 s: 5 x 1000 and 500 bytes are 11 s of sums with 2 machines, beside 11 s of updates."""
    assert page.speed_up(22.0, LINKS, "64x64/64", 2, 1) == pytest.approx(1.0)
    assert page.speed_up(22.0, LINKS, "64x64/64", 1, 1) == pytest.approx(1.0)


@pytest.mark.thorough
def test_the_two_halves_part_with_batch_norm_alone(tmp_path, monkeypatch):
    """The study itself, some steps of it: roundings without BatchNorm, far more with it."""
    monkeypatch.setattr(measure, "STEPS", 2)
    monkeypatch.setattr(measure, "AT", (1, 2))
    monkeypatch.setattr(page, "STEPS", 2)
    monkeypatch.setattr(page, "AT", (1, 2))
    call("cluster", ["--measure", "same", "--reports", str(tmp_path), "--cache-dir", str(tmp_path / "cache")])
    arms = json.loads((tmp_path / "data/cluster.json").read_text())["same"]["arms"]
    off = {arm: found["weights"]["2"] for arm, found in arms.items()}
    assert 0 < off["without"]["critic"] < 1e-5 < 1e-3 < off["with BatchNorm"]["critic"]
    one, two = np.array(arms["without"]["estimates"]).T
    np.testing.assert_allclose(one, two, rtol=1e-3)
    assert "**Answer.** Without BatchNorm yes" in (tmp_path / "cluster.md").read_text()


def test_a_part_that_there_is_not():
    (study,) = (study for study in find_studies() if study.name == "cluster")
    with pytest.raises(UserError, match="--measure: given faster; allowed: same, speed, links"):
        study.question.Flags(measure=("faster",)).check()


@pytest.fixture
def network():
    """Return the addresses of two machines that are network namespaces, with 1 Gbit/s between them."""
    laid_out = machines(2, "1gbit")
    try:
        hosts = laid_out.__enter__()
    except UserError as refused:
        pytest.skip(f"network namespaces are refused here: {refused.given}")
    yield hosts
    laid_out.__exit__(None, None, None)


@pytest.mark.thorough
def test_two_machines_over_a_network_give_the_bits_of_one_process(tmp_path, network):
    """`launch` as README says it, by an `ssh` into the namespaces."""
    (tmp_path / "pictures").mkdir()
    generator = np.random.default_rng(0)
    for number in range(24):
        pixels = generator.integers(0, 256, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number:02d}.png")
    (tmp_path / "hosts.txt").write_text("# two machines\n" + "\n".join(network) + "\n")
    sizes = "--image-size 16 --generator-channels 2 --critic-channels 2 --batch-size 6 --generator-steps 20"
    flags = [*sizes.split(), "--boost-generator-steps", "0", "--data", "pictures", "--cache-dir", "cache"]
    program = [sys.executable, "-m", "gluon_wgan"]

    def run(*command):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr

    run(*program, "train", *flags, "--devices", "0,1", "--out", "one")
    run(*program, "launch", "--hosts", "hosts.txt", "--servers", "2", "--", "train", *flags, "--out", "two")
    for file in ("generator.params", "critic.params", "optimizer.params"):
        one, two = ((tmp_path / name / "checkpoints/step_0000020" / file).read_bytes() for name in ("one", "two"))
        assert one == two
