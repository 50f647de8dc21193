"""The claims: verdicts that follow the data, rows that are whole, arithmetic by hand, the page."""

import json
import re

import numpy as np
import pytest
import yaml
from conftest import ROOT

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.divergences import js, kl
from gluon_wgan.report import criteria
from gluon_wgan.report import verdicts as claims
from gluon_wgan.studies.claims import measure as claims_arithmetic
from gluon_wgan.studies.claims import take_home

REPORTS = ROOT / "reports"
ROWS = claims.load(REPORTS / "claims.yaml")


ROW = {
    **{"id": "x", "kind": "claim", "claim": "c", "experiment": "e", "criterion": "c", "command": "make it"},
    **{"status": "ready", "data": "d.json", "figure": "a.x", "unit": "apples"},
    **{"reproduced_if": "figure > 1", "partly_if": "figure > 0"},
}


def load(tmp_path, **changes):
    row = {key: entry for key, entry in {**ROW, **changes}.items() if entry is not None}
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump({"claims": {"000.txt": [row]}}))
    return claims.load(tmp_path / "claims.yaml")


def judge(tmp_path, data, **changes):
    (tmp_path / "d.json").write_text(json.dumps(data))
    return claims.judge(load(tmp_path, **changes)[0], tmp_path)


def test_the_verdict_follows_the_figure(tmp_path):
    for figure, verdict in ((2, claims.REPRODUCED), (0.5, claims.PARTLY), (-1, claims.NOT_REPRODUCED)):
        judged = judge(tmp_path, {"a": {"x": figure}})
        assert (judged.verdict, judged.figure) == (verdict, figure)
    assert judge(tmp_path, {"a": {"x": 0.5}}, partly_if=None).verdict == claims.NOT_REPRODUCED


def test_without_data_or_number_it_is_not_yet_tested(tmp_path):
    assert claims.judge(load(tmp_path)[0], tmp_path).verdict == claims.NOT_YET_TESTED
    for data in ({}, {"a": {"x": None}}, {"a": {"x": float("nan")}}):
        assert judge(tmp_path, data).verdict == claims.NOT_YET_TESTED
    judged = judge(tmp_path, {"a": {"x": 2, "n": 2}}, needs="a.n >= 3")
    assert judged.verdict == claims.NOT_YET_TESTED
    assert judged.missing == criteria.figure_of(judged) == "waiting: 2 of 3 seeds"
    assert judge(tmp_path, {"a": {"x": 2}}, needs="a.n >= 3", counted="runs").missing == "waiting: 0 of 3 runs"
    assert judge(tmp_path, {"a": {"n": 3}}, needs="a.n >= 3").missing == "not measured yet"
    with pytest.raises(UserError, match=r"claim x, needs: given .*no comparison with a number"):
        judge(tmp_path, {"a": {"x": 2}}, needs="a.n")
    both = "a.n >= 3 and len(every(a, 'n')) == 5"
    assert judge(tmp_path, {"a": {"b": {"n": 3}, "c": {"n": 4}, "n": 3, "x": 2}}, needs=both).missing.endswith(
        "2 of 5 seeds"
    )
    assert judge(tmp_path, {"a": {"x": 2, "n": 3}}, needs="a.n >= 3").verdict == claims.REPRODUCED


def test_a_study_shows_what_the_claims_ask_of_it(tmp_path):
    assert "claims.yaml" in criteria.asked_of("d.json", tmp_path)
    load(tmp_path, needs="a.n >= 3")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/d.json").write_text('{"a": {"x": 2, "n": 1}}')
    shown = criteria.asked_of("d.json", tmp_path).splitlines()
    assert shown[2:] == ["| c | c | [? not yet tested](claims.md#x) | waiting: 1 of 3 seeds |"]


