"""The resize registry: a name is exactly one call of a library, and what is said of it is true of its pictures."""

import cv2
import mxnet as mx
import numpy as np
import pytest
from conftest import make_picture, run_python
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gluon_wgan import resize
from gluon_wgan.errors import UserError
from gluon_wgan.resize import crop_offset, get_resizer, known_resizers, register, resize_and_crop, scaled_size


def _pil(filter_):
    return lambda x, size: Image.fromarray(x.squeeze()).resize(size, filter_)


def _cv2(code):
    return lambda x, size: cv2.resize(x, size, interpolation=code)


def _mxnet(code, dtype="uint8"):
    return lambda x, size: mx.image.imresize(mx.nd.array(x, dtype=dtype), *size, code).asnumpy()


DIRECT_CALLS = {
    "pil": _pil(Image.BILINEAR),
    "pil-nearest": _pil(Image.NEAREST),
    "pil-box": _pil(Image.BOX),
    "pil-hamming": _pil(Image.HAMMING),
    "pil-bicubic": _pil(Image.BICUBIC),
    "pil-lanczos": _pil(Image.LANCZOS),
    "cv2": _cv2(cv2.INTER_LINEAR),
    "cv2-nearest": _cv2(cv2.INTER_NEAREST),
    "cv2-bicubic": _cv2(cv2.INTER_CUBIC),
    "cv2-area": _cv2(cv2.INTER_AREA),
    "cv2-lanczos": _cv2(cv2.INTER_LANCZOS4),
    "mxnet": _mxnet(1),
    "mxnet-bicubic": _mxnet(2),
    "mxnet-area": _mxnet(3),
    "gluoncv": _mxnet(3, "float32"),
}
SIZES = [(64, 64), (85, 64), (64, 99), (13, 9), (300, 200), (131, 97)]  # smaller, larger, the same
PICTURE = make_picture(0, height=97, width=131)


@pytest.fixture
def clean_registry(monkeypatch):
    monkeypatch.setattr(resize, "_REGISTRY", dict(resize._REGISTRY))


def test_the_registry_holds_the_documented_names():
    assert known_resizers() == list(DIRECT_CALLS)


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("name", DIRECT_CALLS)
def test_a_name_is_bit_equal_to_a_direct_call_of_the_library(name, channels):
    picture = PICTURE[..., :channels].copy()
    before = picture.copy()
    for width, height in SIZES:
        ours = get_resizer(name)(picture, width, height)
        direct = np.asarray(DIRECT_CALLS[name](picture, (width, height))).reshape(height, width, channels)
        assert ours.shape == direct.shape
        assert ours.dtype == direct.dtype == get_resizer(name).dtype
        assert np.array_equal(ours, direct)
    assert np.array_equal(picture, before)


def test_opencv_in_mxnet_is_the_same_opencv_for_bilinear_and_area():
    for width, height in SIZES:
        for ours, other in (("mxnet", "cv2"), ("mxnet-area", "cv2-area")):
            resized = [get_resizer(name)(PICTURE, width, height) for name in (ours, other)]
            assert np.array_equal(*resized)


def test_gluoncv_is_area_averaging_that_nothing_rounds():
    resized = get_resizer("gluoncv")(PICTURE, 40, 30)
    assert resized.dtype == np.float32
    assert np.array_equal(resized, cv2.resize(PICTURE.astype(np.float32), (40, 30), interpolation=cv2.INTER_AREA))
    assert (resized != np.round(resized)).mean() > 0.9  # averages of about ten pixels are seldom whole numbers
    # rounding moves a value by half a level at most, and a half either way
    difference = np.abs(resized - get_resizer("cv2-area")(PICTURE, 40, 30))
    assert 0.4 < difference.max() <= 0.5


@pytest.mark.parametrize("name", DIRECT_CALLS)
def test_an_antialiased_resize_removes_a_grating_that_others_fold(name):
    # 60 periods of amplitude 100 on 256 pixels; 32 pixels can hold 16, and sampled there they look like |60 - 64| = 4.
    # Averaging 8 pixels leaves sinc(60 / 32) = 6.5 % of it, wider filters less; two-pixel averaging leaves
    # cos(60 pi / 256) = 74 %, a single pixel all. The amplitudes are of rounded pictures, so a level or two aside.
    wave = 127.5 + 100 * np.cos(2 * np.pi * 60 * (np.arange(256) + 0.5) / 256)
    grating = np.tile(np.round(wave).astype(np.uint8)[None, :, None], (256, 1, 3))
    resizer = get_resizer(name)
    row = resizer(grating, 32, 32)[16, :, 0].astype(np.float64)
    amplitudes = np.abs(np.fft.rfft(row)) * 2 / 32
    if resizer.antialiased:
        assert amplitudes[1:].max() < 9
    else:
        assert amplitudes[1:].argmax() + 1 == 4
        assert 70 < amplitudes[4] < 102


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (256, 256, (64, 64)),
        (341, 256, (85, 64)),  # 85.25
        (383, 256, (95, 64)),  # 95.75: cut, not rounded
        (256, 300, (64, 75)),
        (256, 303, (64, 75)),  # 75.75
        (32, 40, (64, 80)),  # grows
    ],
)
def test_the_long_side_is_cut_to_a_whole_number(width, height, expected):
    assert scaled_size(width, height, 64) == expected


