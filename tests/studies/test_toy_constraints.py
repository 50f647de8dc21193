"""Other constraints than clipping and the penalty, on the toys: each by its formula, and what they lose by hand."""

import mxnet as mx
import numpy as np
import pytest

from gluon_wgan.studies.plane.distributions import DATA
from gluon_wgan.studies.plane.networks import build_critic, build_trainer
from gluon_wgan.studies.toy import constraints


def held(arm, name, seed, value):
    return {"arm": arm, "data": name, "seed": seed, "correlation": value}


def test_what_other_constraints_lose_by_hand():
    """The best strength of each distribution counts, over the seeds that all have, and the least of three is named."""
    penalised = [held("penalty", name, seed, 0.9 + 0.01 * seed) for name in DATA for seed in (0, 1, 2)]
    penalised += [held("clip", name, seed, 0.1) for name in DATA for seed in (0, 1, 2)]
    values = {"norm clipping 0.3": 0.5, "norm clipping 1": 0.6, "norm clipping 3": 0.2}
    runs = [held(arm, name, seed, value) for arm, value in values.items() for name in DATA for seed in (0, 1)]
    runs[-1]["correlation"] = runs[-2]["correlation"] = 0.88  # the Swiss roll's, of strength 3
    found = constraints.lost(runs, penalised)
    assert set(found) == {"norm clipping"} and found["norm clipping"]["n"] == 2
    # medians of .9 and .91 less the best's: .305; on the Swiss roll .025, by the other strength
    assert found["norm clipping"]["correlation_lost"] == pytest.approx(0.025)
    assert found["norm clipping"]["data"]["8 gaussians"] == {
        "arm": "norm clipping 1", "correlation": 0.6, "lost": pytest.approx(0.305),
    }  # fmt: skip
    assert found["norm clipping"]["data"]["swiss roll"]["arm"] == "norm clipping 3"


def test_norms_are_held_by_the_formula():
    for exactly in (False, True):
        critic = build_critic(0, 8)
        layers = [layer for layer in critic if hasattr(layer, "weight")]
        before = [layer.weight.data().asnumpy() for layer in layers]
        constraints.hold_norms(critic, 1.2, exactly)
        for layer, old in zip(layers, before):
            norm = np.linalg.norm(old, axis=1, keepdims=True)
            expected = old * (1.2 / norm if exactly else np.minimum(1.2 / norm, 1))
            assert layer.weight.data().asnumpy() == pytest.approx(expected, rel=1e-5)
        assert min(map(len, before)) == 1 and any((np.linalg.norm(old, axis=1) < 1.2).any() for old in before)


def test_weight_decay_reaches_the_gradient():
    """Where a weight has no other gradient: with the squares' average at 0, a first step of lr / sqrt(1 - decay)."""
    trainer = build_trainer("8 gaussians", "clip", 0, 4, held=True, clip_bound=None, weight_decay=0.5)
    optimizer = trainer._updaters["critic"].optimizer
    weight, state = mx.nd.array([2.0]), mx.nd.zeros(1)
    optimizer.update(0, weight, mx.nd.zeros(1), state)
    # n = .01 * (.5 * 2)^2 = .01, and the step 5e-5 * 1 / .1
    assert weight.asscalar() == pytest.approx(2 - 5e-4, abs=1e-6) and state.asscalar() == pytest.approx(0.01)
    assert build_trainer("8 gaussians", "clip", 0, 4)._updaters["critic"].optimizer.wd == 0
