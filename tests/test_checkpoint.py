"""Checkpoints: bit-equal round trips, plain files, whole or not at all, damage found, order of time."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import json
import os
import pickletools
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import nd
from training_fixtures import make_trainer, numbers_of, run, same_bits

from gluon_wgan.checkpoint import (
    list_checkpoints,
    load_checkpoint,
    load_weights,
    verify_checkpoint,
)
from gluon_wgan.errors import NotFiniteError, UserError
from gluon_wgan.rmsprop import RMSProp

OPTIMIZERS = {
    "rmsprop": RMSProp,
    "adam": lambda learning_rate: mx.optimizer.Adam(learning_rate, 0.5, 0.999),
    "sgd": lambda learning_rate: mx.optimizer.SGD(learning_rate=learning_rate),
}
FILES = ("generator.params", "critic.params", "optimizer.params", "state.json")


def everything_of(trainer):
    """Return all numbers of a trainer: weights, running statistics, averages, counters."""
    numbers = {"steps": np.array([trainer.generator_steps, trainer.critic_steps])}
    for name, network in (("generator", trainer.generator), ("critic", trainer.critic)):
        numbers.update({f"{name}.{key}": values for key, values in numbers_of(network).items()})
        for index, state in trainer._updaters[name].states.items():
            for part, array in enumerate(state if isinstance(state, tuple) else [state]):
                if array is not None:
                    numbers[f"{name}.average.{index}.{part}"] = array.asnumpy()
    return numbers


@pytest.fixture
def saved(tmp_path):
    """A folder with the checkpoints of generator steps 1 and 2, and their trainer."""
    trainer = make_trainer()
    for _ in range(2):
        run(trainer, 1)
        trainer.save(tmp_path)
    return trainer, tmp_path


# --- what comes back


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_on_after_a_load_equals_never_stopping(tmp_path, name):
    straight, stopped, resumed = (make_trainer(optimizer=OPTIMIZERS[name]) for _ in range(3))
    run(straight, 4)
    run(stopped, 2)
    stopped.critic_step()  # saved between two critic updates
    path = stopped.save(tmp_path, seconds=1.5)
    state = resumed.load(path)
    assert same_bits(everything_of(resumed), everything_of(stopped))
    assert (state["seconds"], state["generator_steps"], state["critic_steps"]) == (1.5, 2, 5)
    assert resumed.critic_updates_left() == 1
    run(resumed, 2)
    assert same_bits(everything_of(resumed), everything_of(straight))


@pytest.mark.parametrize(
    ("critic_steps", "name", "left"),
    [
        (1, "step_0000000_critic_000000001", 1),
        (2, "step_0000001", 1),
        (3, "step_0000002", 2),  # the epoch's end cut step 2 short
        (4, "step_0000002_critic_000000004", 1),
        (9, "step_0000006", 2),
    ],
)
def test_where_epochs_cut_too_and_the_name_says_where_it_stopped(tmp_path, critic_steps, name, left):
    straight, stopped, resumed = (make_trainer(tail=True) for _ in range(3))  # 2, 1, 2, 1, ... critic updates
    run(straight, 8)
    while stopped.critic_steps < critic_steps:
        stopped.critic_step()
        if stopped.critic_updates_left() == 0:
            stopped.generator_step()
    path = stopped.save(tmp_path)
    assert path.name == name
    resumed.load(path)
    assert resumed.critic_updates_left() == left
    run(resumed, 8 - resumed.generator_steps)
    assert same_bits(everything_of(resumed), everything_of(straight))
    assert straight.critic_steps == 12


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_trainer_that_has_trained_goes_back(tmp_path, name):
    trainer = make_trainer(optimizer=OPTIMIZERS[name])
    run(trainer, 1)
    path = trainer.save(tmp_path)
    run(trainer, 2)
    ahead = everything_of(trainer)
    trainer.load(path)
    run(trainer, 2)
    assert same_bits(everything_of(trainer), ahead)


def test_a_network_alone(saved):
    trainer, folder = saved
    other = make_trainer(changes={"seed": 1})
    assert not same_bits(numbers_of(other.generator), numbers_of(trainer.generator))
    other.generator.load_parameters(str(folder / "latest" / "generator.params"))
    assert same_bits(numbers_of(other.generator), numbers_of(trainer.generator))


def test_running_statistics_and_averages_are_worth_saving(saved):
    numbers = everything_of(saved[0])
    assert np.all(numbers["critic.main.3.running_mean"] != 0)
    assert np.all(numbers["generator.average.0.0"] > 0)


# --- the files


def test_the_files_are_plain_arrays(saved):
    _, folder = saved
    assert sorted(os.listdir(folder / "latest")) == sorted(FILES)
    for name in FILES[:3]:
        content = (folder / "latest" / name).read_bytes()
        assert int.from_bytes(content[:8], "little") == 0x112  # MXNet's list of arrays
        with pytest.raises(ValueError, match="opcode"):
            list(pickletools.genops(content))
        arrays = nd.load(str(folder / "latest" / name))
        assert arrays and all(isinstance(array, nd.NDArray) for array in arrays.values())
    state = json.loads((folder / "latest" / "state.json").read_text())
    assert (state["generator_steps"], state["critic_steps"], state["within_step"]) == (2, 4, False)


def test_names_order_and_latest(tmp_path):
    trainer, names = make_trainer(), []

    def save():
        names.append(trainer.save(tmp_path).name)
        assert (tmp_path / "latest").resolve().name == names[-1]

    save()  # before the first update
    trainer.critic_step(), save()
    trainer.critic_step(), save()  # all critic updates done, the generator's not
    trainer.generator_step(), save()
    trainer.critic_step(), save()
    assert names == [
        "step_0000000",
        "step_0000000_critic_000000001",
        "step_0000000_critic_000000002",
        "step_0000001",
        "step_0000001_critic_000000003",
    ]
    assert [path.name for path in list_checkpoints(tmp_path)] == names


def test_order_is_that_of_numbers_not_of_letters(tmp_path):
    names = ["step_0000999", "step_9999999", "step_9999999_critic_999999999", "step_9999999_critic_1000000000"]
    names.append("step_10000000")
    for name in [*reversed(names), ".step_0001000.partial", "latest", "step_0001000.old", "step_x"]:
        (tmp_path / name).mkdir()
    assert [path.name for path in list_checkpoints(tmp_path)] == names


def test_saving_twice_at_one_step_keeps_the_first(saved):
    trainer, folder = saved
    before = (folder / "latest" / "state.json").read_bytes()
    assert trainer.save(folder, seconds=9.0) == folder / "step_0000002"
    assert (folder / "latest" / "state.json").read_bytes() == before


# --- whole or not at all


@pytest.mark.parametrize("survives", range(3))
def test_a_write_that_fails_half_way_leaves_the_checkpoints_as_they_were(saved, monkeypatch, survives):
    trainer, folder = saved
    run(trainer, 1)
    write, written = nd.save, []

    def fail_late(file, arrays):
        if len(written) == survives:
            raise OSError("no space left on device")
        written.append(file)
        write(file, arrays)

    with monkeypatch.context() as patch:
        patch.setattr(nd, "save", fail_late)
        with pytest.raises(OSError, match="no space"):
            trainer.save(folder)
    assert len(written) == survives
    check_unharmed(trainer, folder)


@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "rename")], ids=["fsync", "rename"])
def test_a_failure_between_writing_and_appearing(saved, monkeypatch, owner, call):
    trainer, folder = saved
    run(trainer, 1)

    def fail(*_):
        raise OSError("input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, fail)
        with pytest.raises(OSError, match="input/output"):
            trainer.save(folder)
    check_unharmed(trainer, folder)


def check_unharmed(trainer, folder):
    assert [path.name for path in list_checkpoints(folder)] == ["step_0000001", "step_0000002"]
    assert (folder / "latest").resolve().name == "step_0000002"
    verify_checkpoint(folder / "latest")
    leftover = folder / ".step_0000003.partial"
    assert not leftover.exists()  # a full disk has its room back
    leftover.mkdir()  # but a kill leaves it
    (leftover / "critic.params").write_bytes(b"half")
    path = trainer.save(folder)
    assert not leftover.exists() and sorted(os.listdir(path)) == sorted(FILES)
    resumed = make_trainer()
    resumed.load(folder / "latest")
    assert same_bits(everything_of(resumed), everything_of(trainer))


# --- damage


def cut(file):
    file.write_bytes(file.read_bytes()[:-10])


def empty(file):
    file.write_bytes(b"")


def alter(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [cut, empty, alter, os.remove], ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", FILES)
def test_damage_is_found_before_anything_is_read_and_the_previous_checkpoint_offered(saved, name, damage):
    trainer, folder = saved
    before = everything_of(trainer)
    damage(folder / "step_0000002" / name)
    for path in (folder / "step_0000002", folder / "latest"):
        with pytest.raises(UserError, match=r"step_0000002|latest .*; allowed: .*the previous one, step_0000001"):
            trainer.load(path)
    assert same_bits(everything_of(trainer), before)
    verify_checkpoint(folder / "step_0000001")


@pytest.mark.parametrize("text", ["[]", "null", "{}", '{"files": null}', '{"files": {}}'])
def test_a_state_of_another_shape_is_damage_too(saved, text):
    _, folder = saved
    (folder / "step_0000002" / "state.json").write_text(text)
    with pytest.raises(UserError, match="the previous one, step_0000001"):
        verify_checkpoint(folder / "step_0000002")


def test_before_the_first_checkpoint_there_is_none(saved):
    _, folder = saved
    cut(folder / "step_0000001" / "critic.params")
    with pytest.raises(UserError, match=r"critic\.params is not as it was written.*none before it"):
        verify_checkpoint(folder / "step_0000001")


def test_a_damaged_checkpoint_is_written_anew_when_its_step_comes_again(saved):
    trainer, folder = saved
    cut(folder / "step_0000002" / "critic.params")
    assert trainer.save(folder) == folder / "step_0000002"
    resumed = make_trainer()
    resumed.load(folder / "step_0000002")
    assert same_bits(everything_of(resumed), everything_of(trainer))


# --- numbers that are not finite


def test_weights_and_averages_that_are_not_finite_are_not_kept(saved):
    trainer, folder = saved
    run(trainer, 1)
    weight = trainer._trainable["critic"][0].data()
    average = trainer._updaters["generator"].states[0]
    for array, name in ((weight, "main.0.weight of critic"), (average, "generator.0.0 of optimizer")):
        good = array.copy()
        array[0] = float("inf")
        with pytest.raises(NotFiniteError, match=f"{name} at generator step 3 is not finite"):
            trainer.save(folder)
        assert [path.name for path in list_checkpoints(folder)] == ["step_0000001", "step_0000002"]
        assert sorted(path.name for path in folder.iterdir()) == ["latest", "step_0000001", "step_0000002"]
        array[:] = good
    trainer.save(folder)


def test_the_weights_of_another_network_are_refused(saved):
    _, folder = saved
    other = make_trainer(changes={"generator_channels": 4})
    with pytest.raises(UserError, match="of another network"):
        load_weights(folder / "step_0000002" / "generator.params", other.generator)


@pytest.mark.parametrize("damage", [("schema", "she"), ("generator_steps", "steps"), ("critic_steps", "schema_")])
def test_a_state_that_lost_its_schema_and_its_fingerprint_is_no_older_one(saved, damage):
    """Two pieces of the text change places, say: it is JSON still, and of no version that had no fingerprint."""
    folder = saved[1] / "step_0000002"
    file = folder / "state.json"
    state = json.loads(file.read_text())
    state["geneest"] = state.pop("sha256_of_the_rest")
    state[damage[1]] = state.pop(damage[0])
    state.pop("schema", None)
    file.write_text(json.dumps(state))
    with pytest.raises(UserError, match=r"state\.json: not as it was written"):
        verify_checkpoint(folder)


def test_a_later_schema_is_refused(saved):
    _, folder = saved
    file = folder / "step_0000002" / "state.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "schema": 99}))
    with pytest.raises(UserError, match="schema 99, of a later version"):
        verify_checkpoint(folder / "step_0000002")


def test_no_checkpoint_at_all(tmp_path):
    trainer = make_trainer()
    with pytest.raises(UserError, match="step_0000007"):
        load_checkpoint(tmp_path / "step_0000007", trainer.generator, trainer.critic, trainer._updaters)
    with pytest.raises(UserError, match="step_0000007"):
        verify_checkpoint(tmp_path / "nowhere" / "step_0000007")
