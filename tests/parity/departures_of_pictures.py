"""Measure the departures that change a picture before training sees it, in levels of 0 to 255.

Each function returns (size, restored), see `departures.measure`.
"""

import functools
import io
from dataclasses import replace

import cv2
import numpy as np
from PIL import Image

from gluon_wgan.data.decode import decode
from gluon_wgan.data.rooms import draw_room
from gluon_wgan.resize import get_resizer, resize_and_crop
from gluon_wgan.tools.train import parse_train_flags

SIZE = 64


@functools.cache
def photographs():
    """Return eight bedrooms, uint8 (8, 256, 271, 3): 271 pixels shrink to 67, which leaves 3 to cut off."""
    drawn = (draw_room(0, index) for index in range(100))
    wide = (picture for picture in drawn if picture.shape[0] == 256 and picture.shape[1] >= 271)
    return np.stack([next(wide)[:, :271] for _ in range(8)])


def squares():
    """Return the left 256 columns of each: four times the size that they shrink to."""
    return [np.ascontiguousarray(picture) for picture in photographs()[:, :, :256]]


def prepared_by(resizer, taken):
    """Return the pictures as `prepare` would make them, float64 (N, 64, 64, 3)."""
    return np.stack([resize_and_crop(picture, SIZE, resizer) for picture in taken]).astype(np.float64)


def resizer_of(flag):
    """Return the resizer that a flag names."""
    return get_resizer(parse_train_flags(flag.split())[0].resize)


def by_torchvision(taken):
    """Return the pictures as torchvision's Resize(64) and CenterCrop(64) make them, written out."""
    made = []
    for picture in taken:
        width = int(SIZE * picture.shape[1] / picture.shape[0])  # these pictures are not higher than wide
        left = round((width - SIZE) / 2.0)
        made.append(np.asarray(Image.fromarray(picture).resize((width, SIZE), Image.BILINEAR))[:, left : left + SIZE])
    return np.stack(made).astype(np.float64)


def mean_difference(ours, theirs):
    """Return the mean absolute difference."""
    return float(np.abs(np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)).mean())


def truncated_offset(flag):
    """Compare crops of pictures that Pillow has shrunk, the offset truncated and rounded."""
    departing = replace(get_resizer("pil"), truncates_crop=True)
    theirs = by_torchvision(photographs())
    return tuple(
        mean_difference(prepared_by(resizer, photographs()), theirs) for resizer in (departing, resizer_of(flag))
    )


def area_for_bicubic(flag):
    """Compare MXNet's interpolation code 3, on uint8, with Pillow's bilinear filter."""
    theirs = by_torchvision(squares())
    resizers = get_resizer("mxnet-area"), resizer_of(flag)
    return tuple(mean_difference(prepared_by(resizer, squares()), theirs) for resizer in resizers)


def unrounded(flag):
    """Measure how far from whole levels a resize leaves its values."""
    distances = []
    for resizer in (get_resizer("gluoncv"), resizer_of(flag)):
        values = prepared_by(resizer, squares())
        distances.append(float(np.abs(values - np.round(values)).max() / 255))
    return tuple(distances)


def as_png(pixels):
    """Return the bytes of a PNG of an array."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="png")
    return stream.getvalue()


def colour_order():
    """Compare OpenCV's decoded picture, and ours, with Pillow's."""
    value = as_png(squares()[0])
    theirs = np.asarray(Image.open(io.BytesIO(value)).convert("RGB"))
    by_opencv = cv2.imdecode(np.frombuffer(value, np.uint8), cv2.IMREAD_COLOR)
    return mean_difference(by_opencv, theirs), mean_difference(np.asarray(decode(value)), theirs)


def sixteen_bits():
    """Compare a 16-bit grey ramp over all its values, as we decode it and as torchvision's loader does."""
    value = as_png(np.arange(65536, dtype=np.uint16).reshape(256, 256))
    theirs = np.asarray(Image.open(io.BytesIO(value)).convert("RGB"))
    return mean_difference(np.asarray(decode(value)), theirs), None
