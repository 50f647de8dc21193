"""Batches: the reference's arithmetic, each picture at most once an epoch, tails, and any batch at any time."""

import numpy as np
import pytest
from conftest import run_python

from gluon_wgan.data import Batches
from gluon_wgan.data.batches import normalise
from gluon_wgan.errors import UserError

COUNT, SIZE, SEED = 50, 8, 3


def numbered(count=COUNT):
    """Pictures of one pixel, whose value is their row."""
    return np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)


def rows_of(batch):
    return np.rint((batch.astype(np.float64).ravel() + 1) * 127.5).astype(int).tolist()


@pytest.fixture
def batches():
    return Batches(numbered(), SIZE, SEED)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_normalising_is_the_formula_within_float32_rounding(dtype):
    values = np.arange(0, 256, dtype=dtype) if dtype is np.uint8 else np.linspace(0, 255, 9973, dtype=dtype)
    pictures = values.reshape(1, 1, -1, 1)
    before = pictures.copy()
    normalised = normalise(pictures)
    assert normalised.dtype == np.float32
    # the quotient and the difference round once each, by 2**-25 and 2**-26 at most; doubling is exact
    error = np.abs(normalised.ravel().astype(np.float64) - (values.astype(np.float64) / 127.5 - 1))
    assert 0 < error.max() <= 2 * (2**-25 + 2**-26)
    assert (normalised.min(), normalised.max()) == (-1, 1)
    assert np.array_equal(pictures, before)


def test_normalising_is_bit_equal_to_torchvisions_two_steps():
    # ToTensor: torch's uint8.to(float32).div(255); Normalize: sub_(0.5).div_(0.5), each step a float32
    one = np.float32
    by_hand = [one(one(one(value) / one(255)) - one(0.5)) / one(0.5) for value in range(256)]
    assert normalise(np.arange(256, dtype=np.uint8).reshape(1, 1, 256, 1)).ravel().tolist() == by_hand
    # and 128 in digits: 128 / 255 to the nearest 2**-24 is 8421505 * 2**-24, so 2 * 32897 * 2**-24
    assert normalise(np.full((1, 1, 1, 1), 128, np.uint8)).item() == 2 * 32897 / 2**24


def test_channels_come_first():
    pictures = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    normalised = normalise(pictures)
    assert normalised.shape == (2, 3, 3, 4) and normalised.flags.c_contiguous
    for place in np.ndindex(2, 3, 4, 3):
        picture, row, column, channel = place
        assert abs(normalised[picture, channel, row, column] - (pictures[place] / 127.5 - 1)) < 1e-6  # float32


def test_an_epoch_is_full_batches_of_different_pictures(batches):
    assert len(batches) == 6  # 48 of 50; the tail of 2 is dropped
    dropped = set()
    for epoch in range(10):
        read = [batches[epoch * 6 + position] for position in range(6)]
        assert {batch.shape for batch in read} == {(SIZE, 1, 1, 1)}
        rows = [row for batch in read for row in rows_of(batch)]
        assert len(set(rows)) == 48 and set(rows) < set(range(COUNT))
        dropped |= set(range(COUNT)) - set(rows)
    assert len(dropped) > 2  # not the same pictures every epoch


def test_with_its_tail_an_epoch_is_every_picture_once(batches):
    tailed = Batches(numbered(), SIZE, SEED, tail=True)
    assert len(tailed) == 7  # 6 of 8, and 2
    for epoch in range(5):
        read = [tailed[epoch * 7 + position] for position in range(7)]
        assert [len(batch) for batch in read] == [8, 8, 8, 8, 8, 8, 2]
        assert sorted(row for batch in read for row in rows_of(batch)) == list(range(COUNT))
        for position in range(6):  # the order is that of the epoch without its tail
            assert np.array_equal(read[position], batches[epoch * 6 + position])
    assert np.array_equal(Batches(numbered(), SIZE, SEED, tail=True)[34], read[6])


def test_given_rows_have_a_tail_too():
    chosen = [3, 4, 8, 20, 21, 22, 30]
    batches = Batches(numbered(), 3, SEED, rows=np.array(chosen), tail=True)
    read = [rows_of(batches[position]) for position in range(len(batches))]
    assert [len(rows) for rows in read] == [3, 3, 1]
    assert sorted(row for rows in read for row in rows) == chosen


@pytest.mark.parametrize("tail", [False, True])
@pytest.mark.parametrize("size", [8, 10, 49, 50])
def test_images_until_a_batch_are_those_of_the_batches_before_it(size, tail):
    batches, seen = Batches(numbered(), size, SEED, tail=tail), 0
    for number in range(3 * len(batches) + 2):
        assert batches.images_until(number) == seen
        seen += len(batches[number])


