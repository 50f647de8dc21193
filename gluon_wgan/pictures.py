"""Arrays to pictures: grids of samples, curves of a run. Without mxnet."""

import bisect
import io
import warnings
from collections import deque

import numpy as np
from PIL import Image

from gluon_wgan.errors import UserError
from gluon_wgan.files import write_atomic

MEDIAN_WINDOW = 101  # the window of the paper's figures
GAP = 2  # white pixels between the pictures of a grid
_SHOWN = 128  # pixels a side, at most, to which a sheet enlarges its pictures


def to_uint8(images):
    """Map pictures (N, C, H, W) in [-1, 1] to uint8 (N, H, W, C); what lies outside is cut off."""
    scaled = np.rint((np.asarray(images).transpose(0, 2, 3, 1) + 1) * 127.5)
    return np.clip(scaled, 0, 255).astype(np.uint8)


def save_picture(path, pixels):
    """Write uint8 (H, W, C) as a PNG, whole or not at all; C is 1 or 3."""
    encoded = io.BytesIO()
    Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0]).save(encoded, format="png")
    write_atomic(path, encoded.getvalue())


def packed(image):
    """Return a Pillow image as the bytes of a PNG with a palette of 256: a third of the bytes."""
    encoded = io.BytesIO()
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(encoded, format="png", optimize=True)
    return encoded.getvalue()


def grid(images, columns=8, gap=GAP):
    """Lay pictures out in rows.

    Parameters
    ----------
    images : array-like
        (N, C, H, W) in [-1, 1].
    columns, gap : int
        Pictures per row; white pixels between them.

    Returns
    -------
    numpy.ndarray
        uint8 (rows, width, C).

    Raises
    ------
    UserError
        If there are no pictures.
    """
    return _laid_out(to_uint8(images), columns, gap)


def _laid_out(pictures, columns, gap=GAP):
    count, height, width, channels = pictures.shape
    if count == 0:
        raise UserError("grid", "no pictures", "one or more")
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, dtype=np.uint8)
    for number, picture in enumerate(pictures):
        top, left = (number // columns) * (height + gap), (number % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def save_sheet(file, images, columns=8):
    """Write pictures (N, C, H, W) in [-1, 1] as one PNG, small ones enlarged by whole pixels; return its path."""
    save_picture(file, _enlarged(grid(images, columns), images.shape[-1]))
    return file


def keep_sheet(file, pictures, columns=8, enlarged=True):
    """Write pictures, uint8 (N, H, W, C), for a report: as `save_sheet`, but with a palette, in fewer bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = _laid_out(pictures, columns)
    pixels = _enlarged(pixels, pictures.shape[1]) if enlarged else pixels
    write_atomic(file, packed(Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))))


def save_film(file, images, per_second):
    """Write pictures (N, C, H, W) in [-1, 1] as a WebP that shows them in turn, without loss; return its path."""
    large = [_enlarged(pixels, images.shape[-1]) for pixels in to_uint8(images)]
    first, *others = [Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3))) for pixels in large]
    encoded = io.BytesIO()
    duration = round(1000 / per_second)
    first.save(encoded, "webp", save_all=True, append_images=others, duration=duration, loop=0, lossless=True)
    write_atomic(file, encoded.getvalue())
    return file


def _enlarged(pixels, side):
    """Return a sheet (H, W, C) of pictures of so many pixels a side; small ones become larger, unblurred."""
    larger = max(1, _SHOWN // side)
    return pixels.repeat(larger, axis=0).repeat(larger, axis=1)


def median_filtered(values, window=MEDIAN_WINDOW):
    """Return the running median over an odd window, 101 as the paper plots its estimates; the ends cut the window."""
    from scipy.ndimage import median_filter

    values = np.asarray(values, dtype=float)
    half = window // 2
    filtered = median_filter(values, size=window, mode="nearest")
    for index in (*range(half), *range(len(values) - half, len(values))):
        if 0 <= index < len(values):
            filtered[index] = np.median(values[max(0, index - half) : index + half + 1])
    return filtered


class Curve:
    """The EM estimate of a run, step by step, kept in bounded memory: what `save_curves` draws.

    While there are at most `most` steps, every one is kept; then two neighbours become one, with the lowest and the
    highest estimate of both, and the running median at the first; and so on each time that it has doubled.

    Parameters
    ----------
    estimates : iterable of float
        Of the first generator steps.
    most : int
        An even number.
    """

    def __init__(self, estimates=(), most=4000):
        self._most, self._width = most, 1
        self._count = 0
        self._lowest, self._highest, self._medians = [], [], []
        self._window, self._sorted = deque(), []
        for estimate in estimates:
            self.add(estimate)

    def __len__(self):
        return self._count

    def add(self, estimate):
        """Add the estimate of the next generator step."""
        if self._count % self._width == 0:
            if len(self._lowest) == self._most:
                self._halve()
            self._lowest.append(estimate)
            self._highest.append(estimate)
        else:
            self._lowest[-1] = min(self._lowest[-1], estimate)
            self._highest[-1] = max(self._highest[-1], estimate)
        self._count += 1
        self._window.append(estimate)
        bisect.insort(self._sorted, estimate)
        if len(self._window) > MEDIAN_WINDOW:
            del self._sorted[bisect.bisect_left(self._sorted, self._window.popleft())]
        centre = self._count - 1 - MEDIAN_WINDOW // 2  # whose window is complete now, or cut by the beginning
        if centre >= 0 and centre % self._width == 0:
            self._medians.append(_middle(self._sorted))

    def _halve(self):
        self._lowest = [min(pair) for pair in zip(self._lowest[::2], self._lowest[1::2])]
        self._highest = [max(pair) for pair in zip(self._highest[::2], self._highest[1::2])]
        self._medians = self._medians[::2]
        self._width *= 2

    def lines(self):
        """Return arrays (generator steps, lowest, highest, running medians), as long as each other."""
        recent, half = list(self._window), MEDIAN_WINDOW // 2
        medians = list(self._medians)
        for index in range(len(medians) * self._width, self._count, self._width):  # cut by the end
            medians.append(_middle(sorted(recent[max(0, index - half - self._count + len(recent)) :])))
        steps = np.arange(len(self._lowest)) * self._width + 1
        return steps, np.array(self._lowest), np.array(self._highest), np.array(medians)


def _middle(ordered):
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def save_curves(path, curve, title):
    """Plot the EM estimate of a run, raw and median-filtered, over generator steps; outliers may leave the picture.

    Parameters
    ----------
    path : pathlib.Path
        A PNG, written whole or not at all.
    curve : Curve
    title : str
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    steps, lowest, highest, medians = curve.lines()
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    if len(curve) == len(steps):
        marker = "o" if len(steps) == 1 else None  # one point alone makes no line
        axes.plot(steps, lowest, "tab:blue", marker=marker, alpha=0.3, linewidth=0.8, label="each step")
    else:
        label = f"lowest to highest of {steps[1] - steps[0]} steps"
        axes.fill_between(steps, lowest, highest, color="tab:blue", alpha=0.3, linewidth=0, label=label)
    if len(curve) > MEDIAN_WINDOW:
        axes.plot(steps, medians, color="tab:blue", label=f"median over {MEDIAN_WINDOW} steps")
        axes.set_ylim(min(0, np.percentile(lowest, 0.5)), 1.1 * np.percentile(highest, 99.5))
    axes.set(xlabel="generator step", ylabel="EM distance estimate (up to the Lipschitz constant)", title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    encoded = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a folder's name may have signs that the font has not
        figure.savefig(encoded, format="png", dpi=120, metadata={"Software": None})
    write_atomic(path, encoded.getvalue())