def test_a_missing_interval_leaves_the_verdict(tmp_path):
    judged = judge(tmp_path, {"a": {"x": 2}}, low="a.low", high="a.high", n="3")
    assert (judged.verdict, judged.low, judged.n) == (claims.REPRODUCED, None, 3)
    judged = judge(tmp_path, {"a": {"x": 2, "low": 1, "high": 4}}, low="a.low", high="a.high", n="3")
    assert criteria.figure_of(judged) == "2 apples (1 to 4, n = 3)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reproduced_if": "figure > 1 >"}, r"claim x, reproduced_if.*figure > 1 >"),
        ({"figure": "a.x +"}, r"claim x, figure.*a\.x \+"),
        ({"status": "done"}, r"claim x, status.*done.*ready, planned"),
        ({"unit": None}, r"claim x, unit"),
        ({"status": "not testable here"}, r"claim x, why"),
        ({"verdict": "reproduced"}, r"claim x: given verdict"),
        ({"criterion": " "}, r"claim x, criterion"),
    ],
)
def test_a_bad_row_is_refused_by_name(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        load(tmp_path, **changes)


def test_a_rule_on_a_word_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match=r"claim x, figure.*no number"):
        judge(tmp_path, {"a": {"x": "word"}})


def test_an_id_twice_and_other_yaml_are_refused(tmp_path):
    file = tmp_path / "claims.yaml"
    file.write_text(yaml.safe_dump({"claims": {"000.txt": [ROW, ROW]}}))
    with pytest.raises(UserError, match="claim x: given twice"):
        claims.load(file)
    # a tag that an unsafe loader would call
    for text in ("claims: !!python/object/apply:os.getcwd []", "- a", "claims: [1"):
        file.write_text(text)
        with pytest.raises(UserError, match="claims"):
            claims.load(file)


def test_the_rows_cover_the_five_documents():
    seeds = [row["seed"] for row in ROWS]
    assert len(ROWS) >= 25
    assert [seed[:4] for seed in dict.fromkeys(seeds)] == ["000_", "001_", "002_", "003_", "004_"]
    assert min(seeds.count(seed) for seed in seeds) >= 5
    # what does not hold says what holds instead
    for row in ROWS:
        assert row["kind"] == "claim" or "instead" in row or "why" in row, row["id"]
        # a verdict that can be "partly" says in words when it is
        assert ("partly_if" in row) == ("partly" in row["criterion"]), row["id"]


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_rows_command_exists_or_is_planned(row):
    if row["status"] == "ready":
        scripts = re.findall(r"experiments/\w+\.py", row["command"])
        assert all((ROOT / script).is_file() for script in scripts)
        if not scripts:
            target = re.fullmatch(r"make ([\w-]+)", row["command"])[1]
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    else:
        assert row["status"] in ("planned", "not testable here")


def test_a_changed_figure_changes_a_committed_verdict(tmp_path):
    row = next(row for row in ROWS if row["id"] == "epsilon-matters-in-wgan")
    data = json.loads((REPORTS / "data/parity.json").read_text())
    for size, verdict in ((0.5, claims.REPRODUCED), (0.05, claims.PARTLY), (0.001, claims.NOT_REPRODUCED)):
        data["departures"][0]["size"] = size
        (tmp_path / "parity.json").write_text(json.dumps(data))
        assert claims.judge(row, tmp_path).verdict == verdict


def test_the_page_counts_and_links():
    shown = " ".join((REPORTS / "claims.md").read_text().split())
    verdicts = [claims.judge(row, REPORTS / "data").verdict for row in ROWS]
    count = {verdict: verdicts.count(verdict) for verdict in claims.VERDICTS}
    assert f"Of {len(ROWS)} claims" in shown
    assert f"{count['reproduced']} are reproduced, {count['not reproduced']} are not, {count['partly']} partly" in shown
    targets = re.findall(r'<a id="([\w-]+)">', shown)
    assert targets == [row["id"] for row in ROWS]
    assert set(re.findall(r"\]\(#([\w-]+)\)", shown)) == set(targets)


