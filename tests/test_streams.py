"""The streams: each number depends on its key alone, and comes out the same under every numpy."""

import hashlib

import numpy as np
import pytest
from conftest import run_python

from gluon_wgan import streams

M64 = 2**64 - 1
KEYS = [(0, "a", 0), (0, "a", 1), (0, "b", 0), (1, "a", 0), (M64, "a", 0), (0, "a", M64), (7, "critic_latents", 3)]


def _philox(counter, key):
    """Philox4x64-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011), in Python's integers."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (second >> 64) ^ c1 ^ k0, second & M64, (first >> 64) ^ c3 ^ k1, first & M64
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & M64, (k1 + 0xBB67AE8584CAA73B) & M64
    return c0, c1, c2, c3


def test_the_oracle_gives_the_published_answer():
    # from the known-answer tests of the Random123 library, philox4x64 of 10 rounds
    answer = (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B)
    assert _philox((0, 0, 0, 0), (0, 0)) == answer


@pytest.mark.parametrize("key", KEYS)
def test_the_bits_are_philox_of_seed_purpose_and_index(key):
    seed, purpose, index = key
    purpose_word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
    # numpy counts up before it draws, so the first block is that of counter 1
    blocks = [_philox((count, 0, 0, index), (seed, purpose_word)) for count in (1, 2)]
    drawn = streams.generator(seed, purpose, index).bit_generator.random_raw(8)
    assert [int(word) for word in drawn] == [word for block in blocks for word in block]


def test_uniform_numbers_are_the_high_24_bits_of_each_half_word():
    halves = streams.generator(7, "noise", 3).bit_generator.random_raw(4).astype("<u8").view("<u4")
    drawn = streams.uniform(7, "noise", 3, (2, 4))
    assert drawn.dtype == np.float32
    assert np.array_equal(drawn, ((halves >> 8) / 2**24).reshape(2, 4))


def test_golden_values_of_normal_and_permutation():
    # drawn by numpy 1.23.5; exact, since a run must go on with the same numbers under another numpy
    golden = ["-0x1.70d6d0p+1", "0x1.8737c4p+0", "0x1.ac6a3ep-1", "0x1.6c0a94p-2"]
    drawn = streams.normal(7, "critic_latents", 3, (4,))
    assert drawn.dtype == np.float32
    assert drawn.tolist() == [float.fromhex(value) for value in golden]
    order = streams.permutation(7, "data_order", 3, 12)
    assert order.dtype == np.int64
    assert order.tolist() == [2, 5, 7, 8, 1, 10, 3, 4, 0, 6, 11, 9]


def test_neither_order_nor_other_draws_change_a_number():
    forward = [streams.normal(*key, (5,)) for key in KEYS]
    for key, expected in reversed(list(zip(KEYS, forward))):
        streams.uniform(*key, (3,))
        assert np.array_equal(streams.normal(*key, (5,)), expected)


def test_every_part_of_the_key_counts():
    assert len({streams.uniform(*key, (4,)).tobytes() for key in KEYS}) == len(KEYS)
    assert streams.generator(5, "a").random() == streams.generator(5, "a", 0).random()


def test_streams_are_not_correlated():
    # the correlation of n independent pairs has deviation 1 / sqrt(n); 5 of them at n = 10,000
    draws = np.array([streams.normal(*key, (10_000,)) for key in KEYS], dtype=np.float64)
    others = np.corrcoef(draws)[~np.eye(len(KEYS), dtype=bool)]
    assert 0 < np.abs(others).max() < 0.05


def test_moments_of_normal_and_uniform_numbers():
    # 5 deviations of the mean and of the standard deviation at n = 40,000: 1 / 200 and 1 / 283 of the population's
    normal = streams.normal(1, "moments", 0, (200, 200)).astype(np.float64)
    assert -0.025 < normal.mean() < 0.025
    assert 0.98 < normal.std() < 1.02
    uniform = streams.uniform(1, "moments", 0, (200, 200)).astype(np.float64)
    assert 0.4925 < uniform.mean() < 0.5075
    assert 0 <= uniform.min() < 0.001 and 0.999 < uniform.max() < 1


def test_a_permutation_holds_each_number_once():
    order = streams.permutation(1, "order", 0, 1000)
    assert sorted(order.tolist()) == list(range(1000))
    assert order.tolist() != list(range(1000))
    assert streams.permutation(1, "order", 0, 0).tolist() == []


def test_numpys_global_generator_is_neither_read_nor_moved():
    np.random.seed(0)
    before = np.random.get_state()
    first = streams.normal(3, "a", 0, (4,))
    after = np.random.get_state()
    assert np.array_equal(before[1], after[1]) and before[2:] == after[2:]
    np.random.seed(1)
    assert np.array_equal(streams.normal(3, "a", 0, (4,)), first)


@pytest.mark.parametrize(("seed", "index", "name"), [(-1, 0, "seed"), (2**64, 0, "seed"), (0, -1, "index")])
def test_a_key_out_of_range_is_refused(seed, index, name):
    with pytest.raises(ValueError, match=f"{name}: given .*, allowed 0 to"):
        streams.generator(seed, "a", index)


@pytest.mark.parametrize("index", [1.5, 2.0, "1", None])
def test_an_index_that_is_no_integer_is_refused(index):
    # 1.5 would share its numbers with 1
    with pytest.raises(TypeError):
        streams.uniform(0, "a", index, (1,))


def test_numpys_integers_are_integers():
    assert streams.uniform(np.int64(3), "a", np.uint8(4), (1,)) == streams.uniform(3, "a", 4, (1,))


def test_streams_need_numpy_alone():
    script = "import sys; from gluon_wgan import streams; print({'mxnet', 'cv2', 'PIL', 'lmdb'} & set(sys.modules))"
    assert run_python(script) == "set()"
