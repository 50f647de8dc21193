"""What is measured of a toy critic: beside the optimal critic, layer by layer, and weight by weight. Without mxnet."""

import numpy as np

from gluon_wgan.errors import UserError

AT_BOUND = 0.01  # fixed before any run: a weight within 1 % of the clip bound is at the bound
BINS = 41  # of the weights' histograms
SIDE, REACH = 64, 3.0  # a surface: SIDE x SIDE places on [-REACH, REACH]^2


def optimal_critic(real, fake):
    """Return the exact EM distance of two samples and the optimal critic's values at their points.

    The dual of optimal transport has potentials u, v with u_i + v_j <= |x_i - y_j| and mean u + mean v = EM. The
    critic is f(x_i) = u_i, f(y_j) = -v_j: 1-Lipschitz, and mean f(real) - mean f(fake) = EM. It is known up to a
    constant, and no better than the samples are.

    Parameters
    ----------
    real, fake : numpy.ndarray
        (N, dims) and (M, dims).

    Returns
    -------
    em : float
    at_real, at_fake : numpy.ndarray
        (N,) and (M,).

    Raises
    ------
    UserError
        If there are no points, or the dimensions differ.
    """
    if not (len(real) and len(fake)) or real.shape[1:] != fake.shape[1:]:
        raise UserError("points", f"{real.shape} and {fake.shape}", "(N, dims) and (M, dims), one or more of each")
    import ot  # late: it imports every framework that it finds

    _, found = ot.emd([], [], ot.dist(real, fake, metric="euclidean"), numItermax=10_000_000, log=True)
    if found["warning"]:
        raise ArithmeticError(found["warning"])
    return float(found["u"].mean() + found["v"].mean()), found["u"], -found["v"]


def extend(at_fake, fake, places):
    """Return the optimal critic at other places (P, dims): f(x) = min_j (f(y_j) + |x - y_j|), as steep as may be."""
    found = np.empty(len(places))
    for part in np.array_split(np.arange(len(places)), max(1, len(places) // 500)):
        ways = np.sqrt(((places[part, None] - fake[None]) ** 2).sum(axis=-1))
        found[part] = (at_fake + ways).min(axis=1)
    return found


def grid():
    """Return the places (SIDE^2, 2) of a surface, row by row from the lowest, each from the left."""
    axis = np.linspace(-REACH, REACH, SIDE)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def correlation(first, second):
    """Return Pearson's correlation of two arrays; 0 if one of them is constant, which follows nothing.

    Raises
    ------
    UserError
        If their shapes differ.
    """
    first, second = (np.asarray(array, np.float64) for array in (first, second))
    if first.shape != second.shape:
        raise UserError("second", second.shape, f"{first.shape}, as first")
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def gradient_norms(layers, real, fake):
    """Return the norm of the gradient of mean f(fake) - mean f(real) with respect to each hidden layer's activations.

    f is an MLP with ReLU behind all layers but the last. A norm is over both batches and all units of a layer. It is
    computed in float64, so that float32's smallest number does not end what vanishes.

    Parameters
    ----------
    layers : sequence of (numpy.ndarray, numpy.ndarray)
        Weight (outputs, inputs) and bias (outputs,) of each; the last has one output.
    real, fake : numpy.ndarray
        (N, inputs) and (M, inputs).

    Returns
    -------
    numpy.ndarray
        (hidden layers,), the first layer's first.

    Raises
    ------
    UserError
        If there is no hidden layer, or the last has more than one output.
    """
    if len(layers) < 2 or len(layers[-1][0]) != 1:
        shapes = [weight.shape for weight, _ in layers]
        raise UserError("layers", shapes, "a hidden layer or more, then one with one output")
    layers = [(np.asarray(weight, np.float64), np.asarray(bias, np.float64)) for weight, bias in layers]
    active, masks = np.concatenate([real, fake]).astype(np.float64), []
    for weight, bias in layers[:-1]:
        active = active @ weight.T + bias
        masks.append(active > 0)
        active = active * masks[-1]
    # d loss / d score -> (N + M, units of the last hidden layer)
    head = np.concatenate([np.full(len(real), -1 / len(real)), np.full(len(fake), 1 / len(fake))])
    gradient = head[:, None] * layers[-1][0]
    norms = [np.linalg.norm(gradient)]
    for (weight, _), mask in zip(layers[-2:0:-1], masks[:0:-1]):
        gradient = (gradient * mask) @ weight
        norms.append(np.linalg.norm(gradient))
    return np.array(norms[::-1])


def _all_weights(layers):
    return np.concatenate([np.asarray(weight, np.float64).ravel() for weight, _ in layers])


def share_at_bound(layers, bound):
    """Return the share of the weights, biases left out, whose size is 99 % of the clip bound or more.

    Raises
    ------
    UserError
        If the bound is not a finite number above 0.
    """
    if not 0 < bound < np.inf:
        raise UserError("bound", bound, "a finite number above 0")
    return float((np.abs(_all_weights(layers)) >= (1 - AT_BOUND) * bound).mean())


def weight_histogram(layers):
    """Return the histogram of the weights, biases left out: {"reach": r, "shares": of equal cells from -r to r}."""
    weights = _all_weights(layers)
    reach = float(np.abs(weights).max()) or 1.0
    counts, _ = np.histogram(weights, BINS, (-reach, reach))
    return {"reach": reach, "shares": (counts / len(weights)).tolist()}


def rounded(values, digits=4):
    """Return numbers as a list, with so many significant digits."""
    return [float(f"{value:.{digits}g}") for value in np.asarray(values).ravel()]
