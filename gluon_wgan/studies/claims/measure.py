"""What claims.yaml needs and a formula or a few lines of numpy settle: distances, slopes, signs, sizes. No training."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import expit, log_expit
from scipy.stats import norm, wasserstein_distance

from gluon_wgan.evaluate.divergences import js, kl
from gluon_wgan.streams import generator
from gluon_wgan.studies.results import start_of_study

_CELLS = 1000  # per unit of length


def _uniforms(distance):
    """Return probabilities of U[0, 1] and U[distance, 1 + distance] on cells."""
    cells = np.zeros((2, 12 * _CELLS))
    start = round(distance * _CELLS)
    cells[0, :_CELLS] = cells[1, start : start + _CELLS] = 1 / _CELLS
    return cells


def _em(first, second):
    places = (np.arange(len(first)) + 0.5) / _CELLS
    return float(wasserstein_distance(places, places, first, second))


def uniforms():
    """Return JS, KL and EM of two uniform distributions of width 1, by the distance of their middles."""
    js_at = {d: js(*_uniforms(d)) for d in (0, 0.25, 0.75, 2, 10)}
    em_at = {d: _em(*_uniforms(d)) for d in (2, 10)}
    first, second = _uniforms(2)
    return {
        "js_same": js_at[0],
        "js_apart": js_at[2],
        "js_apart_over_log2": js_at[2] / np.log(2),
        "js_slope_overlapping": (js_at[0.75] - js_at[0.25]) / 0.5,
        "js_slope_apart": (js_at[10] - js_at[2]) / 8,
        "em_apart": em_at[2],
        "em_slope_apart": (em_at[10] - em_at[2]) / 8,
        "kl_apart_is_infinite": bool(np.isinf(kl(first, second))),
        # a share of 1e-12 of the first is mixed in, so that it is finite
        "kl_nearly_apart": kl(first, (1 - 1e-12) * second + 1e-12 * first),
    }


def segments(points=200):
    """Return the EM distance of two parallel segments in the plane, by an optimal pairing of points on them.

    Parameters
    ----------
    points : int
        On each segment of length 1, evenly spread.
    """
    height = (np.arange(points) + 0.5) / points
    found = {}
    for theta in (0.5, 2.0):
        costs = np.hypot(theta, height[:, None] - height[None, :])
        found[theta] = costs[linear_sum_assignment(costs)].mean()
    shuffled = costs[np.arange(points), generator(0, "claims: pairing").permutation(points)].mean()
    # on the product space: mass on one segment is nowhere on the other, however near
    apart = np.eye(2)
    return {
        "em_at_2": float(found[2.0]),
        "em_slope": float((found[2.0] - found[0.5]) / 1.5),
        "random_pairing_over_optimal": float(shuffled / found[2.0]),
        "js_touching": js(apart[0], apart[0]),
        "js_apart": js(*apart),
    }


def optimal_discriminator(mean=2.0):
    """Return what the two plain GAN losses stand for at the optimal discriminator of N(0, 1) and N(mean, 1)."""
    x, width = np.linspace(-15, 15 + mean, 60_001, retstep=True)

    def density(theta):
        return norm.pdf(x, theta) * width

    real, fake = density(0.0), density(mean)
    logit = norm.logpdf(x, 0) - norm.logpdf(x, mean)  # of the optimal discriminator p / (p + q)
    minimax = float((real * log_expit(logit) + fake * log_expit(-logit)).sum())
    step = 1e-3

    def slope(function):
        return (function(density(mean + step)) - function(density(mean - step))) / (2 * step)

    by_loss = slope(lambda moved: float((moved * -log_expit(logit)).sum()))  # the discriminator stands still
    by_divergences = slope(lambda moved: kl(moved, real) - 2 * js(moved, real))
    return {
        "minimax_value": minimax,
        "two_js_minus_log4": 2 * js(real, fake) - np.log(4),
        "kl_minus_log4": kl(real, fake) - np.log(4),
        "non_saturating_slope": by_loss,
        "kl_minus_two_js_slope": by_divergences,
    }


def far_gaussians(distance=10.0):
    """Return gradients at the mean of the generated one of two N(., 1), for optimal discriminator and critic."""
    slope = distance  # of the optimal discriminator's logit, everywhere
    d_of_fake = expit(-(distance**2) / 2)
    x = np.linspace(-5, 5 + distance, 30_001)
    real, fake = norm.cdf(x, 0), norm.cdf(x, distance)
    inside = np.abs(real - fake) > 1e-9
    return {
        "distance": distance,
        "minimax_gradient": float(slope * d_of_fake),
        "non_saturating_gradient": float(slope * (1 - d_of_fake)),
        # the dual's solution in one dimension: the slope is the sign of the difference of the distribution functions
        "critic_slope_min": float(np.abs(np.sign(fake - real))[inside].min()),
    }


def divergence_of_mistakes():
    """Return KL(generated, real) of a generator that misses half of the data, and of one with half outside it."""
    floor = 1e-12
    real = np.array([0.5, 0.5 - floor, floor])
    return {"missing": kl(np.array([1.0, 0, 0]), real), "outside": kl(np.array([0.5, 0, 0.5]), real)}


def lipschitz(draws=20):
    """Return slopes: of a 1-Lipschitz function, and of the MLP critic of seed 004 (784-512-256-1) clipped to 0.01."""
    bound, widths = 0.01, (784, 512, 256, 1)
    random = generator(0, "claims: lipschitz")
    x, y = random.uniform(-10, 10, (2, 100_000))

    def gradient(weights, at):
        mask = 1.0
        hidden, jacobian = at, None
        for place, weight in enumerate(weights):
            hidden = weight @ hidden
            jacobian = weight if jacobian is None else weight @ jacobian
            if place < len(weights) - 1:
                mask = np.where(hidden > 0, 1, 0.2)
                hidden, jacobian = hidden * mask, mask[:, None] * jacobian
        return np.linalg.norm(jacobian)

    shapes = list(zip(widths[1:], widths[:-1]))
    inside = [
        gradient([random.uniform(-bound, bound, shape) for shape in shapes], random.uniform(-1, 1, widths[0]))
        for _ in range(draws)
    ]
    return {
        "sine_largest_slope": float((np.abs(np.sin(x) - np.sin(y)) / np.abs(x - y)).max()),
        "sine_smallest_gradient": float(np.abs(np.cos(np.linspace(-10, 10, 100_001))).min()),
        "mlp_bound": float(np.prod([bound * np.sqrt(a * b) for a, b in shapes])),
        "mlp_slope_at_corner": float(gradient([np.full(shape, bound) for shape in shapes], np.ones(widths[0]))),
        "mlp_slope_inside": float(max(inside)),
    }


def normalisation():
    """Return what BatchNorm and LayerNorm do to the scores of others in the batch, and what an epsilon of 0.8 does."""
    random = generator(0, "claims: normalisation")
    first, last = random.normal(size=(6, 5)), random.normal(size=5)
    batch = random.normal(size=(8, 6))
    other = batch.copy()
    other[1:] = random.normal(size=(7, 6))

    def score(inputs, axis):
        hidden = inputs @ first
        hidden = (hidden - hidden.mean(axis, keepdims=True)) / np.sqrt(hidden.var(axis, keepdims=True) + 1e-5)
        return float((np.maximum(hidden, 0) @ last)[0])

    unit = np.array([-1.0, 1.0])
    return {
        "batch_norm_moves_another": abs(score(batch, 0) - score(other, 0)),
        "layer_norm_moves_another": abs(score(batch, 1) - score(other, 1)),
        "spread_by_epsilon_0.8": float((unit / np.sqrt(unit.var() + 0.8)).std()),
    }


def penalty():
    """Return the gradient penalty of norms 0 and 2: the mean of the squares, and the square of the mean's."""
    norms = np.array([0.0, 2.0])
    return {"of_each": float(((norms - 1) ** 2).mean()), "of_the_mean": float((norms.mean() - 1) ** 2)}


