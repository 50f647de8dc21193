"""Critics drawn at random, built of our layers and as PyTorch functions, and how far the two are apart.

An architecture is a list of (kind, settings); parameters are named as Gluon names them by place: "0.weight",
"3.body.1.gamma". Both sides get the same numbers, which float32 holds exactly, and the same constants.
"""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import math

import numpy as np
import torch
from drawn_architectures import EPSILON, draw
from mxnet import autograd, gluon, nd
from torch.nn import functional

from gluon_wgan import layers
from gluon_wgan.lipschitz import gradient_penalty

GP_LAMBDA = 10
# Float64: relative to each tensor's norm. Some hundred products of 1e-16 each, and what the norms' roots amplify.
FLOAT64_TOLERANCE = 1e-9
# Float32: how many times PyTorch's own error ours may be, both against PyTorch in float64 and taken as the worst of the
# tensors in a trial: a single small tensor is right to the last bit by luck. Never less than two roundings. Which
# critic is unlucky hangs on the processor: of 2,000 that were drawn, 13 were above 10, the worst 20, the median 1.1.
FLOAT32_RATIO, FLOAT32_MEDIAN = 30, 2
FLOAT32_ROUNDINGS = 2 * 2**-23
# A gradient that is zero in theory (a bias before a norm) is the rounding of parts that cancel: it has no norm of its
# own to compare with, so no tensor is compared to less than this share of all gradients' norm. Nor is the penalty to
# less than this share of 1, or than twice its root: it is the square of a difference from 1, so that one rounding of
# the input gradient's norm, which is near 1, moves it by twice that difference.
SMALLEST_SHARE = 1e-2
# No number may be this near to a kink, relative to its layer's: rounding would decide on which side it lies.
NEAREST_KINK = 1e-4


def ours(architecture, critic=None):
    """Return the architecture as a `layers.Critic`, not initialised."""
    sequence = layers.Critic() if critic is None else critic
    for kind, settings in architecture:
        sequence.add(_our_layer(kind, settings))
    return sequence


def _our_layer(kind, settings):
    if kind == "conv":
        cls = layers.Conv1D if len(settings["kernel"]) == 1 else layers.Conv2D
        geometry = (settings[name] for name in ("outputs", "kernel", "stride", "padding", "dilation", "groups"))
        return cls(*geometry, use_bias=settings["bias"], in_channels=settings["inputs"])
    if kind == "residual":
        parts = (settings["body"], settings["shortcut"])
        return layers.Residual(*(None if part is None else ours(part, layers.Sequential()) for part in parts))
    return {
        "dense": lambda: layers.Dense(settings["outputs"], in_units=settings["inputs"]),
        "layer": lambda: layers.LayerNorm(EPSILON, in_channels=settings["channels"]),
        "instance": lambda: layers.InstanceNorm(epsilon=EPSILON, scale=True, in_channels=settings["channels"]),
        "leaky": lambda: layers.LeakyReLU(settings["slope"]),
        "relu": layers.ReLU,
        "tanh": layers.Tanh,
        "softplus": layers.Softplus,
        "pool": lambda: layers.MeanPool(settings["size"]),
        "upsample": lambda: layers.UpsampleNearest(settings["size"]),
        "flatten": layers.Flatten,
        "reshape": lambda: layers.Reshape(settings["shape"]),
    }[kind]()


def theirs(architecture, parameters, x, kinks, path=""):
    """Return the outputs by PyTorch; append to `kinks` how near the numbers come to one, layer by layer."""
    for number, (kind, settings) in enumerate(architecture):
        of = {name: parameters.get(f"{path}{number}.{name}") for name in ("weight", "bias", "gamma", "beta")}
        if kind in ("leaky", "relu"):
            size = x.detach().abs()
            kinks.append(float(size.min() / size.square().mean().sqrt().clamp(min=1e-30)))
        if kind == "conv":
            convolve = functional.conv1d if len(settings["kernel"]) == 1 else functional.conv2d
            geometry = (settings[name] for name in ("stride", "padding", "dilation", "groups"))
            x = convolve(x, of["weight"], of["bias"], *geometry)
        elif kind == "residual":
            by_body = theirs(settings["body"], parameters, x, kinks, f"{path}{number}.body.")
            if settings["shortcut"] is not None:
                x = theirs(settings["shortcut"], parameters, x, kinks, f"{path}{number}.shortcut.")
            x = by_body + x
        else:
            x = _their_layer(kind, settings, x, **of)
    return x


