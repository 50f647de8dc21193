"""LSUN: LMDBs, one or several, are read in order of key, and a broken one is a user's mistake and no crash."""

import shutil

import lmdb
import numpy as np
import pytest
from conftest import assert_pictures, encode, make_picture, rgb_to_luma, truncate, write_category

from gluon_wgan.data import open_source
from gluon_wgan.data.lsun import LsunSource, write_lsun_lmdb
from gluon_wgan.errors import UserError


def test_an_lmdb_gives_its_pictures_in_order_of_key(tmp_path):
    write_category(tmp_path, "bedroom_train", [2, 0, 1])
    for path, category in ((tmp_path / "bedroom_train_lmdb", None), (tmp_path, None), (str(tmp_path), "bedroom_train")):
        source = open_source(path, category)
        assert isinstance(source, LsunSource) and source.name == "bedroom_train"
        assert_pictures(source, [0, 1, 2])
        assert [source.key(index) for index in range(3)] == [f"{index:040x}" for index in range(3)]


def test_values_may_be_of_several_formats(tmp_path):
    write_lsun_lmdb(
        tmp_path / "mixed_lmdb",
        [("a", encode(make_picture(0), "webp", lossless=True)), ("b", encode(make_picture(1), "jpeg", quality=100))],
    )
    source = open_source(tmp_path)
    assert np.array_equal(source[0], make_picture(0))
    assert source.value(0)[8:12] == b"WEBP" and source.value(1)[:2] == b"\xff\xd8"
    # JPEG stores colors at half the resolution; the luma of noise is kept to a few levels
    difference = np.abs(rgb_to_luma(source[1]).astype(int) - rgb_to_luma(make_picture(1)))
    assert 0 < difference.mean() < 10


def test_several_categories_are_joined_in_the_order_given(tmp_path):
    for category, indices in (("a", [0, 1]), ("b", [2]), ("c", [3, 4, 5])):
        write_category(tmp_path, category, indices)
    source = open_source(tmp_path, ("c", "a"))
    assert source.name == "c+a"
    assert_pictures(source, [3, 4, 5, 0, 1])
    assert_pictures(open_source(tmp_path, "b"), [2])


@pytest.mark.parametrize(("category", "given"), [("d", "d"), (("a", "d"), "d"), (None, "None")])
def test_a_category_that_is_not_there_or_not_named_is_refused(tmp_path, category, given):
    for name in ("a", "b"):
        write_category(tmp_path, name, [0])
    with pytest.raises(UserError, match=f"--category: given {given}; allowed: one or more of a, b"):
        open_source(tmp_path, category)


def test_an_lmdb_may_be_opened_twice_in_a_process(tmp_path):
    write_category(tmp_path, "a", [0, 1])
    first, second = open_source(tmp_path), open_source(tmp_path / "." / "a_lmdb")
    assert_pictures(first, [0, 1])
    del first
    assert_pictures(second, [0, 1])


def test_an_lmdb_that_took_the_place_of_an_open_one_is_read(tmp_path):
    write_category(tmp_path, "a", [0, 1])
    first = open_source(tmp_path)
    shutil.rmtree(tmp_path / "a_lmdb")
    write_category(tmp_path, "a", [2, 3, 4])
    assert_pictures(open_source(tmp_path), [2, 3, 4])
    assert_pictures(first, [0, 1])


def test_writing_over_an_lmdb_is_refused(tmp_path):
    write_category(tmp_path, "a", [0])
    with pytest.raises(UserError, match=r"a_lmdb \(it exists\)"):
        write_category(tmp_path, "a", [1])
    assert_pictures(open_source(tmp_path), [0])


def test_an_lmdb_that_was_not_written_to_its_end_does_not_appear(tmp_path):
    def entries():
        yield "a", encode(make_picture(0))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_lsun_lmdb(tmp_path / "a_lmdb", entries())
    assert not (tmp_path / "a_lmdb").exists()
    write_category(tmp_path, "a", [1, 2])  # and its remains are in nobody's way
    assert_pictures(open_source(tmp_path), [1, 2])


def _make_key(folder, key):
    folder.mkdir()
    with lmdb.open(str(folder)) as environment, environment.begin(write=True) as transaction:
        transaction.put(key, encode(make_picture(0)))


BAD_LMDBS = {
    "garbage": lambda folder: (folder.mkdir(), (folder / "data.mdb").write_bytes(b"garbage" * 9999)),
    "empty file": lambda folder: (folder.mkdir(), (folder / "data.mdb").touch()),
    "no data.mdb": lambda folder: folder.mkdir(),
    "no entries": lambda folder: write_lsun_lmdb(folder, []),
    # reading pages that are not there would kill the process with SIGBUS
    "cut short": lambda folder: (
        write_lsun_lmdb(folder, [(str(index), bytes(2**16)) for index in range(16)]),
        truncate(folder / "data.mdb", 2**19),
    ),
    "key of bytes": lambda folder: _make_key(folder, b"\xff\xfe"),
    "key of two lines": lambda folder: _make_key(folder, b"a\nb"),
    "key with a zero": lambda folder: _make_key(folder, b"a\0"),
}


@pytest.mark.parametrize("kind", BAD_LMDBS)
def test_a_bad_lmdb_is_a_users_mistake(tmp_path, kind):
    BAD_LMDBS[kind](tmp_path / "bad_lmdb")
    for path in (tmp_path, tmp_path / "bad_lmdb"):
        with pytest.raises(UserError, match=r"--data: given .*bad_lmdb.*; allowed: "):
            open_source(path)


def test_real_bedrooms_are_found(real_data):
    source = open_source(real_data("lsun"), "bedroom_train")
    assert len(source) == 5000
    keys = [source.key(index) for index in range(len(source))]
    assert keys == sorted(set(keys)) and {len(key) for key in keys} == {40}
    assert source[4999].shape[2] == 3
