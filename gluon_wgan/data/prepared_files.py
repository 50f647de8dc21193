"""The folder of prepared pictures, as it is read: whole, and as it was written."""

import hashlib
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gluon_wgan.errors import UserError
from gluon_wgan.files import FINGERPRINT, fingerprint_of, parse_json


class Prepared:
    """Pictures of one size, memory-mapped: an array-like (N, H, W, C), uint8, or float32 where the resize gives it.

    Its files are read once when it is opened, and compared with the digests that were noted when they were written.

    Attributes
    ----------
    folder : pathlib.Path
        Where it lies: pictures.npy, keys.txt (a key a row), held_out.npy, skipped.tsv, identity.json.
    pictures : numpy.memmap
    held_out : numpy.ndarray
        bool (N,): True where the SHA-1 of the picture's key is divisible by 10.
    content : dict
        What the pictures are, wherever they lie: pictures (their number), keys_sha256, pictures_sha256, and made_by,
        the versions of the libraries that decoded and resized them.
    labels : numpy.ndarray or None
        uint8 (N,), where a training that wants them has put them.

    Raises
    ------
    UserError
        If the folder is damaged.
    """

    labels = None

    def __init__(self, folder):
        self.folder = Path(folder)
        try:
            self.pictures = np.load(self.folder / "pictures.npy", mmap_mode="r")
            self.held_out = np.load(self.folder / "held_out.npy")
            identity = parse_json((self.folder / "identity.json").read_bytes())
            self.content = identity["content"]
            problem = self._problem(identity)
        except Exception as error:  # of a damaged header numpy raises anything
            raise _damaged(self.folder, error) from error
        if problem:
            raise _damaged(self.folder, problem)
        self.shape, self.dtype = self.pictures.shape, self.pictures.dtype

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, rows):
        return self.pictures[rows]

    def __array__(self, dtype=None, copy=None):
        return np.array(self.pictures, dtype=dtype) if copy else np.asarray(self.pictures, dtype=dtype)

    def keys(self):
        """Return the keys of the rows, a list of str."""
        return self._lines("keys.txt")

    def skipped(self):
        """Return the pictures that could not be decoded, a list of (key, reason)."""
        return [tuple(line.rsplit("\t", 1)) for line in self._lines("skipped.tsv")]

    def _lines(self, name):
        try:
            return read_lines(self.folder / name)
        except ValueError as error:
            raise _damaged(self.folder, f"{name}: {error}") from error

    def _problem(self, identity):
        """Return what is wrong with what was read, or None."""
        if self.pictures.ndim != 4 or self.pictures.dtype not in (np.uint8, np.float32):
            return f"pictures.npy holds {self.pictures.dtype} of shape {self.pictures.shape}"
        if self.held_out.dtype != bool or self.held_out.shape != self.pictures.shape[:1]:
            return f"held_out.npy holds {self.held_out.dtype} of shape {self.held_out.shape}"
        if identity.pop(FINGERPRINT, None) != fingerprint_of(identity):
            return "identity.json is not as it was written"
        digests = {
            "keys.txt": self.content["keys_sha256"],
            "pictures.npy": self.content["pictures_sha256"],
            "held_out.npy": identity["held_out_sha256"],
            "skipped.tsv": identity["skipped_sha256"],
        }
        for name, digest in digests.items():
            if digest != digest_of(self.folder / name):
                return f"{name} is not as it was written"
        return None


def _damaged(folder, problem):
    given = f"{folder} (prepared pictures, damaged: {problem})"
    return UserError("--cache-dir", given, "remove that folder, and the pictures are prepared anew")


def read_lines(file):
    """Return the lines of a file, a list of str; raises ValueError if it is not UTF-8."""
    return file.read_bytes().decode().split("\n")[:-1]  # splitlines() would also part a key at U+2028 and others


def digest_of(file):
    """Return the SHA-256 of a file's bytes, in hexadecimal, with a bar if it takes long."""
    digest = hashlib.sha256()
    with (
        open(file, "rb") as stream,
        tqdm(total=file.stat().st_size, unit="B", unit_scale=True, delay=5, desc=f"checking {file.name}") as bar,
    ):
        while block := stream.read(2**24):
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()
