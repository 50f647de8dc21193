"""Decode one picture, always by Pillow, so that only the resize differs between the arms of a comparison."""

import io
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, features


class UndecodableError(Exception):
    """A picture that Pillow cannot decode."""


def decoded_by():
    """Return the decoder and its version; that of JPEG has one of its own, where Pillow was built with the system's."""
    return f"Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}"


def decode(value, channels=3):
    """Decode an encoded picture to a Pillow image.

    The first frame of an animation is taken. EXIF orientation is ignored, as torchvision's loader does. Alpha is
    dropped; palette, grey and CMYK become RGB. A 16-bit grey picture is scaled to 8 bits by 257, since Pillow's own
    conversion saturates it. (Pillow itself cuts a 16-bit RGB PNG to its high bytes.)

    Parameters
    ----------
    value : bytes or pathlib.Path
        An encoded JPEG, PNG, WebP, ..., or its file.
    channels : int
        3 for RGB, 1 for grey (ITU-R 601 luma, as Pillow's "L").

    Returns
    -------
    PIL.Image.Image
        Mode "RGB" or "L", loaded. `numpy.asarray` of it is uint8 (H, W, 3) or (H, W), 0 to 255.

    Raises
    ------
    UndecodableError
        If it is no picture, is cut short, is suspiciously large (a decompression bomb), is no regular file (opening
        a named pipe would wait for ever), or its decoder fails in any other way.
    """
    try:
        if isinstance(value, Path) and not value.is_file():
            raise UndecodableError("no regular file" if value.exists() else "a link to nowhere, or gone")
        with Image.open(io.BytesIO(value) if isinstance(value, bytes) else value) as picture:
            picture.load()
            if picture.mode.startswith("I"):
                picture = Image.fromarray(_sixteen_to_eight_bits(np.asarray(picture)))
            elif picture.mode == "F":
                raise UndecodableError("a picture of floating-point numbers has no known range")
            mode = "RGB" if channels == 3 else "L"
            return picture if picture.mode == mode else picture.convert(mode)
    except UndecodableError:
        raise
    except Exception as error:  # OSError, OverflowError, MemoryError, ...: a damaged file may raise anything
        raise UndecodableError(str(error) or type(error).__name__) from error


def _sixteen_to_eight_bits(values):
    return ((values.astype(np.int64).clip(0, 65535) + 128) // 257).astype(np.uint8)
