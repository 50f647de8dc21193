"""The page of what the suite survives: its sums by hand, its sentences, and what is refused."""

import json

import pytest

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.studies.reliability import page


def counts(tried, refused=0, failed=0):
    return {"tried": tried, "right": tried - refused - failed, "refused": refused, "failed": failed}


KINDS = {
    "flags": counts(20_000, 15_000),
    "killed at: write": counts(40),
    "killed: generate": counts(100),
    "killed: train, clipped": counts(200),
    "starved: room": counts(59, 30),
    "twice: generate": counts(10, 4),
}


def test_sums_by_hand():
    found = page.by_group(KINDS)
    assert found == {
        "killed at a random instant": counts(300),
        "killed as it enters a system call for the n-th time": counts(40),
        "starved": counts(59, 30),
        "started twice at once": counts(10, 4),
        "damaged files and rubbish flags": counts(20_000, 15_000),
    }
    # .95 to the 59 is .0485, to the 58 .0510: of 59 without a failure, one in 20 is just excluded
    assert page._surely(counts(59)) == "1 in 20"
    assert page._surely(counts(300)) == "1 in 101"
    assert page._surely(counts(300, failed=1)) == ""


def test_the_answer_says_yes_only_where_none_failed():
    assert page.answer({"minutes": 120.0, "kinds": KINDS}) == (
        "Yes, in every case that was tried: 20,409 in 120 minutes, 300 killed at a random instant, 40 killed as it "
        "enters a system call for the n-th time, 59 starved, 10 started twice at once, 20,000 damaged files and "
        "rubbish flags. 15,034 of them ended with a message."
    )
    one = {**KINDS, "twice: generate": counts(10, 4, 1)}
    assert page.answer({"minutes": 120.0, "kinds": one}).startswith("Not always: 1 cases failed of 20,409 in 120 ")


def test_the_page_lists_failures(tmp_path):
    environment = {
        "commit": "c", "processor": "p", "physical_cores": 2, "omp_num_threads": "1", "python": "3", "packages": {},
        "started": "now",
    }  # fmt: skip
    failures = [{"kind": "twice: generate", "case": 7, "how": "FAILED: torn"}]
    found = {"minutes": 1, "seed": 3, "command": "python it", "environment": environment, "failures": failures}
    kinds = {**KINDS, "twice: generate": counts(10, 4, 1)}
    (tmp_path / "data").mkdir()
    (tmp_path / "data/reliability.json").write_text(json.dumps({"campaign": {**found, "kinds": kinds}}))
    call("reliability", ["--reports", str(tmp_path)])
    told = (tmp_path / "reliability.md").read_text()
    assert "- twice: generate, case 7: FAILED: torn" in told and "| killed: generate | 100 | 100 | 0 | 0 |" in told


def test_without_a_campaign_there_is_no_page(tmp_path):
    with pytest.raises(UserError, match=r"no data/reliability.json in it"):
        call("reliability", ["--reports", str(tmp_path)])
