"""The resize registry: one string names a library and a filter, and the name is exactly what is called.

Which library shrinks the pictures is an experimental variable of a GAN: Pillow widens its filter when it shrinks
(antialiasing), OpenCV's bilinear and bicubic filters do not, so the same word "bilinear" gives other pictures.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import PIL
from PIL import Image

from gluon_wgan.errors import UserError


@dataclass(frozen=True)
class Resizer:
    """A named way to resize a picture.

    Calling it, `resizer(image, width, height)`, takes a uint8 RGB (or one-channel) picture (H, W, C) and returns
    (height, width, C) of `dtype`; a `resize` that returns anything else raises UserError.

    Attributes
    ----------
    name : str
        The name in the registry.
    resize : callable
        `resize(image, width, height)`.
    antialiased : bool
        Whether the filter covers every source pixel when it shrinks. If not, fine texture comes out as false coarse
        texture (aliasing).
    dtype : str
        "uint8" (rounded by the library) or "float32" (0 to 255, not rounded).
    truncates_crop : bool
        Whether the centre crop that goes with it truncates its offset, as MXNet does, instead of rounding half to
        even, as torchvision does. The two are one pixel apart for some widths.
    takes_images : bool
        Whether `resize` gets a Pillow image instead of an array.
    version : str or callable
        Of the library, or a callable that returns it; part of what identifies prepared pictures.
    """

    name: str
    resize: Callable
    antialiased: bool
    dtype: str = "uint8"
    truncates_crop: bool = False
    takes_images: bool = False
    version: str | Callable[[], str] = ""

    def made_by(self):
        """Return the library and its version, such as "OpenCV 4.11.0": another one may make other pixels."""
        return self.version() if callable(self.version) else self.version

    def __call__(self, image, width, height):
        if not self.takes_images:
            image = as_array(image)
        resized = self.resize(image, width, height)
        if resized.ndim == 2:
            resized = resized[..., np.newaxis]  # OpenCV drops a single channel
        expected = (height, width, image.shape[2] if isinstance(image, np.ndarray) else len(image.getbands()))
        if resized.shape != expected or resized.dtype != self.dtype:
            given = f"a result of {resized.dtype} {resized.shape}"
            raise UserError(f"resize {self.name!r}", given, f"{self.dtype} {expected}, as registered")
        return resized


def as_array(image):
    """Return a Pillow image (mode "RGB" or "L"), or an array, as an array (H, W, C)."""
    if isinstance(image, np.ndarray):
        return image
    pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., np.newaxis]


def as_image(pixels):
    """Return an array uint8 (H, W, C), or a Pillow image, as a Pillow image."""
    if isinstance(pixels, Image.Image):
        return pixels
    return Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0])


def _pillow(filter_name, image, width, height):
    return np.asarray(as_image(image).resize((width, height), Image.Resampling[filter_name]))


def _opencv(filter_name, image, width, height):
    import cv2

    return cv2.resize(image, (width, height), interpolation=getattr(cv2, filter_name))


def _mxnet(code, dtype, image, width, height):
    import mxnet as mx

    return mx.image.imresize(mx.nd.array(image, dtype=dtype), width, height, interp=code).asnumpy()


def _opencv_version():
    import cv2

    return f"OpenCV {cv2.__version__}"


def _mxnet_version():
    import mxnet as mx

    return f"MXNet {mx.__version__}"


_REGISTRY = {}


def register(name, resize, *, antialiased, dtype="uint8", truncates_crop=False, takes_images=False, version=""):
    """Add a resize of your own to the registry, so that `--resize NAME` and every study know it.

    Parameters
    ----------
    name : str
    resize : callable
        `resize(image_uint8_hwc, width, height)` returns (height, width, C) of `dtype`.
    antialiased, dtype, truncates_crop, takes_images, version
        See `Resizer`. Change the version whenever the pixels change, or prepared pictures will be the old ones.

    Raises
    ------
    UserError
        If the name is taken, or dtype is neither "uint8" nor "float32".
    """
    if name in _REGISTRY:
        raise UserError("resize name", repr(name), "a name that is not registered yet")
    if dtype not in ("uint8", "float32"):
        raise UserError("resize dtype", repr(dtype), "uint8 or float32")
    _REGISTRY[name] = Resizer(name, resize, antialiased, dtype, truncates_crop, takes_images, version)


for _name, _filter in {
    "pil": "BILINEAR",
    "pil-nearest": "NEAREST",
    "pil-box": "BOX",
    "pil-hamming": "HAMMING",
    "pil-bicubic": "BICUBIC",
    "pil-lanczos": "LANCZOS",
}.items():
    register(
        _name,
        functools.partial(_pillow, _filter),
        antialiased=_filter != "NEAREST",
        takes_images=True,
        version=f"Pillow {PIL.__version__}",
    )
for _name, _filter in {
    "cv2": "INTER_LINEAR",
    "cv2-nearest": "INTER_NEAREST",
    "cv2-bicubic": "INTER_CUBIC",
    "cv2-area": "INTER_AREA",
    "cv2-lanczos": "INTER_LANCZOS4",
}.items():
    register(_name, functools.partial(_opencv, _filter), antialiased=_filter == "INTER_AREA", version=_opencv_version)
# MXNet's codes go straight to OpenCV inside libmxnet: 1 bilinear, 2 bicubic, 3 area. MXNet 1.3's documentation called
# 3 "bicubic", so the fix that GluonCV's script ran was area averaging, on a float32 picture that nothing rounds.
for _name, _code in {"mxnet": 1, "mxnet-bicubic": 2, "mxnet-area": 3}.items():
    register(_name, functools.partial(_mxnet, _code, "uint8"), antialiased=_code == 3, version=_mxnet_version)
register(
    "gluoncv",
    functools.partial(_mxnet, 3, "float32"),
    antialiased=True,
    dtype="float32",
    truncates_crop=True,
    version=_mxnet_version,
)


def known_resizers():
    """Return the registered names, in order of registration."""
    return list(_REGISTRY)


def get_resizer(name):
    """Return the `Resizer` of a name such as "pil", "cv2-area" or "mxnet-bicubic".

    The name is LIBRARY[-FILTER], bilinear where no filter is named. Each is bit-equal to a direct call of the
    library: `PIL.Image.resize`, `cv2.resize`, `mx.image.imresize`.

    Raises
    ------
    UserError
        If the name is not registered; the message lists the known ones.
    """
    if name not in _REGISTRY:
        raise UserError("--resize", repr(name), ", ".join(_REGISTRY))
    return _REGISTRY[name]


def scaled_size(width, height, short_side):
    """Return the (width, height) that shrinks or grows the short side to `short_side` pixels.

    The long side is truncated: int(short_side * long / short), as in torchvision.transforms.functional.resize.
    """
    if width <= height:
        return short_side, int(short_side * height / width)
    return int(short_side * width / height), short_side


def crop_offset(length, crop, truncate):
    """Return the first pixel of a centre crop of `crop` out of `length` pixels.

    torchvision rounds half to even, `int(round((length - crop) / 2))`; MXNet truncates.
    """
    return (length - crop) // 2 if truncate else round((length - crop) / 2)


def resize_and_crop(image, size, resizer):
    """Resize the short side to `size` and cut the centre square out, as both references prepare LSUN.

    Parameters
    ----------
    image : numpy.ndarray or PIL.Image.Image
        uint8 (H, W, C), or an image of mode "RGB" or "L".
    size : int
        Pixels.
    resizer : Resizer

    Returns
    -------
    numpy.ndarray
        (size, size, C) of the resizer's dtype, 0 to 255.
    """
    width, height = scaled_size(*(image.size if isinstance(image, Image.Image) else image.shape[1::-1]), size)
    resized = resizer(image, width, height)
    left = crop_offset(width, size, resizer.truncates_crop)
    top = crop_offset(height, size, resizer.truncates_crop)
    return resized[top : top + size, left : left + size]
