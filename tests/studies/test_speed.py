"""What a step costs: the fit, the sums, and a small measurement end to end. No timing is judged here."""

import json

import pytest

from gluon_wgan.command import call
from gluon_wgan.schedule import Schedule
from gluon_wgan.studies.speed import measure, page, profile, question
from gluon_wgan.studies.speed.fit import Cost, fit


def test_the_fit_gives_back_what_made_the_numbers():
    sizes = [16, 32, 64, 128]
    made = Cost(0.005, 2e-6, 2.0)
    found = fit(sizes, made(sizes))
    assert found == pytest.approx(made, rel=1e-4)  # to where least squares stop
    assert found.crossing() == pytest.approx(50, rel=1e-4)  # 2e-6 * 50^2 = 0.005


def test_three_sizes_are_too_few_to_fit_three_numbers():
    with pytest.raises(ValueError, match="3 sizes; 4 or more"):
        fit([1, 2, 3], [1, 2, 3])


def _work(clipped, generator, gflop=1.0):
    return {
        "clipped critic": {"seconds": clipped, "gflop": gflop},
        "generator": {"seconds": generator, "gflop": gflop},
    }


def test_a_step_is_five_critic_updates_and_one_of_the_generator():
    run = {"work": _work(2.0, 3.0, gflop=50.0), "gemm_gflops": 100.0}
    assert page.step_seconds(run) == 13.0
    assert page.whole_seconds(run) == 2.0 * Schedule().critic_updates_until(400_000) + 3.0 * 400_000
    assert page.share(run, "clipped critic") == 0.25  # 50 GFLOP at 100 a second take 0.5 s of 2


def test_the_parts_of_a_profile_add_up_to_its_time():
    operators = [["Convolution", 2, 3.0], ["_backward_Deconvolution", 1, 4.0], ["add_n", 5, 0.5]]
    parts = page.divided({"seconds": 0.010, "operators": operators, "loops": ["loops", 3, 1.5]})
    assert parts == {"convolutions": 7.0, "compiled loops": 1.5, "other operators": 0.5, "between operators": 1.0}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Measure at 16x16 and fewer channels, a fraction of a second each, and return the folder of the reports."""
    reports = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        points = [{"image_size": 16, "channels": channels, "batch_size": 4} for channels in (1, 2, 4, 8)]
        axes = dict.fromkeys(question.AXES, points)
        for module in (measure, page):
            patch.setattr(module, "AXES", axes)
        patch.setattr(measure, "PROFILED", [points[0]])
        patch.setattr(measure, "SECONDS", 0.05)
        patch.setattr(page, "SMALL", points[0])
        patch.setattr(page, "FULL", points[3])
        call("speed", ["--measure", "--reports", str(reports)])
    return reports


def test_measuring_keeps_every_size_and_every_profile(small):
    sizes = json.loads((small / "data/speed.json").read_text())["sizes"]
    assert sizes["at_least_seconds"] == 0.05
    assert [run["channels"] for run in sizes["runs"]] == [1, 2, 4, 8]
    for run in sizes["runs"]:
        assert set(run["work"]) == set(question.WORK)
        for found in run["work"].values():
            low, high = found["quartiles"]
            assert 0 < low <= found["seconds"] <= high and found["n"] >= 3
    profiles = json.loads((small / "data/profile.json").read_text())["now"]["runs"]
    assert [(run["threads"], run["kernels"]) for run in profiles] == [(1, True), (1, False), (2, True), (2, False)]
    for run in profiles:
        _, calls, milliseconds = run["work"]["penalised critic"]["loops"]
        assert (calls > 0 and milliseconds > 0) == run["kernels"]
        names = [name for name, _, _ in run["work"]["clipped critic"]["operators"]]
        assert {"Convolution", "_backward_Convolution", "BatchNorm"} <= set(names)
    text = " ".join((small / "speed.md").read_text().split())
    assert "generator steps at 32x32 with 16 channels" in text and "figures/speed_profile.png" in text
    assert (small / "figures/speed_sizes.png").is_file()


def test_the_flop_of_a_generator_update_are_those_counted_by_hand():
    # batch 4, 2 channels, 4x4 kernels: 100->4 (1x1 in), 4->2 (4x4 in), 2->3 (8x8 in); the critic as many
    generator = [2 * 4 * 16 * each for each in (400, 16 * 8, 64 * 6)]
    critic = [2 * 4 * 16 * each for each in (64 * 6, 16 * 8, 4)]
    _, gflop = profile.works({"image_size": 16, "channels": 2, "batch_size": 4})["generator"]
    assert gflop == pytest.approx((3 * sum(generator) - generator[0] + 2 * sum(critic)) / 1e9)
