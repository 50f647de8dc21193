"""What a source of pictures is: a length, `source[i]` (a decoded picture), `key(i)` and an identity."""

from abc import ABC, abstractmethod

import numpy as np

from gluon_wgan.errors import UserError
from gluon_wgan.resize import as_array


class Source(ABC):
    """A sequence of encoded or raw pictures.

    Attributes
    ----------
    name : str
        A short name for folders and tables.
    """

    def __init__(self, name, channels):
        self.name = name
        self.channels = channels

    @abstractmethod
    def __len__(self):
        """Return the number of pictures."""

    @abstractmethod
    def key(self, index):
        """Return the picture's name (str), which never changes: an LMDB key, a file's path inside its folder."""

    @abstractmethod
    def image(self, index):
        """Return picture `index` as a Pillow image, mode "RGB" or "L"; raises UndecodableError."""

    def __getitem__(self, index):
        """Return picture `index` as uint8 (H, W, channels); raises UndecodableError."""
        return as_array(self.image(index))

    def labels(self):
        """Return the label of every picture, uint8 (N,), or None where there are none."""
        return None

    @abstractmethod
    def identity(self):
        """Return a dict of JSON values that changes when the pictures do, without reading them."""


class JoinedSource(Source):
    """Parts of known lengths, one after the other."""

    def __init__(self, name, channels, lengths):
        super().__init__(name, channels)
        self._ends = np.cumsum(lengths)

    def __len__(self):
        return int(self._ends[-1])

    def _locate(self, index):
        """Return (part, row in that part) of a picture."""
        if not 0 <= index < len(self):
            raise IndexError(f"picture {index} of {len(self)}")
        part = int(np.searchsorted(self._ends, index, side="right"))
        return part, index - int(self._ends[part - 1]) if part else index


def check_keys(place, keys):
    """Raise UserError unless every key (bytes) is text on one line: keys are written to files, one a line."""
    for key in keys:
        if not is_line(key):
            raise UserError(
                "--data", f"{place} (with a picture named {key!r})", "names that are UTF-8 text on one line"
            )


def is_line(key):
    """Return whether a key (bytes) is UTF-8 text on one line."""
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return b"\n" not in key and b"\0" not in key
