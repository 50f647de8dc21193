"""The study of the toys with little training: what is kept, what is counted, the page, the mistakes."""

import json
import math
import re
import shutil

import numpy as np
import pytest
from conftest import ROOT

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.report import rules, verdicts
from gluon_wgan.studies import Study
from gluon_wgan.studies.plane import distributions as data
from gluon_wgan.studies.plane import networks
from gluon_wgan.studies.results import start_of_study
from gluon_wgan.studies.toy import constraints, modes, question, surfaces
from gluon_wgan.studies.toy import gradient_norms as gradients
from gluon_wgan.studies.toy import numbers as measures
from gluon_wgan.studies.toy.figures import DRAWN

STEPS = 6


@pytest.fixture(scope="module")
def small():
    """Make everything small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modes, "EM_POINTS", 30)
        patch.setattr(modes, "COUNTED", 100)
        patch.setattr(modes, "EVALUATIONS", 4)
        patch.setattr(question, "EVALUATIONS", 4)
        patch.setattr(modes, "SHOWN_AT", (1, 2, 3, 4))
        patch.setattr(gradients, "STEPS_DIVISOR", 3)
        patch.setattr(surfaces, "POINTS", 40)
        patch.setattr(surfaces, "CHECKS", 2)
        patch.setattr(networks, "BATCH_SIZE", 16)
        patch.setattr(measures, "SIDE", 8)
        yield


@pytest.fixture(scope="module")
def measured(small, tmp_path_factory):
    """Return a folder of reports with all parts measured, by little training."""
    folder = tmp_path_factory.mktemp("toy")
    measure(folder, seeds=(1,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gluon_wgan.studies.results._start", {**start_of_study(), "started": "later"})
        measure(folder, parts=("surfaces",), seeds=(0, 1))
    return folder


def measure(folder, **flags):
    flags = {"measure": True, "reports": str(folder), "width": 4, "generator_steps": STEPS, **flags}
    Study("toy").measure(question.Flags(**flags))


def test_a_tiny_measurement_is_kept_and_not_repeated(measured, monkeypatch):
    file = measured / "data/toy.json"
    text = file.read_text()
    found = json.loads(text, parse_constant=pytest.fail)
    assert set(found) == {*question.PARTS, "penalty_norm", "other_constraints", "schema"}
    assert str(measured) not in text
    runs = found["surfaces"]["runs"]
    assert [(run["seed"], run["arm"]) for run in runs[:3]] == [(0, "optimal"), (0, "clip"), (0, "penalty")]
    assert (len(runs), len(found["modes"]["runs"]), len(found["gradient_norms"]["runs"])) == (18, 8, 4)
    assert len(found["constraints"]["runs"]) == 27
    # the second command kept the first's seed 1, and has surfaces for the figure from its own seed 0
    assert len(found["surfaces"]["starts"]) == 2
    assert [run["start"] for run in runs] == [1] * 9 + [0] * 9
    assert ["surface" in run for run in runs] == [True] * 9 + [False] * 9
    for module in (modes, surfaces, gradients, constraints):
        monkeypatch.setattr(module, "run", lambda *_, **__: pytest.fail("measured again"))
    measure(measured, parts=("modes", "gradient_norms", "constraints"), seeds=(1,))
    measure(measured, parts=("surfaces",), seeds=(0, 1))
    assert file.read_text() == text


def test_other_settings_start_anew_and_lose_nothing(measured, tmp_path, caplog):
    shutil.copytree(measured, tmp_path / "reports")
    before = (tmp_path / "reports/data/toy.json").read_text()
    measure(tmp_path / "reports", parts=("gradient_norms",), seeds=(1,), width=5)
    found = json.loads((tmp_path / "reports/data/toy.json").read_text())
    assert found["gradient_norms"]["settings"]["width"] == 5
    assert [run["seed"] for run in found["gradient_norms"]["runs"]] == [1] * 4
    assert found["modes"] == json.loads(before)["modes"]
    assert (tmp_path / "reports/data/toy.before.json").read_text() == before
    assert caplog.text.count("gradient_norms was measured with other settings") == 1


def test_summaries_are_those_of_the_runs(measured):
    found = json.loads((measured / "data/toy.json").read_text())
    runs = found["surfaces"]["runs"]

    def of(name, arm):
        return [run["correlation"] for run in runs if (run["data"], run["arm"]) == (name, arm)]

    for name in data.DATA:
        gained = np.median(np.subtract(of(name, "penalty"), of(name, "clip")))
        assert found["surfaces"][name]["correlation_gained"] == pytest.approx(gained)
    penalised = [run["gradient_norm"] for run in found["modes"]["runs"] if run["arm"] == "penalty"]
    assert found["penalty_norm"]["mean"] == pytest.approx(np.mean(penalised))
    assert found["penalty_norm"]["n"] == 2
    for kind, of_kind in found["other_constraints"].items():
        one = of_kind["data"]["swiss roll"]
        (held,) = [
            run for run in found["constraints"]["runs"] if (run["data"], run["arm"]) == ("swiss roll", one["arm"])
        ]
        # the one seed that both have
        (penalised,) = [
            run["correlation"] for run in runs if (run["data"], run["arm"], run["seed"]) == ("swiss roll", "penalty", 1)
        ]
        assert one["arm"].startswith(kind) and one["correlation"] == held["correlation"]
        assert one["lost"] == pytest.approx(penalised - held["correlation"]) and of_kind["n"] == 1
    run = found["gradient_norms"]["runs"][0]
    assert run["ratio"] == pytest.approx(max(run["norms"][0] / run["norms"][-1], 1e-99), rel=1e-3)
    assert (len(run["norms"]), sum(run["histogram"]["shares"])) == (12, pytest.approx(1, abs=1e-3))
    assert len(found["modes"]["runs"][0]["samples"]) == 4


def test_collapsed_runs_are_counted():
    base = {"sharp": 8, "reached": 8, "share_within_3_sigma": 0.5, "exact_em": 0.1, "floor": 0.1}
    runs = [
        {**base, "data": name, "arm": "minimax", "covered": covered, "value_follows_em": follows}
        for name, covered, follows in (
            ("8 gaussians", 8, 0.5),
            ("8 gaussians", 7, None),
            ("25 gaussians", 24, 0.1),
            ("25 gaussians", 25, 0.3),
        )
    ]
    found = modes.summarise(runs)["minimax"]
    assert (found["n"], found["collapsed"], found["share_collapsed"]) == (4, 2, 0.5)
    assert found["data"]["8 gaussians"]["covered"] == 7.5
    assert found["data"]["8 gaussians"]["value_follows_em"] == 0.5
    assert found["data"]["25 gaussians"]["value_follows_em"] == pytest.approx(0.2)
    assert modes.rank_correlation([1, 2, 3], [2, 30, 400]) == pytest.approx(1)
    assert modes.penalty_norm(runs) is None


def test_the_claims_find_their_figures(measured):
    rows = {row["id"]: row for row in verdicts.load(ROOT / "reports/claims.yaml")}
    found = json.loads((measured / "data/toy.json").read_text())
    ready = "mode-collapse wgan-fewer-drops clipping-toy capacity-underuse exploding-vanishing penalty-holds-norm"
    for name in ready.split():
        row = rows[name]
        assert (row["status"], row["data"]) == ("ready", "toy.json")
        figure = rules.value(row["figure"], found)
        assert math.isfinite(figure)
        assert rules.value(row["reproduced_if"], found, figure) in (False, True)
        # two seeds are too few
        assert rules.value(row["needs"], found) is False


def test_the_report_is_rendered_from_the_data_alone(measured, tmp_path):
    shutil.copytree(measured, tmp_path / "reports")
    file = tmp_path / "reports/data/toy.json"
    found = json.loads(file.read_text())
    found["surfaces"]["8 gaussians"] |= {"share_at_bound": 0.25, "n": 3}
    found["gradient_norms"]["penalty"]["ratio"] = 2.5
    file.write_text(json.dumps(found))
    shutil.copy(ROOT / "reports/claims.yaml", tmp_path / "reports")
    call("toy", ["--reports", str(tmp_path / "reports")])
    text = (tmp_path / "reports/toy.md").read_text()
    assert "where the penalty leaves 2.5 (n = " in " ".join(text.split())
    # as the claims' page judges them
    assert re.search(
        r"more than half of the weights at the bound; partly if more than a fifth \| "
        r"\[.*claims.md#capacity-underuse\) \| 0.25 ",
        text,
    )
    assert "claims.md#clipping-toy) | waiting: 2 of 3 seeds |" in text
    assert found["modes"]["starts"][0]["command"] in text
    for name in DRAWN:
        assert (tmp_path / f"reports/figures/toy_{name}.png").stat().st_size > 5000
        assert f"figures/toy_{name}.png" in text
    assert (tmp_path / "reports/toy.html").is_file()


def toy(*flags):
    call("toy", flags)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: data.look_up("9 gaussians"), r"data: given '9 gaussians'.*8 gaussians, 25 gaussians"),
        (lambda: data.describe("swiss roll"), r"data: given 'swiss roll'.*8 gaussians, 25 gaussians$"),
        (lambda: data.draw("moons", 0, "test", 0, 1), r"data: given 'moons'"),
        (lambda: data.Batches("moons", 1, 0), r"data: given 'moons'"),
        (lambda: data.beside("swiss roll", np.zeros((3, 2))), r"latents: given \(3, 2\).*\(N, 5\)"),
        (lambda: data.count_modes("8 gaussians", np.zeros((0, 2))), r"samples: given none"),
        (lambda: measures.optimal_critic(np.zeros((0, 2)), np.zeros((1, 2))), r"points: given \(0, 2\)"),
        (lambda: measures.correlation([1, 2], [1]), r"second: given \(1,\)"),
        (lambda: measures.gradient_norms([(np.zeros((1, 2)), [0])], None, None), r"layers: given \[\(1, 2\)\]"),
        (lambda: measures.share_at_bound([], 0), r"bound: given 0.*above 0"),
        (lambda: networks.build_trainer("8 gaussians", "wgan", 0, 4), r"arm: given 'wgan'.*clip, penalty"),
        (lambda: networks.build_critic(0, 0), r"--width: given 3 hidden layers of 0"),
        (lambda: toy("--measure", "--parts", "mode"), r"--parts: given mode; allowed: modes, surfaces"),
        (lambda: toy("--measure", "--generator-steps", "3"), r"--generator-steps: given 3; allowed: 4"),
        (lambda: toy("--measure", "--width", "0"), r"--width: given 0; allowed: 1"),
        (lambda: toy("--measure", "--seeds", "1", "1"), r"--seeds: given 1 1; allowed: .*different"),
        (lambda: toy("--measure", "--seeds", "1", "-1"), r"--seeds: given 1 -1; allowed: 0 or more"),
        (lambda: toy("--width", "8"), r"--width: given 8; allowed: .*--measure"),
        (lambda: toy("--parts", "modes"), r"--parts: given modes; allowed: .*--measure"),
    ],
)
def test_a_mistake_is_named(small, mistake, message):
    with pytest.raises(UserError, match=message):
        mistake()


def test_a_report_without_all_runs_is_refused(measured, tmp_path):
    with pytest.raises(UserError, match=r"--reports: given .*no data/toy.json"):
        toy("--reports", str(tmp_path))
    found = json.loads((measured / "data/toy.json").read_text())
    del found["modes"]
    found["gradient_norms"]["runs"] = found["gradient_norms"]["runs"][1:]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/toy.json").write_text(json.dumps(found))
    with pytest.raises(UserError, match=r"without all of modes, gradient_norms; allowed: .*--parts modes gradient_n"):
        toy("--reports", str(tmp_path))


def test_one_part_alone_is_measured_without_a_report(small, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(modes, "ARMS", ("clip",))
    flags = ["--measure", "--parts", "modes", "--seeds", "3", "--width", "4", "--reports", str(tmp_path)]
    with caplog.at_level("INFO"):
        toy(*flags, "--generator-steps", "4")
    runs = json.loads((tmp_path / "data/toy.json").read_text())["modes"]["runs"]
    assert [(run["arm"], run["seed"]) for run in runs] == [("clip", 3)] * 2
    assert "no report yet: --reports: given" in caplog.text
    assert not (tmp_path / "toy.md").exists()


def test_the_size_of_what_is_measured_by_default():
    assert gradients.jobs([7]) == [("swiss roll", arm, 7) for arm in gradients.ARMS]
    assert surfaces.updates(("8 gaussians", "penalty", 0), 5000) == 10000
    assert surfaces.updates(("8 gaussians", "optimal", 0), 5000) == 0
    assert (len(modes.jobs()), len(surfaces.jobs()), len(gradients.jobs())) == (40, 27, 12)
