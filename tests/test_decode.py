"""Decoding: each kind of picture file becomes the uint8 array that was put in, or an UndecodableError."""

import numpy as np
import pytest
from conftest import encode, make_picture
from PIL import Image

from gluon_wgan.data import decode as room
from gluon_wgan.data.decode import UndecodableError

RGB = make_picture(3, height=5, width=7)
# ITU-R 601: Pillow's fixed point may round the other way, so a level aside
LUMA = RGB @ np.array([0.299, 0.587, 0.114])


def decode(value, channels=3):
    """Return what the room decodes, as an array (H, W, channels)."""
    image = room.decode(value, channels)
    assert image.mode == ("RGB" if channels == 3 else "L")
    pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], channels)


def test_a_lossless_picture_comes_out_as_it_went_in():
    for file_format in ("png", "bmp", "tiff", "ppm"):
        decoded = decode(encode(RGB, file_format))
        assert decoded.dtype == np.uint8
        assert np.array_equal(decoded, RGB)


def test_a_file_is_read_like_its_bytes(tmp_path):
    (tmp_path / "a.png").write_bytes(encode(RGB))
    assert np.array_equal(decode(tmp_path / "a.png"), RGB)


@pytest.mark.parametrize("file_format", ["jpeg", "webp"])
def test_a_lossy_picture_keeps_its_colors_in_order(file_format):
    halves = np.zeros((32, 48, 3), np.uint8)
    halves[:16], halves[16:] = (200, 40, 20), (20, 40, 200)
    decoded = decode(encode(halves, file_format, quality=95)).astype(int)
    # flat colors lose a few levels; red and blue in the other order would be 180 off
    assert np.abs(decoded[2:14] - halves[2:14]).max() < 8
    assert np.abs(decoded[18:30] - halves[18:30]).max() < 8


def test_sixteen_bit_grey_is_divided_by_257():
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    decoded = decode(encode(ramp))
    expected = np.round(ramp.astype(np.float64) / 257)  # 257 is odd: there are no halves
    assert decoded.shape == (256, 256, 3)
    assert np.array_equal(decoded, np.repeat(expected[..., None], 3, axis=2))
    assert np.array_equal(decode(encode(ramp), channels=1)[..., 0], expected)


def test_thirty_two_bit_integers_are_taken_as_sixteen():
    values = np.array([[-5, 0, 257], [257 * 99, 65535, 100_000]], dtype=np.int32)
    assert decode(encode(values, "tiff"), channels=1)[..., 0].tolist() == [[0, 0, 1], [99, 255, 255]]


def test_alpha_is_dropped_without_blending():
    alpha = np.arange(35, dtype=np.uint8).reshape(5, 7, 1) * 7
    assert np.array_equal(decode(encode(np.concatenate([RGB, alpha], axis=2))), RGB)


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("transparency", [None, 1, bytes([255, 0, 128])])
def test_a_palette_is_looked_up_whatever_is_transparent(transparency):
    picture = Image.frombytes("P", (3, 2), bytes([0, 1, 2, 2, 1, 0]))
    colors = [(10, 20, 30), (200, 0, 100), (5, 255, 6)]
    picture.putpalette(sum(colors, ()))
    options = {} if transparency is None else {"transparency": transparency}
    expected = np.array([colors, colors[::-1]], dtype=np.uint8)
    assert np.array_equal(decode(encode(picture, "png", **options)), expected)


def test_grey_becomes_three_equal_channels_or_stays_one():
    grey = RGB[..., 0]
    assert np.array_equal(decode(encode(grey)), np.stack([grey] * 3, axis=2))
    one = decode(encode(grey), channels=1)
    assert one.shape == (5, 7, 1) and np.array_equal(one[..., 0], grey)


def test_black_and_white_bits_become_0_and_255():
    bits = Image.fromarray(RGB[..., 0] > 128)
    assert np.array_equal(decode(encode(bits), channels=1)[..., 0], np.where(RGB[..., 0] > 128, 255, 0))


def test_color_becomes_one_channel_of_luma():
    grey = decode(encode(RGB), channels=1)
    assert grey.shape == (5, 7, 1)
    assert np.abs(grey[..., 0] - LUMA).max() <= 1


def test_a_cmyk_jpeg_is_not_inverted():
    # Pillow's own formula: 255 - ink, less black
    cmyk = Image.new("CMYK", (16, 16), (0, 200, 100, 0))
    decoded = decode(encode(cmyk, "jpeg", quality=95))
    assert decoded.shape == (16, 16, 3)
    assert np.abs(decoded.astype(int) - (255, 55, 155)).max() < 4  # JPEG's loss on a flat color


@pytest.mark.parametrize("file_format", ["webp", "gif"])
def test_of_an_animation_the_first_frame_is_taken(file_format):
    frames = [Image.new("RGB", (8, 8), color) for color in ((0, 255, 0), (255, 0, 0), (0, 0, 255))]
    options = {"lossless": True} if file_format == "webp" else {}
    value = encode(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
    assert np.array_equal(decode(value), np.array(frames[0]))


def test_exif_orientation_is_ignored():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter
    for file_format in ("jpeg", "png"):
        value = encode(RGB, file_format, exif=exif)
        with_tag = decode(value)
        assert with_tag.shape == (5, 7, 3)
        assert np.array_equal(with_tag, decode(encode(RGB, file_format)))


JPEG = encode(make_picture(0, 64, 64), "jpeg")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "cannot identify"),
        (b"\x00\x01garbage" * 50, "cannot identify"),
        (JPEG[:-900], "truncated"),
        (JPEG[:40], "."),
        (encode(RGB)[:60], "."),
        (encode(RGB).replace(b"IDAT", b"IDAX"), "."),
        (encode(RGB, "webp")[:50], "."),
        (encode(RGB, "dds").replace(b"\x40\x00\x00\x00", b"\x00" * 4), "Unknown pixel format"),
        (encode(RGB.astype(np.float32)[..., 0], "tiff"), "floating-point"),
    ],
    ids="empty garbage jpeg-end jpeg-head png-end png-data webp-end dds float".split(),
)
def test_what_cannot_be_decoded_is_an_undecodable_error(value, reason):
    for channels in (3, 1):
        with pytest.raises(UndecodableError, match=reason):
            decode(value, channels)


def test_a_decompression_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 16)  # an error from twice that
    with pytest.raises(UndecodableError, match="bomb"):
        decode(encode(RGB))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_broken_bytes_give_a_picture_or_an_undecodable_error_and_nothing_else(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)  # broken headers ask for a lot of memory
    # a seed of its own each time would find more, and fail for people who changed nothing
    rng = np.random.default_rng(0)
    outcomes = set()
    for file_format in ("jpeg", "png", "webp", "gif", "bmp"):
        value = encode(make_picture(1, 24, 31), file_format)
        for _ in range(100):
            broken = bytearray(value)
            for place in rng.integers(0, min(len(value), 300), 3):
                broken[place] = rng.integers(0, 256)
            try:
                decoded = decode(bytes(broken))
                outcomes.add((decoded.dtype == np.uint8, decoded.ndim, decoded.shape[2]))
            except UndecodableError:
                outcomes.add("undecodable")
    assert outcomes == {(True, 3, 3), "undecodable"}


def test_a_real_lsun_value_is_256_pixels_on_its_short_side(real_data):
    from gluon_wgan.data import open_source

    source = open_source(real_data("lsun"), "bedroom_train")
    for index in (0, len(source) - 1):
        assert min(source[index].shape[:2]) == 256
        assert 20 < source[index].std() < 120  # neither blank nor noise