def test_the_arithmetic_is_what_the_data_holds():
    kept = json.loads((REPORTS / "data/claims_arithmetic.json").read_text())
    measured = json.loads(json.dumps(claims_arithmetic.arithmetic()))
    for part in measured:
        # another processor's rounding, and differences of nearly equal numbers
        assert kept[part] == pytest.approx(measured[part], rel=1e-6, abs=1e-6), part


def test_the_arithmetic_by_hand():
    half = np.array([0.5, 0.5, 0]), np.array([0, 0.5, 0.5])
    assert js(*half) == pytest.approx(np.log(2) / 2)  # half of the mass overlaps
    assert kl(np.array([1.0, 0]), np.array([0.25, 0.75])) == pytest.approx(np.log(4))
    assert claims_arithmetic.uniforms()["em_apart"] == pytest.approx(2)
    assert claims_arithmetic.convolution_sizes()["there_and_back"] == 63  # (32 - 1) * 2 - 4 + 5
    assert claims_arithmetic.normalisation()["spread_by_epsilon_0.8"] == pytest.approx(1 / np.sqrt(1.8))
    # 5 updates of 0.01 * 2 bring |w| to 0.1, and the generated number moves by 0.01 * 0.1, to the real one or off it
    assert claims_arithmetic.signs(steps=1) == pytest.approx(
        {"000": 0.9995, "001": 1.0005, "003": 0.9995, "004": 0.9995}
    )


def test_the_script_writes_the_page(tmp_path):
    (tmp_path / "claims.yaml").write_text((REPORTS / "claims.yaml").read_text())
    call("claims", ["--measure", "--reports", str(tmp_path)])
    assert "are reproduced" in (tmp_path / "claims.md").read_text()
    assert (tmp_path / "data/claims_arithmetic.json").is_file()
    with pytest.raises(UserError, match=r"--reports.*claims\.yaml"):
        call("claims", ["--reports", str(tmp_path / "none")])


def test_what_is_to_be_taken_home_rests_on_verdicts_that_stand():
    judged = {row["id"]: claims.judge(row, REPORTS / "data") for row in ROWS}
    sentences = take_home.load(REPORTS / "claims.yaml", judged)
    assert len(sentences) == 5
    assert not [name for one in sentences for name in take_home.fallen(one, judged)]
    told = take_home.section(sentences, judged)
    assert told.splitlines()[0].startswith("1. A port to MXNet can be exact: ")
    assert re.search(r"to \d\.\d+e-\d+ of a weight\. \(\[pillow-restores\]\(#pillow-restores\), ", told)


def test_a_sentence_falls_with_its_verdict(tmp_path):
    judged = {"x": judge(tmp_path, {"a": {"x": 2}})}
    sentences = [{"says": "So many: {x}.", "rests_on": {"x": claims.REPRODUCED}}]
    assert take_home.section(sentences, judged) == "1. So many: 2. ([x](#x))"
    judged = {"x": judge(tmp_path, {"a": {"x": 0.5}})}
    assert take_home.fallen(sentences[0], judged) == ["x"]
    assert take_home.section(sentences, judged) == (
        "1. What stood here rested on verdicts that came out otherwise since: [x](#x): ± partly."
    )


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ("so", "allowed: take_home: a list of"),
        ([{"says": "so"}], "allowed: take_home: a list of"),
        ([{"says": "so", "rests_on": ["x"]}], "allowed: take_home: a list of"),
        ([{"says": "so", "rests_on": {"y": "reproduced"}}], "take_home: given y; allowed: ids of claims"),
        ([{"says": "so {y}", "rests_on": {"x": "reproduced"}}], "take_home: given y; allowed: ids of claims"),
        ([{"says": "so", "rests_on": {"x": "true"}}], "take_home: given true; allowed: reproduced, not reproduced"),
    ],
)
def test_bad_sentences_are_refused(sentences, message, tmp_path):
    (tmp_path / "claims.yaml").write_text(yaml.safe_dump({"take_home": sentences}))
    with pytest.raises(UserError, match=message):
        take_home.load(tmp_path / "claims.yaml", {"x": None})
