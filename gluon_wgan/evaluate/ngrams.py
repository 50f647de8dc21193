"""How far two sets of lines are in the short sequences of symbols that they are made of."""

import math

import numpy as np

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.divergences import js

LENGTHS = (1, 2, 3, 4)


def ngram_divergence(first, second, length, without=None):
    """Return the Jensen-Shannon divergence of the n-grams of two sets of lines, in bits: 0 to 1.

    The n-grams are those within a line, its filling included (github.com/igul222/improved_wgan_training,
    language_helpers.py, js_with). So lines of nothing but filling share much with short real ones, and by long n-grams
    can be nearer to them than shuffled characters are. It falls with the number of lines: compare sets of one size.

    Parameters
    ----------
    first, second : numpy.ndarray
        (N, L) and (M, L), whole numbers from 0.
    length : int
        n, 1 to L.
    without : int, optional
        A symbol, such as the filling, whose n-grams are left out.

    Returns
    -------
    float
        1, as where they share none, if either set has no n-grams left.

    Raises
    ------
    UserError
        If there are no lines, or none so long, or too many symbols for n-grams of this length.
    """
    base = int(max(lines.max(initial=0) for lines in (first, second))) + 1
    for lines in (first, second):
        if len(lines) == 0 or not 1 <= length <= lines.shape[1]:
            raise UserError("n-grams", f"{length} symbols, of lines {lines.shape}", "1 to their length; some lines")
    if length * math.log2(base) > 63:
        raise UserError("n-grams", f"{length} of {base} symbols", "together no more than 63 bits")
    codes, probabilities = zip(*(_distribution(lines, length, base, without) for lines in (first, second)))
    if not all(map(len, codes)):
        return 1.0
    every = np.union1d(*codes)
    spread = np.zeros((2, len(every)))
    for row, code, probability in zip(spread, codes, probabilities):
        row[np.searchsorted(every, code)] = probability
    return min(1.0, js(*spread) / math.log(2))  # of a sum's rounding it can be 2e-16 more


def _distribution(lines, length, base, without):
    """Return each n-gram that there is, as one number, and its share."""
    places = lines.shape[1] - length + 1
    codes = np.zeros((len(lines), places), dtype=np.int64)
    kept = np.ones(codes.shape, dtype=bool)
    for offset in range(length):
        symbols = lines[:, offset : offset + places]
        codes = codes * base + symbols
        kept &= symbols != without
    found, counts = np.unique(codes[kept], return_counts=True)
    return found, counts / counts.sum()
