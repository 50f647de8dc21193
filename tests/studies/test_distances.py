"""The distances behind GANs: by other libraries and by hand, trained networks, the data, the report."""

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm, wasserstein_distance

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import critics
from gluon_wgan.evaluate.divergences import em_of_samples
from gluon_wgan.report.numbers import number
from gluon_wgan.studies import Study
from gluon_wgan.studies.distances import critics as training
from gluon_wgan.studies.distances import gaussians, gradients, lines, pairs, told_apart
from gluon_wgan.studies.distances.figures import DRAWN
from gluon_wgan.studies.distances.question import PARTS, Flags

TINY = {"generator_channels": 2, "critic_channels": 2, "latent_dim": 3, "batch_size": 4, "n_critic": 1}


@pytest.mark.parametrize(("theta", "expected"), [(0, (0, 0, 0, 0)), (-1.5, (1.5, math.log(2), 1, math.inf))])
def test_closed_forms_by_hand(theta, expected):
    assert tuple(lines.closed_form(theta)[name] for name in ("em", "js", "tv", "kl")) == expected


def test_closed_slopes_by_hand():
    assert lines.closed_form_slope(2) == {"em": 1, "js": 0}
    assert lines.closed_form_slope(-0.1) == {"em": -1, "js": 0}
    assert lines.closed_form_slope(0) == {"em": None, "js": None}


def test_em_of_samples_is_that_of_other_solvers():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(30, 2)), random.normal(size=(30, 2)) + 0.5
    costs = np.hypot(*(first[:, None] - second[None]).transpose(2, 0, 1))
    assert em_of_samples(first, second) == pytest.approx(costs[linear_sum_assignment(costs)].mean(), rel=1e-9)
    on_a_line = random.normal(size=40), random.exponential(size=25)
    expected = wasserstein_distance(*on_a_line)
    assert em_of_samples(*(x[:, None] for x in on_a_line)) == pytest.approx(expected, rel=1e-9)


def test_em_of_lines_from_samples_is_near_the_closed_form():
    for theta in (-1.0, 0.5):
        first, second = lines.draw(theta, 200, seed=0)
        # no less than theta; more by the difference of two samples of 200 heights, whose mean is about .04, squared
        assert abs(theta) <= em_of_samples(first, second) <= abs(theta) + 0.01
    shared = lines.draw(1.0, 50, seed=3)[0], lines.draw(2.0, 50, seed=3)[0]
    assert np.array_equal(*shared)  # the real line does not depend on theta


def test_histograms_of_known_overlap():
    # cells of width 1 around 0, 1, 2: shares (1/2, 1/2, 0) and (0, 1/2, 1/2), so half of the mass overlaps
    first, second = np.array([[0.4, 0], [0.6, 0]]), np.array([[1.4, 0], [1.6, 0]])
    p, q = lines.histograms(first, second, 1.0)
    assert (p.tolist(), q.tolist()) == ([0.5, 0.5, 0], [0, 0.5, 0.5])
    found = lines.estimates(first, second, 1.0)
    assert found["js"] == pytest.approx(math.log(2) / 2)
    assert found["tv"] == 0.5
    assert found["kl"] == math.inf
    assert found["em"] == pytest.approx(1)


def test_estimated_slopes():
    assert lines.estimated_slope(1.0, 100, 0.1, seed=0) == pytest.approx({"em": 1, "js": 0}, abs=0.02)
    # theta goes from .02, in the cell of 0, to .06, in the next: JS from almost 0 to log 2 over .04
    edge = lines.estimated_slope(0.04, 100, 0.1, seed=0)
    assert edge["js"] == pytest.approx(math.log(2) / 0.04, rel=0.1)


def test_lines_in_json_have_infinity_as_text():
    found = lines.measure(thetas=(0.0, 1.0), points=20, seeds=(0, 1))
    at_0, at_1 = json.loads(json.dumps(found, allow_nan=False))["rows"]
    assert (at_0["exact"]["kl"], at_1["exact"]["kl"], at_1["estimate"]["kl"]["mean"]) == (0, "inf", "inf")
    assert at_0["slope_exact"]["em"] is None
    assert at_1["estimate"]["em"]["low"] <= at_1["estimate"]["em"]["mean"] <= at_1["estimate"]["em"]["high"]


