"""Where pictures come from. A source has a length, `source[i]` (a decoded picture), `key(i)` and an identity."""

import gzip
import hashlib
import os
import weakref
import zlib
from abc import ABC, abstractmethod
from pathlib import Path

import lmdb
import numpy as np

from gluon_wgan.data.decode import decode
from gluon_wgan.errors import UserError
from gluon_wgan.resize import as_array, as_image

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")


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

    @abstractmethod
    def identity(self):
        """Return a dict of JSON values that changes when the pictures do, without reading them."""


_open_environments = weakref.WeakValueDictionary()


def _open_lmdb(folder):
    """Open an LMDB, or return it if this process has it open already: LMDB refuses a second time."""
    status = (folder / "data.mdb").stat()
    file = (status.st_dev, status.st_ino)  # not the path: another LMDB may have taken its place since
    environment = _open_environments.get(file)
    if environment is None:
        # readonly and lock=False: a data set may lie on a read-only disk, and nobody writes it
        environment = lmdb.open(str(folder), readonly=True, lock=False, readahead=False, max_spare_txns=64)
        _check_complete(folder, environment, status.st_size)
        _open_environments[file] = environment
    return environment


def _check_complete(folder, environment, size):
    """Raise UserError for an LMDB that was cut short, by a broken copy say: reading it would kill the process."""
    recorded = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
    # LMDB need not write last pages that it freed again, so a few of them may rightly be missing
    if size < recorded - 2**18:
        given = f"{folder / 'data.mdb'} ({size} bytes, where it records {recorded}: cut short)"
        raise UserError("--data", given, "a whole LMDB")


def _check_keys(place, keys):
    """Raise UserError unless every key (bytes) is text on one line: keys are written to files, one a line."""
    for key in keys:
        if not _is_line(key):
            raise UserError(
                "--data", f"{place} (with a picture named {key!r})", "names that are UTF-8 text on one line"
            )


def _is_line(key):
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return b"\n" not in key and b"\0" not in key


class LsunSource(Source):
    """One or several LSUN categories: LMDBs whose values are encoded pictures (JPEG, WebP, ...)."""

    def __init__(self, folders, channels=3):
        super().__init__("+".join(folder.name.removesuffix("_lmdb") for folder in folders), channels)
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
            _check_keys(folder, keys)
            self._environments.append(environment)
            self._keys.append(np.array(keys, dtype=np.bytes_))
        self._ends = np.cumsum([len(keys) for keys in self._keys])

    def __len__(self):
        return int(self._ends[-1])

    def _locate(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"picture {index} of {len(self)}")
        which = int(np.searchsorted(self._ends, index, side="right"))
        return which, self._keys[which][index - int(self._ends[which])]

    def key(self, index):
        return self._locate(index)[1].decode()

    def value(self, index):
        """Return the encoded picture, bytes."""
        which, key = self._locate(index)
        with self._environments[which].begin() as transaction:
            return transaction.get(bytes(key))

    def image(self, index):
        return decode(self.value(index), self.channels)

    def identity(self):
        return {
            "lmdb": [
                {
                    "keys_sha256": hashlib.sha256(keys.tobytes()).hexdigest(),
                    "entries": len(keys),
                    "data_bytes": (folder / "data.mdb").stat().st_size,
                }
                for folder, keys in zip(self.folders, self._keys)
            ]
        }


class FolderSource(Source):
    """A folder of pictures, searched in depth (CIFAR-10 as PNG folders among them), in order of path."""

    def __init__(self, folder, channels=3):
        super().__init__(folder.resolve().name, channels)
        self.folder = folder
        self._files = sorted(
            (Path(parent) / name).relative_to(folder).as_posix()
            for parent, _, names in os.walk(folder)
            for name in names
            if name.lower().endswith(PICTURE_SUFFIXES)
        )
        if not self._files:
            allowed = f"an LSUN root, a *_lmdb folder, or a folder with pictures ({' '.join(PICTURE_SUFFIXES)})"
            raise UserError("--data", f"{folder} (no pictures in it)", allowed)
        _check_keys(folder, map(os.fsencode, self._files))

    def __len__(self):
        return len(self._files)

    def key(self, index):
        return self._files[index]

    def image(self, index):
        return decode(self.folder / self._files[index], self.channels)

    def identity(self):
        digest = hashlib.sha256()
        for name in self._files:
            status = (self.folder / name).stat()
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
        return {"files_sha256": digest.hexdigest(), "files": len(self._files)}


