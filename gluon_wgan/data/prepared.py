"""Prepare a source: decode and resize every picture once, to a memory-mapped array that later runs reuse.

The transform has no randomness, so doing it once is exact; training then reads 20 and more times faster than it
learns. Rows are appended and their count is noted beside them, so a killed preparation goes on where it was; only a
finished one gets its final name.

Two things identify pictures. Whether an array lies there already is a cheap look: names, sizes and times of the files,
and the versions of the libraries. Whether a run goes on with the pictures that it began with is their content, of
which a digest is taken once: a copied or moved data set is the same data.
"""

import contextlib
import functools
import hashlib
import io
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

from gluon_wgan.data.decode import UndecodableError, decoded_by
from gluon_wgan.data.prepared_files import Prepared, digest_of, read_lines
from gluon_wgan.errors import UserError
from gluon_wgan.files import flush, locked, naming, parse_json, short_name, with_fingerprint, write_atomic
from gluon_wgan.resize import get_resizer, resize_and_crop

_BLOCK = 32  # pictures that a thread takes at once: one at a time, threads would mostly wait for Python's lock
_QUEUE = 128  # blocks that wait for a thread at most
_SECONDS_BETWEEN_NOTES = 2.0
_MOST_SKIPPED = 0.01  # above this share of undecodable pictures something is wrong with the data set
# A PNG of 1 x 200,000 pixels is 467 bytes, and at 64 pixels a resized picture of gigabytes.
_LONGEST = 50
_SCHEMA = 3


def made_now(resize):
    """Return the versions of the libraries that decode and resize here, {"decode": ..., "resize": ...}."""
    return {"decode": decoded_by(), "resize": get_resizer(resize).made_by()}


def is_held_out(key):
    """Return whether the picture of that key belongs to the held-out tenth: SHA-1 of the key modulo 10 is 0."""
    return int(hashlib.sha1(key.encode()).hexdigest(), 16) % 10 == 0