def test_optimal_discriminator_by_hand():
    x = np.array([-1.0, 0.0, 0.7, 2.0])
    p, q = norm.pdf(x, -1), norm.pdf(x, 2)
    found, gradient = gaussians.optimal_discriminator(x, -1.0, 2.0)
    assert found == pytest.approx(p / (p + q), rel=1e-12)
    step = 1e-6
    above, below = (gaussians.optimal_discriminator(x + side * step, -1.0, 2.0)[0] for side in (1, -1))
    assert gradient == pytest.approx((np.log(1 - above) - np.log(1 - below)) / (2 * step), rel=1e-6)
    assert gaussians.optimal_discriminator(np.array([0.5]), -1.0, 2.0)[0] == pytest.approx([0.5])  # half way


class Known:
    """A critic of known scores: f(x) = 3 x0."""

    def __call__(self, inputs):
        return 3 * inputs.reshape((inputs.shape[0], -1))[:, 0]


def test_gradients_and_estimates_of_a_known_critic():
    points = np.array([[-1.0, 4.0], [0.5, 0.0]])
    assert critics.scores(Known(), points).tolist() == [-3, 1.5]
    assert critics.input_gradients(Known(), points).tolist() == [[3, 0], [3, 0]]
    held_out = critics.HeldOut(points, -points, np.array([0.25, 0.75]), np.array([0.5, 0.5]))
    # 3 (-.25 + .375) - 3 (.5 - .25)
    assert critics.estimate("wasserstein", Known(), held_out) == pytest.approx(0.375 + -0.75)
    sigmoid = [1 / (1 + math.exp(-score)) for score in (-3, 1.5)]
    real = 0.25 * math.log(sigmoid[0]) + 0.75 * math.log(sigmoid[1])
    fake = 0.5 * math.log(1 - 1 / (1 + math.exp(-3))) + 0.5 * math.log(1 - 1 / (1 + math.exp(1.5)))
    assert critics.estimate("minimax", Known(), held_out) == pytest.approx((math.log(4) + real + fake) / 2)
    x = np.array([-1.0, 0.5])
    value, gradient = gaussians.values_and_gradients("minimax", Known(), x)
    assert value == pytest.approx(sigmoid)
    assert gradient == pytest.approx([-3 * one for one in sigmoid])
    assert gaussians.values_and_gradients("wasserstein", Known(), x)[1].tolist() == [3, 3]


def test_quadrature_gives_the_gaussians_moments():
    points = gaussians.quadrature()
    assert points.real_weights @ points.real[:, 0] == pytest.approx(gaussians.REAL_MEAN, abs=1e-9)
    assert points.fake_weights @ (points.fake[:, 0] - gaussians.FAKE_MEAN) ** 2 == pytest.approx(1, abs=1e-6)


def test_training_clips_the_critic_alone_and_learns():
    held_out = gaussians.quadrature(400)
    draw = gaussians._draw
    critic = training.train("wasserstein", draw, held_out, seed=0, most_updates=40)
    largest = max(np.abs(one.data().asnumpy()).max() for one in critic.critic.collect_params().values())
    assert largest <= np.float32(training.CLIP_BOUND)
    assert critic.estimate > 0  # high on the real side
    assert (critic.updates, critic.settled) == (40, False)
    free = training.train("minimax", draw, held_out, seed=0, most_updates=200)
    assert max(np.abs(one.data().asnumpy()).max() for one in free.critic.collect_params().values()) > 0.1
    assert 0.1 < free.estimate < math.log(2)


def test_training_stops_when_it_has_settled(monkeypatch):
    monkeypatch.setattr(training, "CHECK_EVERY", 2)
    monkeypatch.setattr(training, "WINDOW", 4)
    monkeypatch.setattr(training, "SETTLED", 1e9)
    found = training.train("wasserstein", gaussians._draw, gaussians.quadrature(50), seed=0, most_updates=20)
    assert (found.updates, found.settled) == (6, True)


@pytest.mark.parametrize("pair", pairs.PAIRS, ids=lambda pair: pair.name)
def test_a_pairs_distance_is_that_of_its_samples(pair):
    first, second = pair.draw(np.random.default_rng(1), 300)
    matched = np.hypot(*(first - second).T).mean()  # the way of every point
    assert em_of_samples(first, second) == pytest.approx(matched, rel=1e-6)  # no other matching costs less
    # standard error of the widest, 1.21 / sqrt(300) = .07, three times
    assert matched == pytest.approx(pair.exact, abs=0.21)


def test_norm_and_variance_by_hand():
    # norms 5 and 1; variances of (3, 0) and (4, 1): 4.5 each
    assert gradients.norm_and_variance(np.array([[3.0, 4.0], [0.0, 1.0]])) == pytest.approx((3, 9))