class RawSource(Source):
    """Pictures that lie uncompressed in a few files of fixed-size records: MNIST idx, CIFAR-10 binary."""

    def __init__(self, name, files, arrays, channels):
        super().__init__(name, channels)
        self._files = files
        self._arrays = arrays  # one array (n, H, W, stored channels) per file
        self._ends = np.cumsum([len(array) for array in arrays])

    def __len__(self):
        return int(self._ends[-1])

    def _locate(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"picture {index} of {len(self)}")
        which = int(np.searchsorted(self._ends, index, side="right"))
        return which, index - int(self._ends[which]) + len(self._arrays[which])

    def key(self, index):
        which, row = self._locate(index)
        return f"{self._files[which].name}:{row}"

    def image(self, index):
        which, row = self._locate(index)
        stored = as_image(np.ascontiguousarray(self._arrays[which][row]))
        return stored.convert("RGB" if self.channels == 3 else "L")

    def identity(self):
        return {"files": [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in self._files]}


def _read_idx(file):
    try:
        with gzip.open(file) if file.suffix == ".gz" else open(file, "rb") as stream:
            content = stream.read()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError("--data", f"{file} ({error})", "MNIST's *-images-idx3-ubyte, whole") from error
    magic, count, height, width = np.frombuffer(content[:16], dtype=">u4") if len(content) >= 16 else (0, 0, 0, 0)
    if magic != 0x803 or len(content) != 16 + int(count) * int(height) * int(width) or count == 0:
        raise UserError("--data", f"{file} (not an idx file of pictures, or cut short)", "MNIST's *-images-idx3-ubyte")
    return np.frombuffer(content, dtype=np.uint8, offset=16).reshape(count, height, width, 1)


def _read_cifar_batch(file):
    record = 1 + 3 * 32 * 32  # the label, then the red, green and blue planes
    content = np.fromfile(file, dtype=np.uint8)
    if len(content) == 0 or len(content) % record:
        raise UserError("--data", f"{file} ({len(content)} bytes)", f"CIFAR-10's binary version: n x {record} bytes")
    return content.reshape(-1, record)[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def open_source(path, category=None, image_channels=3):
    """Open the pictures that lie at a path.

    What they are is seen from the files: `data.mdb` (one LMDB), `CATEGORY_lmdb` folders (an LSUN root),
    `train-images-idx3-ubyte[.gz]` (MNIST), `data_batch_*.bin` (CIFAR-10's binary version), else a folder of
    pictures. Of MNIST and CIFAR-10 the training pictures are taken.

    Parameters
    ----------
    path : str or pathlib.Path
    category : str or sequence of str, optional
        LSUN categories to join. Not needed where the root holds only one.
    image_channels : int
        3 (RGB) or 1 (grey).

    Returns
    -------
    Source
        `len(source)`; `source[i]` is uint8 (H, W, image_channels), RGB, 0 to 255; `source.key(i)`.

    Raises
    ------
    UserError
        If nothing at the path is one of these.
    """
    path = Path(path)
    if not path.is_dir():
        problem = "not a folder" if path.exists() else "it does not exist"
        raise UserError("--data", f"{path} ({problem})", "an existing LSUN root, *_lmdb folder or folder of pictures")
    if (path / "data.mdb").is_file():
        return LsunSource([path], image_channels)
    if path.name.endswith("_lmdb"):
        raise UserError("--data", f"{path} (no data.mdb in it: not an LMDB)", "a folder that LMDB wrote")
    present = sorted(child.name.removesuffix("_lmdb") for child in path.glob("*_lmdb"))
    if present:
        wanted = [category] if isinstance(category, str) else list(category or present)
        unknown = [name for name in wanted if name not in present]
        if unknown or (category is None and len(present) > 1):
            raise UserError("--category", ", ".join(unknown) or None, f"one or more of {', '.join(present)}")
        return LsunSource([path / f"{name}_lmdb" for name in wanted], image_channels)
    for idx_name in ("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte"):
        if (path / idx_name).is_file():
            return RawSource(path.resolve().name, [path / idx_name], [_read_idx(path / idx_name)], image_channels)
    batches = sorted(path.glob("data_batch_*.bin"))
    if batches:
        return RawSource(path.resolve().name, batches, [_read_cifar_batch(file) for file in batches], image_channels)
    return FolderSource(path, image_channels)


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
    # map_size is address space, not disk: the file grows as needed
    with lmdb.open(str(partial), map_size=2**38) as environment, environment.begin(write=True) as transaction:
        for key, value in entries:
            transaction.put(key.encode(), value)
    (partial / "lock.mdb").unlink()
    partial.rename(folder)