@pytest.mark.parametrize("tail", [False, True])
def test_a_batch_that_divides_the_pictures_leaves_none_out(tail):
    batches = Batches(numbered(), 10, SEED, tail=tail)
    assert len(batches) == 5
    assert sorted(row for number in range(5) for row in rows_of(batches[number])) == list(range(COUNT))


def test_each_epoch_and_each_seed_has_an_order_of_its_own(batches):
    orders = [[row for position in range(6) for row in rows_of(batches[epoch * 6 + position])] for epoch in range(4)]
    other = Batches(numbered(), SIZE, SEED + 1)
    orders.append([row for position in range(6) for row in rows_of(other[position])])
    orders.append(sorted(orders[0]))
    assert len({tuple(order) for order in orders}) == 6


def test_over_many_epochs_every_picture_comes_first_equally_often():
    first = [rows_of(Batches(numbered(4), 1, seed)[0])[0] for seed in range(400)]
    # 100 of 400 each, with a deviation of 8.7
    assert 56 < min(np.bincount(first, minlength=4)) and max(np.bincount(first)) < 144


def test_a_batch_does_not_depend_on_what_was_read_before(batches):
    in_order = [batches[number].tobytes() for number in range(20)]
    for number in (19, 3, 3, 12, 0, 18, 7):
        assert batches[number].tobytes() == in_order[number]
        assert Batches(numbered(), SIZE, SEED)[number].tobytes() == in_order[number]


def test_a_run_reads_on_across_epochs_without_end(batches):
    assert batches[10**9].shape == (SIZE, 1, 1, 1)
    with pytest.raises(ValueError, match="index: given -1"):
        batches[-1]


def test_only_the_given_rows_are_read():
    chosen = [3, 4, 8, 20, 21, 22, 30, 31, 49]
    batches = Batches(numbered(), 3, SEED, rows=np.array(chosen))
    assert len(batches) == 3
    for epoch in range(3):
        read = [row for position in range(3) for row in rows_of(batches[epoch * 3 + position])]
        assert sorted(read) == chosen


def test_memory_mapped_pictures_give_the_same_batches(tmp_path, batches):
    np.save(tmp_path / "pictures.npy", numbered())
    mapped = Batches(np.load(tmp_path / "pictures.npy", mmap_mode="r"), SIZE, SEED)
    for number in range(600):  # pages are given back in between
        assert np.array_equal(mapped[number], batches[number])


@pytest.mark.parametrize("batch_size", [51, 0, -1])
def test_a_batch_that_the_pictures_cannot_fill_is_refused(batch_size):
    with pytest.raises(UserError, match=f"--batch-size: given {batch_size}; allowed: 1 to 50"):
        Batches(numbered(), batch_size, SEED)
    with pytest.raises(UserError, match="--batch-size"):
        Batches(numbered(), batch_size, SEED, tail=True)
    assert len(Batches(numbered(), 50, SEED)) == 1


def test_more_than_the_given_rows_hold_is_refused():
    with pytest.raises(UserError, match="allowed: 1 to 4,"):
        Batches(numbered(), 5, SEED, rows=np.arange(4))


MEMORY = """
import json, os, sys
from pathlib import Path
import numpy as np, psutil
from gluon_wgan.data import Batches, Prepared
from gluon_wgan.data.prepared_files import digest_of
from gluon_wgan.files import FINGERPRINT, fingerprint_of

folder = Path(sys.argv[1])
rows, side = 2048, 256
shape = (rows, side, side, 3)
np.lib.format.open_memmap(folder / "pictures.npy", "w+", np.uint8, shape)  # 384 MiB of holes, no disk
np.save(folder / "held_out.npy", np.zeros(rows, bool))
for name in ("keys.txt", "skipped.tsv"):
    (folder / name).write_bytes(b"")
files = {"keys": "keys.txt", "pictures": "pictures.npy", "held_out": "held_out.npy", "skipped": "skipped.tsv"}
digests = {name + "_sha256": digest_of(folder / file) for name, file in files.items()}
identity = {"content": digests, **digests}
(folder / "identity.json").write_text(json.dumps({**identity, FINGERPRINT: fingerprint_of(identity)}))
batches = Batches(Prepared(folder), 1, 0)
with open(folder / "pictures.npy") as file:  # what the kernel holds already it maps in larger pieces
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
resident = psutil.Process().memory_info
batches[0]
before, most = resident().rss, 0
for number in range(1, 2 * rows):
    batches[number]
    if number % 16 == 0:
        most = max(most, resident().rss)
print((most - before) / 2**20)
"""


def test_reading_epochs_of_a_mapped_array_does_not_make_the_process_grow(tmp_path):
    # Pages are given back every 256 batches. A picture here is 192 KiB, and the kernel maps up to 64 KiB more at either
    # end: 48 to 80 MiB between two releases. Without them all of 384 MiB would be resident. Well below 48 would
    # mean that the array was not mapped, or the measure is blind.
    growth = float(run_python(MEMORY, tmp_path))
    assert 24 < growth < 160
