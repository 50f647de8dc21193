"""What the EM estimates of a run say: where they end, and how steady they are at the start."""

import numpy as np

from gluon_wgan.pictures import median_filtered

# Fixed before any run was measured.
END = 200  # generator steps
EARLY = 500  # generator steps


def estimate_measures(estimates, boosted):
    """Return what the EM estimate says of a run.

    Parameters
    ----------
    estimates : sequence of float
        One per generator step.
    boosted : int
        Generator steps at the start with the critic's boost.

    Returns
    -------
    dict of str to float
        em_estimate_end: the median of the last 200. em_fall: that, over the median of the 200 after the boost.
        early_spread: interquartile range of the estimate minus its running median (window 101, as the original's
        curves), over the median estimate, in the generator steps after the boost up to 500. early_sign_changes: how
        often the estimate changes its sign in the first 500.
    """
    estimates = np.asarray(estimates, dtype=float)
    early = estimates[boosted:EARLY]
    upper, lower = np.percentile(early - median_filtered(early), [75, 25])
    signs = np.sign(estimates[:EARLY])
    end = float(np.median(estimates[-END:]))
    return {
        "em_estimate_end": end,
        "em_fall": end / float(np.median(estimates[boosted : boosted + END])),
        "early_spread": float((upper - lower) / abs(np.median(early))),
        "early_sign_changes": int(np.count_nonzero(signs[1:] * signs[:-1] < 0)),
    }