def _their_layer(kind, settings, x, weight, bias, gamma, beta):
    return {
        "dense": lambda: functional.linear(x, weight, bias),
        "layer": lambda: functional.group_norm(x, 1, gamma, beta, EPSILON),
        "instance": lambda: functional.instance_norm(x, weight=gamma, bias=beta, eps=EPSILON),
        "leaky": lambda: functional.leaky_relu(x, settings["slope"]),
        "relu": lambda: functional.relu(x),
        "tanh": lambda: torch.tanh(x),
        "softplus": lambda: functional.softplus(x, threshold=40),
        "pool": lambda: functional.avg_pool2d(x, settings["size"]),
        "upsample": lambda: functional.interpolate(x, scale_factor=settings["size"], mode="nearest"),
        "flatten": lambda: x.flatten(1),
        "reshape": lambda: x.reshape(-1, *settings["shape"]),
    }[kind]()


def draw_numbers(seed, redraw, attempt, critic, shape):
    """Return ({name: float32 array}, images float32) of a seed; weights keep the size of what passes through."""
    rng = np.random.default_rng([seed, redraw, attempt])
    parameters = {}
    for name, parameter in critic._collect_params_with_prefix().items():
        values = rng.standard_normal(parameter.shape)
        if name.endswith("weight"):
            values *= 1.4 / math.sqrt(math.prod(parameter.shape[1:]))
        else:
            values = (1.0 if name.endswith("gamma") else 0.0) + 0.3 * values
        parameters[name] = values.astype(np.float32)
    return parameters, rng.standard_normal(shape).astype(np.float32)


class Theirs:
    """An architecture's twin, with its parameters in one precision."""

    def __init__(self, architecture, parameters, images, one_sided, dtype):
        self.architecture, self.one_sided = architecture, one_sided
        tensor = lambda values: torch.tensor(values, dtype=getattr(torch, dtype), requires_grad=True)  # noqa: E731
        self.parameters = {name: tensor(values) for name, values in parameters.items()}
        self.images = tensor(images)

    def nearest_kink(self):
        """Return how near the numbers come to a kink, see NEAREST_KINK."""
        kinks = []
        with torch.no_grad():
            theirs(self.architecture, self.parameters, self.images, kinks)
        return min(kinks, default=1.0)

    def evaluate(self):
        """Return {tensor's name: float64 array}."""
        for parameter in self.parameters.values():
            parameter.grad = None
        scores = theirs(self.architecture, self.parameters, self.images, []).flatten(1).squeeze(1)
        (gradient,) = torch.autograd.grad(scores.sum(), self.images, create_graph=True)
        excess = gradient.flatten(1).norm(dim=1) - 1
        penalty = (excess.clamp(min=0) if self.one_sided else excess).square().mean()
        (GP_LAMBDA * penalty - scores.mean()).backward(inputs=list(self.parameters.values()))
        found = {"scores": scores, "input gradient": gradient, "penalty": penalty}
        found |= {f"gradient of {name}": p.grad for name, p in self.parameters.items() if p.grad is not None}
        for name, parameter in self.parameters.items():  # one that the loss does not depend on
            found.setdefault(f"gradient of {name}", torch.zeros_like(parameter))
        return {name: t.detach().double().numpy() for name, t in found.items()}

    def update(self, rate):
        """Make one step of gradient descent."""
        with torch.no_grad():
            for parameter in self.parameters.values():
                if parameter.grad is not None:
                    parameter -= rate * parameter.grad


class Ours:
    """An architecture of our layers, with its parameters in one precision."""

    def __init__(self, architecture, parameters, images, one_sided, dtype, hybridize):
        self.one_sided = one_sided
        self.critic = ours(architecture)
        self.critic.initialize()
        self.critic.cast(dtype)
        for name, parameter in self.critic._collect_params_with_prefix().items():
            parameter.set_data(nd.array(parameters[name], dtype=dtype))
        if hybridize is not None:
            self.critic.hybridize(**hybridize)
        self.images = nd.array(images, dtype=dtype)

    def evaluate(self):
        """Return {tensor's name: float64 array}."""
        with autograd.record():
            scores, gradient = self.critic.scores_and_input_gradient(self.images)
            penalty = gradient_penalty(gradient, self.one_sided)
            loss = GP_LAMBDA * penalty - scores.mean()
        loss.backward()
        found = {"scores": scores, "input gradient": gradient, "penalty": penalty.reshape(())}
        for name, parameter in self.critic._collect_params_with_prefix().items():
            found[f"gradient of {name}"] = parameter.grad()
        return {name: array.asnumpy().astype(np.float64) for name, array in found.items()}

    def update(self, rate):
        """Make one step of gradient descent; a rate that is a power of 2 is exact in MXNet's float32."""
        gluon.Trainer(self.critic.collect_params(), "sgd", {"learning_rate": rate, "wd": 0}).step(1)


