"""Prepared data: what decoding, resizing and cropping by hand give, done once, whole or not at all."""

import hashlib
import json
import shutil
import time
from collections import namedtuple

import cv2
import mxnet as mx
import numpy as np
import pytest
from conftest import encode, make_picture, rgb_to_luma
from PIL import Image

from gluon_wgan.data import Prepared, open_source, prepare, prepared
from gluon_wgan.data.decode import UndecodableError
from gluon_wgan.data.prepared import is_held_out
from gluon_wgan.data.source import Source
from gluon_wgan.data.sources import FolderSource
from gluon_wgan.errors import UserError

# make_picture gives 54 x 40; with a short side of 32 the long one is int(43.2) = 43, of which (43 - 32) / 2 = 5.5 is
# cut at the left: 6 as torchvision rounds, 5 as MXNet truncates. At 20: 27, and 3.5 is 4 or 3.
CUTS = {32: (43, 6, 5), 20: (27, 4, 3)}


def _bilinear(picture, width, height):
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.BILINEAR))


def _area_of_floats(picture, width, height):
    return cv2.resize(picture.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)


def _mxnet_bicubic(picture, width, height):
    return mx.image.imresize(mx.nd.array(picture, dtype="uint8"), width, height, 2).asnumpy()


BY_HAND = {
    "pil": _bilinear,
    "cv2": lambda x, width, height: cv2.resize(x, (width, height), interpolation=cv2.INTER_LINEAR),
    "mxnet-bicubic": _mxnet_bicubic,
    "gluoncv": _area_of_floats,
}


class ListSource(Source):
    """Pictures in memory, by key; an exception in the place of a picture is raised."""

    def __init__(self, pictures, seconds=0.0):
        super().__init__("list", 3)
        self.pictures, self.seconds, self.reads = pictures, seconds, 0

    def __len__(self):
        return len(self.pictures)

    def key(self, index):
        return list(self.pictures)[index]

    def image(self, index):
        self.reads += 1
        time.sleep(self.seconds)
        picture = self.pictures[self.key(index)]
        if isinstance(picture, BaseException):
            raise picture
        return Image.fromarray(picture)

    def identity(self):
        return {"keys": list(self.pictures)}


def many_pictures(count=200):
    return {f"key {index}": make_picture(index, 4, 4) for index in range(count)}


@pytest.mark.parametrize("size", CUTS)
@pytest.mark.parametrize("resize", BY_HAND)
def test_equals_resizing_and_cropping_by_hand(picture_folder, tmp_path, resize, size):
    result = prepare(open_source(picture_folder), size, resize, tmp_path / "cache")
    width, rounded, truncated = CUTS[size]
    left = truncated if resize == "gluoncv" else rounded
    expected = np.array([BY_HAND[resize](make_picture(i), width, size)[:, left : left + size] for i in range(20)])
    assert result.shape == (20, size, size, 3) and len(result) == 20
    assert result.dtype == expected.dtype == (np.float32 if resize == "gluoncv" else np.uint8)
    assert np.array_equal(np.asarray(result), expected)
    assert np.array_equal(result[[3, 1]], expected[[3, 1]])


def test_one_channel_equals_resizing_the_luma(picture_folder, tmp_path):
    result = prepare(open_source(picture_folder, image_channels=1), 32, "pil", tmp_path)
    expected = [_bilinear(rgb_to_luma(make_picture(index)), 43, 32)[:, 6:38, None] for index in range(20)]
    assert np.array_equal(np.asarray(result), expected)


