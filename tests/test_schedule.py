"""Critic updates before each generator update: the original's loops and the tutorial's, run as they are written."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gluon_wgan.data import Batches
from gluon_wgan.errors import UserError
from gluon_wgan.schedule import EpochSchedule, Schedule
from gluon_wgan.settings import Settings


def test_the_originals_schedule():
    schedule = Schedule()
    boosted = {*range(1, 26), 501, 1001, 1501}
    assert [schedule.critic_updates(step) for step in range(1, 1601)] == [
        100 if step in boosted else 5 for step in range(1, 1601)
    ]
    assert schedule.critic_updates_until(25) == 2500
    assert schedule.critic_updates_until(501) == 26 * 100 + 475 * 5


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 30), st.integers(0, 12), st.integers(0, 60))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_closed_form_is_the_sum(n_critic, boost, boost_steps, boost_every, steps):
    total = 0
    for index in range(steps):  # 0-based, as in the original's code
        boosted = index < boost_steps or (boost_every > 0 and index > 0 and index % boost_every == 0)
        total += boost if boosted else n_critic
    schedule = Schedule(n_critic, boost, boost_steps, boost_every)
    assert schedule.critic_updates_until(steps) == total
    assert sum(schedule.critic_updates(step) for step in range(1, steps + 1)) == total


def updates_of_the_originals_loops(count, batch_size, n_critic, boost, boost_steps, boost_every, epochs):
    """Return the critic updates of each generator step, by the loops of the original code."""
    updates = []
    batches = math.ceil(count / batch_size)  # torch's DataLoader with drop_last=False
    for _ in range(epochs):
        i = 0
        while i < batches:
            index = len(updates)
            boosted = index < boost_steps or (boost_every > 0 and index > 0 and index % boost_every == 0)
            j = 0
            while j < (boost if boosted else n_critic) and i < batches:
                j += 1
                i += 1
            updates.append(j)
    return updates


small = st.integers(1, 9)


@given(st.integers(8, 60), st.integers(1, 8), small, small, st.integers(0, 30), st.integers(0, 12), st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_epochs_that_cut_follow_the_originals_loops(count, size, n_critic, boost, boost_steps, boost_every, data):
    updates = updates_of_the_originals_loops(count, size, n_critic, boost, boost_steps, boost_every, epochs=4)
    batches = Batches(np.zeros((count, 1, 1, 1), np.uint8), size, 0, tail=True)
    schedule = Schedule(n_critic, boost, boost_steps, boost_every, batches_an_epoch=len(batches))
    for step in data.draw(st.permutations(range(len(updates) + 1))):  # what was asked before must not matter
        assert schedule.critic_updates_until(step) == sum(updates[:step])
        assert step == 0 or schedule.critic_updates(step) == updates[step - 1]


def test_the_originals_schedule_on_100_pictures():
    # by hand: batches of 8, 12 and a tail; each of the 25 boosts of 100 ends after an epoch of 13
    schedule = Schedule(batches_an_epoch=13)
    updates = [schedule.critic_updates(step) for step in range(1, 33)]
    assert updates == [13] * 25 + [5, 5, 3, 5, 5, 3, 5]


def test_a_schedule_stays_itself_when_asked():
    schedule, same = Schedule(batches_an_epoch=7), Schedule(batches_an_epoch=7)
    schedule.critic_updates_until(1000)
    assert schedule == same and hash(schedule) == hash(same) and repr(schedule) == repr(same)
    assert schedule != Schedule()


@given(st.integers(1, 40), st.integers(1, 9), st.data())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_turns_with_the_critic_follow_the_tutorials_loop(batches, n_critic, data):
    updates, since = [], 0
    for _ in range(4):
        for index in range(batches):
            since += 1
            if index % n_critic == 0:
                updates.append(since)
                since = 0
    schedule = EpochSchedule(n_critic, batches)
    for step in data.draw(st.permutations(range(len(updates) + 1))):
        assert schedule.critic_updates_until(step) == sum(updates[:step])
        assert step == 0 or schedule.critic_updates(step) == updates[step - 1]


def test_mnists_epochs():
    # 60,000 digits in batches of 64: 937 and a tail; turns after batches 0, 5, ..., 935, then 936 and 937 are left over
    schedule = EpochSchedule(5, 938)
    assert [schedule.critic_updates(step) for step in (1, 2, 188, 189, 190)] == [1, 5, 5, 3, 5]
    assert schedule.critic_updates_until(188) == 936


def test_a_boost_does_not_go_with_fixed_turns():
    with pytest.raises(UserError, match=r"--boost-generator-steps: given 25, and --boost-every 500"):
        Settings(generator_turn="with_critic")
