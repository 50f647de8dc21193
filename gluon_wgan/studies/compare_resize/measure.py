"""Compare all resizes of the registry on pictures that are decoded once."""

import itertools
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from loky import cpu_count
from PIL import Image
from tqdm import tqdm

from gluon_wgan.data import open_source
from gluon_wgan.data.decode import UndecodableError
from gluon_wgan.data.lsun import draw_bedrooms
from gluon_wgan.data.prepared import no_opencv_threads
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.colours import installed
from gluon_wgan.evaluate.spectra import radial_power_spectrum
from gluon_wgan.files import write_atomic
from gluon_wgan.report.page import as_png
from gluon_wgan.resize import known_resizers
from gluon_wgan.studies.compare_resize import figures
from gluon_wgan.studies.compare_resize.pixels import differences, resize_by_all, share_seen, summarise
from gluon_wgan.studies.compare_resize.question import SHOWN_ARMS
from gluon_wgan.studies.compare_resize.response import responses
from gluon_wgan.studies.results import start_of_study

log = logging.getLogger(__name__)

_BLOCK = 8  # pictures that a thread takes at once
_QUEUE = 256  # pictures under way: an interrupt waits for them


def measure(flags, results):
    """Measure into data/compare_resize.json, and draw the picture that differs most."""
    check(flags.size, flags.against, flags.count)
    images = flags.images or [draw_bedrooms(flags.cache_dir, flags.count or 200)]
    data, worst = measure_all(images, flags.size, flags.against, flags.count)
    if flags.pictures:
        results.figures.mkdir(parents=True, exist_ok=True)
        write_atomic(results.figures / "compare_resize_worst.png", as_png(figures.draw_worst(worst)))
    else:
        data["worst"] = None
    results.replace(data)


def open_images(path, count=None):
    """Return (source, how many of its pictures to take, from the first); see `gluon_wgan.data.open_source`."""
    try:
        source = open_source(path)
    except UserError as error:
        raise UserError("--images", error.given, error.allowed) from error
    return source, min(len(source), count or len(source))


def check(sizes, against, count=None):
    """Raise UserError unless the sizes differ and are 8 or more, and the reference and the count are possible."""
    if not sizes or min(sizes) < 8 or len(set(sizes)) < len(sizes):
        raise UserError("--size", " ".join(map(str, sizes)), "one or more different numbers of pixels, 8 or more")
    if against not in known_resizers():
        raise UserError("--against", repr(against), ", ".join(known_resizers()))
    if count is not None and count < 1:
        raise UserError("--count", count, "1 or more")


class _Totals:
    """What `compare` gathers over the blocks of pictures, in order."""

    def __init__(self):
        self.keys, self.undecodable, self.too_small, self.largest_short_side = [], 0, 0, 0
        self.l1, self.largest, self.power, self.frequencies, self.seen = {}, {}, {}, {}, {}

    def add(self, sizes, block):
        keys, undecodable, short_sides, measured, seen = block
        self.keys += keys
        self.undecodable += undecodable
        self.too_small += len(short_sides)
        self.largest_short_side = max(self.largest_short_side, *short_sides, 0)
        for (size, arm), (l1, largest, frequencies, power) in measured.items():
            self.l1.setdefault((size, arm), []).append(l1)
            self.largest.setdefault((size, arm), []).append(largest)
            self.power[size, arm] = self.power.get((size, arm), 0) + power * len(keys)
            self.frequencies[size] = frequencies
        for arm, shares in seen.items():
            self.seen.setdefault(arm, []).append(shares)


def _measure_block(source, sizes, against, block):
    """Return (keys, number of undecodable pictures, short sides of small ones, {(size, arm): what was measured},
    {arm: share of pixels that an eye tells apart, at the first size}); the last is empty without colour-science.
    """
    keys, undecodable, short_sides, images = [], 0, [], []
    for index in block:
        try:
            image = source.image(index)
        except UndecodableError as error:
            log.warning("%s is left out: %s", source.key(index), error)
            undecodable += 1
            continue
        if min(image.size) <= max(sizes):  # nothing is shrunk, so nothing would differ
            short_sides.append(min(image.size))
            continue
        images.append(image)
        keys.append(source.key(index))
    measured, seen = {}, {}
    for size in sizes if images else ():
        resized = [resize_by_all(image, size, against) for image in images]
        pictures = {arm: np.stack([one[arm] for one in resized]) for arm in resized[0]}
        for arm in pictures:
            # green says enough, in a third of the time; gluoncv's sums of float32 may end at 255.00003
            spectrum = radial_power_spectrum(pictures[arm][..., 1:2].clip(0, 255))
            measured[size, arm] = (*differences(pictures[arm], pictures[against]), *spectrum)
        if size == sizes[0] and installed():
            seen = {arm: share_seen(pictures[arm], pictures[against]) for arm in pictures}
    return keys, undecodable, short_sides, measured, seen