def signs(steps=400, rate=0.01, n_critic=5):
    """Train a one-number critic w * x, |w| <= 1, and a one-number generator with the losses' signs as listed.

    Real pictures are 0, the generated one starts at 2. Returns, per seed, the last distance over the first.
    """
    # of mean f(real) and mean f(fake) in the critic's loss, of mean f(fake) in the generator's; all are minimised
    listed = {"000": (1, -1, 1), "001": (1, -1, -1), "003": (-1, 1, -1), "004": (-1, 1, -1)}
    found = {}
    for seed, (_, of_fake, of_generated) in listed.items():
        weight, place = 0.0, 2.0
        for _ in range(steps):
            for _ in range(n_critic):  # the real picture is 0, and its score too
                weight = np.clip(weight - rate * of_fake * place, -1, 1)
            place -= rate * of_generated * weight
        found[seed] = float(abs(place) / 2)
    return found


def convolution_sizes():
    """Return sides of pictures through seed 003's layers: 5x5, stride 2, padding 2."""

    def down(side, kernel=5, stride=2, padding=2):
        return (side + 2 * padding - kernel) // stride + 1

    def up(side, extra):
        return (side - 1) * 2 - 2 * 2 + 5 + extra

    generated, scored = 4, 64
    for _ in range(4):
        generated, scored = up(generated, 1), down(scored)
    return {
        "there_and_back": up(down(64), 0),
        "there_and_back_with_output_padding": up(down(64), 1),
        "generator": generated,
        "discriminator": down(scored, 4, 1, 0),
    }


def listed_code():
    """Return what lines of the seeds' code come to, by counting and by formula."""
    batches = -(-60_000 // 64)
    updates = len(range(0, batches, 5))
    scores = generator(0, "claims: scores").normal(size=(2, 64))
    pairings = [
        float((scores[0] - generator(0, "claims: pairings", index).permutation(scores[1])).mean())
        for index in range(100)
    ]

    def step(gradient, place):  # of RMSprop whose average has settled, without the rate
        return gradient / (np.sqrt(gradient**2) + 1e-8 if place == "outside" else np.sqrt(gradient**2 + 1e-8))

    return {
        "critic_per_generator_update": batches / updates,
        "critic_updates_before_the_first": 1 + min(range(0, batches, 5)),
        "loss_spread_over_pairings": max(pairings) - min(pairings),
        # the steepest slope of the sigmoid of 4 x is 1
        "sigmoid_estimate_over_em_at_100": float((expit(4 * 50.0) - expit(-4 * 50.0)) / 100),
        "step_inside_over_outside_at_1e-1": float(step(1e-1, "inside") / step(1e-1, "outside")),
        "step_inside_over_outside_at_1e-5": float(step(1e-5, "inside") / step(1e-5, "outside")),
    }


_PARTS = (
    uniforms,
    segments,
    optimal_discriminator,
    far_gaussians,
    divergence_of_mistakes,
    lipschitz,
    normalisation,
    penalty,
    signs,
    convolution_sizes,
    listed_code,
)


def arithmetic():
    """Return all of the above, JSON values."""
    return {part.__name__: part() for part in _PARTS}


def measure(flags, results):
    """Compute into reports/data/claims_arithmetic.json."""
    start = start_of_study()
    command = start.pop("command")
    results.replace({"command": command, "environment": start, **arithmetic()})
