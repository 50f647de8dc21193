"""Data as people's disks hold it: hidden copies, links, pipes, bombs, damaged databases, copies, other libraries."""

import json
import os
import shutil
import socket
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import assert_pictures, encode, make_picture, truncate, write_category
from PIL import Image
from test_prepared import ListSource, many_pictures

from gluon_wgan.data import open_source, prepare
from gluon_wgan.data.decode import UndecodableError
from gluon_wgan.data.lsun import write_lsun_lmdb
from gluon_wgan.errors import UserError
from gluon_wgan.files import short_name
from gluon_wgan.resize import _REGISTRY, register

# What lies beside pictures


def test_hidden_and_system_names_are_no_pictures_and_are_counted(picture_folder):
    for place in (".ipynb_checkpoints/00-checkpoint.png", ".thumbnails/00.png", "@eaDir/00.png", "__MACOSX/00.png"):
        (picture_folder / place).parent.mkdir()
        (picture_folder / place).write_bytes(encode(make_picture(0)))
    (picture_folder / "._00.png").write_bytes(b"a Mac's resource fork")
    source = open_source(picture_folder)
    assert_pictures(source, range(20))
    assert source.left_out == "hidden or system names: 5 (._00.png, .ipynb_checkpoints, .thumbnails, ...)"