def relative_errors(given, exact):
    """Return {tensor's name: norm of the difference / norm of the tensor}, see SMALLEST_SHARE."""
    assert given.keys() == exact.keys(), given.keys() ^ exact.keys()
    norms = {name: np.linalg.norm(values) for name, values in exact.items()}
    gradients = [norm for name, norm in norms.items() if name.startswith("gradient of")]
    errors = {}
    for name, values in exact.items():
        assert given[name].size == values.size, name
        whole = np.linalg.norm(gradients) if name.startswith("gradient of") else 1.0 if name == "penalty" else 0.0
        root = 2 * np.sqrt(norms[name]) if name == "penalty" else 0.0
        scale = max(norms[name], SMALLEST_SHARE * whole, root)
        difference = np.linalg.norm(given[name].reshape(values.shape) - values)
        errors[name] = difference / scale if difference else 0.0
    return errors


def worst(errors):
    """Return (error, name) of the largest; nan is the largest of all."""
    return _larger(*((error, name) for name, error in errors.items()), (0.0, ""))


def _larger(*pairs):
    return max(pairs, key=lambda pair: (np.isnan(pair[0]), pair))


class Trial:
    """One seed: its architecture, numbers that come near no kink, and the comparison."""

    def __init__(self, seed):
        for redraw in range(20):
            self.architecture, shape, self.one_sided = draw(seed, redraw)
            critic = ours(self.architecture)
            for attempt in range(1, 20):
                self.numbers = draw_numbers(seed, redraw, attempt, critic, shape)
                if self._theirs("float64").nearest_kink() > NEAREST_KINK:
                    return
            # zeros by construction, such as a convolution without bias after a dead ReLU: another architecture
        raise ValueError(f"seed {seed}: nothing without a kink")

    def _theirs(self, dtype):
        return Theirs(self.architecture, *self.numbers, self.one_sided, dtype)

    def compare(self, *hybridize, update=True):
        """Return {"float64", "float32", "float32 ratio": the worst (error, tensor) of ours}; the ratio is to PyTorch's.

        Each of `hybridize` is None, or the arguments of a call of hybridize. With `update`, compare also after one
        step of gradient descent, each side by its own gradients.
        """
        mine = [
            (dtype, Ours(self.architecture, *self.numbers, self.one_sided, dtype, how))
            for dtype in DTYPES
            for how in hybridize
        ]
        exact, rounded = self._theirs("float64"), self._theirs("float32")
        found = dict.fromkeys((*DTYPES, "float32 ratio"), (0.0, ""))
        for step in range(1 + update):
            if step and exact.nearest_kink() < NEAREST_KINK:
                break
            truth = exact.evaluate()
            reference = max(worst(relative_errors(rounded.evaluate(), truth))[0], FLOAT32_ROUNDINGS)
            for dtype, side in mine:
                error, tensor = worst(relative_errors(side.evaluate(), truth))
                found[dtype] = _larger(found[dtype], (error, tensor))
                if dtype == "float32":
                    found["float32 ratio"] = _larger(found["float32 ratio"], (error / reference, tensor))
            rate = self._rate(exact)
            for side in (exact, rounded, *(side for _, side in mine)):
                side.update(rate)
        return found

    @staticmethod
    def _rate(side):
        """Return a power of 2 that moves the weights by some per cent."""
        pairs = [(p.detach(), p.grad) for p in side.parameters.values() if p.grad is not None]
        size = math.sqrt(sum(float(p.square().sum()) for p, _ in pairs))
        slope = math.sqrt(sum(float(g.square().sum()) for _, g in pairs))
        return 2.0 ** math.floor(math.log2(0.03 * size / slope)) if slope else 0.0


DTYPES = ("float64", "float32")


def check(found, float32_ratio=FLOAT32_RATIO):
    """Raise AssertionError with the tensor's name where ours is further off than allowed, or not a number."""
    for key, limit in (("float64", FLOAT64_TOLERANCE), ("float32 ratio", float32_ratio)):
        error, tensor = found[key]
        assert error <= limit, f"{tensor}: {key} {error:.1e}, {limit:.0e} allowed"
