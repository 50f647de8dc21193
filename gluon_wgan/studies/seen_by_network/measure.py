"""Take the kernel distance between real pictures that Pillow has shrunk, and others that each library has."""

import os
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gluon_wgan.data import open_source, prepare
from gluon_wgan.evaluate import features, kernel_distance
from gluon_wgan.resize import known_resizers
from gluon_wgan.studies.seen_by_network.question import REFERENCE, SIZES


def measure(flags, results):
    """Measure into reports/data/seen_by_network.json what is not in it yet."""
    source = open_source(os.path.abspath(flags.data), flags.category)
    resizes = known_resizers()
    part = Path(flags.data).name
    asked = {"pictures": min(flags.pictures, len(source)), "category": flags.category}

    def key(run):
        return run["size"], resizes.index(run["resize"])

    done = {key(run) for run in results.runs(part, asked)}
    jobs = [(size, resize) for size in SIZES for resize in resizes if (size, resizes.index(resize)) not in done]
    references = {}
    for size, resize in tqdm(jobs, unit="set", mininterval=0.5 if sys.stderr.isatty() else 30):
        began = time.monotonic()
        if size not in references:
            references[size] = features(_half(source, flags, size, REFERENCE, 0))
        distance, error = kernel_distance(references[size], features(_half(source, flags, size, resize, 1)))
        run = {"size": size, "resize": resize, "distance": distance, "error": error}
        results.keep_run(part, asked, {**run, "seconds": time.monotonic() - began}, key, lambda runs: {})


def _half(source, flags, size, resize, which):
    pictures = prepare(source, size, resize, flags.cache_dir).pictures
    chosen = np.linspace(0, len(pictures) - 1, min(flags.pictures, len(pictures))).astype(int)
    return np.asarray(pictures[chosen[which::2]])
