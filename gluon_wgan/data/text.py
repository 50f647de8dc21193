"""Text as training data: its lines, cut or filled up to one length, as numbers of symbols.

As WGAN-GP's language model has it (github.com/igul222/improved_wgan_training at 1c6d436, language_helpers.py): a
training example is the beginning of a line; shorter ones are filled up; characters beyond the most frequent ones are
one symbol. Departures: the filling is a symbol of its own, where the reference takes the character `; lines of nothing
but spaces are left out.
"""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np

from gluon_wgan import streams
from gluon_wgan.data.prepared import is_held_out
from gluon_wgan.errors import UserError
from gluon_wgan.settings import MOST_SYMBOLS

UNKNOWN, END = 0, 1  # symbols: of a rare character; of all places behind a line's end
_OWN = "\N{REPLACEMENT CHARACTER}\n"  # how these two are written
_END_WITHIN = "\N{PILCROW SIGN}"
_ALLOWED = "a text file in UTF-8, an example a line"


class Text:
    """The lines of a text, an array-like (N, length) of uint16, the numbers of their symbols.

    It has what `gluon_wgan.data.Prepared` has of pictures: a length, rows, `held_out`, `content`.

    Parameters
    ----------
    path : str or pathlib.Path
        A file in UTF-8.
    length : int
        Symbols of a line: longer ones are cut, shorter ones end in `END`.
    symbols : int
        Of the alphabet: the most frequent characters, and two more, for all others and for a line's end. 0 for all
        that the text has, 2,048 at most.

    Attributes
    ----------
    alphabet : str
        The character of each symbol.
    held_out : numpy.ndarray
        bool (N,): where the SHA-1 of the line's number in the file, from 1, is divisible by 10.

    Raises
    ------
    UserError
        If it is no such file, or has no lines, or not so many symbols.
    """

    def __init__(self, path, length, symbols=0):
        self.folder = Path(path).resolve()
        lines = _lines(Path(path), length)
        counts = Counter(character for _, line in lines for character in line)
        for own in _OWN:
            del counts[own]
        # of equally frequent ones the first in Unicode's order
        characters = sorted(counts, key=lambda character: (-counts[character], character))
        most = min(len(_OWN) + len(characters), MOST_SYMBOLS)
        if symbols and not len(_OWN) < symbols <= most:
            raise UserError("--symbols", symbols, f"{len(_OWN) + 1} to {most}, or 0, for {path}")
        self.alphabet = _OWN + "".join(characters)[: (symbols or most) - len(_OWN)]
        number_of = {character: number for number, character in enumerate(self.alphabet)}
        self.pictures = np.full((len(lines), length), END, dtype=np.uint16)
        for row, (_, line) in zip(self.pictures, lines):
            row[: len(line)] = [number_of.get(character, UNKNOWN) for character in line]
        keys = [str(number) for number, _ in lines]
        self.held_out = np.array([is_held_out(key) for key in keys])
        self.content = {
            "pictures": len(lines),
            "keys_sha256": hashlib.sha256("\n".join(keys).encode()).hexdigest(),
            "pictures_sha256": hashlib.sha256(self.alphabet.encode() + self.pictures.tobytes()).hexdigest(),
            "made_by": {"decode": "UTF-8", "resize": "no one"},
            "alphabet": self.alphabet,
        }

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, rows):
        return self.pictures[rows]

    def skipped(self):
        """Return nothing: a text is read whole or not at all."""
        return []


def _lines(path, length):
    """Return (number in the file, first characters) of each line that is not empty."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError("--data", f"{path} (byte {error.start} is not UTF-8)", _ALLOWED) from error
    except OSError as error:
        raise UserError("--data", f"{path} ({error.strerror})", _ALLOWED) from error
    lines = [(number, line.rstrip("\r")[:length]) for number, line in enumerate(text.split("\n"), 1)]
    lines = [(number, line) for number, line in lines if line.strip()]
    if not lines:
        raise UserError("--data", f"{path} (no lines in it)", _ALLOWED)
    return lines


def one_hot(rows, symbols):
    """Map numbers of symbols (N, length) to float32 (N, symbols, length): 1 at the symbol, 0 elsewhere."""
    hot = np.zeros((len(rows), symbols, rows.shape[1]), dtype=np.float32)
    np.put_along_axis(hot, rows[:, np.newaxis].astype(np.int64), 1, axis=1)
    return hot


def shuffled(rows, seed):
    """Return lines (N, length) with the characters of all of them shuffled; each keeps its length."""
    mixed, within = rows.copy(), rows != END
    mixed[within] = rows[within][streams.permutation(seed, "shuffled_characters", 0, within.sum())]
    return mixed


def as_lines(symbols, alphabet):
    """Return the lines that numbers of symbols (N, length) are, a list of str.

    What is behind a line's end is left out. An end that characters follow is shown as a pilcrow, a rare
    character as the replacement character.
    """
    lines = ["".join(alphabet[number] for number in row).rstrip(alphabet[END]) for row in symbols]
    return [line.replace(alphabet[END], _END_WITHIN) for line in lines]