def compare(source, count, sizes, against="pil"):
    """Compare every registered resize with one of them, on the first `count` pictures of a source.

    Parameters
    ----------
    source : Source
        RGB pictures. One that cannot be decoded, or whose short side is not larger than the largest size, is left out
        and counted.
    count : int
    sizes : sequence of int
        Pixels per side.
    against : str
        The reference.

    Returns
    -------
    data : dict
        JSON values: `name`, `count`, `undecodable`, `too_small`, `cpu_seconds` and `seconds`; `sizes`: {size: {arm:
        `l1_p05` to `l1_p95`, `max_median`, `max`, `share_ge_60`, `share_l1_above_20000`, `mean_abs`}}; `seen`: {arm:
        `median`, `p05`, `p95` of `share_seen` at the first size}, empty without colour-science; `spectra`: {size:
        {`frequency`, `power`: {arm: of the green channel, mean over the pictures}}}.
    keys : list of str
        Of the `count` pictures.
    l1 : dict
        {(size, arm): float64 (count,)}.

    Raises
    ------
    UserError
        If no picture is left.
    """
    check(sizes, against)
    totals, arms = _Totals(), known_resizers()
    resize_by_all(Image.new("RGB", (16, 16)), 8, against)  # loads the libraries before the clock starts
    started, cpu_started = time.perf_counter(), time.process_time()
    bar = tqdm(total=count, unit="picture", desc=f"resizing {source.name}")
    with no_opencv_threads(), ThreadPoolExecutor(cpu_count()) as threads, bar:
        for start in range(0, count, _QUEUE):
            stop = min(start + _QUEUE, count)
            blocks = [range(first, min(first + _BLOCK, stop)) for first in range(start, stop, _BLOCK)]
            measured = threads.map(_measure_block, *map(itertools.repeat, (source, sizes, against)), blocks)
            for block, result in zip(blocks, measured):
                totals.add(sizes, result)
                bar.update(len(block))
    if not totals.keys and totals.too_small:
        allowed = f"less than the short side of the pictures, at most {totals.largest_short_side} pixels here"
        raise UserError("--size", max(sizes), allowed)
    if not totals.keys:
        raise UserError("--images", f"{source.name} (no picture can be decoded)", "pictures that Pillow can read")
    l1, largest = (
        {key: np.concatenate(parts) for key, parts in found.items()} for found in (totals.l1, totals.largest)
    )
    data = {
        "name": source.name,
        "count": len(totals.keys),
        "undecodable": totals.undecodable,
        "too_small": totals.too_small,
        "cpu_seconds": time.process_time() - cpu_started,
        "seconds": time.perf_counter() - started,
        "sizes": {
            str(size): {arm: summarise(l1[size, arm], largest[size, arm], 3 * size**2) for arm in arms}
            for size in sizes
        },
        "seen": {arm: _quantiles(np.concatenate(parts)) for arm, parts in totals.seen.items()},
        "spectra": {
            str(size): {
                "frequency": _short(totals.frequencies[size]),
                "power": {arm: _short(totals.power[size, arm] / len(totals.keys)) for arm in arms},
            }
            for size in sizes
        },
    }
    return data, totals.keys, l1


def _quantiles(values):
    return {name: float(at) for name, at in zip(("p05", "median", "p95"), np.percentile(values, [5, 50, 95]))}


def _short(values):
    """Return a list of numbers of five digits, which is more than a plot or a table shows."""
    return [float(f"{value:.5g}") for value in values]


def measure_all(images, sizes, against="pil", count=None):
    """Measure all that the page shows.

    Parameters
    ----------
    images : sequence of str or pathlib.Path
        Folders of pictures, LSUN roots or LMDBs, each compared on its own.
    sizes : sequence of int
        Pixels per side; the first is the one that the report's answer is about.
    against : str
        The reference.
    count : int, optional
        Pictures taken of each, from the first. All by default.

    Returns
    -------
    data : dict
        JSON values.
    worst : dict
        {arm: picture}, the reference first: the picture of the first source on which the first of `SHOWN_ARMS` is
        farthest from it, at the first size. `data["worst"]` says which it is.

    Raises
    ------
    UserError
        See `compare` and `gluon_wgan.data.open_source`.
    """
    check(sizes, against, count)
    if not installed():
        log.warning("without the share of pixels that an eye tells apart: `make parity` installs colour-science")
    opened = [open_images(path, count) for path in images]  # a wrong path is answered before any work
    environment = start_of_study()
    compared = [compare(source, taken, sizes, against) for source, taken in opened]
    (source, _), (_, keys, l1), size = opened[0], compared[0], sizes[0]
    shown = [arm for arm in SHOWN_ARMS if arm != against]
    row = int(l1[size, shown[0]].argmax())
    index = next(index for index in range(len(source)) if source.key(index) == keys[row])
    resized = resize_by_all(source.image(index), size, against)
    data = {
        "command": environment.pop("command"),
        "environment": environment,
        "against": against,
        "main_size": size,
        "sources": [data for data, _, _ in compared],
        "response": responses(sizes),
        "worst": {"picture": keys[row], "arm": shown[0], "l1": float(l1[size, shown[0]][row])},
    }
    return data, {arm: resized[arm] for arm in (against, *shown)}
