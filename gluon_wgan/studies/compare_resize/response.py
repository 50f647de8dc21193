"""The frequency response of a resize: which gratings it lets through, and which come out as false coarse ones."""

import itertools

import numpy as np
from tqdm import tqdm

from gluon_wgan.data.prepared import no_opencv_threads
from gluon_wgan.resize import get_resizer, known_resizers

_LEVEL, _AMPLITUDE = 128.0, 100.0  # whole numbers, and room for a filter that overshoots by a quarter
_ANGLES = np.arange(3) * 2 * np.pi / 3  # one phase for each colour channel
_ROWS = 8  # of the output; a grating is the same in all of them


def grating_width(size):
    """Return the pixels across of the gratings that are shrunk to `size`: 256, as LSUN's short side, or more."""
    return max(256, 2 * size)


def frequency_response(arm, size):
    """Measure the amplitude of sine gratings, 0 to 0.5 cycles per source pixel, that comes out of a resize.

    A filter that shrinks by k turns the grating cos(2 pi f x + phase) into A(f) cos(2 pi f k j + phase + shift) at the
    output pixels j. Three phases, 120 degrees apart, lie in the three colour channels; times exp(-i phase) and averaged
    they give the complex A(f) exp(2 pi i f k j), whose size is found by turning it back and averaging over j. So
    neither a phase nor folding (f k above 0.5 looks like a coarser grating) can hide an amplitude.

    Parameters
    ----------
    arm : str
        A name of the resize registry.
    size : int
        Pixels across of the output, from `grating_width(size)`.

    Returns
    -------
    frequencies : numpy.ndarray
        Cycles per source pixel, 0 to 0.5. What lies above size / width / 2 is folded.
    amplitudes : numpy.ndarray
        A(f): 1 is unchanged, 0 is removed.
    """
    resizer, width = get_resizer(arm), grating_width(size)
    x, j = np.arange(width)[:, None], np.arange(size)
    inside = slice(min(4, size // 4), size - min(4, size // 4))  # filters see the picture's edge elsewhere
    periods = np.arange(width // 2 + 1)
    amplitudes = []
    for period in periods:
        row = _LEVEL + _AMPLITUDE * np.cos(2 * np.pi * period * x / width + _ANGLES)
        grating = np.tile(np.rint(row).astype(np.uint8), (round(_ROWS * width / size), 1, 1))
        resized = resizer(grating, size, _ROWS)[_ROWS // 2].astype(np.float64) - _LEVEL
        wave = resized @ np.exp(-1j * _ANGLES) * 2 / 3
        turned_back = wave * np.exp(-2j * np.pi * period * j / size)
        amplitudes.append(abs(turned_back[inside].mean()) / _AMPLITUDE)
    return periods / width, np.array(amplitudes)


def summarise_response(frequencies, amplitudes, size):
    """Return what a response says in three numbers; an ideal filter has 1, 0 and 0.

    Returns
    -------
    dict
        `passed`: mean amplitude below the new Nyquist frequency; `folded`, `folded_max`: mean and largest above it.
    """
    nyquist = size / grating_width(size) / 2
    passed, folded = amplitudes[frequencies < nyquist], amplitudes[frequencies > nyquist]
    return {"passed": float(passed.mean()), "folded": float(folded.mean()), "folded_max": float(folded.max())}


def responses(sizes):
    """Measure the response of every registered resize at every size.

    Returns
    -------
    dict
        {size: `width`, `frequency`, `amplitude`: {arm: list}, `summary`: {arm: dict}}, JSON values. See
        `frequency_response` and `summarise_response`.
    """
    found = {}
    bar = tqdm(list(itertools.product(sizes, known_resizers())), unit="arm", desc="shrinking gratings")
    with no_opencv_threads(), bar:
        for size, arm in bar:
            frequencies, amplitudes = frequency_response(arm, size)
            entry = found.setdefault(str(size), {"width": grating_width(size), "amplitude": {}, "summary": {}})
            entry["frequency"] = [round(float(frequency), 6) for frequency in frequencies]
            entry["amplitude"][arm] = [round(float(amplitude), 4) for amplitude in amplitudes]
            entry["summary"][arm] = summarise_response(frequencies, amplitudes, size)
    return found
