"""Sources but for LSUN: what lies at a path is recognised, read in a fixed order, and a change of it shows."""

import gzip
import os
import shutil

import numpy as np
import pytest
from conftest import assert_pictures, encode, make_picture, rgb_to_luma, truncate, write_category

from gluon_wgan.data import open_source
from gluon_wgan.data.decode import UndecodableError
from gluon_wgan.data.sources import FolderSource, RawSource
from gluon_wgan.errors import UserError

# A folder of pictures


def test_a_folder_is_searched_in_depth_in_order_of_path(tmp_path):
    places = ["B.PNG", "a/x.png", "a/z/y.Png", "c.png"]  # capitals sort first
    for index, place in enumerate(places):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(encode(make_picture(index)))
    (tmp_path / "a" / "notes.txt").write_text("no picture")
    source = open_source(tmp_path)
    assert isinstance(source, FolderSource) and source.name == tmp_path.name
    assert [source.key(index) for index in range(4)] == places
    assert_pictures(source, range(4))


def test_a_broken_picture_in_a_folder_is_undecodable_and_the_others_are_not(picture_folder):
    (picture_folder / "07.png").write_bytes(b"no picture")
    source = open_source(picture_folder)
    with pytest.raises(UndecodableError):
        source[7]
    assert np.array_equal(source[8], make_picture(8))


def test_one_channel_is_luma(picture_folder):
    source = open_source(picture_folder, image_channels=1)
    assert source.channels == 1
    assert np.array_equal(source[4], rgb_to_luma(make_picture(4))[..., None])


@pytest.mark.parametrize("name", [b"two\nlines.png", b"latin-\xe9.png"])
def test_a_file_name_that_cannot_stand_in_a_list_is_left_out(picture_folder, name):
    with open(os.path.join(os.fsencode(picture_folder), name), "wb") as stream:
        stream.write(encode(make_picture(0)))
    source = open_source(picture_folder)
    assert_pictures(source, range(20))
    assert source.left_out.startswith("pictures whose names are no UTF-8 text on one line: 1 (")


# MNIST


def write_idx(file, pictures):
    """Write (n, H, W) as LeCun's page describes it: magic 2051, counts and sizes big-endian, then the rows."""
    header = b"".join(number.to_bytes(4, "big") for number in (2051, *pictures.shape))
    content = header + pictures.tobytes()
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)


DIGITS = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
IDX_NAMES = ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-images.idx3-ubyte"]


@pytest.mark.parametrize("name", IDX_NAMES)
def test_an_idx_file_gives_its_pictures(tmp_path, name):
    write_idx(tmp_path / name, DIGITS)
    grey, rgb = open_source(tmp_path, image_channels=1), open_source(tmp_path)
    assert isinstance(grey, RawSource) and len(grey) == 3
    assert np.array_equal(np.array(list(grey)), DIGITS[..., None])
    assert np.array_equal(np.array(list(rgb)), np.stack([DIGITS] * 3, axis=-1))
    assert [grey.key(index) for index in range(3)] == [f"{name}:{index}" for index in range(3)]


@pytest.mark.parametrize("name", IDX_NAMES[:2])
@pytest.mark.parametrize("size", [0, 3, 12, 40])
def test_an_idx_file_that_was_cut_short_is_refused(tmp_path, name, size):
    write_idx(tmp_path / name, DIGITS)
    truncate(tmp_path / name, size)
    with pytest.raises(UserError, match=f"--data: given .*{name}"):
        open_source(tmp_path)


def test_labels_under_the_name_of_pictures_are_refused(tmp_path):
    (tmp_path / IDX_NAMES[0]).write_bytes((2049).to_bytes(4, "big") + (60).to_bytes(4, "big") + bytes(60))
    with pytest.raises(UserError, match="not an idx file of pictures"):
        open_source(tmp_path)


def test_mnists_labels_are_those_of_the_file_where_it_is_there(tmp_path):
    write_idx(tmp_path / IDX_NAMES[0], DIGITS[:3])
    assert open_source(tmp_path).labels() is None
    (tmp_path / "train-labels-idx1-ubyte").write_bytes((2049).to_bytes(4, "big") + (3).to_bytes(4, "big") + b"\7\1\0")
    assert open_source(tmp_path).labels().tolist() == [7, 1, 0]
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"7")
    with pytest.raises(UserError, match="not an idx file of labels"):
        open_source(tmp_path).labels()


