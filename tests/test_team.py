"""Several devices against one: the same sums, the same updates; MXNet counts any number of CPU devices."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split

import mxnet as mx
import numpy as np
import pytest
from mxnet import nd
from training_fixtures import make_trainer, numbers_of, run, same_bits

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.settings import preset_settings
from gluon_wgan.training import build
from gluon_wgan.training.build import check_parts, find_devices
from gluon_wgan.training.cluster import Store
from gluon_wgan.training.team import Team, share_of

# what ties no samples together
CLIPPED = {"changes": {"generator": "dcgan-no-bn", "critic": "dcgan-no-bn", "batch_size": 5}}
PENALISED = {
    "changes": {"generator": "dcgan-no-bn", "critic": "dcgan-layer-norm", "batch_size": 5},
    "clip_bound": None,
    "gp_lambda": 10.0,
}
LABELLED = {**PENALISED, "changes": {**PENALISED["changes"], "classes": 3}}
NAMED = {**PENALISED, "changes": {**LABELLED["changes"], "critic_labels": "named"}}
CLIPPED_NAMED = {"changes": {**CLIPPED["changes"], "classes": 3, "critic_labels": "named"}}
WITH_BATCH_NORM = {"changes": {"batch_size": 5}}


def team(parts, dtype="float64", **arguments):
    size = arguments["changes"]["batch_size"]
    shares = [share_of(size, part, parts) for part in range(parts)]
    trainers = [make_trainer(dtype, share=share, device=part, **arguments) for part, share in enumerate(shares)]
    return Team(trainers, Store())


def networks(trainer):
    found = [numbers_of(block) for block in (trainer.generator, trainer.critic)]
    return {f"{number}.{name}": array for number, arrays in enumerate(found) for name, array in arrays.items()}


def largest_difference(left, right):
    left, right = networks(left), networks(right)
    return max(np.abs(left[name] - right[name]).max() for name in left)


@pytest.mark.parametrize("size, parts", [(64, 1), (64, 2), (5, 3), (4, 4), (7, 5)])
def test_shares_are_the_batch_in_order(size, parts):
    rows = np.arange(size)
    shares = [rows[share_of(size, part, parts)] for part in range(parts)]
    np.testing.assert_array_equal(np.concatenate(shares), rows)
    lengths = [len(share) for share in shares]
    assert min(lengths) >= 1
    assert max(lengths) - min(lengths) <= 1


KINDS = {
    "clipped": CLIPPED,
    "penalised": PENALISED,
    "labels seen": LABELLED,
    "labels named": NAMED,
    "clipped, labels named": CLIPPED_NAMED,
}


@pytest.mark.parametrize("arguments", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_shares_add_up_to_one_devices_updates(arguments, parts):
    """Of 5 samples shares are unequal. float64: sums in another order differ by some 1e-16 of weights below 1."""
    one, several = make_trainer("float64", **arguments), team(parts, **arguments)
    run(one), run(several)
    assert largest_difference(one, several) < 1e-12
    assert (several.generator_steps, several.critic_steps) == (3, 6)


@pytest.mark.parametrize("dtype", ["float64", "float32"])  # float32 is what the compiled kernels work on
def test_every_device_has_the_same_weights(dtype):
    several = team(3, dtype, **PENALISED)
    run(several)
    first, *others = several._trainers
    assert all(same_bits(networks(first), networks(other)) for other in others)


def test_batch_norm_sees_its_share_alone():
    """So the test above can fail: statistics of shares are others, by far more than roundings."""
    one, several = make_trainer("float64", **WITH_BATCH_NORM), team(2, **WITH_BATCH_NORM)
    run(one), run(several)
    assert largest_difference(one, several) > 1e-6


@pytest.mark.parametrize("arguments", KINDS.values(), ids=KINDS)
def test_what_an_update_saw_is_the_whole_batchs(arguments):
    one, several = make_trainer("float64", **arguments), team(2, **arguments)
    ours, theirs = several.critic_step(), one.critic_step()
    expected = ["loss", "score_real", "score_fake"]
    expected += ["gradient_penalty", "gradient_norm"] if "gp_lambda" in arguments else []
    expected += ["label_loss"] if "critic_labels" in arguments["changes"] else []
    assert ours.names() == theirs.names() == expected
    np.testing.assert_allclose(ours.means().asnumpy(), theirs.means().asnumpy(), rtol=1e-12, atol=1e-15)
    several.critic_step(), one.critic_step()
    ours, theirs = several.generator_step().asnumpy(), one.generator_step().asnumpy()
    np.testing.assert_allclose(ours, theirs.reshape(1), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    "mistake", ["weights", "share of latents", "share of interpolation weights", "sum of the generator"]
)
def test_a_mistake_in_the_shares_is_seen(mistake, monkeypatch):
    one, several = make_trainer("float64", **PENALISED), team(2, **PENALISED)
    if mistake == "weights":
        several._weights = [0.5, 0.5]  # of shares of 2 and 3
    elif mistake == "share of latents":
        second = several._trainers[1]
        latents = second.latents
        monkeypatch.setattr(second, "latents", lambda *given, share, labels=None: latents(*given, share=slice(3)))
    elif mistake == "share of interpolation weights":
        several._trainers[1].share = slice(0, 3)
    else:
        add_up = several._add_up

        def only_critics(network, numbers):
            own = [[array.copy() for array in trainer.gradients("generator")] for trainer in several._trainers]
            means = add_up(network, numbers)
            for trainer, arrays in zip(several._trainers, own):
                for array, kept in zip(trainer.gradients("generator"), arrays):
                    array[:] = kept
            return means

        monkeypatch.setattr(several, "_add_up", only_critics)
    run(one), run(several)
    assert largest_difference(one, several) > 1e-8


def test_start_alike():
    """Weights, averages and counters are the first one's, to the bit; what comes after is too."""
    several = team(2, dtype="float32", **CLIPPED)
    run(several, 2)
    stray = several._trainers[1]
    for array in stray.arrays().values():
        array[:] = 3
    stray.go_on_after(9, 99)
    several.start_alike()
    assert (stray.generator_steps, stray.critic_steps) == (2, 4)
    first = {name: array.asnumpy() for name, array in several._trainers[0].arrays().items()}
    assert same_bits(first, {name: array.asnumpy() for name, array in stray.arrays().items()})
    undisturbed = team(2, dtype="float32", **CLIPPED)
    run(undisturbed, 4), run(several, 2)
    assert same_bits(networks(undisturbed), networks(several))


