"""What RMSprop divides by in a real run, and the steps that other epsilons would have made of it."""

import math
from pathlib import Path

import mxnet as mx
import numpy as np
from mxnet import nd
from tqdm import tqdm

from gluon_wgan.data import prepare
from gluon_wgan.errors import NotFiniteError
from gluon_wgan.studies.ablation_epsilon.question import AT, PERCENTILES
from gluon_wgan.studies.results import start_of_study
from gluon_wgan.training.build import build_trainer, open_batches, open_data


def denominator_floor(epsilon, placement):
    """Return the smallest denominator of RMSprop: epsilon outside the root, its root inside."""
    return epsilon if placement == "outside_sqrt" else math.sqrt(epsilon)


def denominator(square, epsilon, placement):
    """Return what RMSprop divides the gradient by, see `gluon_wgan.rmsprop.RMSProp`.

    Parameters
    ----------
    square : numpy.ndarray
        The running average n of the squared gradient, float64, 0 or more.
    epsilon : float
    placement : str
        "inside_sqrt" or "outside_sqrt".
    """
    return np.sqrt(square) + epsilon if placement == "outside_sqrt" else np.sqrt(square + epsilon)


class Averages:
    """RMSprop's running averages n of one network's squared gradients, kept beside its training.

    Parameters
    ----------
    block : mxnet.gluon.Block
        Initialised.
    decay : float
        n <- decay * n + (1 - decay) * g**2
    initial_square : float
        Where n starts.
    """

    def __init__(self, block, decay, initial_square):
        self._decay = decay
        self._parameters = {
            name: parameter
            for name, parameter in block._collect_params_with_prefix().items()
            if parameter.grad_req != "null"
        }
        self._squares = {
            name: nd.full(parameter.shape, initial_square, ctx=parameter.list_ctx()[0])
            for name, parameter in self._parameters.items()
        }

    def update(self):
        """Take in the gradients of the update that was just made."""
        for name, square in self._squares.items():
            square *= self._decay
            square += (1 - self._decay) * nd.square(self._parameters[name].grad())

    def numbers(self):
        """Return {parameter: n, float64, flat}."""
        return {name: square.asnumpy().astype(np.float64).ravel() for name, square in self._squares.items()}


def measure(settings, arms, cache_dir, at=AT):
    """Train as `settings` say, and note RMSprop's denominators on the way.

    Parameters
    ----------
    settings : Settings
        Of the reference, whose gradients are taken.
    arms : dict of str to dict
        The settings in which others differ from it, RMSprop's alone.
    cache_dir : str or pathlib.Path
        For the prepared pictures.
    at : sequence of int
        Generator steps after which it is noted; those beyond settings.generator_steps are left out.

    Returns
    -------
    dict
        floors: per arm and network. layers: rows of network, layer, step, count, the percentiles of sqrt(n), least
        first, and `zero`, the share of n that is 0. ratios: rows of arm, network, step, and the percentiles of the
        arm's step over the reference's, for the same gradient.

    Raises
    ------
    UserError
        If the data is none.
    NotFiniteError
        If the training comes to a number that is none.
    """
    at = [step for step in at if step <= settings.generator_steps]
    prepared = prepare(open_data(settings, cache_dir), settings.image_size, settings.resize, cache_dir)
    trainer = build_trainer(settings, open_batches(settings, prepared), mx.cpu())
    kinds = {arm: _rmsprop(settings, changes) for arm, changes in arms.items()}
    reference = _rmsprop(settings, {})
    averages = {
        network: {kind: Averages(block, *kind) for kind in {_average(one) for one in (*kinds.values(), reference)}}
        for network, block in (("critic", trainer.critic), ("generator", trainer.generator))
    }
    layers, ratios = [], []
    updates = trainer.schedule.critic_updates_until(at[-1]) + at[-1]
    with tqdm(total=updates, unit="update", desc="denominators") as bar:
        for step in range(1, at[-1] + 1):
            for _ in range(trainer.critic_updates_left()):
                loss, *_ = trainer.critic_step()
                _take_in(averages["critic"], bar)
            trainer.generator_step()
            _take_in(averages["generator"], bar)
            if step in at:
                if not math.isfinite(loss.asscalar()):
                    raise NotFiniteError(f"critic_loss is {loss.asscalar()} at generator step {step}")
                for network, of_kind in averages.items():
                    numbers = {kind: average.numbers() for kind, average in of_kind.items()}
                    layers += _layers(network, step, numbers[_average(reference)])
                    ratios += [
                        {"arm": arm, "network": network, "step": step, **_ratio(network, numbers, one, reference)}
                        for arm, one in kinds.items()
                    ]
    floors = {
        arm: {
            network: denominator_floor(one[f"{network}_rmsprop_epsilon"], one["epsilon_placement"])
            for network in averages
        }
        for arm, one in kinds.items()
    }
    return {"at": at, "percentiles": PERCENTILES, "floors": floors, "layers": layers, "ratios": ratios}


_OF_RMSPROP = (
    "rmsprop_decay rmsprop_initial_square epsilon_placement critic_rmsprop_epsilon generator_rmsprop_epsilon".split()
)


def _rmsprop(settings, changes):
    return {name: {**vars(settings), **changes}[name] for name in _OF_RMSPROP}


def _average(one):
    return one["rmsprop_decay"], one["rmsprop_initial_square"]


def _take_in(of_kind, bar):
    for average in of_kind.values():
        average.update()
    bar.update()


def _percentiles(values):
    return [float(value) for value in np.percentile(values, PERCENTILES)]


def _layers(network, step, numbers):
    return [
        {
            "network": network,
            "layer": name,
            "step": step,
            "count": square.size,
            "root": _percentiles(np.sqrt(square)),
            "zero": float(np.mean(square == 0)),
        }
        for name, square in numbers.items()
    ]


def _ratio(network, numbers, one, reference):
    """The arm's step over the reference's, of all weights of a network together."""
    divisors = [
        np.concatenate(
            [
                denominator(square, kind[f"{network}_rmsprop_epsilon"], kind["epsilon_placement"])
                for square in numbers[_average(kind)].values()
            ]
        )
        for kind in (one, reference)
    ]
    return {"ratio": _percentiles(divisors[1] / divisors[0])}


def keep(settings, arms, cache_dir, results):
    """Measure into `results`, reports/data/denominators.json; what was measured so before is kept."""
    asked = {
        "pictures": Path(settings.data).name if settings.data else "bedrooms drawn by the project",
        "settings": {name: getattr(settings, name) for name in settings.overrides() if name != "data"},
        "seed": settings.seed,
    }
    kept = results.read()
    if not all(kept.get(name) == value for name, value in asked.items()):
        start = start_of_study()
        command = start.pop("command")
        found = measure(settings, arms, cache_dir)
        results.replace({"command": command, "environment": start, **asked, **found})
