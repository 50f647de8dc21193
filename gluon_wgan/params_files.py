"""MXNet's .params files, read by hand: `nd.load` allocates what a header claims before it looks whether it is there.

The format (MXNet 1.x, src/ndarray/ndarray.cc), little-endian: uint64 0x112, uint64 0; uint64 number of arrays, the
arrays; uint64 number of names, each as uint64 length and UTF-8. An array: uint32 magic, int32 storage type (0: dense),
int32 dimensions, int64 each, int32 device type, int32 device number, int32 data type (0, 1, 2: float32, 64, 16), the
numbers.
"""

import math
import struct
from pathlib import Path

import numpy as np

from gluon_wgan.errors import UserError

_LIST = struct.pack("<Q", 0x112)
_TYPES = {0: "<f4", 1: "<f8", 2: "<f2"}
_ARRAY = (0xF993FAC9, 0xF993FACA)  # with and without NumPy's shapes


def is_params_file(path):
    """Say whether a file begins as MXNet's lists of arrays do, whatever its name; raises UserError if unreadable."""
    try:
        with open(path, "rb") as file:
            return file.read(8) == _LIST
    except OSError as error:
        raise UserError(path, f"an unreadable file ({error.strerror})", "a file of weights") from error


def read_params(path):
    """Return the arrays of a .params file, {name: float32 numpy array, read-only} in its order.

    Parameters
    ----------
    path : str or pathlib.Path

    Raises
    ------
    UserError
        If it is no such file, is cut short, or holds other than dense arrays of floats with names, all finite and the
        same in float32.
    """
    path = Path(path)
    if not is_params_file(path):
        raise UserError(path, "a file of another kind", "a file that Gluon's save_parameters wrote")
    try:
        arrays = _parse(path.read_bytes())
    except (ValueError, struct.error) as error:
        raise UserError(path, f"a damaged file ({error})", "dense float32 arrays with names, whole") from error
    return {name: _as_float32(name, array, path) for name, array in arrays.items()}


def _parse(content):
    at = 16

    def take(form):
        nonlocal at
        values = struct.unpack_from(form, content, at)
        at += struct.calcsize(form)
        return values

    def take_bytes(size):
        nonlocal at
        if size > len(content) - at:
            raise ValueError(f"it ends at byte {len(content)}, within {size} bytes that begin at {at}")
        at += size
        return content[at - size : at]

    def take_array():
        magic, storage, dimensions = take("<Iii")
        if magic not in _ARRAY or storage != 0 or not 0 < dimensions <= 32:
            raise ValueError(f"no dense array at byte {at - 12}")
        shape = take(f"<{dimensions}q")
        _, _, data_type = take("<iii")
        if data_type not in _TYPES or min(shape) < 0:
            raise ValueError(f"an array of shape {shape} and MXNet's data type {data_type}, where 0 is float32")
        dtype = np.dtype(_TYPES[data_type])
        return np.frombuffer(take_bytes(dtype.itemsize * math.prod(shape)), dtype).reshape(shape)

    arrays = [take_array() for _ in range(take("<Q")[0])]
    names = [take_bytes(take("<Q")[0]).decode() for _ in range(take("<Q")[0])]
    if len(set(names)) != len(arrays) or len(names) != len(arrays) or at != len(content):
        raise ValueError(f"{len(arrays)} arrays, {len(set(names))} names, {len(content) - at} bytes after them")
    return dict(zip(names, arrays))


def _as_float32(name, array, path):
    if not np.isfinite(array).all():
        raise UserError(path, f"{name} with values that are not finite", "weights from before training diverged")
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32, copy=False)
    if not np.array_equal(narrow, array):
        given = f"{name} of type {array.dtype}, with values that float32 would round"
        raise UserError(path, given, "float32, or values that are the same in it")
    return narrow
