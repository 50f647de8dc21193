"""The toy experiments of WGAN-GP: the data, what is measured by hand and by scipy, little training, the report."""

import json
import math
import shutil
import types

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm

from gluon_wgan import study_commands
from gluon_wgan.errors import UserError
from gluon_wgan.report import claims, rules
from gluon_wgan.report import toy as report
from gluon_wgan.studies import toy as study
from gluon_wgan.studies import toy_data as data
from gluon_wgan.studies import toy_gradients as gradients
from gluon_wgan.studies import toy_measures as measures
from gluon_wgan.studies import toy_modes as modes
from gluon_wgan.studies import toy_networks as networks
from gluon_wgan.studies import toy_surfaces as surfaces
from gluon_wgan.studies.distances_training import input_gradients, scores

ROOT_OF_2 = math.sqrt(2)
STEPS = 6
BAR = types.SimpleNamespace(update=lambda: None)


def test_centres_by_hand():
    centres, near, three_sigma = data.describe("8 gaussians")
    assert centres[0] == pytest.approx([2 / 1.414, 0])
    assert centres[1] == pytest.approx([ROOT_OF_2 / 1.414] * 2)
    assert np.hypot(*centres.T) == pytest.approx([2 / 1.414] * 8)
    # two neighbours on a circle of radius r are 2 r sin(pi / 8) apart
    assert near == pytest.approx(0.2 * 2 * (2 / 1.414) * math.sin(math.pi / 8))
    assert three_sigma == pytest.approx(0.06 / 1.414)
    centres, near, three_sigma = data.describe("25 gaussians")
    expected = {(2 * x / 2.828, 2 * y / 2.828) for x in range(-2, 3) for y in range(-2, 3)}
    assert {tuple(centre) for centre in centres} == expected
    assert (near, three_sigma) == pytest.approx((0.4 / 2.828, 0.15 / 2.828))


def test_points_by_hand():
    noise = np.array([[1.0, -2.0], [0.0, 0.0]])
    # places .3 and .99 of 8: centres 2, above the origin, and 7
    found = data.points("8 gaussians", np.array([0.3, 0.99]), noise)
    assert found == pytest.approx(np.array([[0.02, 2 - 0.04], [ROOT_OF_2, -ROOT_OF_2]]) / 1.414)
    # at place 1/6 t is 2 pi: (2 pi, 0); at 1/2 it is 3 pi: (-3 pi, 0)
    found = data.points("swiss roll", np.array([1 / 6, 1 / 2]), noise)
    expected = np.array([[2 * math.pi + 0.25, -0.5], [-3 * math.pi, 0]]) / 7.5
    assert found == pytest.approx(expected, abs=1e-12)
    # a place that was rounded up to 1 is of the last centre
    assert data.points("25 gaussians", np.float32([1]), np.zeros((1, 2))) == pytest.approx(4 / 2.828)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("8 gaussians", (2 + 0.02**2) / 1.414**2),  # of an axis: half the squared radius
        ("25 gaussians", (8 + 0.05**2) / 2.828**2),  # 4 (4 + 1 + 0 + 1 + 4) / 5
    ],
)
def test_moments(name, variance):
    drawn = data.draw(name, 0, "test", 0, 20000)
    assert drawn.mean(axis=0) == pytest.approx([0, 0], abs=0.03)  # four standard errors of a spread of 1
    assert drawn.var(axis=0) == pytest.approx([variance] * 2, rel=0.03)
    assert np.array_equal(drawn, data.draw(name, 0, "test", 0, 20000))
    assert not np.array_equal(drawn, data.draw(name, 1, "test", 0, 20000))


