"""A normalisation at one batch: its derivatives, and theirs, in closed form.

Of a group of M numbers x, with n = (x - mean) r, r = 1 / sqrt(variance + epsilon), and the projection
P(z) = r (z - mean(z) - n mean(n z)):

    output              gamma n + beta
    pull of b           d = P(a), where a = gamma b
    push of t           gamma u, where u = P(t)
    reverse of c        P(gamma c) - r (mean(n t) d + mean(n a) u + mean(a u) n)
        by gamma        the sum of n c + b u
        by beta         the sum of c

The bracket is there after `push`, and so is b u: n and r, which P is made of, move with x.
"""

import functools

from mxnet import nd, symbol

from gluon_wgan.layers.linearised import Operator

# Nothing is recorded, so MXNet may keep the memory of what is in between.
_STATIC = (("static_alloc", "true"),)


class LinearisedNorm:
    """A normalisation at one batch; see `gluon_wgan.layers.linearised.Linearised`, whose parameters these are."""

    def __init__(self, layer, x):
        self._layer, self._steps, self._shape = layer, layer.operators(), x.shape
        self._reverse = "reverse"
        grouped = x.reshape(layer.groups)
        self._known = {
            "gamma": layer.gamma.data(x.context),
            "beta": layer.beta.data(x.context),
            **_constants(x.shape, grouped.shape, x.context, x.dtype),
        }
        self.output = self._take("forward", x=grouped)

    def _take(self, step, **given):
        """Take a step, keep what comes of it by name, and return the first, in the input's shape."""
        operator, names = self._steps[step]
        self._known.update(given)
        self._known.update(zip(names, operator(self._known)))
        return self._known[names[0]].reshape(self._shape)

    def _grouped(self, array):
        return array.reshape(self._known["x"].shape)

    def pull(self, cotangent):
        """Return P(gamma b)."""
        return self._take("pull", b=self._grouped(cotangent))

    def push(self, tangent):
        """Return gamma P(t)."""
        self._reverse = "reverse_both"
        return self._take("push", t=self._grouped(tangent))

    def reverse(self, cotangent, gradients, to_input=True):
        """Return the gradient by the input, and append gamma's and beta's."""
        found = self._take(self._reverse, c=self._grouped(cotangent))
        for name in ("gamma", "beta"):
            gradients.setdefault(getattr(self._layer, name), []).append(self._known[f"by_{name}"])
        return found


class _Ones:
    """Rows and columns of ones, for sums and repetitions: of groups (G, 1), their numbers (1, M), ..."""

    groups, numbers, samples, pixels = (symbol.var(name) for name in ("groups", "numbers", "samples", "pixels"))


@functools.lru_cache(maxsize=64)
def _constants(shape, grouped, context, dtype):
    """Return the arrays of `_Ones`, and a row of 1 / M."""
    groups, numbers = grouped
    shapes = {
        "groups": (groups, 1),
        "numbers": (1, numbers),
        "samples": (shape[0], 1),
        "pixels": (1, groups * numbers // (shape[0] * shape[1])),
    }
    ones = {name: nd.ones(shape, ctx=context, dtype=dtype) for name, shape in shapes.items()}
    return {**ones, "over": nd.full((1, numbers), 1 / numbers, ctx=context, dtype=dtype)}


def build_steps(layer):
    """Return {step: (operator, names of what comes of it)}; what an operator takes comes by these names too.

    Arrays are (G, M), groups by numbers; of a group (G, 1), of a number (1, M). Sums over numbers are products, which
    MXNet has faster; what is broadcast is never differentiated here, which MXNet has slow.
    """
    ones, over, channels = _Ones, symbol.var("over"), layer.gamma.shape[0]
    times, plus, minus = symbol.broadcast_mul, symbol.broadcast_add, symbol.broadcast_sub

    def step(**found):
        return Operator(list(found.values()), _STATIC), list(found)

    def mean(z, weights=over):
        return symbol.FullyConnected(z, weights, num_hidden=1, no_bias=True)

    def factor(parameter):
        """Return gamma or beta of each number (1, M), or of each group (G, 1)."""
        column, row = layer.factors(symbol, symbol.var(parameter), ones)
        return row if layer.per_sample else column

    x, gamma = symbol.var("x"), factor("gamma")
    centred = minus(x, mean(x))
    r = 1 / symbol.sqrt(mean(symbol.square(centred)) + layer.epsilon)
    gain = times(r, gamma)
    y = plus(times(centred, gain), factor("beta"))
    steps = {"forward": step(y=y, centred=centred, r=r, gain=gain, factor=gamma * 1)}

    centred, r, gain, gamma = map(symbol.var, ("centred", "r", "gain", "factor"))

    def mean_with_gamma(z):
        return mean(z, gamma * over) if layer.per_sample else gamma * mean(z)

    def pulled(cotangent):
        """Return P(gamma cotangent), but for the share of n; centred * cotangent; the share of n."""
        product = centred * cotangent
        rest = minus(times(cotangent, gain), r * mean_with_gamma(cotangent))
        return rest, product, r * mean_with_gamma(product)

    def times_n(share):  # r n share
        return times(centred, r * r * share)

    rest, _, mean_na = pulled(symbol.var("b"))
    steps["pull"] = step(d=rest - times_n(mean_na), mean_na=mean_na)

    t = symbol.var("t")
    mean_nt = r * mean(centred * t)
    moved = minus(t, mean(t)) - times(centred, r * mean_nt)  # u / r
    steps["push"] = step(ty=times(moved, gain), moved=moved, mean_nt=mean_nt)

    c = symbol.var("c")
    rest, product, mean_nc = pulled(c)
    by_beta = layer.sum_per_channel(symbol, ones.groups, c, channels, ones)
    by_gamma = layer.sum_per_channel(symbol, r, product, channels, ones)
    steps["reverse"] = step(dx=rest - times_n(mean_nc), by_gamma=by_gamma, by_beta=by_beta)

    b, d, moved, mean_na, mean_nt = map(symbol.var, ("b", "d", "moved", "mean_na", "mean_nt"))
    also = b * moved
    share = mean_nc + r * mean_with_gamma(also)  # mean(a u)
    dx = rest - times_n(share) - times(d, r * mean_nt) - times(moved, r * r * mean_na)
    by_gamma = layer.sum_per_channel(symbol, r, product + also, channels, ones)
    steps["reverse_both"] = step(dx=dx, by_gamma=by_gamma, by_beta=by_beta)
    return steps
