"""Which real pictures a picture is most like, and whether samples are copies of them."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from loky import cpu_count
from tqdm import tqdm

from gluon_wgan.errors import UserError

_BYTES = 2**23  # of float32 rows at a time, for each core: larger blocks leave the caches
_MORE = 16  # candidates beside those asked for: float32 puts what is nearly as near in another order


class Nearest(NamedTuple):
    """The nearest rows of each query, the nearest first.

    Attributes
    ----------
    rows : numpy.ndarray
        int (queries, count).
    distances : numpy.ndarray
        float64 (queries, count): root mean square differences, for pictures in grey levels.
    """

    rows: np.ndarray
    distances: np.ndarray


def nearest(queries, rows, count=5, among=None):
    """Return the nearest of many rows for each query, by the root mean square difference of their numbers.

    All rows are looked at, a block at a time, so that a memory-mapped array of any length will do. Distances are exact;
    where more than `_MORE` others are as near up to float32's roundings, one of them may stand in for another.

    Parameters
    ----------
    queries, rows : array-like
        Numbers (Q, ...) and (N, ...) of one shape beyond the first axis: pictures uint8 (N, H, W, C), or features.
    count : int
        How many; all, if there are fewer.
    among : numpy.ndarray, optional
        int: the rows to look at, in ascending order; all by default.

    Returns
    -------
    Nearest

    Raises
    ------
    UserError
        If the shapes differ, there are none, or count is not above 0.
    """
    if len(queries) == 0 or len(rows) == 0 or queries.shape[1:] != rows.shape[1:]:
        raise UserError("rows", f"shape {rows.shape}", f"one or more of the queries' shape, {queries.shape[1:]}")
    if count < 1:
        raise UserError("count", count, "1 or more")
    among = np.arange(len(rows)) if among is None else among
    count = min(count, len(among))
    asked = _flat(queries)
    centre = asked.mean(axis=0, dtype=np.float32)  # smaller numbers keep more of their digits
    asked -= centre

    def best_of(looked_at):
        block = _flat(rows[looked_at])
        block -= centre
        squares = np.einsum("nd,nd->n", block, block) - 2 * (asked @ block.T)
        return _smallest(squares, np.broadcast_to(looked_at, squares.shape), count + _MORE)

    step = max(1, _BYTES // (4 * asked.shape[1]))
    blocks = [among[start : start + step] for start in range(0, len(among), step)]
    bar = {"unit": "block", "desc": "searching", "delay": 5, "mininterval": 0.5 if sys.stderr.isatty() else 30}
    with ThreadPoolExecutor(cpu_count()) as pool:  # NumPy lets other threads work meanwhile
        best = list(tqdm(pool.map(best_of, blocks), total=len(blocks), **bar))
    _, found = _smallest(*(np.concatenate(parts, axis=1) for parts in zip(*best)), count + _MORE)
    exact = np.stack([_distances(query, rows, candidates) for query, candidates in zip(queries, found)])
    order = np.lexsort((found, exact), axis=1)[:, :count]
    return Nearest(*(np.take_along_axis(each, order, axis=1) for each in (found, exact)))


def _smallest(values, rows, count):
    """Return the smallest values (Q, count), or all, in any order, and their rows."""
    if values.shape[1] <= count:
        return values, rows
    kept = np.argpartition(values, count - 1, axis=1)[:, :count]
    return tuple(np.take_along_axis(each, kept, axis=1) for each in (values, rows))


def _flat(values):
    return np.asarray(values).reshape(len(values), -1).astype(np.float32)


def _distances(query, rows, chosen):
    off = np.asarray(rows[np.sort(chosen)]).astype(np.float64) - query
    by_row = np.sqrt((off.reshape(len(off), -1) ** 2).mean(axis=1))
    return by_row[np.argsort(np.argsort(chosen))]


def copied(samples, unseen):
    """Say how many samples are nearer to the training pictures than pictures that training never saw are.

    Parameters
    ----------
    samples, unseen : array-like
        Distances (n,) and (m,) to the nearest training picture, of samples and of held-out pictures.

    Returns
    -------
    dict of str to float
        nearer: share of the samples below the median held-out picture, 1/2 where samples are as new as those.
        as_copies: share nearer than all but a hundredth of the held-out ones, 1/100 there; copies are among them.

    Raises
    ------
    UserError
        If there are none, or fewer than 2 held-out ones.
    """
    samples, unseen = np.asarray(samples), np.asarray(unseen)
    if samples.ndim != 1 or unseen.ndim != 1 or len(samples) == 0 or len(unseen) < 2:
        raise UserError("distances", f"{samples.shape} and {unseen.shape}", "(n,) and (m,), m at least 2")
    thresholds = {"nearer": np.median(unseen), "as_copies": np.quantile(unseen, 0.01)}
    return {name: float((samples < threshold).mean()) for name, threshold in thresholds.items()}