def test_the_held_generator_adds_a_unit_gaussian():
    latents = np.random.default_rng(0).normal(size=(20000, 5))
    found = data.beside("8 gaussians", latents)
    assert found.var(axis=0) == pytest.approx([(2 + 0.02**2) / 1.414**2 + 1] * 2, rel=0.04)
    quiet = data.beside("8 gaussians", np.array([[norm.ppf(0.3), 0, 0, 0.5, -1.0]]))
    assert quiet == pytest.approx(np.array([[0.5, 2 / 1.414 - 1]]))
    batch = data.Batches("swiss roll", 7, seed=3)[2]
    assert (batch.shape, batch.dtype) == ((7, 2, 1, 1), np.float32)


def test_modes_of_constructed_samples():
    centres, near, three_sigma = data.describe("8 gaussians")
    # 10 a mode are fair of 80, so 3 of them cover; 2 do not
    samples = np.full((80, 2), 10.0)
    samples[:3] = centres[0]
    samples[3:6] = centres[1] + [0.99 * near, 0]
    samples[6:8] = centres[2] + [0, 0.99 * three_sigma]
    samples[8:30] = centres[3] + [0, 1.01 * near]
    assert data.count_modes("8 gaussians", samples) == {
        "covered": 2,
        "sharp": 1,
        "reached": 2,
        "share_within_3_sigma": 5 / 80,
    }
    everything = data.draw("25 gaussians", 0, "test", 0, 2500)
    found = data.count_modes("25 gaussians", everything)
    assert (found["covered"], found["sharp"], found["reached"]) == (25, 25, 25)
    # Rayleigh: within 3 sigma in two dimensions
    assert found["share_within_3_sigma"] == pytest.approx(1 - math.exp(-4.5), abs=0.01)


@pytest.mark.parametrize("name", modes.MIXTURES)
def test_samples_strewn_evenly_cover_no_mode(name):
    strewn = np.random.default_rng(0).uniform(-2 / ROOT_OF_2, 2 / ROOT_OF_2, (2500, 2)) * (1 + 0.25 * (name[0] == "2"))
    assert data.count_modes(name, strewn)["covered"] == 0


def test_optimal_critic_on_a_line_by_hand():
    # 0 -> 1 and 10 -> 13 cost 4; f falls with slope 1 along both ways and is anything between that is 1-Lipschitz
    em, at_real, at_fake = measures.optimal_critic(np.array([[0.0], [10.0]]), np.array([[1.0], [13.0]]))
    assert em == pytest.approx(2)
    assert at_real - at_fake == pytest.approx([1, 3])
    # one chain: 0 -> 1, 1 -> 2, 2 -> 3; its critic is -x up to a constant
    chain = np.arange(3.0)[:, None]
    em, at_real, at_fake = measures.optimal_critic(chain, chain + 1)
    assert em == pytest.approx(1)
    values = np.concatenate([at_real, at_fake])
    assert values - values[0] == pytest.approx(-np.array([0, 1, 2, 1, 2, 3.0]))
    assert measures.extend(at_fake, chain + 1, chain - 0.5) - at_real[0] == pytest.approx([0.5, -0.5, -1.5])


def test_optimal_critic_beside_scipy():
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(40, 2)), random.normal(size=(40, 2)) + 1
    costs = np.hypot(*(real[:, None] - fake[None]).transpose(2, 0, 1))
    em, at_real, at_fake = measures.optimal_critic(real, fake)
    assert em == pytest.approx(costs[linear_sum_assignment(costs)].mean(), rel=1e-9)
    assert em == pytest.approx(at_real.mean() - at_fake.mean())
    everywhere = np.concatenate([real, fake, random.normal(size=(50, 2))])
    values = measures.extend(at_fake, fake, everywhere)
    assert values[:80] == pytest.approx(np.concatenate([at_real, at_fake]), abs=1e-9)
    ways = np.hypot(*(everywhere[:, None] - everywhere[None]).transpose(2, 0, 1))
    assert (np.abs(values[:, None] - values[None]) <= ways + 1e-9).all()


def test_correlation():
    assert measures.correlation([1, 2, 3], [5, 7, 9]) == pytest.approx(1)
    assert measures.correlation([1, 2, 3, 4], [1, -1, 1, -1]) == pytest.approx(-1 / math.sqrt(5))
    assert measures.correlation([1, 1], [0, 2]) == 0


