"""Digest what every resize makes of some photographs, with the versions installed here."""

import hashlib
from pathlib import Path

import numpy as np

from gluon_wgan.data import open_source
from gluon_wgan.data.decode import decoded_by
from gluon_wgan.resize import get_resizer, known_resizers, resize_and_crop
from gluon_wgan.studies.library_versions.question import SIZE


def measure(flags, results):
    """Add these versions to reports/data/library_versions.json, in the place of what was noted of the same."""
    source = open_source(flags.images)
    pictures = [source.image(index) for index in range(len(source))]
    found = {
        "decoder": decoded_by(),
        "decoded": _digest(np.asarray(picture) for picture in pictures),
        "resizes": {
            name: {
                "made_by": get_resizer(name).made_by(),
                "pixels": _digest(resize_and_crop(picture, SIZE, get_resizer(name)) for picture in pictures),
            }
            for name in known_resizers()
        },
    }
    asked = {"pictures": len(pictures), "size": SIZE}
    results.keep_run(Path(flags.images).resolve().name, asked, found, versions, lambda runs: {})


def versions(run):
    """Return what tells one set of versions from another."""
    return run["decoder"], *(found["made_by"] for found in run["resizes"].values())


def _digest(arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