def test_a_linked_folder_is_left_out_and_named(picture_folder, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.png").write_bytes(encode(make_picture(0)))
    (picture_folder / "link").symlink_to(tmp_path / "more")
    source = open_source(picture_folder)
    assert_pictures(source, range(20))
    assert source.left_out == "linked folders: 1 (link)"


def test_a_folder_that_cannot_be_read_is_left_out_and_named(picture_folder, monkeypatch):
    closed = picture_folder / "closed"
    closed.mkdir()
    (closed / "a.png").write_bytes(encode(make_picture(0)))
    scandir = os.scandir

    def refuse(path):
        if str(path) == str(closed):  # permissions do not hold for root, who may run the tests
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    source = open_source(picture_folder)
    assert_pictures(source, range(20))
    assert source.left_out == "folders that cannot be read: 1 (closed: Permission denied)"


def test_a_macs_shadow_of_an_lmdb_is_no_category(tmp_path):
    write_category(tmp_path, "bedroom_train", [0, 1])
    (tmp_path / "._bedroom_train_lmdb").write_bytes(b"a Mac's resource fork")
    assert_pictures(open_source(tmp_path), [0, 1])


def test_the_message_names_all_kinds_of_data_and_what_was_left_out(tmp_path):
    (tmp_path / "._a.png").write_bytes(b"")
    with pytest.raises(UserError) as raised:
        open_source(tmp_path)
    for word in (
        "LSUN",
        "*_lmdb",
        "MNIST",
        "CIFAR-10",
        "binary version",
        ".png",
        "hidden or system names: 1 (._a.png)",
    ):
        assert word in str(raised.value)


def test_cifars_pickles_are_refused_with_what_to_take_instead(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02}q\x01.")
    with pytest.raises(UserError, match=r"Python version.*pickles.*cifar-10-binary\.tar\.gz"):
        open_source(tmp_path)


@pytest.mark.parametrize("below", ["raw", "MNIST/raw", "cifar-10-batches-bin"])
def test_a_folder_above_raw_data_is_answered_with_the_right_one(tmp_path, below):
    (tmp_path / below).mkdir(parents=True)
    name = "data_batch_1.bin" if "cifar" in below else "train-images-idx3-ubyte"
    (tmp_path / below / name).write_bytes(b"\0")
    with pytest.raises(UserError, match=f"allowed: {tmp_path / below}$"):
        open_source(tmp_path)


# One picture


def _png(width, height):
    """Return a black PNG of any size in a few hundred bytes."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _make_odd(path, kind):
    if kind == "long":
        path.write_bytes(_png(1, 200_000))
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(os.path.relpath(path))  # a socket's path may have 107 bytes
    elif kind == "link":
        path.symlink_to("nowhere.png")
    elif kind == "folder":
        path.mkdir()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("long", "1 x 200000 pixels: one side is over 50 times the other"),
        ("pipe", "no regular file"),
        ("socket", "no regular file"),
        ("link", "a link to nowhere, or gone"),
    ],
)
def test_whatever_one_picture_is_costs_that_picture(picture_folder, tmp_path, kind, reason):
    _make_odd(picture_folder / "z.png", kind)
    result = prepare(open_source(picture_folder), 16, "pil", tmp_path)
    assert len(result) == 20
    assert result.skipped() == [("z.png", reason)]


def test_a_picture_of_fifty_to_one_is_still_one(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.png").write_bytes(_png(4, 200))
    (folder / "b.png").write_bytes(_png(4, 201))
    result = prepare(open_source(folder), 16, "pil", tmp_path)
    assert (result.keys(), [key for key, _ in result.skipped()]) == (["a.png"], ["b.png"])


@pytest.mark.parametrize("error", [OverflowError("too large"), MemoryError(), KeyError(3), RuntimeError("AVIF")])
def test_any_exception_of_a_decoder_costs_that_picture(picture_folder, tmp_path, monkeypatch, error):
    load = Image.Image.load

    def fail(image):
        if image.size == (3, 3):
            raise error
        return load(image)

    (picture_folder / "z.bmp").write_bytes(encode(make_picture(0, 3, 3), "bmp"))
    monkeypatch.setattr("PIL.BmpImagePlugin.BmpImageFile.load", fail)
    result = prepare(open_source(picture_folder), 16, "pil", tmp_path)
    assert result.skipped() == [("z.bmp", str(error) or type(error).__name__)] and len(result) == 20


def test_memory_that_ends_while_resizing_costs_that_picture(tmp_path):
    def greedy(image, width, height):
        if image.min() == 255:
            raise MemoryError
        return image[:height, :width]

    register("greedy", greedy, antialiased=False, version="1")
    try:
        pictures = many_pictures() | {"key 3": np.full((4, 4, 3), 255, np.uint8)}
        result = prepare(ListSource(pictures), 4, "greedy", tmp_path)
    finally:
        del _REGISTRY["greedy"]
    assert result.skipped() == [("key 3", "not enough memory for it")] and len(result) == 199


# The share of unreadable pictures


def _spoiled(count, spoiled):
    return many_pictures(count) | {f"key {index}": UndecodableError("no picture") for index in range(spoiled)}


@pytest.mark.parametrize(
    ("count", "most", "allowed"), [(20, 1, "at most 1 of 20;"), (200, 2, "at most 1% of 200, which is 2;")]
)
def test_more_unreadable_pictures_need_a_flag_that_the_message_names(tmp_path, count, most, allowed):
    assert len(prepare(ListSource(_spoiled(count, most)), 4, "pil", tmp_path / "a")) == count - most
    source = ListSource(_spoiled(count, most + 1))
    for _ in range(2):  # what was prepared with the flag gives nobody else leave
        with pytest.raises(UserError, match=f"{most + 1} of the first .*{allowed}.* --allow-unreadable"):
            prepare(source, 4, "pil", tmp_path / "b")
        assert len(prepare(source, 4, "pil", tmp_path / "b", allow_unreadable=True)) == count - most - 1


# Damage


def test_zeroed_pages_of_an_lmdb_are_a_users_mistake_and_no_abort(tmp_path):
    write_category(tmp_path, "a", range(300))
    data = tmp_path / "a_lmdb" / "data.mdb"
    # the root of the keys: every page of type "branch" (flag 1 at byte 10) goes
    content = bytearray(data.read_bytes())
    branches = [at for at in range(2 * 4096, len(content), 4096) if content[at + 10] == 1]
    assert branches
    for at in branches:
        content[at : at + 4096] = bytes(4096)
    data.write_bytes(content)
    with pytest.raises(UserError, match=rf"--data: given {data} \(damaged inside: .*\); allowed: a whole LMDB"):
        open_source(tmp_path)


def test_zeroed_pages_in_a_value_cost_that_picture(tmp_path):
    entries = [(f"{index:040x}", encode(make_picture(index, 100, 100))) for index in range(20)]
    write_lsun_lmdb(tmp_path / "a_lmdb", entries)
    data = tmp_path / "a_lmdb" / "data.mdb"
    content = bytearray(data.read_bytes())
    at = content.index(entries[7][1][8:60])
    content[at : at + 4096] = bytes(4096)
    data.write_bytes(content)
    result = prepare(open_source(tmp_path), 16, "pil", tmp_path)
    assert [key for key, _ in result.skipped()] == [entries[7][0]]


@pytest.mark.parametrize("file", ["pictures.npy", "held_out.npy", "identity.json"])
def test_a_damaged_prepared_array_is_named_with_what_to_do(picture_folder, tmp_path, file):
    folder = prepare(open_source(picture_folder), 16, "pil", tmp_path).folder
    truncate(folder / file, 100)
    with pytest.raises(UserError, match=rf"{folder} \(prepared pictures, damaged: .*; allowed: remove that folder"):
        prepare(open_source(picture_folder), 16, "pil", tmp_path)
    shutil.rmtree(folder)
    assert len(prepare(open_source(picture_folder), 16, "pil", tmp_path)) == 20


# What identifies pictures


def test_an_lmdb_rewritten_to_the_same_size_is_prepared_anew(tmp_path):
    def write(first):
        shutil.rmtree(tmp_path / "a_lmdb", ignore_errors=True)
        pictures = [encode(make_picture(first + index, 8, 8), "bmp") for index in range(12)]
        write_lsun_lmdb(tmp_path / "a_lmdb", [(f"{index:040x}", picture) for index, picture in enumerate(pictures)])
        data = tmp_path / "a_lmdb" / "data.mdb"
        os.utime(data, ns=(10**18, 10**18))
        return data.stat().st_size, np.array(prepare(open_source(tmp_path), 8, "pil", tmp_path / "cache"))

    (size, old), (new_size, new) = write(0), write(100)
    assert size == new_size
    assert np.array_equal(old, [make_picture(index, 8, 8) for index in range(12)])
    assert np.array_equal(new, [make_picture(100 + index, 8, 8) for index in range(12)])


def test_copied_pictures_have_the_same_content_and_changed_ones_another(picture_folder, tmp_path):
    def content(folder):
        return prepare(open_source(folder), 16, "pil", tmp_path / "cache").content

    original = content(picture_folder)
    shutil.copytree(picture_folder, tmp_path / "copy", copy_function=shutil.copyfile)  # new times
    assert content(tmp_path / "copy") == original
    (tmp_path / "copy" / "05.png").write_bytes(encode(make_picture(50)))
    changed = content(tmp_path / "copy")
    assert changed["pictures_sha256"] != original["pictures_sha256"]
    assert changed["keys_sha256"] == original["keys_sha256"]
    (tmp_path / "copy" / "05.png").rename(tmp_path / "copy" / "50.png")
    assert content(tmp_path / "copy")["keys_sha256"] != original["keys_sha256"]


def test_another_version_of_a_library_prepares_anew_and_the_old_pictures_are_kept(picture_folder, tmp_path):
    def shade(value):
        return lambda image, width, height: np.full((height, width, 3), value, np.uint8)

    def prepared(value, version, **asked):
        register("mine", shade(value), antialiased=False, version=version)
        try:
            return prepare(open_source(picture_folder), 16, "mine", tmp_path, **asked)
        finally:
            del _REGISTRY["mine"]

    old, new = prepared(1, "mine 1"), prepared(2, "mine 2")
    assert old.content["made_by"]["resize"] == "mine 1" and new.content["made_by"]["resize"] == "mine 2"
    assert (np.asarray(old).max(), np.asarray(new).max()) == (1, 2)
    assert prepared(2, "mine 2", made_by=old.content["made_by"]).folder == old.folder
    shutil.rmtree(old.folder)
    assert prepared(2, "mine 2", made_by=old.content["made_by"]).folder == new.folder


@pytest.mark.parametrize(("resize", "library"), [("pil", "Pillow"), ("cv2-area", "OpenCV"), ("gluoncv", "MXNet")])
def test_the_versions_of_decoder_and_resizer_are_recorded(picture_folder, tmp_path, resize, library):
    folder = prepare(open_source(picture_folder), 16, resize, tmp_path).folder
    made_by = json.loads((folder / "identity.json").read_text())["made_by"]
    assert made_by["decode"].startswith(f"Pillow {Image.__version__}, libjpeg-turbo ")
    assert made_by["resize"].startswith(library + " ") and made_by["resize"][-1].isdigit()


# Names


def test_a_name_is_cut_in_bytes_and_between_characters():
    assert short_name("寝室" * 80, 80) == "寝室" * 13  # 3 bytes each: 78, and two more do not make a third
    assert short_name("abc", 2) == "ab" and short_name("寝室") == "寝室"
    assert short_name(os.fsdecode(b"caf\xe9"), 80) == "caf"


@pytest.mark.parametrize("name", ["寝室" * 40, os.fsdecode(b"caf\xe9 " + b"x" * 70)])
def test_a_folder_of_a_long_or_odd_name_is_prepared(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.png").write_bytes(encode(make_picture(index)))
    assert len(prepare(open_source(folder), 16, "pil", tmp_path / "cache")) == 3
    assert all(len(os.fsencode(path.name)) < 200 for path in Path(tmp_path / "cache").rglob("*"))