def test_gradient_norms_of_a_linear_net_by_hand():
    # all units are active: by the last activations the gradient is +-w / N a sample, and each layer before doubles it
    ones = np.ones((1, 2))
    layers = [(2 * np.eye(2), [1, 1]), (2 * np.eye(2), [1, 1]), (2 * np.eye(2), [0, 0]), (np.array([[3.0, 4.0]]), [0])]
    last = math.sqrt(2 * 5**2)  # two samples of norm 5
    assert measures.gradient_norms(layers, ones, 2 * ones) == pytest.approx([4 * last, 2 * last, last])
    # batches of two: half of it a sample, four samples
    twice = [np.concatenate([side, side]) for side in (ones, 2 * ones)]
    assert measures.gradient_norms(layers, *twice)[-1] == pytest.approx(last / math.sqrt(2))
    # a unit that is not active passes nothing on
    layers[2] = (2 * np.eye(2), [0, -100])
    found = measures.gradient_norms(layers, ones, 2 * ones)
    assert found[:2] == pytest.approx(math.sqrt(2) * 3 * np.array([4, 2]))


def test_gradient_norms_are_mxnets():
    from mxnet import autograd, nd

    critic = networks.build_critic(0, 6, 2)
    layers = networks.layers_of(critic)
    random = np.random.default_rng(0)
    real, fake = (random.normal(size=(4, 2)).astype(np.float32) for _ in range(2))
    active = nd.relu(nd.dot(nd.array(np.concatenate([real, fake])), nd.array(layers[0][0].T)))
    active.attach_grad()
    with autograd.record():
        hidden = nd.relu(nd.dot(active, nd.array(layers[1][0].T)))
        value = nd.dot(hidden, nd.array(layers[2][0].T))
        loss = value[4:].mean() - value[:4].mean()
    loss.backward()
    found = measures.gradient_norms(layers, real, fake)
    assert found[0] == pytest.approx(np.linalg.norm(active.grad.asnumpy()), rel=1e-5)