def test_summary_takes_the_median_of_the_seeds():
    norms = [[1.0, 4.0, 2.0], [2.0, 1.0, 1.0], [1.0, 1.0, 0.1]]
    found = gradients.summarise(norms, [[1.0, 9.0, 3.0], [2.0, 2.0, 40.0], [1.0, 1.0, 5.0]])
    assert found["last_over_first"] == 0.5  # of 2, .5, .1
    assert found["last_over_largest"] == 0.5  # of .5, .5, .1
    assert found["variance_growth"] == 5  # of 3, 20, 5


@pytest.mark.parametrize("loss", ["minimax", "non_saturating", "wasserstein"])
def test_generator_gradient_is_the_losss_slope(loss):
    from mxnet import autograd, nd

    from gluon_wgan.losses import generator_loss
    from gluon_wgan.models import build_critic, build_generator

    tiny = {**TINY, "generator_channels": 16, "critic_channels": 16}  # fewer ReLU units may all be 0
    settings = replace(gradients.SETTINGS, generator="mlp", critic="mlp", **tiny)
    generator, critic = build_generator(settings), build_critic(settings)
    latent = np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32)
    gradient = gradients.generator_gradient(generator, critic, loss, latent)
    weights = list(generator.collect_params().values())
    assert gradient.shape == (sum(weight.data().size for weight in weights),)
    bias, step = weights[-1], 1e-2

    def value(moved):
        kept = bias.data().copy()
        bias.set_data(kept + nd.array(moved))
        with autograd.train_mode():
            found = generator_loss(loss, critic(generator(nd.array(latent)))).asscalar()
        bias.set_data(kept)
        return found

    # along the gradient of the last bias; float32 losses, so no closer
    of_bias = gradient[-bias.data().size :]
    assert np.linalg.norm(of_bias) > 1e-3
    direction = (of_bias / np.linalg.norm(of_bias)).astype(np.float32)
    slope = (value(step * direction) - value(-step * direction)) / (2 * step)
    assert slope == pytest.approx(np.linalg.norm(of_bias), rel=0.02)


def test_accuracy_by_hand():
    # 0 is on neither side
    assert told_apart.accuracy([2.0, 0.0, -1.0, 3.0], [-5.0, 0.0, 1.0]) == pytest.approx((0.5, 1 / 3))


def test_a_discriminator_learns_what_is_easy_to_tell(tmp_path):
    """A generator that has hardly begun gives grey pictures: a discriminator soon tells all of them."""
    settings = replace(told_apart.SETTINGS, image_size=16, generator_channels=4, critic_channels=4, batch_size=16)
    given = {"seeds": (0,), "generator_steps": 1, "pictures": 200}
    found = {updates: told_apart.measure(tmp_path, settings, updates=updates, **given) for updates in (0, 150)}
    assert found[150]["held_out"] == found[0]["held_out"] > 10
    assert found[150]["accuracy"] > 0.95 and found[150]["n"] == 1
    assert found[0]["accuracy"] < found[150]["accuracy"]  # chance, of random weights
    assert found[0]["accuracy"] == pytest.approx((found[0]["of_real"] + found[0]["of_fake"]) / 2)


