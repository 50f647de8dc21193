"""What the tests of the data share: pictures of known content, encoded, in folders; real data; a Python of its own."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gluon_wgan.data.lsun import write_lsun_lmdb

# As the scripts do on a processor. The default engine is slow at these sizes; and once, on a busy machine, the numbers
# of a generator were not those that had been read a moment before.
os.environ.setdefault("MXNET_ENGINE_TYPE", "NaiveEngine")

ROOT = Path(__file__).resolve().parents[1]


def make_picture(index, height=40, width=54):
    """Return a picture (H, W, 3) of noise, of its own for each index."""
    return np.random.default_rng(index).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encode(picture, file_format="png", **options):
    """Return an array, or a Pillow image, as the bytes of a picture file."""
    stream = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(stream, format=file_format, **options)
    return stream.getvalue()


def rgb_to_luma(picture):
    """Return Pillow's grey version (H, W) of a picture."""
    return np.asarray(Image.fromarray(picture).convert("L"))


def write_category(root, category, indices):
    """Write `make_picture(index)` under the key of the index, 40 characters as in LSUN, the last key first."""
    entries = [(f"{index:040x}", encode(make_picture(index))) for index in indices]
    write_lsun_lmdb(root / f"{category}_lmdb", reversed(entries))


def assert_pictures(source, indices):
    """Check that a source gives `make_picture` of these indices, in this order."""
    assert len(source) == len(indices)
    for picture, index in zip(source, indices, strict=True):  # runs until IndexError
        assert picture.dtype == np.uint8
        assert np.array_equal(picture, make_picture(index))


def truncate(file, size):
    """Cut a file short."""
    with open(file, "r+b") as stream:
        stream.truncate(size)


def python_command(script, *arguments):
    """Return what `subprocess` needs to run a script, from the text, with this project importable."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"args": [sys.executable, "-c", script, *map(str, arguments)], "env": {**os.environ, "PYTHONPATH": path}}


def run_python(script, *arguments):
    """Run a script to its end in a process of its own; return what it printed, without the last line break."""
    done = subprocess.run(
        **python_command(script, *arguments), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Run in an empty folder, so that everything left behind is seen."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def picture_folder(tmp_path):
    """A folder of 20 PNG files, 00.png to 19.png: the pictures `make_picture(0)` to `make_picture(19)`."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(20):
        (folder / f"{index:02}.png").write_bytes(encode(make_picture(index)))
    return folder


@pytest.fixture
def real_data():
    """Return the path of a real data set beside the repository, or skip the test where it is absent."""

    def find(name):
        folder = ROOT / ".." / "shared" / "data" / name
        if not folder.is_dir():
            pytest.skip(f"no real data at ../shared/data/{name}")
        return folder

    return find