def test_the_pictures_are_memory_mapped_and_cannot_be_written(picture_folder, tmp_path):
    result = prepare(open_source(picture_folder), 16, "pil", tmp_path)
    assert isinstance(result.pictures, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        result.pictures[0] = 0


def test_the_second_time_no_picture_is_read(picture_folder, tmp_path, monkeypatch):
    first = prepare(open_source(picture_folder), 16, "pil", tmp_path)
    monkeypatch.setattr(FolderSource, "image", lambda *_: pytest.fail("a picture was read again"))
    second = prepare(open_source(picture_folder), 16, "pil", tmp_path)
    assert second.folder == first.folder
    assert np.array_equal(np.asarray(second), np.asarray(first))


def test_resize_size_channels_and_files_are_the_identity(picture_folder, tmp_path):
    variants = [(3, 16, "pil"), (3, 16, "cv2"), (3, 20, "pil"), (1, 16, "pil")]

    def folders():
        return {prepare(open_source(picture_folder, image_channels=c), s, r, tmp_path).folder for c, s, r in variants}

    first = folders()
    assert len(first) == 4
    assert folders() == first
    recorded = [json.loads((folder / "identity.json").read_text()) for folder in first]
    assert {(r["shape"][2], r["shape"][0], r["resize"]) for r in recorded} == set(variants)
    (picture_folder / "20.png").write_bytes(encode(make_picture(20)))
    assert not first & folders()


def test_rows_keep_the_order_of_the_source_whichever_thread_is_first(tmp_path):
    pictures = many_pictures(40)
    source = ListSource(pictures, seconds=0.001)
    result = prepare(source, 4, "pil", tmp_path)
    assert source.reads == 40
    assert np.array_equal(np.asarray(result), list(pictures.values()))
    assert result.keys() == list(pictures)


def test_undecodable_pictures_are_left_out_and_listed(tmp_path):
    pictures = many_pictures()
    pictures["key 7"] = UndecodableError("cut\n short")
    pictures["key 199"] = UndecodableError("no picture")
    result = prepare(ListSource(pictures), 4, "pil", tmp_path)
    kept = [key for key in pictures if key not in ("key 7", "key 199")]
    assert result.keys() == kept
    assert np.array_equal(np.asarray(result), [pictures[key] for key in kept])
    assert result.skipped() == [("key 7", "cut short"), ("key 199", "no picture")]
    assert len(result.held_out) == len(result) == 198


def test_more_than_one_in_a_hundred_undecodable_is_an_error(tmp_path):
    pictures = many_pictures()
    for index in (7, 8, 199):
        pictures[f"key {index}"] = UndecodableError("no picture")
    with pytest.raises(UserError, match=r"--data \(list\): given 3 of the first 200 .* at most 1% of 200") as raised:
        prepare(ListSource(pictures), 4, "pil", tmp_path)
    (listed,) = tmp_path.rglob("skipped.tsv")
    assert str(listed) in str(raised.value)
    assert listed.read_text() == "".join(f"key {index}\tno picture\n" for index in (7, 8, 199))
    assert listed.parent.name.endswith(".partial")  # never taken for a finished one


def test_keys_of_odd_characters_stay_one_a_row(tmp_path):
    odd = ["a\u2028b.png", "tab\t.png", "c\x0bd.png", "\xe9\x85.png", "Icon\r.png", " "]
    pictures = {key: make_picture(index, 4, 4) for index, key in enumerate([*odd, *many_pictures()])}
    pictures["tab\t.png"] = UndecodableError("no picture")
    result = prepare(ListSource(pictures), 4, "pil", tmp_path)
    assert result.keys() == [key for key in pictures if key != "tab\t.png"]
    assert result.skipped() == [("tab\t.png", "no picture")]
    assert len(result.held_out) == len(result) == len(pictures) - 1


def test_held_out_is_a_sha1_divisible_by_10(picture_folder, tmp_path):
    # the SHA-1 of "abc" is a9993e36 4706816a ba3e2571 7850c26c 9cd0d89d (FIPS 180): 7 modulo 10; that of "b" is 0
    assert not is_held_out("abc") and is_held_out("b")
    result = prepare(open_source(picture_folder), 16, "pil", tmp_path)
    digests = [hashlib.sha1(f"{index:02}.png".encode()).digest() for index in range(20)]
    expected = [int.from_bytes(digest, "big") % 10 == 0 for digest in digests]
    assert result.held_out.tolist() == expected
    assert 0 < sum(expected) < 20
    # a tenth of 10,000 keys is 1,000, with a deviation of 30
    assert 850 < sum(is_held_out(str(number)) for number in range(10_000)) < 1150


Usage = namedtuple("Usage", "total used free")


def _leave(monkeypatch, free):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12 - free, free))


