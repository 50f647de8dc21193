"""The measures of a training's start, by hand, and the section on a page."""

import json

import numpy as np
import pytest

from gluon_wgan.report.style import style
from gluon_wgan.studies.start import measures, section


def test_measures_by_hand():
    # 25 boosted steps far off; then 1, 3, 2 in turns to the end of the start; then a quarter of it
    estimates = np.array([50.0] * 25 + [1.0, 3.0, 2.0] * 159 + [0.5] * 60)
    found = measures(estimates)
    assert found["raw_spread"] == pytest.approx(1.0)  # 1 to 3 by 2: a third each, so the middle half is all of it
    assert found["jump"] == pytest.approx(1 / 2)  # 2, 1, 1 in turns
    # the median of 11 neighbours and of 101 is 2, but for the first and last few: -1, 1, 0 in turns
    assert found["spread_11"] == pytest.approx(1.0) and found["spread_101"] == pytest.approx(1.0)
    # its first is 3 (5 boosted steps, and 1, 3, 2, 1, 3, 2); at step 501 the middle of 2, 1, 3, 2, 1, 3, 2 and 4 x 0.5
    # is 1, a step before that of 3, 2, 1, 3, 2, 1, 3, 2 and 3 x 0.5 is 2
    assert found["halved_at"] == 501
    assert measures(np.linspace(2, 1.5, 600))["halved_at"] == 600  # never: as many as there are
    assert measures(-estimates)["jump"] == found["jump"]


def test_neighbours_beyond_the_start_count():
    rising = np.arange(1.0, 1001.0)
    found = measures(rising)
    # a straight line is its own running median wherever the window is whole; it was cut at both ends before
    assert found["spread_101"] == pytest.approx(0, abs=1e-12) and found["spread_11"] == pytest.approx(0, abs=1e-12)
    assert found["raw_spread"] == pytest.approx(237 / 263)  # steps 26 to 500: median 263, quartiles 237 apart
    assert found["jump"] == pytest.approx(1 / 263)


def test_too_few_steps_have_no_start():
    with pytest.raises(ValueError, match="499 estimates; 500 or more"):
        measures(np.ones(499))


def test_a_short_study_has_no_section(tmp_path):
    (tmp_path / "data/ablations").mkdir(parents=True)
    (tmp_path / "data/ablations/short.json").write_text('{"estimates": [1, 2]}')
    data = {"runs": {"pil": {"0": {"name": "short"}}}, "baseline_arm": "pil"}
    assert section("ablation_resize", data, tmp_path, style) == ("", {})


def test_the_section_stars_what_differs(tmp_path):
    folder = tmp_path / "data/ablations"
    folder.mkdir(parents=True)
    random, runs = np.random.default_rng(0), {}
    for arm, noise in (("pil", 0.1), ("cv2", 0.5)):
        for seed in (0, 1, 2):
            estimates = (2 + noise * random.normal(size=600)).tolist()
            (folder / f"{arm}-{seed}.json").write_text(json.dumps({"estimates": estimates}))
            runs.setdefault(arm, {})[str(seed)] = {"name": f"{arm}-{seed}"}
    text, figures = section("ablation_resize", {"runs": runs, "baseline_arm": "pil"}, tmp_path, style)
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ") for line in text.splitlines() if line.startswith("| ")}
    assert rows["OpenCV bilinear"][1] == "3"
    assert all(cell.endswith("*") for cell in rows["OpenCV bilinear"][2:6])
    assert not any("*" in cell for cell in rows["Pillow bilinear"])
    (figure,) = figures.values()
    assert [axes.get_title() for axes in figure.axes[:2]] == ["Pillow bilinear", "OpenCV bilinear"]
    assert len(figure.axes[0].lines[0].get_xdata()) == 500
