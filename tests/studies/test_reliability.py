"""The page of what the suite survives: its sums by hand, its sentences, and what is refused."""

import json

import pytest

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.studies.reliability import long_run, page


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


ENVIRONMENT = {
    "commit": "c", "processor": "p", "physical_cores": 2, "omp_num_threads": "1", "python": "3", "packages": {},
    "started": "now",
}  # fmt: skip


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
    failures = [{"kind": "twice: generate", "case": 7, "how": "FAILED: torn"}]
    found = {"minutes": 1, "seed": 3, "command": "python it", "environment": ENVIRONMENT, "failures": failures}
    kinds = {**KINDS, "twice: generate": counts(10, 4, 1)}
    (tmp_path / "data").mkdir()
    (tmp_path / "data/reliability.json").write_text(
        json.dumps({"campaign": {**found, "kinds": kinds}, "long_run": long_found()})
    )
    call("reliability", ["--reports", str(tmp_path)])
    told = (tmp_path / "reliability.md").read_text()
    assert "## A long training" in told and (tmp_path / "figures/reliability_long_run.png").is_file()
    assert "- twice: generate, case 7: FAILED: torn" in told and "| killed: generate | 100 | 100 | 0 | 0 |" in told
    assert "not measured yet" not in told
    (tmp_path / "data/reliability.json").write_text(json.dumps({"campaign": {**found, "kinds": kinds}}))
    call("reliability", ["--reports", str(tmp_path)])
    assert "How a long training fares is not measured yet." in (tmp_path / "reliability.md").read_text()


def long_found(different=()):
    """Return a long run of 40 looks: memory grows by 1 MiB in 1,000 steps, all else stays."""
    steps = list(range(1000, 41_000, 1000))
    course = {name: [7.0] * 40 for name in ("open_files", "threads", "folder_mib")}
    return {
        "generator_steps": 40_000, "stops": 3, "hours": 1.25, "different": list(different), "settings": "--small",
        "course": {"generator_step": steps, "memory_mib": [100 + step / 1000 for step in steps], **course},
        "pace": {"generator_step": steps, "seconds": [0.01] * 40},
        "command": "python long_run.py", "environment": ENVIRONMENT,
    }  # fmt: skip


def test_slopes_by_hand():
    found = long_run.courses(long_found())
    assert long_run.slope(*found["memory_mib"]) == pytest.approx((100, 100, 100))
    assert long_run.slope(*found["milliseconds"]) == pytest.approx((0, 0, 0), abs=1e-9)
    # what grows at the start alone is no slope: the first block is left out
    steps, values = found["threads"]
    assert long_run.slope(steps, [1, 3, *values[2:]]) == pytest.approx((0, 0, 0), abs=1e-9)
    # of 19 blocks in turn up and down, an interval around 0
    swinging = [value for block in range(20) for value in [block % 2] * 2]
    grows, low, high = long_run.slope(steps, swinging)
    assert low < grows < high and low < 0 < high


def test_the_long_run_is_told():
    assert long_run.answer(long_found()).startswith(
        "A training of 40,000 generator steps, stopped and resumed 3 times, ended with the same bits as one "
    )
    assert "with other run/samples as" in long_run.answer(long_found(["run/samples"]))
    told = long_run.section(long_found())
    assert "| memory, MiB | 101 | 140 | 100 | 100 | 100 |" in told and "different: nothing" in told
    assert len(long_run.figure(long_found()).axes) == 5


def test_without_a_campaign_there_is_no_page(tmp_path):
    with pytest.raises(UserError, match=r"no data/reliability.json in it"):
        call("reliability", ["--reports", str(tmp_path)])
