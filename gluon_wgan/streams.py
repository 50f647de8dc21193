"""All randomness of the project: numpy's counter-based Philox, keyed by (seed, purpose, index).

A number depends on nothing but its key: not on what was drawn before, not on the framework, not on the
thread count. So a run resumes anywhere without saved generator state, and a reference written in another
framework can be fed the same numbers. No global seed is touched.
"""

import hashlib
import operator

import numpy as np


def generator(seed, purpose, index=0):
    """Return the numpy generator of one (seed, purpose, index).

    Two different keys give independent streams; the same key always gives the same stream. The 128-bit Philox
    key holds the seed and a hash of the purpose, and the index is the highest word of the 256-bit counter, so
    that each index owns 2**192 draws.

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.
    purpose : str
        What the numbers are for, such as "critic_latents". Part of the key: renaming it changes the numbers.
    index : int
        Which draw of that purpose, such as the number of the critic step. 0 <= index < 2**64.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    ValueError
        If seed or index is out of range.
    TypeError
        If one of them is no integer.
    """
    for name, value in (("seed", seed), ("index", index)):
        if not 0 <= operator.index(value) < 2**64:
            raise ValueError(f"{name}: given {value}, allowed 0 to 2**64 - 1")
    purpose_word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
    key = np.array([seed, purpose_word], dtype=np.uint64)
    counter = np.array([0, 0, 0, index], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def normal(seed, purpose, index, shape):
    """Draw float32 standard normal numbers, the latents z ~ N(0, 1) among them.

    Parameters
    ----------
    seed, purpose, index
        The key of the stream, see `generator`.
    shape : tuple of int

    Returns
    -------
    numpy.ndarray
        float32 of the given shape.
    """
    return generator(seed, purpose, index).standard_normal(shape, dtype=np.float32)


def uniform(seed, purpose, index, shape):
    """Draw float32 numbers uniform in [0, 1), see `normal`."""
    return generator(seed, purpose, index).random(shape, dtype=np.float32)


def permutation(seed, purpose, index, count):
    """Draw a permutation of 0 .. count - 1 (int64), see `normal`."""
    return generator(seed, purpose, index).permutation(count)
