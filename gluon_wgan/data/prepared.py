"""Prepare a source: decode and resize every picture once, to a memory-mapped array that later runs reuse.

The transform has no randomness, so doing it once is exact; training then reads 20 and more times faster than it
learns. Rows are appended and their count is noted beside them, so a killed preparation goes on where it was; only a
finished one gets its final name.
"""

import contextlib
import functools
import hashlib
import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from loky import cpu_count
from tqdm import tqdm

from gluon_wgan.data.decode import UndecodableError
from gluon_wgan.errors import UserError
from gluon_wgan.resize import get_resizer, resize_and_crop
from gluon_wgan.run_folder import locked, write_atomic

_BLOCK = 32  # pictures that a thread takes at once: one at a time, threads would mostly wait for Python's lock
_QUEUE = 128  # blocks that wait for a thread at most
_SECONDS_BETWEEN_NOTES = 2.0
_MOST_SKIPPED = 0.01  # above this share of undecodable pictures something is wrong with the data set


class Prepared:
    """Pictures of one size, memory-mapped: an array-like (N, H, W, C), uint8, or float32 where the resize gives it.

    Attributes
    ----------
    folder : pathlib.Path
        Where it lies: pictures.npy, keys.txt (a key a row), held_out.npy, skipped.tsv, identity.json.
    pictures : numpy.memmap
    held_out : numpy.ndarray
        bool (N,): True where the SHA-1 of the picture's key is divisible by 10.
    """

    def __init__(self, folder):
        self.folder = folder
        self.pictures = np.load(folder / "pictures.npy", mmap_mode="r")
        self.held_out = np.load(folder / "held_out.npy")
        self.shape, self.dtype = self.pictures.shape, self.pictures.dtype

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, rows):
        return self.pictures[rows]

    def __array__(self, dtype=None):
        return np.asarray(self.pictures, dtype=dtype)

    def keys(self):
        """Return the keys of the rows, a list of str."""
        return _read_lines(self.folder / "keys.txt")

    def skipped(self):
        """Return the pictures that could not be decoded, a list of (key, reason)."""
        return [tuple(line.rsplit("\t", 1)) for line in _read_lines(self.folder / "skipped.tsv")]


def _read_lines(file):
    return file.read_bytes().decode().split("\n")[:-1]  # splitlines() would also part a key at U+2028 and others


def is_held_out(key):
    """Return whether the picture of that key belongs to the held-out tenth: SHA-1 of the key modulo 10 is 0."""
    return int(hashlib.sha1(key.encode()).hexdigest(), 16) % 10 == 0


def prepare(source, image_size, resize, cache_dir):
    """Decode, resize (short side) and centre-crop every picture of a source, in parallel, once.

    Works from a script without a main guard, from standard input and from a notebook: it uses threads, and Pillow
    and OpenCV release Python's lock. A second process that prepares the same waits for the first and takes its
    result.

    Parameters
    ----------
    source : Source
        See `open_source`.
    image_size : int
        Pixels per side.
    resize : str
        A name of the resize registry.
    cache_dir : str or pathlib.Path
        The result lies in a folder of its own below it.

    Returns
    -------
    Prepared
        N is the number of pictures that could be decoded; the others are listed in skipped.tsv, with reasons.

    Raises
    ------
    UserError
        If more than 1 % of the pictures cannot be decoded, or the result cannot be written or has no room.
    """
    resizer = get_resizer(resize)
    shape = (len(source), image_size, image_size, source.channels)
    identity = {"source": source.identity(), "resize": resize, "shape": shape[1:], "dtype": resizer.dtype}
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
    folder = Path(cache_dir) / "prepared" / f"{source.name[:80]}-{resize}-{image_size}x{source.channels}-{digest}"
    if folder.is_dir():
        return Prepared(folder)
    partial, lock = (folder.with_name(folder.name + suffix) for suffix in (".partial", ".lock"))
    _check_disk(partial, shape, resizer.dtype)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    except OSError as error:
        allowed = "a folder that can be created and written"
        raise UserError("--cache-dir", f"{cache_dir} ({error.strerror})", allowed) from error
    with locked(lock, wait=True):
        if not folder.is_dir():
            partial.mkdir(exist_ok=True)
            rows = _append_rows(partial, source, shape, resizer)
            _finish(partial, (rows, *shape[1:]), resizer.dtype, identity)
            partial.rename(folder)
    return Prepared(folder)


