"""LSUN: LMDBs of encoded pictures, read and written; and one of bedrooms that the project draws."""

import errno
import hashlib
import io
import subprocess
import sys
import weakref
from pathlib import Path

import lmdb
import numpy as np
from PIL import Image
from tqdm import tqdm

from gluon_wgan.data.decode import UndecodableError, decode
from gluon_wgan.data.rooms import draw_room
from gluon_wgan.data.source import JoinedSource, check_keys
from gluon_wgan.errors import UserError
from gluon_wgan.files import locked

_open_environments = weakref.WeakValueDictionary()

_SAMPLED = 256  # values whose content tells a rewritten LMDB from the old one

# LMDB trusts its pages: a damaged one ends the process that reads it, by an assertion or a signal. A walk over the keys
# touches every page that finding a picture touches later.
_WALK = """
import sys, lmdb
with lmdb.open(sys.argv[1], readonly=True, lock=False, readahead=False) as environment:
    with environment.begin() as transaction:
        for key in transaction.cursor().iternext(keys=True, values=False):
            pass
"""


def _open_lmdb(folder):
    """Open an LMDB, or return it if this process has it open already: LMDB refuses a second time."""
    status = (folder / "data.mdb").stat()
    file = (status.st_dev, status.st_ino)  # not the path: another LMDB may have taken its place since
    environment = _open_environments.get(file)
    if environment is None:
        # readonly and lock=False: a data set may lie on a read-only disk, and nobody writes it
        environment = lmdb.open(str(folder), readonly=True, lock=False, readahead=False, max_spare_txns=64)
        _check_complete(folder, environment, status.st_size)
        _check_pages(folder)
        _open_environments[file] = environment
    return environment


def _check_pages(folder):
    """Raise UserError for an LMDB with damaged pages, found by a process that may die of them."""
    walk = subprocess.run([sys.executable, "-c", _WALK, folder], capture_output=True, text=True, check=False)
    if walk.returncode:
        reason = (walk.stderr.strip().splitlines() or [f"reading it ended by signal {-walk.returncode}"])[-1]
        raise UserError("--data", f"{folder / 'data.mdb'} (damaged inside: {reason})", "a whole LMDB, copied anew")


def _check_complete(folder, environment, size):
    """Raise UserError for an LMDB that was cut short, by a broken copy say: reading it would kill the process."""
    recorded = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    # LMDB need not write last pages that it freed again, so a few of them may rightly be missing
    if size < recorded - 2**18:
        given = f"{folder / 'data.mdb'} ({size} bytes, where it records {recorded}: cut short)"
        raise UserError("--data", given, "a whole LMDB")


class LsunSource(JoinedSource):
    """One or several LSUN categories: LMDBs whose values are encoded pictures (JPEG, WebP, ...)."""

    def __init__(self, folders, channels=3):
        self.folders = folders
        self._environments, self._keys = [], []
        for folder in folders:
            try:
                environment = _open_lmdb(folder)
                with environment.begin() as transaction:
                    # values=False: walking the keys alone takes seconds where reading the pictures takes an hour
                    keys = list(transaction.cursor().iternext(keys=True, values=False))
            except (lmdb.Error, OSError) as error:
                raise UserError("--data", f"{folder} ({error})", "a readable LMDB folder") from error
            if len(keys) == 0:
                raise UserError("--data", f"{folder} (an LMDB with no entries)", "an LMDB with pictures in it")
            check_keys(folder, keys)
            self._environments.append(environment)
            self._keys.append(np.array(keys, dtype=np.bytes_))
        name = "+".join(folder.name.removesuffix("_lmdb") for folder in folders)
        super().__init__(name, channels, [len(keys) for keys in self._keys])

    def key(self, index):
        part, row = self._locate(index)
        return self._keys[part][row].decode()

    def value(self, index):
        """Return the encoded picture, bytes."""
        part, row = self._locate(index)
        with self._environments[part].begin() as transaction:
            return transaction.get(bytes(self._keys[part][row]))

    def image(self, index):
        try:
            value = self.value(index)
        except lmdb.Error as error:
            raise UndecodableError(f"the LMDB is damaged: {error}") from error
        if value is None:
            raise UndecodableError("the LMDB is damaged: nothing under this key")
        return decode(value, self.channels)

    def identity(self):
        return {"lmdb": [self._identity_of(part) for part in range(len(self.folders))]}

    def _identity_of(self, part):
        """Return what changes when an LMDB is written again, be it with the same keys and to the same size."""
        keys, environment = self._keys[part], self._environments[part]
        status = (self.folders[part] / "data.mdb").stat()
        sampled = hashlib.sha256()
        try:
            with environment.begin() as transaction:
                for row in np.linspace(0, len(keys) - 1, min(len(keys), _SAMPLED)).astype(int):
                    sampled.update(transaction.get(bytes(keys[row])) or b"")
        except lmdb.Error as error:
            given = f"{self.folders[part] / 'data.mdb'} (damaged inside: {error})"
            raise UserError("--data", given, "a whole LMDB, copied anew") from error
        return {
            "keys_sha256": hashlib.sha256(keys.tobytes()).hexdigest(),
            "entries": len(keys),
            "data_bytes": status.st_size,
            "modified_ns": status.st_mtime_ns,
            "transaction": environment.info()["last_txnid"],
            "last_page": environment.info()["last_pgno"],
            "sampled_sha256": sampled.hexdigest(),
        }


def write_lsun_lmdb(folder, entries):
    """Write an LMDB in LSUN's own layout; the folder appears whole or not at all.

    Parameters
    ----------
    folder : pathlib.Path
        Such as `ROOT/bedroom_train_lmdb`; must not exist.
    entries : iterable of (str, bytes)
        Key and encoded picture.

    Raises
    ------
    UserError
        If the folder exists.
    """
    if folder.exists():
        raise UserError("folder", f"{folder} (it exists)", "one that does not exist yet")
    partial = folder.with_name(folder.name + ".partial")
    if partial.exists():
        for file in partial.iterdir():
            file.unlink()
    partial.mkdir(parents=True, exist_ok=True)
    try:
        # map_size is address space, not disk: the file grows as needed
        with lmdb.open(str(partial), map_size=2**38) as environment, environment.begin(write=True) as transaction:
            for key, value in entries:
                transaction.put(key.encode(), value)
    except lmdb.Error as error:  # of the disk: full, or broken
        raise OSError(errno.EIO, str(error), str(partial)) from error
    (partial / "lock.mdb").unlink()
    partial.rename(folder)


def draw_bedrooms(cache_dir, count):
    """Draw our own bedrooms into an LSUN LMDB below `cache_dir`, once; return its folder.

    Keys are 40 hex characters, values JPEG, as in LSUN.
    """
    folder = Path(cache_dir) / f"rooms-{count}" / "bedroom_train_lmdb"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.parent / ".lock", wait=True):
        if not folder.exists():
            write_lsun_lmdb(folder, _encoded_rooms(count))
    return folder


def _encoded_rooms(count):
    for index in tqdm(range(count), unit="picture", desc="drawing bedrooms"):
        encoded = io.BytesIO()
        Image.fromarray(draw_room(0, index)).save(encoded, format="jpeg", quality=95)
        yield hashlib.sha1(f"room {index}".encode()).hexdigest(), encoded.getvalue()
