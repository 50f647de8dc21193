"""The keeper of results: what is measured stays, other settings start anew, and two processes lose nothing."""

import json
import subprocess

import pytest
from conftest import python_command

from gluon_wgan.studies.results import Results, dumps

ASKED = {"settings": {"width": 4, "sizes": (1, 2)}}


def key(run):
    return run["arm"], run["seed"]


def finish(runs):
    return {"n": len(runs)}


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "reports", "study")


def test_runs_are_kept_in_order_and_replaced_by_their_key(results):
    assert results.read() == {} and results.runs("part", ASKED) == []
    for arm, seed, value in (("b", 0, 1), ("a", 1, 2), ("a", 0, 3), ("b", 0, 4)):
        results.keep_run("part", ASKED, {"arm": arm, "seed": seed, "value": value}, key, finish)
    found = json.loads(results.file.read_text())["part"]
    assert [(run["arm"], run["seed"], run["value"]) for run in found["runs"]] == [("a", 0, 3), ("a", 1, 2), ("b", 0, 4)]
    assert (found["n"], found["settings"]) == (3, {"width": 4, "sizes": [1, 2]})
    assert [run["start"] for run in found["runs"]] == [0, 0, 0] and len(found["starts"]) == 1
    assert results.runs("part", ASKED) == found["runs"]
    assert results.runs("part", {"settings": {"width": 5}}) == []
    assert results.has_run("part", ASKED, arm="a", seed=1) and not results.has_run("part", ASKED, arm="b", seed=1)
    assert not results.has_run("part", {"settings": {"width": 5}}, arm="a", seed=1)
    with pytest.raises(KeyError, match="network"):
        results.has_run("part", ASKED, network="a")
    assert [file.name for file in results.file.parent.iterdir()] == ["study.json"]  # no lock, nothing half


def test_other_settings_start_the_part_anew_and_the_old_file_stays(results):
    results.keep("other", {"x": 1})
    results.keep_run("part", ASKED, {"arm": "a", "seed": 0}, key, finish)
    before = results.file.read_text()
    results.keep_run("part", {"settings": {"width": 5}}, {"arm": "a", "seed": 1}, key, finish)
    assert [run["seed"] for run in results.read()["part"]["runs"]] == [1]
    assert results.read()["other"] == {"x": 1}
    assert results.file.with_name("study.before.json").read_text() == before


def test_results_of_before_there_were_starts_go_on(results):
    results.replace({"part": {"width": 4, "environment": {"commit": "old"}, "runs": [{"arm": "a", "seed": 0}]}})
    results.keep_run("part", {"width": 4}, {"arm": "a", "seed": 1}, key, finish)
    found = results.read()["part"]
    assert found["starts"][0] == {"commit": "old"} and len(found["starts"]) == 2
    assert [run.get("start") for run in found["runs"]] == [None, 1]


def test_what_did_not_change_is_not_written_again(results):
    results.keep("part", {"x": [1.5, 2]})
    written = results.file.stat().st_mtime_ns
    results.keep("part", {"x": [1.5, 2]})
    assert results.file.stat().st_mtime_ns == written


def test_a_number_that_is_not_finite_is_refused_and_nothing_is_lost(results):
    results.keep("part", {"x": 1})
    with pytest.raises(ValueError, match="nan"):
        results.keep("part", {"x": float("nan")})
    assert results.read() == {"part": {"x": 1}}


def test_processes_that_write_at_once_lose_nothing(results):
    script = """
import sys
from gluon_wgan.studies.results import Results
for number in range(20):
    run = {"arm": sys.argv[2], "seed": number}
    Results(sys.argv[1], "study").keep_run("part", {}, run, lambda run: (run["arm"], run["seed"]), lambda runs: {})
"""
    started = [subprocess.Popen(**python_command(script, results.reports, arm)) for arm in "abc"]
    assert [process.wait(timeout=60) for process in started] == [0, 0, 0]
    assert [key(run) for run in results.read()["part"]["runs"]] == [(arm, seed) for arm in "abc" for seed in range(20)]


def test_lists_of_numbers_stand_on_a_line():
    content = {"numbers": [1, -2.5, 1e-07], "words": ["1, 2"], "lists": [[1], [2]]}
    assert '"numbers": [ 1, -2.5, 1e-07 ]' in dumps(content)
    assert json.loads(dumps(content)) == content