def _check_disk(partial, shape, dtype):
    existing = next(parent for parent in partial.absolute().parents if parent.exists())
    needed = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    with contextlib.suppress(OSError):
        needed -= (partial / "pictures.npy").stat().st_size  # a killed preparation's, or another process is at it
    free = shutil.disk_usage(existing).free
    if needed > 0.95 * free:
        given = f"{existing} with {free / 2**30:.1f} GiB free"
        raise UserError("--cache-dir", given, f"a folder with {needed / 0.95 / 2**30:.1f} GiB free")


def _npy_header(shape, dtype):
    """Return a .npy header whose length does not depend on the number of rows, so that it can be written over."""
    text = repr({"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape})
    return b"\x93NUMPY\x01\x00" + (246).to_bytes(2, "little") + text.ljust(245).encode() + b"\n"


def _append_rows(partial, source, shape, resizer):
    """Append what is missing of pictures.npy, keys.txt and skipped.tsv; return the number of rows."""
    files = {name: partial / name for name in ("pictures.npy", "keys.txt", "skipped.tsv")}
    progress_file = partial / "progress.json"
    if progress_file.exists():
        progress = json.loads(progress_file.read_text())
        for name, size in progress["sizes"].items():
            os.truncate(files[name], size)  # what was written after the last note counts as not written
    else:
        files["pictures.npy"].write_bytes(_npy_header(shape, resizer.dtype))
        for name in ("keys.txt", "skipped.tsv"):
            files[name].write_bytes(b"")
        progress = {"done": 0, "rows": 0, "skipped": 0}

    convert = functools.partial(_convert, source, shape[1], resizer)
    streams = {name: open(path, "ab") for name, path in files.items()}

    def note():
        for stream in streams.values():
            stream.flush()
            os.fsync(stream.fileno())
        progress["sizes"] = {name: stream.tell() for name, stream in streams.items()}
        write_atomic(progress_file, json.dumps(progress).encode())

    noted = time.monotonic()
    bar = tqdm(total=shape[0], initial=progress["done"], unit="picture", desc=f"preparing ({resizer.name})")
    try:
        with no_opencv_threads(), ThreadPoolExecutor(cpu_count()) as threads, bar:
            for start in range(progress["done"], shape[0], _QUEUE * _BLOCK):
                stop = min(start + _QUEUE * _BLOCK, shape[0])
                blocks = [range(first, min(first + _BLOCK, stop)) for first in range(start, stop, _BLOCK)]
                for block, pictures in zip(blocks, threads.map(convert, blocks)):
                    for index, picture in zip(block, pictures):
                        if isinstance(picture, UndecodableError):
                            reason = " ".join(str(picture).split())
                            streams["skipped.tsv"].write(f"{source.key(index)}\t{reason}\n".encode())
                            progress["skipped"] += 1
                        else:
                            streams["pictures.npy"].write(picture)
                            streams["keys.txt"].write(f"{source.key(index)}\n".encode())
                            progress["rows"] += 1
                    progress["done"] = block.stop
                    bar.update(len(block))
                    if progress["skipped"] > _MOST_SKIPPED * shape[0]:
                        streams["skipped.tsv"].flush()
                        given = f"{progress['skipped']} of the first {block.stop} pictures cannot be decoded"
                        raise UserError(
                            f"--data ({source.name})",
                            f"{given} (listed in {files['skipped.tsv']})",
                            f"at most {_MOST_SKIPPED:.0%} of {shape[0]}",
                        )
                    if time.monotonic() - noted > _SECONDS_BETWEEN_NOTES:
                        note()
                        noted = time.monotonic()
        note()
    finally:
        for stream in streams.values():
            stream.close()
    return progress["rows"]


def _convert(source, size, resizer, block):
    return [_convert_one(source, size, resizer, index) for index in block]


def _convert_one(source, size, resizer, index):
    try:
        return np.ascontiguousarray(resize_and_crop(source.image(index), size, resizer))
    except UndecodableError as error:
        return error


@contextlib.contextmanager
def no_opencv_threads():
    """Keep OpenCV from starting threads of its own inside each of ours."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _finish(partial, shape, dtype, identity):
    with open(partial / "pictures.npy", "r+b") as stream:
        stream.write(_npy_header(shape, dtype))
        os.fsync(stream.fileno())
    held_out = [is_held_out(key) for key in _read_lines(partial / "keys.txt")]
    with open(partial / "held_out.npy", "wb") as stream:
        np.save(stream, np.array(held_out, dtype=bool))
        os.fsync(stream.fileno())
    write_atomic(partial / "identity.json", json.dumps(identity, indent=1).encode())
    (partial / "progress.json").unlink()