def prepare(source, image_size, resize, cache_dir, *, allow_unreadable=False, made_by=None):
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
    allow_unreadable : bool
        Go on, however many pictures cannot be decoded.
    made_by : dict, optional
        `Prepared.content["made_by"]` of a run that goes on: what those versions prepared is taken, if it still lies
        there.

    Returns
    -------
    Prepared
        N is the number of pictures that could be decoded; the others are listed in skipped.tsv, with reasons.

    Raises
    ------
    UserError
        If more than 1 % of the pictures (and more than one) cannot be decoded, or the result has no room.
    """
    resizer = get_resizer(resize)
    shape = (len(source), image_size, image_size, source.channels)
    identity = {"schema": _SCHEMA, "source": source.identity(), "resize": resize, "shape": shape[1:]}
    identity |= {"dtype": resizer.dtype, "made_by": made_now(resize)}

    def place(made_by):
        digest = hashlib.sha256(json.dumps({**identity, "made_by": made_by}, sort_keys=True).encode()).hexdigest()[:12]
        name = f"{short_name(source.name, 80)}-{resize}-{image_size}x{source.channels}-{digest}"
        return Path(cache_dir) / "prepared" / name

    if made_by not in (None, identity["made_by"]) and place(made_by).is_dir():
        return Prepared(place(made_by))
    folder = place(identity["made_by"])
    if not folder.is_dir():
        _prepare(source, shape, resizer, folder, identity, allow_unreadable)
    prepared = Prepared(folder)
    if not allow_unreadable:
        _check_skipped(len(prepared.skipped()), len(source), source, folder / "skipped.tsv")
    return prepared


def _prepare(source, shape, resizer, folder, identity, allow_unreadable):
    """Make the folder of prepared pictures; another process that makes it is waited for."""
    partial, lock = (folder.with_name(folder.name + suffix) for suffix in (".partial", ".lock"))
    _check_disk(partial, shape, resizer.dtype)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    except OSError as error:
        allowed = "a folder that can be created and written"
        raise UserError("--cache-dir", f"{folder.parent.parent} ({error.strerror})", allowed) from error
    with locked(lock, wait=True):
        if not folder.is_dir():
            partial.mkdir(exist_ok=True)
            rows = _append_rows(partial, source, shape, resizer, allow_unreadable)
            _finish(partial, (rows, *shape[1:]), resizer.dtype, identity)
            partial.rename(folder)
            flush(folder.parent)


def _check_skipped(skipped, seen, source, listed):
    """Raise UserError if more of the pictures seen so far were skipped than a sound data set has."""
    most = max(1, int(_MOST_SKIPPED * len(source)))
    if skipped > most:
        allowed = f"{_MOST_SKIPPED:.0%} of {len(source)}, which is {most}" if most > 1 else f"1 of {len(source)}"
        raise UserError(
            f"--data ({source.name})",
            f"{skipped} of the first {seen} pictures cannot be decoded (listed in {listed})",
            f"at most {allowed}; or `train_lsun.py --allow-unreadable`, which goes on without them",
        )


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


def _append_rows(partial, source, shape, resizer, allow_unreadable):
    """Append what is missing of pictures.npy, keys.txt and skipped.tsv; return the number of rows."""
    files = {name: partial / name for name in ("pictures.npy", "keys.txt", "skipped.tsv")}
    progress_file = partial / "progress.json"
    progress = _noted(progress_file, files)
    if progress is not None:
        for name, size in progress["sizes"].items():
            os.truncate(files[name], size)  # what was written after the last note counts as not written
    else:
        files["pictures.npy"].write_bytes(_npy_header(shape, resizer.dtype))
        for name in ("keys.txt", "skipped.tsv"):
            files[name].write_bytes(b"")
        progress = {"done": 0, "rows": 0, "skipped": 0}

    convert = functools.partial(_convert, source, shape[1], resizer)
    streams = {name: open(path, "ab") for name, path in files.items()}

    def write(name, content):
        with naming(files[name]):
            streams[name].write(content)

    def note():
        for name, stream in streams.items():
            with naming(files[name]):
                stream.flush()
                os.fsync(stream.fileno())
        progress["sizes"] = {name: stream.tell() for name, stream in streams.items()}
        write_atomic(progress_file, json.dumps(progress).encode())

    noted = time.monotonic()
    bar = tqdm(
        total=shape[0], initial=progress["done"], unit="picture", desc=f"preparing ({resizer.name})", mininterval=0.5
    )
    try:
        with no_opencv_threads(), ThreadPoolExecutor(cpu_count()) as threads, bar:
            for start in range(progress["done"], shape[0], _QUEUE * _BLOCK):
                stop = min(start + _QUEUE * _BLOCK, shape[0])
                blocks = [range(first, min(first + _BLOCK, stop)) for first in range(start, stop, _BLOCK)]
                for block, pictures in zip(blocks, threads.map(convert, blocks)):
                    good, keys, skipped = _parted(source, block, pictures)
                    write("pictures.npy", b"".join(good))
                    write("keys.txt", keys.encode())
                    write("skipped.tsv", skipped.encode())
                    progress["rows"] += len(good)
                    progress["skipped"] += len(block) - len(good)
                    progress["done"] = block.stop
                    bar.update(len(block))
                    if not allow_unreadable:
                        streams["skipped.tsv"].flush()
                        _check_skipped(progress["skipped"], block.stop, source, files["skipped.tsv"])
                    if time.monotonic() - noted > _SECONDS_BETWEEN_NOTES:
                        note()
                        noted = time.monotonic()
        note()
    finally:
        for stream in streams.values():
            with contextlib.suppress(OSError):  # a full disk was told of before
                stream.close()
    return progress["rows"]


def _noted(progress_file, files):
    """Return how far a preparation was that was killed; None where none was, or its notes or files are damaged."""
    try:
        progress = parse_json(progress_file.read_bytes())
        sizes = progress["sizes"]
        whole = sizes.keys() == files.keys() and all(file.stat().st_size >= sizes[name] for name, file in files.items())
        return progress if whole and progress["done"] == progress["rows"] + progress["skipped"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _parted(source, block, pictures):
    """Return the pictures that could be decoded, a line each with their keys, and one each of the others."""
    good, keys, skipped = [], [], []
    for index, picture in zip(block, pictures):
        if isinstance(picture, UndecodableError):
            skipped.append(f"{source.key(index)}\t{' '.join(str(picture).split())}\n")
        else:
            good.append(picture)
            keys.append(f"{source.key(index)}\n")
    return good, "".join(keys), "".join(skipped)


def _convert(source, size, resizer, block):
    return [_convert_one(source, size, resizer, index) for index in block]


def _convert_one(source, size, resizer, index):
    try:
        image = source.image(index)
        short, long = sorted(image.size)
        if long > _LONGEST * short:
            raise UndecodableError(
                f"{image.width} x {image.height} pixels: one side is over {_LONGEST} times the other"
            )
        return np.ascontiguousarray(resize_and_crop(image, size, resizer))
    except UndecodableError as error:
        return error
    except MemoryError:
        return UndecodableError("not enough memory for it")


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
    pictures, keys = partial / "pictures.npy", partial / "keys.txt"
    with naming(pictures), open(pictures, "r+b") as stream:
        stream.write(_npy_header(shape, dtype))
        os.fsync(stream.fileno())
    held_out = io.BytesIO()
    np.save(held_out, np.array([is_held_out(key) for key in read_lines(keys)], dtype=bool))
    write_atomic(partial / "held_out.npy", held_out.getvalue())
    content = {"pictures": shape[0], "keys_sha256": digest_of(keys), "pictures_sha256": digest_of(pictures)}
    content["made_by"] = identity["made_by"]
    noted = {**identity, "content": content, "held_out_sha256": digest_of(partial / "held_out.npy")}
    noted["skipped_sha256"] = digest_of(partial / "skipped.tsv")
    write_atomic(partial / "identity.json", with_fingerprint(noted))
    (partial / "progress.json").unlink()