@pytest.mark.parametrize(
    ("length", "torchvision", "mxnet"),
    [(64, 0, 0), (65, 0, 0), (66, 1, 1), (67, 2, 1), (69, 2, 2), (71, 4, 3), (85, 10, 10), (87, 12, 11)],
)
def test_crop_offsets_by_hand(length, torchvision, mxnet):
    # torchvision: int(round((length - 64) / 2)), and Python rounds .5 to the even neighbour
    assert crop_offset(length, 64, truncate=False) == torchvision
    assert crop_offset(length, 64, truncate=True) == mxnet


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(1, 256), st.booleans())
def test_the_crop_lies_within_the_resized_picture(width, height, size, truncate):
    scaled = scaled_size(width, height, size)
    assert min(scaled) == size
    for length in scaled:
        offset = crop_offset(length, size, truncate)
        assert 0 <= offset <= length - size
        assert abs(offset - (length - size) / 2) <= 0.5


def test_the_two_crops_of_an_odd_width_are_one_pixel_apart():
    ramp = np.tile(np.arange(87, dtype=np.uint8)[None, :, None], (64, 1, 3))  # the short side is 64 already
    for name in DIRECT_CALLS:
        cropped = resize_and_crop(ramp, 64, get_resizer(name))
        assert cropped.shape == (64, 64, 3)
        assert cropped[0, 0, 0] == (11 if name == "gluoncv" else 12)
        tall = resize_and_crop(ramp.transpose(1, 0, 2).copy(), 64, get_resizer(name))
        assert np.array_equal(tall, cropped.transpose(1, 0, 2))


@pytest.mark.parametrize(("height", "width"), [(97, 131), (131, 97), (100, 136), (64, 87), (50, 50)])
def test_gluoncv_is_what_mxnets_own_resize_and_crop_give(height, width):
    picture = make_picture(1, height, width)
    resized = mx.image.resize_short(mx.nd.array(picture, dtype="float32"), 64, interp=3)
    cropped, _ = mx.image.center_crop(resized, (64, 64))
    assert np.array_equal(resize_and_crop(picture, 64, get_resizer("gluoncv")), cropped.asnumpy())


def test_an_unknown_name_is_refused_with_the_list_of_known_ones():
    with pytest.raises(UserError) as raised:
        get_resizer("pill")
    assert "--resize" in str(raised.value) and "'pill'" in str(raised.value)
    for name in DIRECT_CALLS:
        assert name in raised.value.allowed


def test_a_resize_of_ones_own_is_known_by_its_name(clean_registry):
    def top_left(image, width, height):
        return image[:height, :width, 0].astype(np.float32)

    register("top-left", top_left, antialiased=False, dtype="float32", truncates_crop=True)
    assert known_resizers()[-1] == "top-left"
    resizer = get_resizer("top-left")
    assert (resizer.name, resizer.antialiased, resizer.truncates_crop) == ("top-left", False, True)
    assert np.array_equal(resizer(PICTURE[..., :1], 9, 7), PICTURE[:7, :9, :1])


@pytest.mark.parametrize(
    ("name", "dtype", "message"), [("pil", "uint8", "resize name: given 'pil'"), ("own", "int8", "uint8 or float32")]
)
def test_a_taken_name_and_another_dtype_are_refused(clean_registry, name, dtype, message):
    with pytest.raises(UserError, match=message):
        register(name, _cv2(cv2.INTER_AREA), antialiased=True, dtype=dtype)
    assert get_resizer("pil")(PICTURE, 8, 8).shape == (8, 8, 3)


@pytest.mark.parametrize(
    "returned", [np.zeros((7, 9, 3)), np.zeros((9, 7, 3), np.uint8), np.zeros((7, 9), np.uint8)], ids=str
)
def test_a_resize_that_returns_something_else_than_it_registered_is_refused(clean_registry, returned):
    # or it would be written into the prepared array as rows of another length
    register("own", lambda *_: returned, antialiased=True)
    with pytest.raises(UserError, match=r"resize 'own': given a result of .* allowed: uint8 \(7, 9, 3\)"):
        get_resizer("own")(PICTURE, 9, 7)


def test_the_registry_and_pillow_work_without_mxnet_and_opencv():
    script = """
import sys
sys.modules["mxnet"] = sys.modules["cv2"] = None
import numpy as np
from gluon_wgan.resize import get_resizer
print(get_resizer("pil")(np.full((8, 8, 3), 7, np.uint8), 4, 2).tolist())
"""
    assert run_python(script) == str([[[7, 7, 7]] * 4] * 2)