def test_share_at_bound_and_histogram():
    layers = [(np.array([[0.01, -0.0099], [0.0098, 0.0]]), [0.01, 0.01]), (np.array([[0.0, -0.01]]), [0.01])]
    assert measures.share_at_bound(layers, 0.01) == pytest.approx(3 / 6)
    found = measures.weight_histogram(layers)
    assert found["reach"] == 0.01
    assert found["shares"][0] == pytest.approx(2 / 6)
    assert found["shares"][measures.BINS // 2] == pytest.approx(2 / 6)


def test_networks_start_as_he():
    critic, generator = networks.build_critic(0, 64), networks.build_generator(0, 64)
    shapes = [weight.shape for weight, _ in networks.layers_of(critic)]
    assert shapes == [(64, 2), (64, 64), (64, 64), (1, 64)]
    weight, bias = networks.layers_of(critic)[1]
    assert weight.std() == pytest.approx(math.sqrt(2 / 64), rel=0.03)
    assert np.abs(weight).max() <= math.sqrt(6 / 64)
    assert np.abs(networks.layers_of(critic)[3][0]).max() <= math.sqrt(6 / 65)
    assert not bias.any()
    from mxnet import nd

    assert generator(nd.ones((3, 2, 1, 1))).shape == (3, 2, 1, 1)
    assert critic(nd.ones((3, 2, 1, 1))).shape == (3,)


def test_the_penalty_brings_the_norm_nearer_to_1():
    trainer = networks.build_trainer("8 gaussians", "penalty", 0, 16, held=True)
    # three times as steep as it starts
    last = list(trainer.critic.collect_params().values())[-2]
    last.set_data(3 * last.data())
    real = data.draw("8 gaussians", 0, "test", 0, 200)
    fake = networks.generated(trainer, "test", 200)
    before = networks.norm_between(trainer.critic, real, fake, 0)
    for _ in range(80):
        trainer.critic_step()
    after = networks.norm_between(trainer.critic, real, fake, 0)
    assert abs(after - 1) < 0.8 * abs(before - 1)


def test_norm_between_is_that_of_the_gradients(monkeypatch):
    trainer = networks.build_trainer("8 gaussians", "clip", 0, 8, held=True)
    point = np.array([[0.3, -0.2]])
    step = np.eye(2) * 1e-2
    slopes = (scores(trainer.critic, point + step) - scores(trainer.critic, point - step)) / 2e-2
    expected = np.linalg.norm(slopes)
    assert networks.norm_between(trainer.critic, point, point, 0) == pytest.approx(expected, rel=1e-3)
    assert input_gradients(trainer.critic, point)[0] == pytest.approx(slopes, rel=1e-2)


def test_a_clipped_critic_stays_in_its_box():
    trainer = networks.build_trainer("swiss roll", "clip", 0, 8, clip_bound=0.02)
    trainer.critic_step()
    trainer.generator_step()
    largest = max(np.abs(part).max() for layer in networks.layers_of(trainer.critic) for part in layer)
    assert largest == np.float32(0.02)


def test_the_optimal_arm_has_the_trainers_latents():
    trainer = networks.build_trainer("swiss roll", "clip", 5, 4, held=True)
    fake = networks.generated(trainer, "toy: held-out latents", surfaces.POINTS)
    assert data.beside("swiss roll", surfaces._held_latents(5)) == pytest.approx(fake, abs=1e-6)


@pytest.fixture(scope="module")
def small():
    """Make everything small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modes, "EM_POINTS", 30)
        patch.setattr(modes, "COUNTED", 100)
        patch.setattr(modes, "EVALUATIONS", 4)
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
    study.write(folder, seeds=(1,), width=4, generator_steps=STEPS)
    study.write(folder, ["surfaces"], seeds=(0, 1), width=4, generator_steps=STEPS)
    return folder


def test_a_tiny_measurement_is_kept_and_not_repeated(measured, monkeypatch):
    file = measured / "data/toy.json"
    text = file.read_text()
    found = json.loads(text, parse_constant=pytest.fail)
    assert text.count("\n") < 1000  # a line for each run
    assert list(found) == ["command", *study.PARTS, "penalty_norm"]
    assert str(measured) not in text
    runs = found["surfaces"]["runs"]
    assert [(run["seed"], run["arm"]) for run in runs[:3]] == [(0, "optimal"), (0, "clip"), (0, "penalty")]
    assert (len(runs), len(found["modes"]["runs"]), len(found["gradient_norms"]["runs"])) == (18, 8, 4)
    # the second command kept the first's seed 1, and has surfaces for the figure from its own seed 0
    assert len(found["surfaces"]["starts"]) == 2
    assert [run["start"] for run in runs] == [1] * 9 + [0] * 9
    assert ["surface" in run for run in runs] == [True] * 9 + [False] * 9
    for part in study.PARTS:
        monkeypatch.setattr(study._module(part), "run", lambda *_, **__: pytest.fail("measured again"))
    study.write(measured, ["modes", "gradient_norms"], seeds=(1,), width=4, generator_steps=STEPS)
    study.write(measured, ["surfaces"], seeds=(0, 1), width=4, generator_steps=STEPS)
    assert file.read_text() == text
    with pytest.raises(UserError, match=r"--width: given 8; allowed: 4, as the runs in .*toy.json"):
        study.write(measured, ["modes"], width=8, generator_steps=STEPS)


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
    rows = {row["id"]: row for row in claims.load(report.Path(__file__).parents[1] / "reports/claims.yaml")}
    found = json.loads((measured / "data/toy.json").read_text())
    ready = "mode-collapse wgan-fewer-drops clipping-toy capacity-underuse exploding-vanishing penalty-holds-norm"
    for name in ready.split():
        row = rows[name]
        assert (row["status"], row["data"]) == ("ready", "toy.json")
        figure = rules.value(rules.parse_expression(row["figure"]), found)
        assert math.isfinite(figure)
        rules.holds(rules.parse_rule(row["reproduced_if"]), found, figure)
        # two seeds are too few
        assert not rules.holds(rules.parse_rule(row["needs"]), found)


def test_the_report_is_rendered_from_the_data_alone(measured, tmp_path):
    shutil.copytree(measured, tmp_path / "reports")
    file = tmp_path / "reports/data/toy.json"
    found = json.loads(file.read_text())
    found["penalty_norm"] |= {"mean": 0.876}
    found["surfaces"]["8 gaussians"]["share_at_bound"] = 0.25
    file.write_text(json.dumps(found))
    study_commands.toy(["--reports", str(tmp_path / "reports")])
    text = (tmp_path / "reports/toy.md").read_text()
    assert "between the distributions is 0.88 (" in " ".join(text.split())
    assert "mean norm between the distributions within 0.2 of 1 | 0.876 | yes" in text
    assert "more than half of the weights at the bound | 0.25 | no" in text
    assert "python experiments/toy.py --measure --width 4 --generator-steps 6" in text
    for name in report.DRAWN:
        assert (tmp_path / f"reports/figures/toy_{name}.png").stat().st_size > 5000
        assert f"figures/toy_{name}.png" in text
    assert (tmp_path / "reports/toy.html").is_file()


@pytest.mark.parametrize(
    ("call", "message"),
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
        (lambda: modes.run(("8 gaussians", "clip", 0), 4, 3, BAR), r"--generator-steps: given 3; allowed: 4 or more"),
        (lambda: study.write("reports", ["mode"]), r"--parts: given mode; allowed: modes, surfaces"),
        (lambda: study.write("reports", generator_steps=3), r"--generator-steps: given 3; allowed: 4"),
        (lambda: study.write("reports", width=0), r"--width: given 0; allowed: 1"),
        (lambda: study.write("reports", seeds=(1, 1)), r"--seeds: given 1 1; allowed: .*different"),
        (lambda: study_commands.toy(["--width", "8"]), r"--width: given 8; allowed: .*--measure"),
        (lambda: study_commands.toy(["--parts", "modes"]), r"--parts: given modes; allowed: .*--measure"),
    ],
)
def test_a_mistake_is_named(small, call, message):
    with pytest.raises(UserError, match=message):
        call()


def test_a_report_without_all_runs_is_refused(measured, tmp_path):
    with pytest.raises(UserError, match=r"--reports: given .*no data/toy.json"):
        report.write(tmp_path)
    found = json.loads((measured / "data/toy.json").read_text())
    del found["modes"]
    found["gradient_norms"]["runs"] = found["gradient_norms"]["runs"][1:]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/toy.json").write_text(json.dumps(found))
    with pytest.raises(UserError, match=r"without all of modes, gradient_norms; allowed: .*--parts modes gradient_n"):
        report.write(tmp_path)


def test_one_part_alone_is_measured_without_a_report(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(study, "write", lambda *given: given)
    flags = ["--measure", "--parts", "modes", "--seeds", "3", "4", "--width", "8", "--reports", str(tmp_path)]
    with caplog.at_level("INFO"):
        study_commands.toy([*flags, "--generator-steps", "30"])
    assert f"measured: ('{tmp_path}', ('modes',), (3, 4), 8, 30)" in caplog.text
    assert "no report yet: --reports: given" in caplog.text


def test_the_size_of_what_is_measured_by_default():
    assert gradients.jobs([7]) == [("swiss roll", arm, 7) for arm in gradients.ARMS]
    assert surfaces.updates(("8 gaussians", "penalty", 0), 5000) == 10000
    assert surfaces.updates(("8 gaussians", "optimal", 0), 5000) == 0
    assert (len(modes.jobs()), len(surfaces.jobs()), len(gradients.jobs())) == (40, 27, 12)
