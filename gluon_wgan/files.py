"""Files that appear whole or not at all, locks against two writers, and failures that name their file."""

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import logging
import os
import tempfile
from pathlib import Path

import numpy as np

from gluon_wgan.errors import UserError

log = logging.getLogger(__name__)

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
_DIGEST_BYTES = hashlib.sha256().digest_size
FINGERPRINT = "sha256_of_the_rest"  # the last key of a JSON file that knows when it was changed
_LONGEST_NAME = 200  # bytes; file systems take 255, and .partial and .lock are added


@contextlib.contextmanager
def naming(path):
    """Let an OSError from within name a file: those of a write, a flush or a close do not say of what."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise


@contextlib.contextmanager
def locked(path, wait):
    """Hold an exclusive lock (flock) on a file, made if need be, or a folder, until the block or the process ends.

    On a file system that has no locks (some network drives) it warns, and goes on without.

    Raises
    ------
    BlockingIOError
        If another process holds it and `wait` is false.
    """
    handle = os.open(path, os.O_RDONLY if Path(path).is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            with naming(path):
                fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            log.warning("%s: no locks on this file system (%s); let no second process write there", path, error)
        yield
    finally:
        os.close(handle)


def check_writable(flag, folder):
    """Raise UserError, naming the flag, unless a folder can be written, or made if it is not there; leaves no trace.

    Called before what takes long, so that its figures have a place.
    """
    parent = next(parent for parent in (Path(folder), *Path(folder).absolute().parents) if parent.exists())
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".probe-", dir=parent))  # a name of its own: others may be looking too
    except OSError as error:
        given = f"{folder} ({parent}: {error.strerror})"
        raise UserError(flag, given, "a folder that can be created and written") from error


def check_writable_file(flag, file):
    """Raise UserError, naming the flag, if a file is a folder, or as `check_writable` of the one that it lies in."""
    if Path(file).is_dir():
        raise UserError(flag, f"{file} (a folder)", "a file")
    check_writable(flag, Path(file).parent)


def fingerprint_of(content):
    """Return the SHA-256 of a dict of JSON values, in hexadecimal, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def with_fingerprint(content):
    """Return a dict as JSON (bytes), with the fingerprint of the rest as its last key."""
    return json.dumps({**content, FINGERPRINT: fingerprint_of(content)}, indent=1).encode()


def write_atomic(path, content):
    """Write bytes to a file so that a reader, or a crash, sees the old content or the new, never a part."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        write_flushed(partial, content)
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)  # a full disk wants its room back
        raise


def parse_json(text):
    """Return the value in a text (str or bytes) in JSON; raises ValueError for all else, be it nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def write_flushed(path, content):
    """Write bytes to a file, on the disk when this returns."""
    with naming(path), open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def keep_arrays(path, arrays):
    """Write arrays, with the SHA-256 of all at the end, to a file that `kept_arrays` reads, as `write_atomic` does."""
    content = io.BytesIO()
    np.savez(content, *arrays)
    write_atomic(path, content.getvalue() + hashlib.sha256(content.getvalue()).digest())


def kept_arrays(path):
    """Return the list of arrays that `keep_arrays` wrote; None if there is no file, or it is not as it was written."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return None
    content, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as kept:
        return [kept[name] for name in kept.files]


def flush(path):
    """Have what was written to a file, or the names in a folder, on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with naming(path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def short_name(name, most=_LONGEST_NAME):
    """Return a file's name cut to so many bytes of UTF-8, between two characters; what is no UTF-8 is left out."""
    return os.fsencode(name)[:most].decode(errors="ignore")


def as_text(path):
    """Return a path as text for people: bytes that are no UTF-8 become the sign for that."""
    return os.fsencode(path).decode(errors="replace")
