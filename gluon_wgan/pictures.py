"""Arrays to pictures: grids of samples, curves of a run. Without mxnet."""

import io

import numpy as np
from PIL import Image

from gluon_wgan.errors import UserError
from gluon_wgan.files import write_atomic

MEDIAN_WINDOW = 101  # the window of the paper's figures


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


def grid(images, columns=8, gap=2):
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
    pictures = to_uint8(images)
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


def median_filtered(values):
    """Return the running median over a window of 101, as the paper plots its estimates; ends repeat the edge."""
    from scipy.ndimage import median_filter

    return median_filter(np.asarray(values, dtype=float), size=MEDIAN_WINDOW, mode="nearest")


def save_curves(path, generator_steps, estimates, title):
    """Plot the EM estimate of a run, raw and median-filtered, over generator steps.

    Parameters
    ----------
    path : pathlib.Path
        A PNG, written whole or not at all.
    generator_steps, estimates : sequence of numbers
    title : str
    """
    from matplotlib.figure import Figure  # not pyplot: no global state, no display

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    marker = "o" if len(estimates) == 1 else None  # one point alone makes no line
    axes.plot(generator_steps, estimates, "tab:blue", marker=marker, alpha=0.3, linewidth=0.8, label="each step")
    if len(estimates) > MEDIAN_WINDOW:
        filtered = median_filtered(estimates)
        axes.plot(generator_steps, filtered, color="tab:blue", label=f"median over {MEDIAN_WINDOW} steps")
        axes.set_ylim(min(0, np.percentile(estimates, 0.5)), 1.1 * np.percentile(estimates, 99.5))
    axes.set(xlabel="generator step", ylabel="EM distance estimate (up to the Lipschitz constant)", title=title)
    axes.grid(alpha=0.3)
    axes.legend()
    encoded = io.BytesIO()
    figure.savefig(encoded, format="png", dpi=120, metadata={"Software": None})
    write_atomic(path, encoded.getvalue())
