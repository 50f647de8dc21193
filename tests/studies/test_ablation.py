"""The ablations: measures and summaries by hand, a whole study from the command line, the answers."""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import encode, make_picture
from PIL import Image
from training_fixtures import TINY_RUN

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.estimates import estimate_measures
from gluon_wgan.pictures import packed
from gluon_wgan.report import comparison, comparison_figures, decision
from gluon_wgan.report.style import style
from gluon_wgan.studies import ablation, deciding, find_studies, plan
from gluon_wgan.studies.ablation_epsilon.page import explored as explored_epsilon
from gluon_wgan.studies.ablation_resize import question
from gluon_wgan.studies.ablation_resize.page import _beside_real, answer, explored
from gluon_wgan.studies.statistics import summarise

REPORTS = Path(__file__).parents[2] / "reports"
ARMS = {"pil": {}, "cv2": {"resize": "cv2"}}


def test_estimate_measures_by_hand():
    # 25 boosted steps that count for nothing but the signs; then 1 and 1.4 by turns: half of them .2 off the median
    estimates = [-1.0, 1.0, -1.0] + [1.0] * 22 + [1.0, 1.4] * 300 + [0.5] * 100 + [0.25] * 101
    found = estimate_measures(estimates, 25)
    assert found["early_sign_changes"] == 3
    # of the 200 after the boost half are 1 and half 1.4
    assert found["em_estimate_end"] == 0.25 and found["em_fall"] == pytest.approx(0.25 / 1.2)
    # the running median of 101 alternating numbers is 1 or 1.4, whichever is in the middle: so the rest is 0 or +-.4
    assert 0 <= found["early_spread"] <= 0.4 / 1.0
    noisy = np.array(estimates)
    noisy[25:500] += np.random.default_rng(0).normal(0, 1, 475)
    assert estimate_measures(noisy, 25)["early_spread"] > 0.8  # the normal's range is 1.35


def test_a_summary_by_hand():
    far = {"pil": [1.0, 1.1, 0.9], "cv2": [2.0, 2.2]}  # the last is not measured yet
    near = [0.0, 1.0, 2.0]
    measured = {
        arm: {seed: {"far": value, "near": near[seed]} for seed, value in enumerate(values)}
        for arm, values in far.items()
    }
    found = summarise(measured, "pil")
    assert {arm: entry["n"] for arm, entry in found["arms"].items()} == {"pil": 3, "cv2": 2}
    assert found["arms"]["pil"]["measures"]["far"]["mean"] == pytest.approx(1.0)
    difference = found["differences"]["cv2"]
    assert difference["far"]["values"] == pytest.approx([1.0, 1.1])
    assert difference["far"]["differs"] is True  # 1.05 is more than twice the baseline's .07
    assert difference["near"]["differs"] is False
    assert "pil" not in found["differences"]


def test_one_seed_decides_nothing():
    measured = {"pil": {0: {"far": 1.0}}, "cv2": {0: {"far": 9.0}}}
    assert summarise(measured, "pil")["differences"]["cv2"]["far"]["differs"] is None


