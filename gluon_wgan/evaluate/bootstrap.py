"""How far a statistic of a few values may be off: an interval without a formula."""

import numpy as np

from gluon_wgan import streams
from gluon_wgan.errors import UserError

RESAMPLES = 9999


def bootstrap_interval(values, statistic=np.mean, level=0.95, seed=0):
    """Return a statistic of values, such as the distances of several seeds, with its bootstrap interval.

    The percentile interval of scipy.stats.bootstrap over 9999 resamples. It is the plainest one: the bias-corrected one
    (BCa) rests on a skewness that a few values do not tell.

    Warning: a few values give a poor interval. With n = 3 the smallest value is drawn three times in 1 of 27 resamples,
    more than the 2.5 % of each end, so the "95 %" interval of a mean is just (smallest, largest); for a symmetric
    distribution that holds the true mean 75 times in 100. Where n is below about 10, show the values themselves.

    Parameters
    ----------
    values : sequence of numbers
        Independent: one of each seed, not many of one run.
    statistic : callable
        `statistic(values, axis=...)` as numpy's mean and median.
    level : float
        Between 0 and 1.
    seed : int
        Of the resamples.

    Returns
    -------
    value, low, high : float
        `low` and `high` are nan if there is a single value, which says nothing of its spread.

    Raises
    ------
    UserError
        If there are no values, one is not finite, or level is no share.
    """
    from scipy.stats import bootstrap  # late: scipy.stats takes half a second

    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise UserError("values", values.tolist(), "one or more finite numbers in a row")
    if not 0 < level < 1:
        raise UserError("level", level, "between 0 and 1")
    value = float(statistic(values, axis=0))
    if len(values) == 1:
        return value, float("nan"), float("nan")
    interval = bootstrap(
        (values,),
        statistic,
        n_resamples=RESAMPLES,
        confidence_level=level,
        method="percentile",
        rng=streams.generator(seed, "bootstrap"),
    ).confidence_interval
    return value, float(interval.low), float(interval.high)
