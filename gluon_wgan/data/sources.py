"""Open what lies at a path: LSUN, a folder of pictures, MNIST's idx files, CIFAR-10."""

from functools import partial
from pathlib import Path

import numpy as np

from gluon_wgan.data.folder import PICTURE_SUFFIXES, FolderSource
from gluon_wgan.data.idx import find_idx, read_idx
from gluon_wgan.data.lsun import LsunSource
from gluon_wgan.data.source import JoinedSource
from gluon_wgan.errors import UserError
from gluon_wgan.resize import as_image


class RawSource(JoinedSource):
    """Pictures that lie uncompressed in a few files of fixed-size records: MNIST idx, CIFAR-10 binary."""

    def __init__(self, name, files, arrays, channels, read_labels):
        super().__init__(name, channels, [len(array) for array in arrays])
        self._files = files
        self._read_labels = read_labels
        self._arrays = arrays  # one array (n, H, W, stored channels) per file

    def key(self, index):
        part, row = self._locate(index)
        return f"{self._files[part].name}:{row}"

    def image(self, index):
        part, row = self._locate(index)
        stored = as_image(np.ascontiguousarray(self._arrays[part][row]))
        return stored.convert("RGB" if self.channels == 3 else "L")

    def labels(self):
        return self._read_labels()

    def identity(self):
        return {"files": [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in self._files]}


_ALLOWED = (
    "an LSUN root or *_lmdb folder, the folder of MNIST's train-images-idx3-ubyte[.gz], that of CIFAR-10's "
    f"data_batch_*.bin (its binary version), or a folder of pictures ({' '.join(PICTURE_SUFFIXES)})"
)


def _mnists_labels(folder):
    file = find_idx(folder, "labels", 1)
    return read_idx(file, 1) if file else None


def _read_cifar_batch(file):
    record = 1 + 3 * 32 * 32  # the label, then the red, green and blue planes
    content = np.fromfile(file, dtype=np.uint8)
    if len(content) == 0 or len(content) % record:
        raise UserError("--data", f"{file} ({len(content)} bytes)", f"CIFAR-10's binary version: n x {record} bytes")
    content = content.reshape(-1, record)
    return content[:, 0], content[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


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
        raise UserError("--data", f"{path} ({problem})", _ALLOWED)
    if (path / "data.mdb").is_file():
        return LsunSource([path], image_channels)
    if path.name.endswith("_lmdb"):
        raise UserError("--data", f"{path} (no data.mdb in it: not an LMDB)", "a folder that LMDB wrote")
    present = sorted(child.name.removesuffix("_lmdb") for child in path.glob("[!.]*_lmdb"))  # no ._ of a Mac
    if present:
        wanted = [category] if isinstance(category, str) else list(category or present)
        unknown = [name for name in wanted if name not in present]
        if unknown or (category is None and len(present) > 1):
            raise UserError("--category", ", ".join(unknown) or None, f"one or more of {', '.join(present)}")
        return LsunSource([path / f"{name}_lmdb" for name in wanted], image_channels)
    if idx := find_idx(path, "images", 3):
        pictures = read_idx(idx, 3)[..., np.newaxis]
        return RawSource(path.resolve().name, [idx], [pictures], image_channels, partial(_mnists_labels, path))
    batches = sorted(path.glob("data_batch_*.bin"))
    if batches:
        labels, arrays = zip(*map(_read_cifar_batch, batches))
        return RawSource(path.resolve().name, batches, arrays, image_channels, partial(np.concatenate, labels))
    if (path / "data_batch_1").is_file():
        given = f"{path} (CIFAR-10's Python version, whose files are pickles: opening one can run any code)"
        raise UserError(
            "--data", given, "its binary version (cifar-10-binary.tar.gz), with data_batch_1.bin and others"
        )
    below = next((name for name in ("raw", "MNIST/raw", "cifar-10-batches-bin") if _holds_raw(path / name)), None)
    if below:
        raise UserError("--data", f"{path} (the pictures lie below it)", path / below)
    source = FolderSource(path, image_channels)
    if len(source) == 0:
        left_out = f"; left out: {source.left_out}" if source.left_out else ""
        raise UserError("--data", f"{path} (no pictures in it{left_out})", _ALLOWED)
    return source


def _holds_raw(folder):
    return folder.is_dir() and bool(find_idx(folder, "images", 3) or next(folder.glob("data_batch_*.bin"), None))