def _all_finite(value):
    if isinstance(value, (dict, list)):
        return all(map(_all_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Return a folder of reports with all parts measured, by little training."""
    folder = tmp_path_factory.mktemp("distances")
    settings = replace(gradients.SETTINGS, **TINY)
    apart = replace(told_apart.SETTINGS, **TINY, image_size=16)
    tiny = {
        "told_apart": lambda: told_apart.measure(
            folder / "cache", apart, (0, 1), generator_steps=2, updates=4, pictures=40
        ),
        "parallel_lines": lambda: lines.measure(thetas=(-1.0, 0.0, 0.04, 1.0), points=30, seeds=(0, 1)),
        "two_gaussians": lambda: gaussians.measure(seeds=(0, 1), most_updates=20),
        "estimate_over_exact": lambda: pairs.measure(pairs.PAIRS[:2], seeds=(0,), most_updates=20),
        "generator_gradients": lambda: gradients.measure(
            folder / "cache", settings, (0, 1), probes=(0, 2, 5), generator_steps=2, latent_batches=3, pictures=8
        ),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gluon_wgan.studies.distances.measure._measure", lambda part, cache_dir: tiny[part]())
        for parts in (
            ("two_gaussians", "generator_gradients", "told_apart"),
            ("parallel_lines", "estimate_over_exact"),
        ):
            Study("distances").measure(Flags(measure=True, parts=parts, reports=str(folder)))  # keeps the others
    return folder


def test_a_tiny_measurement_has_finite_numbers(measured):
    text = (measured / "data/distances.json").read_text()
    data = json.loads(text, parse_constant=pytest.fail)
    assert set(data) == {*PARTS, "schema"}
    assert _all_finite(data)
    assert str(measured) not in text
    for name in ("critic", "discriminator"):
        part = data["two_gaussians"][name]
        ratios = [one["smallest_over_largest"] for one in part["seeds"]]
        assert part["smallest_over_largest"] == pytest.approx(np.median(ratios))
        assert (part["low"], part["high"]) == (min(ratios), max(ratios))
    found = data["estimate_over_exact"]
    assert found["largest"] == max(pair["factor"] for pair in found["pairs"])
    norms = np.array(data["generator_gradients"]["wasserstein"]["norms"])
    assert norms.shape == (2, 3)
    assert norms.min() > 0


def test_the_report_is_rendered_from_the_data_alone(measured):
    file = measured / "data/distances.json"
    data = json.loads(file.read_text())
    data["generator_gradients"]["minimax"] |= {"last_over_first": 0.00123, "last_over_first_of_seeds": [0.001, 0.002]}
    data["two_gaussians"]["critic"]["smallest_over_largest"] = 0.05
    file.write_text(json.dumps(data))
    shutil.copy(ROOT / "reports/claims.yaml", measured)
    call("distances", ["--reports", str(measured)])
    text = (measured / "distances.md").read_text()
    assert "becomes 0.00123 of the first with the plain GAN's loss" in " ".join(text.split())
    # as the claims' page judges them
    assert (
        "falls by 100 within 4,000 updates; partly by 10 | "
        "[✓ reproduced](claims.md#gradient-vanishes-in-training) | 0.00123"
    ) in text
    assert "[± partly](claims.md#two-gaussians-trained)" in text or "[✗ not reproduced](claims.md#two-gaus" in text
    assert "| ∞; ∞ |" in text
    for name in DRAWN:
        assert (measured / f"figures/distances_{name}.png").stat().st_size > 5000
        assert f"figures/distances_{name}.png" in text
    assert (measured / "distances.html").is_file()


def test_numbers_in_the_report():
    values = (None, "inf", 0, 1.23456, 1.2e-5, 12345.0)
    assert [number(value) for value in values] == ["none", "∞", "0", "1.23", "1.2e-05", "1.2e+04"]


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: lines.closed_form(math.nan), r"theta: given nan.*finite"),
        (lambda: lines.closed_form_slope(math.inf), r"theta: given inf.*finite"),
        (lambda: lines.histograms(np.zeros((2, 2)), np.zeros((2, 2)), 0), r"bin_width: given 0.*above 0"),
        (lambda: lines.measure(points=0), r"points: given 0.*1 or more"),
        (lambda: gaussians.optimal_discriminator(0.0, math.nan), r"real_mean: given nan"),
        (lambda: gaussians.measure(seeds=()), r"seeds: given none"),
        (lambda: training.train("non_saturating", None, None, 0), r"loss: given 'non_saturating'.*minimax"),
        (lambda: training.train("minimax", None, None, 0, most_updates=0), r"most_updates: given 0"),
        (lambda: pairs.held_out(pairs.PAIRS[0], 0), r"count: given 0"),
        (lambda: pairs.measure(pairs=()), r"pairs: given none"),
        (lambda: gradients.norm_and_variance(np.zeros((1, 3))), r"gradients: given 1.*two"),
        (lambda: gradients.measure("cache", probes=(10, 5)), r"probes: given \(10, 5\)"),
        (lambda: gradients.measure("cache", seeds=()), r"seeds: given none"),
        (lambda: told_apart.measure("cache", seeds=()), r"seeds: given none"),
        (
            lambda: call("distances", ["--measure", "--parts", "lines"]),
            r"--parts: given lines.*parallel_lines",
        ),
        (lambda: call("distances", ["--parts", "two_gaussians"]), r"--parts: given two_gaussians.*--measure"),
    ],
)
def test_a_mistake_is_named(mistake, message):
    with pytest.raises(UserError, match=message):
        mistake()


def test_a_report_without_data_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"--reports: given .*no data/distances.json"):
        call("distances", ["--reports", str(tmp_path)])
    (tmp_path / "data").mkdir()
    (tmp_path / "data/distances.json").write_text('{"command": "", "two_gaussians": {}}')
    with pytest.raises(
        UserError, match=r"without parallel_lines, estimate_over_exact, generator_gradients, told_apart"
    ):
        call("distances", ["--reports", str(tmp_path)])