def test_agree():
    """What is given is answered after the next update; a checkpoint that was due is due no more."""
    several = team(2, **CLIPPED)
    answers = []
    for flags in ((False, False), (False, True), (False, True), (True, False), (False, False)):
        answers.append(several.agree(*flags))
        several.critic_step() if len(answers) != 2 else several.generator_step()
    answers.append(several.agree(False, False))
    assert answers == [(0, 0), (0, 0), (0, 1), (0, 0), (1, 0), (0, 0)]


def test_store():
    store = Store()
    assert (store.worker, store.workers) == (0, 1)
    for turn in (1.0, 2.0):  # a second sum of that name starts anew
        arrays = [nd.array([turn, 2], ctx=mx.cpu(0)), nd.array([10, 20], ctx=mx.cpu(1))]
        store.sum("numbers", arrays)
        assert [array.asnumpy().tolist() for array in arrays] == [[turn + 10, 22]] * 2
    kept = nd.array([-0.0, 1])
    store.from_first("kept", kept)
    assert np.signbit(kept.asnumpy()).tolist() == [True, False]
    store.require_same({"--seed": 1})


def test_more_devices_than_samples():
    settings = preset_settings("wassersteingan")
    check_parts(settings, 64)
    with pytest.raises(UserError, match="workers times --devices: given 65; allowed: 64 at most"):
        check_parts(settings, 65)


def test_batches_with_a_tail_are_not_shared():
    with pytest.raises(UserError, match="--epoch-end run_on"):
        check_parts(preset_settings("mlp-mnist"), 2)


@pytest.mark.parametrize("numbers", [(0, 0), (-1,)])
def test_devices_that_there_are_not(numbers):
    with pytest.raises(UserError, match="--devices"):
        find_devices("cpu", numbers)
    assert find_devices("cpu", (0, 3)) == [mx.cpu(0), mx.cpu(3)]


def test_a_card_that_there_is_not(monkeypatch):
    monkeypatch.setattr(mx.context, "num_gpus", lambda: 2)
    monkeypatch.setattr(mx.runtime.Features, "is_enabled", lambda self, name: True)
    monkeypatch.setattr(build, "check_card", lambda number: None)
    assert find_devices("gpu", (1,)) == [mx.gpu(1)]
    with pytest.raises(UserError, match="--devices: given 0,7; allowed: 0 to 1, each once"):
        find_devices("gpu", (0, 7))


def test_more_devices_than_samples_are_refused_before_anything_starts(tmp_path):
    flags = ["--preset", "demo", "--batch-size", "1", "--devices", "0,1", "--out", str(tmp_path / "run")]
    with pytest.raises(UserError, match="workers times --devices: given 2; allowed: 1 at most, for --batch-size 1"):
        call("train", flags)
    assert not (tmp_path / "run").exists()
