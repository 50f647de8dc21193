"""Arrays that are kept in a file come back as they were, or not at all; places to write are looked at first."""

from pathlib import Path

import numpy as np
import pytest

from gluon_wgan.errors import UserError
from gluon_wgan.files import check_writable, check_writable_file, keep_arrays, kept_arrays

ARRAYS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([True, False])]


@pytest.fixture
def file(tmp_path):
    keep_arrays(tmp_path / "kept.npz", ARRAYS)
    return tmp_path / "kept.npz"


def same(found):
    return len(found) == 2 and all(
        ours.dtype == theirs.dtype and np.array_equal(ours, theirs) for ours, theirs in zip(ARRAYS, found)
    )


def test_they_come_back(file):
    assert same(kept_arrays(file)) and [path.name for path in file.parent.iterdir()] == ["kept.npz"]


def test_one_changed_bit_anywhere_is_enough(file):
    content = file.read_bytes()
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert kept_arrays(file) is None


@pytest.mark.parametrize("content", [b"", b"PK", np.array([object()]).dumps(), b"\x93NUMPY\x01\x00"])
def test_other_files_are_none(file, content):
    file.write_bytes(content)
    assert kept_arrays(file) is None


def test_a_cut_file_is_none(file):
    content = file.read_bytes()
    for length in range(0, len(content), 7):
        file.write_bytes(content[:length])
        assert kept_arrays(file) is None
    file.unlink()
    assert kept_arrays(file) is None


def test_a_place_to_write_is_looked_at_and_left_as_it_was(tmp_path):
    (tmp_path / "file").write_text("in the way")
    check_writable("--out", tmp_path / "a/b")
    check_writable_file("--json", tmp_path / "c/figures.json")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    for place in (tmp_path / "file", tmp_path / "file/below", Path("/proc/nowhere")):
        with pytest.raises(UserError, match=rf"^--out: given {place} \(.*; allowed: a folder that can be created"):
            check_writable("--out", place)
    with pytest.raises(UserError, match=r"^--json: given .* \(a folder\); allowed: a file"):
        check_writable_file("--json", tmp_path)