def test_too_little_disk_is_an_error_that_leaves_nothing_behind(picture_folder, tmp_path, monkeypatch):
    # 20 x 16 x 16 x 3 = 15,360 bytes in 95 % of 16,168.4
    _leave(monkeypatch, 16_168)
    with pytest.raises(UserError, match=r"--cache-dir: given .* GiB free; allowed: .* GiB free"):
        prepare(open_source(picture_folder), 16, "pil", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    with pytest.raises(UserError, match="--cache-dir"):  # four bytes a number
        _leave(monkeypatch, 4 * 16_168)
        prepare(open_source(picture_folder), 16, "gluoncv", tmp_path / "cache")
    _leave(monkeypatch, 16_169)
    assert len(prepare(open_source(picture_folder), 16, "pil", tmp_path / "cache")) == 20


def test_what_lies_there_already_needs_no_more_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "_BLOCK", 50)
    pictures = many_pictures()
    whole = dict(pictures)
    pictures["key 170"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        prepare(ListSource(pictures), 4, "pil", tmp_path)
    # three blocks, 150 rows of 48 bytes, and a header of 256 are there; 2,144 of 9,600 bytes are missing
    _leave(monkeypatch, 2_300)
    result = prepare(ListSource(whole), 4, "pil", tmp_path)
    assert np.array_equal(np.asarray(result), list(whole.values()))
    with pytest.raises(UserError, match="--cache-dir"):
        prepare(ListSource(whole), 4, "pil", tmp_path / "elsewhere")


def test_a_cache_that_cannot_be_a_folder_is_a_users_mistake(picture_folder):
    file = picture_folder / "00.png"
    with pytest.raises(UserError, match=f"--cache-dir: given {file} .*; allowed: a folder"):
        prepare(open_source(picture_folder), 16, "pil", file)


def test_an_unknown_resize_is_refused_before_anything_is_written(picture_folder, tmp_path):
    with pytest.raises(UserError, match="--resize: given 'bilinear'"):
        prepare(open_source(picture_folder), 16, "bilinear", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_opencvs_threads_are_given_back(picture_folder, tmp_path):
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        prepare(open_source(picture_folder), 16, "cv2", tmp_path)
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_a_prepared_folder_opens_by_its_path(picture_folder, tmp_path):
    result = prepare(open_source(picture_folder), 16, "pil", tmp_path)
    again = Prepared(result.folder)
    assert np.array_equal(np.asarray(again), np.asarray(result)) and again.keys() == result.keys()
    # any program that knows .npy reads it
    assert np.array_equal(np.load(result.folder / "pictures.npy"), np.asarray(result))


def test_real_bedrooms_are_prepared_as_pillow_alone_would(real_data, tmp_path):
    source = open_source(real_data("lsun"), "bedroom_train")
    chosen = range(0, 5000, 250)
    result = prepare(ListSource({source.key(i): source[i] for i in chosen}), 64, "pil", tmp_path)
    for row, index in zip(result, chosen, strict=True):
        height, width, _ = source[index].shape
        scale = 64 / min(width, height)
        image = Image.fromarray(source[index]).resize((int(width * scale), int(height * scale)), Image.BILINEAR)
        left, top = (image.width - 64) / 2, (image.height - 64) / 2
        assert np.array_equal(row, image.crop((round(left), round(top), round(left) + 64, round(top) + 64)))
