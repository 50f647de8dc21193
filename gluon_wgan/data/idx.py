"""MNIST's idx files, as LeCun's page describes them: a magic number, the sizes, then the bytes."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from gluon_wgan.errors import UserError

_UNSIGNED_BYTES = 0x800


def find_idx(folder, kind, dimensions):
    """Return the file of MNIST's training "images" (3 dimensions) or "labels" (1) in a folder, None if there is none.

    The same file has three names in use: train-images-idx3-ubyte, that with .gz, and train-images.idx3-ubyte.
    """
    name = f"idx{dimensions}-ubyte"
    for file in (Path(folder) / f"train-{kind}{rest}" for rest in (f"-{name}", f"-{name}.gz", f".{name}")):
        if file.is_file():
            return file
    return None


def read_idx(file, dimensions):
    """Return the array in an idx file of bytes, gzipped or not: uint8, of as many dimensions.

    Raises
    ------
    UserError
        If it is no such file, empty, or cut short.
    """
    what = {1: "labels", 3: "pictures"}[dimensions]
    allowed = f"MNIST's file of {what} (*-idx{dimensions}-ubyte), whole"
    try:
        with gzip.open(file) if file.suffix == ".gz" else open(file, "rb") as stream:
            content = stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError("--data", f"{file} ({error})", allowed) from error
    offset = 4 * (1 + dimensions)
    magic, *shape = map(int, np.frombuffer(content[:offset], dtype=">u4")) if len(content) >= offset else (0, 0)
    if magic != _UNSIGNED_BYTES + dimensions or len(content) != offset + math.prod(shape) or 0 in shape:
        raise UserError("--data", f"{file} (not an idx file of {what}, or cut short)", allowed)
    return np.frombuffer(content, dtype=np.uint8, offset=offset).reshape(shape)