def test_real_mnist(real_data):
    source = open_source(real_data("mnist"), image_channels=1)
    assert len(source) == 60000
    assert source[0].shape == source[59999].shape == (28, 28, 1)
    # the mean of MNIST's training pictures is often quoted as 0.1307; every 60th picture comes within 0.01
    assert 0.12 < np.mean([source[index] for index in range(0, 60000, 60)]) / 255 < 0.14


# CIFAR-10


def test_cifar_records_are_a_label_and_three_planes(tmp_path):
    pictures = np.array([make_picture(index, 32, 32) for index in range(5)])
    records = [bytes([index]) + picture.transpose(2, 0, 1).tobytes() for index, picture in enumerate(pictures)]
    (tmp_path / "data_batch_2.bin").write_bytes(b"".join(records[3:]))
    (tmp_path / "data_batch_1.bin").write_bytes(b"".join(records[:3]))
    (tmp_path / "test_batch.bin").write_bytes(b"".join(records))  # not for training
    source = open_source(tmp_path)
    assert np.array_equal(np.array(list(source)), pictures)
    assert [source.key(index) for index in (2, 3)] == ["data_batch_1.bin:2", "data_batch_2.bin:0"]
    assert np.array_equal(open_source(tmp_path, image_channels=1)[4][..., 0], rgb_to_luma(pictures[4]))
    assert source.labels().tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("size", [0, 3072, 3074])
def test_a_cifar_file_of_a_wrong_size_is_refused(tmp_path, size):
    (tmp_path / "data_batch_1.bin").write_bytes(bytes(size))
    with pytest.raises(UserError, match=f"{size} bytes.* n x 3073 bytes"):
        open_source(tmp_path)


# All of them


def _make_every_source(root):
    for name in ("lsun", "folder/cat", "mnist", "cifar"):
        (root / name).mkdir(parents=True)
    write_category(root / "lsun", "a", [0, 1])
    for index in range(2):
        (root / "folder" / "cat" / f"{index}.png").write_bytes(encode(make_picture(index)))
    write_idx(root / "mnist" / IDX_NAMES[0], DIGITS[:2])
    (root / "cifar" / "data_batch_1.bin").write_bytes(bytes(2 * 3073))
    return {"lsun": "a_lmdb/data.mdb", "folder": "cat/1.png", "mnist": IDX_NAMES[0], "cifar": "data_batch_1.bin"}


def test_an_index_outside_is_an_index_error(tmp_path):
    for name in _make_every_source(tmp_path):
        source = open_source(tmp_path / name)
        for index in (2, 99):
            with pytest.raises(IndexError):
                source[index]
            with pytest.raises(IndexError):
                source.key(index)


def test_identity_changes_with_the_files_and_only_then(tmp_path):
    for name, file in _make_every_source(tmp_path).items():
        before = open_source(tmp_path / name).identity()
        list(open_source(tmp_path / name))  # reading is no change
        assert open_source(tmp_path / name).identity() == before
        changed = tmp_path / name / file
        content = changed.read_bytes()
        if name == "lsun":  # another key, another size
            shutil.rmtree(changed.parent)
            write_category(tmp_path / "lsun", "a", [0, 2])
        else:  # the same size, a later time
            status = changed.stat()
            os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
            assert changed.read_bytes() == content
        assert open_source(tmp_path / name).identity() != before


def test_identity_sees_a_new_a_renamed_and_a_longer_picture(picture_folder):
    seen = [open_source(picture_folder).identity()]
    (picture_folder / "20.png").write_bytes(encode(make_picture(20)))
    seen.append(open_source(picture_folder).identity())
    (picture_folder / "20.png").rename(picture_folder / "21.png")
    seen.append(open_source(picture_folder).identity())
    status = (picture_folder / "00.png").stat()
    with open(picture_folder / "00.png", "ab") as stream:
        stream.write(b"\0")
    os.utime(picture_folder / "00.png", ns=(status.st_atime_ns, status.st_mtime_ns))
    seen.append(open_source(picture_folder).identity())
    assert len({str(identity) for identity in seen}) == 4


@pytest.mark.parametrize(
    ("path", "problem"), [("nowhere", "does not exist"), ("file", "not a folder"), (".", "no pictures in it")]
)
def test_a_path_without_pictures_is_a_users_mistake(tmp_path, path, problem):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=f"--data: given .*{problem}.*; allowed: "):
        open_source(tmp_path / path)
