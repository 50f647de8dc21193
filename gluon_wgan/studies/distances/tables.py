"""The tables of the report on the distances behind GANs."""

from statistics import median

from gluon_wgan.report.numbers import between, mean_and_range, number
from gluon_wgan.report.page import table
from gluon_wgan.studies.distances.figures import LOSSES


def lines(part):
    """Return the distances of the two lines: closed form; estimate."""
    rows = [
        [
            f"{row['theta']:g}",
            *(f"{number(row['exact'][name])}; {mean_and_range(row['estimate'][name])}" for name in _ORDER),
        ]
        for row in part["rows"]
        if row["theta"] >= 0
    ]
    return table(["theta", "EM", "JS, nats", "total variation", "KL, nats"], rows)


_ORDER = ("em", "js", "tv", "kl")


def slopes(part):
    """Return the derivatives of the lines' distances: closed form; estimate."""
    rows = [
        [
            f"{row['theta']:g}",
            *(
                f"{number(row['slope_exact'][name])}; {mean_and_range(row['slope_estimate'][name])}"
                for name in ("em", "js")
            ),
        ]
        for row in part["rows"]
        if row["theta"] >= 0
    ]
    return table(["theta", "EM, per unit", "JS, nats per unit"], rows)


def gaussians(part):
    """Return the gradients of discriminator and critic of the two Gaussians."""
    rows = []
    for name in ("discriminator", "critic"):
        of_name = part[name]
        seeds = of_name["seeds"]
        rows.append(
            [
                name,
                number(of_name["optimal_smallest_over_largest"]),
                f"{number(of_name['smallest_over_largest'])} ({number(of_name['low'])} to {number(of_name['high'])})",
                between([one["largest"] for one in seeds]),
                _ended([one["updates"] for one in seeds], [one["settled"] for one in seeds]),
            ]
        )
    header = ["network", "smallest / largest, optimal", "trained: median (seeds)", "largest gradient, trained"]
    return table([*header, "updates; settled"], rows)


def _ended(updates, settled):
    return f"{between(updates, '{:,}'.format)}; {sum(settled)} of {len(settled)}"


def pairs(part):
    """Return the factor of the critic's value for every pair."""
    rows = [
        [
            pair["name"],
            f"{pair['exact']:.4g}",
            f"{1e3 * pair['factor']:.3g} ({between([1e3 * one for one in pair['factors']])})",
            _ended(pair["updates"], pair["settled"]),
        ]
        for pair in part["pairs"]
    ]
    return table(["pair", "exact EM", "1,000 x estimate / exact: median (seeds)", "updates; settled"], rows)


def courses(part):
    """Return what became of the generator's gradient with every loss."""
    rows = []
    for loss, (label, _, _) in LOSSES.items():
        of_loss = part[loss]
        ratios = [f"{number(of_loss[key])} ({between(of_loss[f'{key}_of_seeds'])})" for key in _RATIOS]
        rows.append([label, *ratios, between([norms[0] for norms in of_loss["norms"]])])
    header = ["loss", "last norm / first", "last norm / largest", "last variance / first", "first norm"]
    return table(header, rows)


_RATIOS = ("last_over_first", "last_over_largest", "variance_growth")


def relative_variance(part, loss, probe):
    """Return the median over the seeds of variance / squared norm at a probe, as text."""
    of_loss = part[loss]
    seeds = zip(of_loss["variances"], of_loss["norms"])
    return number(median(variances[probe] / norms[probe] ** 2 for variances, norms in seeds))


def told_apart(part):
    """Return the share of pictures that a fresh discriminator tells right."""
    rows = [
        [name, *(f"{100 * one[key]:.1f} %" for key in ("of_real", "of_fake", "accuracy"))]
        for name, one in [*((str(one["seed"]), one) for one in part["of_seeds"]), ("mean", part)]
    ]
    return table(["seed", "of the real pictures", "of the generated ones", "of all"], rows)