def test_a_whole_study_from_the_command_line(picture_folder, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(question, "ARMS", ARMS)
    for index in range(20, 260):
        (picture_folder / f"{index}.png").write_bytes(encode(make_picture(index)))
    small = {
        name: value
        for name, value in TINY_RUN.items()
        if name not in ("image_size", "generator_steps", "checkpoint_every")
    }
    shrunk = lambda base: replace(base, **{**small, "generator_channels": 2, "critic_channels": 2})  # noqa: E731
    whole = plan.AblationFlags.base
    monkeypatch.setattr(plan.AblationFlags, "base", lambda flags: shrunk(whole(flags)))
    places = {name: str(tmp_path / name) for name in ("runs", "reports", "cache")}
    flags = ["--data", str(picture_folder), "--seeds", "0", "--image-size", "16", "--generator-steps", "30"]
    flags += ["--runs", places["runs"], "--reports", places["reports"], "--cache-dir", places["cache"]]
    monkeypatch.setattr("sys.argv", ["ablate_resize.py", *flags])
    monkeypatch.setattr("gluon_wgan.studies.results._start", {})  # as a process of its own has
    # in the place of the network's features: eight pixels
    monkeypatch.setattr(ablation, "features", lambda pictures: pictures.reshape(len(pictures), -1)[:, :8] / 255)
    call("ablate_resize", flags)
    table = json.loads((tmp_path / "reports/data/ablation_resize.json").read_text())
    assert table["arms"].keys() == ARMS.keys()
    assert table["planned"] == {"arms": list(ARMS), "seeds": [0], "generator_steps": 30}
    assert table["arms"]["pil"]["measures"]["swd_same"] == table["arms"]["pil"]["measures"]["swd_reference"]
    assert table["arms"]["cv2"]["measures"]["swd_same"] != table["arms"]["cv2"]["measures"]["swd_reference"]
    assert table["runs"]["cv2"]["0"]["finished"]
    kernel = {arm: table["arms"][arm]["measures"] for arm in ARMS}
    assert kernel["pil"]["kid_same"] == kernel["pil"]["kid_reference"]
    assert kernel["cv2"]["kid_same"] != kernel["cv2"]["kid_reference"]
    assert table["decisions"] == {}  # one seed decides nothing
    kept = json.loads((tmp_path / f"reports/data/ablations/{table['runs']['cv2']['0']['name']}.json").read_text())
    # 30 steps, too few to decide anything: a checkpoint each, 100 samples of the last four, and of some before
    assert [(point["step"], point["samples"]) for point in kept["kernel"]] == [
        (step, 100) for step in (3, 6, 12, 18, 27, 28, 29, 30)
    ]
    late = [point["kid_reference"][0] for point in kept["kernel"][4:]]
    assert kernel["cv2"]["kid_reference"]["mean"] == pytest.approx(np.mean(late))
    assert (tmp_path / "reports/ablation_resize.html").exists()
    # the page has the command that was run, not the full study's
    assert f"\n{table['command']}\n" in (tmp_path / "reports/ablation_resize.md").read_text()
    assert "--seeds 0 --image-size 16 --generator-steps 30" in table["command"]
    assert len(os.listdir(tmp_path / "reports/figures/ablations")) == 2
    # a repetition lies beside the study, and on its page
    with caplog.at_level("INFO"):
        call("ablate_resize", [*flags, "--again", "small", "--arms", "cv2"])
    assert f"measured: {tmp_path}/reports/data/ablation_resize_small.json" in caplog.text
    assert json.loads((tmp_path / "reports/data/ablation_resize_small.json").read_text())["arms"] == table["arms"]
    page = (tmp_path / "reports/ablation_resize.md").read_text()
    assert (
        "## Again: small\n\nNot decided: no arm has two seeds." in page and "ablation_resize_small_kernel.png" in page
    )
    assert "ablation_resize_small_samples.png" in page
    assert "held out, at 16 pixels with 2 channels, for 30 generator steps." in " ".join(page.split())
    with pytest.raises(UserError, match="--arms: given cv3; allowed: pil, cv2"):
        call("ablate_resize", [*flags, "--arms", "cv3"])
    with pytest.raises(UserError, match=r"--again: given '\.\./x'; allowed: letters"):
        call("ablate_resize", [*flags, "--again", "../x"])
    # what is measured is not trained again, though its run folder be gone
    shutil.rmtree(tmp_path / "runs")
    call("ablate_resize", flags)
    assert not (tmp_path / "runs").exists()
    again = json.loads((tmp_path / "reports/data/ablation_resize.json").read_text())
    assert all(again[key] == table[key] for key in ("arms", "differences", "floors", "runs"))


def compared(arms, **measures):
    """Return a table with n = 3 of these {measure: {arm: (difference from pil, differs)}}."""
    planned = {"arms": list(arms), "seeds": [0, 1, 2], "generator_steps": 5000}
    differences = {
        arm: {
            measure: {"mean": of_arm[arm][0], "values": [of_arm[arm][0]] * 3, "differs": of_arm[arm][1]}
            for measure, of_arm in measures.items()
        }
        for arm in arms[1:]
    }
    return {"baseline_arm": arms[0], "planned": planned, "differences": differences}


def test_the_answer_says_what_matters_and_whether_bicubic_is_the_fix():
    arms = ("pil", "cv2", "cv2-bicubic", "cv2-area")
    farther = {"cv2": (0.5, True), "cv2-bicubic": (0.7, True), "cv2-area": (0.01, False)}
    own = dict.fromkeys(arms[1:], (0.0, False))
    found = explored(compared(arms, swd_reference=farther, swd_same=own))
    told = "OpenCV bilinear (farther by 0.5000) and OpenCV bicubic (farther by 0.7000) from those of Pillow bilinear"
    assert f"tells the samples of {told} (n = 3 each)." in found
    assert found.startswith(
        "After 5,000 generator steps the [distance of patches to Pillow's pictures](#swd_reference)"
    )
    assert found.endswith("is none (its samples are no nearer than bilinear's); what fixes it is OpenCV area.")
    farther["cv2-bicubic"] = (0.3, True)
    assert "a little nearer than bilinear's" in explored(compared(arms, swd_reference=farther))
    farther["cv2-bicubic"] = (0.3, False)
    assert "Bicubic, the fix that was documented, is one." in explored(compared(arms, swd_reference=farther))
    none = explored(compared(arms, swd_reference=own))
    assert "tells no other library's samples from those of Pillow bilinear" in none
    assert none.endswith("There is nothing for bicubic to fix.")
    apart = {"cv2": (0.1, True), "cv2-bicubic": (0.2, True), "cv2-area": (0.0, False)}
    data = compared(arms, swd_reference=own, spectrum_same=apart, em_estimate_end=apart)
    others = explored(data)
    assert "Of the 2 [other measures](#measures) these differ: OpenCV bilinear in 2 and OpenCV bicubic in 2." in others
    end = "of the 2 measures that tell OpenCV's bilinear, 2 tell bicubic too, and half of them or fewer OpenCV area."
    assert others.endswith(end)
    assert_plain(found), assert_plain(others)
    # the list of all measures says the same as the answer, measure by measure
    listed = comparison._which_tell(data, style).splitlines()
    assert listed[0] == "- [distance of patches to Pillow's pictures](#swd_reference): none"
    assert listed[1].endswith("(#spectrum_same): OpenCV bilinear and OpenCV bicubic")
    assert len(listed) == 3


def assert_plain(text):
    """Check that an answer has at most three sentences, and no name of code but where a link leads."""
    shown = re.sub(r"\]\(.*?\)", "]", text)
    assert len(re.findall(r"[.](?= [A-Z]|$)", shown)) <= 3
    assert "`" not in shown and "_" not in shown
    assert not re.search(r"\b(cv2|pil|swd|outside-|inside-)", shown)


@pytest.mark.parametrize(
    "study", [study for study in find_studies() if study.measured(REPORTS)], ids=lambda study: study.name
)
def test_every_published_answer_is_plain(study):
    assert_plain(study.page(REPORTS).answer)


_MEANS = {"cv2-bicubic": 0.45, "cv2-area": 0.39}


def decided(**answers):
    """Return a finished table of six seeds with these {arm: (answer, mean)}, by both measures."""
    arms = ("pil", *(arm.replace("_", "-") for arm in answers))
    found = {
        arm.replace("_", "-"): {
            "answer": said, "mean": mean, "low": mean - 0.004, "high": mean + 0.004, "n": 6, "p": 0.01,
            "values": [mean] * 6, "detectable": 0.006, "seeds_needed": 9 if said == "undecided" else None,
        }
        for arm, (said, mean) in answers.items()
    }  # fmt: skip
    return {
        "baseline_arm": "pil",
        "planned": {"arms": list(arms), "seeds": list(deciding.SEEDS), "generator_steps": 5000},
        "runs": {arm: {str(seed): {} for seed in deciding.SEEDS} for arm in arms},
        "arms": {
            arm: {"measures": {deciding.REFERENCE: {"mean": _MEANS.get(arm, 0.4)}, deciding.SAME: {}}} for arm in arms
        },
        "decisions": {deciding.REFERENCE: found, deciding.SAME: found},
    }


def test_the_confirmed_answer_says_which_of_three_it_is():
    data = decided(cv2=("differs", 0.02), cv2_bicubic=("differs", -0.03), cv2_area=("equal", 0.001),
                   gluoncv=("undecided", 0.008))  # fmt: skip
    found = answer(data)
    assert found.startswith(
        "Yes: compared with the samples of Pillow bilinear, those of OpenCV bicubic (by 30.0, 26.0 to 34.0) end nearer "
        "to held-out pictures by Pillow; those of OpenCV bilinear (by 20.0, 16.0 to 24.0) end farther; those of OpenCV "
        "area are equal for practical purposes; those of GluonCV (area, not rounded) are undecided (kernel distance"
    )
    assert "n = 6 seeds; equal is within 10; where undecided, 6 would be seen four times in five). By the" in found
    assert "By their means, next to OpenCV bilinear (400) bicubic" in found
    assert "documented, ends farther (450) and area averaging, the fix that ran, nearer (390). Beside held-out" in found
    alike = dict.fromkeys(("cv2", "cv2_bicubic", "cv2_area"), ("undecided", 0.0))
    assert "Undecided: compared with the samples of Pillow bilinear, those of all 3 others are undecided (" in answer(
        decided(**alike)
    )
    assert "those of all 3 others are equal for practical purposes (" in answer(
        decided(**dict.fromkeys(alike, ("equal", 0.0)))
    )
    farther = answer(decided(cv2=("differs", 0.02)))
    assert "equal is within 10)" in farther
    assert (
        "those of OpenCV bilinear (by 20.0, 16.0 to 24.0) end farther from held-out pictures by Pillow (kernel"
        in farther
    )
    assert_plain(found)
    assert answer(decided(cv2=("equal", 0.0), cv2_area=("equal", 0.0))).startswith("No: compared")
    assert answer(decided(cv2=("equal", 0.0), cv2_area=("undecided", 0.0))).startswith("Undecided: compared")
    data["decisions"] = {}
    assert answer(data) == "Not decided: no arm has two seeds."
    data["arms"] = {"pil": {"measures": {}}}
    assert answer(data).startswith("Not answered: the kernel distance, which decides, was not measured")
    del data["runs"]["cv2"]["25"]
    assert answer(data) == "Not decided yet: 29 of the 30 trainings that decide are done."


def test_no_table_answers_before_the_last_run_is_in():
    data = decided(cv2=("differs", 0.02), cv2_area=("undecided", 0.008))
    for whole in data["arms"].values():
        whole |= {"n": 6, "measures": {deciding.REFERENCE: {"mean": 0.4, "values": [0.4] * 6}}}
    data["floors"] = {}
    titles = {deciding.REFERENCE: "a title"}
    shown = decision.section("resize", data, titles, style, 0.01)
    assert "| differs |" in shown and "| undecided |" in shown and "seeds to decide" in shown
    del data["runs"]["cv2-area"]["25"]
    shown = decision.section("resize", data, titles, style, 0.01)
    assert shown.count("| not all runs are in |") == 2
    assert "| differs |" not in shown and "| undecided |" not in shown and "seeds to decide" not in shown


def test_what_decides_is_measured_at_the_late_checkpoints():
    at, late = deciding.measured_at(5000)
    assert deciding.checkpoint_every(5000) == 250
    assert late == [4250, 4500, 4750, 5000]
    assert at == {500: 500, 1000: 500, 2000: 500, 3000: 500, **dict.fromkeys(late, 2000)}
    at, late = deciding.measured_at(3)
    assert late == [1, 2, 3] and list(at.values()) == [100] * 3


def test_samples_keep_their_colours(tmp_path):
    (tmp_path / "figures/ablations").mkdir(parents=True)
    red = Image.new("RGB", (10, 10), (200, 30, 10))
    (tmp_path / "figures/ablations/run.png").write_bytes(packed(red))
    drawn = comparison_figures._samples({"runs": {"pil": {"20": {"name": "run"}}}}, tmp_path, style)
    np.testing.assert_array_equal(drawn.axes[0].images[0].get_array(), np.asarray(red))


def test_the_samples_are_set_beside_the_floors():
    data = compared(("pil", "cv2", "cv2-bicubic"), swd_scaled_reference={"cv2": (0.1, True), "cv2-bicubic": (0, False)})
    data["arms"] = {"cv2": {"measures": {"swd_scaled_reference": {"mean": 0.144}}}}
    data["floors"] = {"cv2": {"swd_scaled_reference": 0.179}}
    assert "with no GAN: OpenCV bilinear 0.144 (0.179)." in _beside_real(data)


def test_the_answer_about_epsilon():
    arms = ("outside-1e-8", "inside-1e-8", "inside-1e-16")
    same, spread = {"inside-1e-8": (0.2, True), "inside-1e-16": (0.0, False)}, {"inside-1e-8": (0.1, True)}
    spread["inside-1e-16"] = (-0.1, True)
    found = explored_epsilon(compared(arms, swd_same=same, early_spread=spread))
    assert (
        "tells the samples of epsilon 1e-8 inside the root (MXNet) (farther by 0.2000) from those of epsilon" in found
    )
    assert (
        "less with epsilon 1e-16 inside the root and more with epsilon 1e-8 inside the root (MXNet) than with" in found
    )
    assert_plain(found)
    alike = explored_epsilon(compared(arms, swd_same=same, early_spread=dict.fromkeys(spread, (0.0, False))))
    assert alike.endswith("In the first 500 steps the estimate [fluctuates](#early_spread) alike with all.")


def test_without_two_seeds_there_is_no_answer():
    undecided = dict.fromkeys(("cv2", "cv2-bicubic"), (0.5, None))
    found = explored(compared(("pil", "cv2", "cv2-bicubic"), swd_reference=undecided, swd_same=undecided))
    assert found == "Not answered yet: no arm has two seeds beside the baseline's."


def test_what_is_published_of_the_estimates_can_be_computed_from_what_is_published():
    for name in (f"ablation_{what}{study}" for what in ("resize", "epsilon") for study in ("", "_exploratory")):
        table = json.loads((REPORTS / "data" / f"{name}.json").read_text())
        measured = {}
        for arm, seeds in table["runs"].items():
            for seed, run in seeds.items():
                kept = json.loads((REPORTS / "data/ablations" / f"{run['name']}.json").read_text())
                boosted = kept["settings"].get("boost_generator_steps", 25)
                found = estimate_measures(kept["estimates"], boosted)
                assert {measure: kept["measures"][measure] for measure in found} == found
                measured.setdefault(arm, {})[int(seed)] = kept["measures"]
        again = summarise(measured, table["baseline_arm"])
        # the bootstrap draws by a fixed key; sums may be rounded otherwise elsewhere
        for arm, found in again["differences"].items():
            for measure, difference in found.items():
                published = table["differences"][arm][measure]
                assert difference["differs"] == published["differs"]
                assert difference["mean"] == pytest.approx(published["mean"], rel=1e-9, abs=1e-12)
