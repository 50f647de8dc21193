"""A folder of pictures, as it lies on people's disks: with hidden files, links, thumbnails, and worse, among them."""

import contextlib
import hashlib
import logging
import os
from pathlib import Path

from gluon_wgan.data.decode import decode
from gluon_wgan.data.source import Source, is_line

log = logging.getLogger(__name__)

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm")
# What systems put beside pictures: copies and thumbnails of them. All other such names begin with a dot.
_OF_SYSTEMS = {"@eadir", "__macosx", "$recycle.bin", "system volume information", "lost+found"}
_NAMED = 3  # of what was left out


class FolderSource(Source):
    """A folder of pictures, searched in depth (CIFAR-10 as PNG folders among them), in order of path.

    Hidden files and those of systems, linked folders, and folders that cannot be read are left out: what and how many
    goes to the log.

    Attributes
    ----------
    left_out : str
        In words; empty if nothing was.
    """

    def __init__(self, folder, channels=3):
        super().__init__(folder.resolve().name, channels)
        self.folder = folder
        self._files, left_out = _walk(folder)
        self.left_out = ", ".join(f"{kind}: {len(names)} ({_some(names)})" for kind, names in left_out.items() if names)
        if self.left_out:
            log.info("%s: left out: %s", folder, self.left_out)

    def __len__(self):
        return len(self._files)

    def key(self, index):
        return self._files[index]

    def image(self, index):
        return decode(self.folder / self._files[index], self.channels)

    def identity(self):
        digest = hashlib.sha256()
        for name in self._files:
            digest.update(f"{name}\0".encode())
            with contextlib.suppress(OSError):  # a link to nowhere, say, which is skipped when it is read
                status = (self.folder / name).stat()
                digest.update(f"{status.st_size}\0{status.st_mtime_ns}".encode())
            digest.update(b"\n")
        return {"files_sha256": digest.hexdigest(), "files": len(self._files)}


def _walk(folder):
    """Return (paths below the folder, sorted, as text; {what was left out: names})."""
    files, hidden, linked, unreadable, unnamed = [], [], [], [], []

    def note(error):
        unreadable.append(f"{Path(error.filename).name}: {error.strerror}")

    for parent, folders, names in os.walk(folder, onerror=note):
        hidden += [name for name in (*folders, *names) if _is_hidden(name)]
        kept = [name for name in folders if not _is_hidden(name)]
        linked += [name for name in kept if os.path.islink(os.path.join(parent, name))]
        folders[:] = kept  # os.walk goes on with these, but for links
        for name in names:
            if name.lower().endswith(PICTURE_SUFFIXES) and not _is_hidden(name):
                path = (Path(parent) / name).relative_to(folder).as_posix()
                (files if is_line(os.fsencode(path)) else unnamed).append(path)
    return sorted(files), {
        "hidden or system names": hidden,
        "linked folders": linked,
        "folders that cannot be read": unreadable,
        "pictures whose names are no UTF-8 text on one line": unnamed,
    }


def _is_hidden(name):
    return name.startswith(".") or name.lower() in _OF_SYSTEMS


def _some(names):
    shown = [ascii(name)[1:-1] if not is_line(os.fsencode(name)) else name for name in sorted(names)[:_NAMED]]
    return ", ".join([*shown, *(["..."] if len(names) > _NAMED else [])])
