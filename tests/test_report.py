"""Reports are rendered from data: a page that the data would not give again is stale."""

import json
import shutil
from pathlib import Path

import compare
import numpy as np
import pytest

from gluon_wgan import report_commands
from gluon_wgan.errors import UserError
from gluon_wgan.pictures import grid, save_picture
from gluon_wgan.report import first_light, index
from gluon_wgan.report.pages import embedded_figures, table, to_html

REPORTS = Path(__file__).parent.parent / "reports"


def test_what_parity_publishes_is_what_the_tests_assert():
    data = json.loads((REPORTS / "data/parity.json").read_text())
    assert data["lockstep_tolerances"] == compare.LOCKSTEP_TOLERANCES
    assert {row["stage"] for row in data["stages"]} == set(compare.TOLERANCES)
    for row in data["stages"]:
        assert row["tolerance"] == compare.TOLERANCES[row["stage"]][row["dtype"]]
        assert 0 <= row["max_rel"] <= row["tolerance"], row
    for name in ("ours hybridized", "ours not hybridized", "ours, epochs cut"):
        rows = data["trajectories"][f"float64, {name}"]
        assert len(rows) == 100
        for measure, allowed in compare.LOCKSTEP_TOLERANCES.items():
            assert 0 <= max(row[measure] for row in rows) <= allowed
    assert [entry["number"] for entry in data["departures"]] == list(range(1, len(data["departures"]) + 1))


@pytest.fixture
def run(tmp_path):
    """Return a made-up run of 5,000 steps whose estimate falls from 1 to .1 and whose samples are stripes."""
    folder = tmp_path / "run"
    (folder / "samples").mkdir(parents=True)
    config = dict.fromkeys(first_light._SHOWN, 0) | {"boost_generator_steps": 25, "image_size": 8}
    (folder / "config.json").write_text(json.dumps(config))
    start = {"command": ["train_lsun.py", "--seed", "0"], "from_generator_step": 0, "packages": {"mxnet": "1"}}
    start |= dict.fromkeys(["commit", "processor", "physical_cores", "omp_num_threads", "python", "started"], "x")
    (folder / "environment.json").write_text(json.dumps({"starts": [start]}))
    records = [
        {
            "generator_step": step,
            "critic_steps": 5 * step,
            "images_seen": 320 * step,
            "em_distance_estimate": 1.0 if step <= 2500 else 0.1,
            "seconds": 0.5 * step,
        }
        for step in range(1, 5001)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    smooth = np.broadcast_to(np.linspace(-1, 1, 8), (4, 3, 8, 8))
    noise = np.random.default_rng(0).uniform(-1, 1, (64, 3, 8, 8))
    save_picture(folder / "samples/step_0005000.png", grid(smooth))
    save_picture(folder / "samples/real.png", grid(noise))
    return folder


def test_first_light_measures_what_the_run_holds(run, tmp_path):
    first_light.collect(run, tmp_path)
    data = json.loads((tmp_path / "data/first_light.json").read_text())
    assert data["estimate_after_boost"] == 1.0
    assert data["estimate_at_end"] == 0.1
    assert data["correlation_samples"] == pytest.approx(1, abs=1e-4)  # a ramp, rounded to bytes
    assert data["correlation_real"] == pytest.approx(0, abs=0.05)  # noise: 3 standard errors of 10,752 pairs are .03
    assert data["estimates"][-1][:2] == [5000, pytest.approx(0.1)]
    text = first_light.write(tmp_path).read_text()
    assert "0.1000 / 1.0000 = 0.10 | yes" in text
    assert "41.7 minutes" in text


def test_first_light_wants_a_run_of_5000_steps(run, tmp_path):
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:4999]))
    with pytest.raises(UserError, match=r"4999 generator steps.*5000"):
        first_light.collect(run, tmp_path)


def test_html_is_one_page_with_the_text_in_it(tmp_path):
    page = to_html("# A <title>\n\n" + table(["a", "b"], [(1, "x")]), tmp_path)
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>A &lt;title&gt;</title>" in page
    assert "<td>1</td>" in page
    assert "http" not in page  # nothing is fetched


def test_html_holds_its_figures(tmp_path):
    (tmp_path / "figures").mkdir()
    save_picture(tmp_path / "figures/one.png", np.zeros((2, 2, 3), np.uint8))
    page = to_html("# Title\n\n![what it shows](figures/one.png)\n", tmp_path)
    text, figures = embedded_figures(page)
    assert figures == [(tmp_path / "figures/one.png").read_bytes()]
    assert 'alt="what it shows" src=""' in text
    with pytest.raises(UserError, match=r"figure: given .*two.png"):
        to_html("# Title\n\n![not drawn](figures/two.png)\n", tmp_path)


def test_nothing_is_stale():
    assert index.stale(REPORTS) == [], "run `make reports`: new data may have changed a verdict"


def test_a_page_that_was_changed_is_stale(tmp_path):
    folder = tmp_path / "reports"
    shutil.copytree(REPORTS, folder)
    (folder / "parity.md").write_text("# By hand\n")
    (folder / "index.html").unlink()
    save_picture(folder / "figures/parity_stages.png", np.zeros((2, 2, 3), np.uint8))
    # the page of parity holds a figure that is not the one in the folder
    assert index.stale(folder) == ["parity.md", "parity.html", "index.html", "figures/parity_stages.png"]
    with pytest.raises(UserError, match=r"--check: given stale: parity.md, parity.html, index.html, figures/"):
        report_commands.make_reports(["--check", "--reports", str(folder)])
    report_commands.make_reports(["--reports", str(folder)])
    assert index.stale(folder) == []
