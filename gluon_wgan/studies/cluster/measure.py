"""Train the same on one and on several workers, and compare numbers and times; time sums over links."""

import json
import logging
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import mxnet as mx
import numpy as np
from tqdm import tqdm

from gluon_wgan.data import prepare
from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.run_folder import read_metrics
from gluon_wgan.settings import command_line, preset_settings
from gluon_wgan.studies.cluster import exchange
from gluon_wgan.studies.cluster.network import machines
from gluon_wgan.studies.cluster.question import ARMS, AT, LINKS, MACHINES, REPEATS, SIZES, STEPS, TURNS, WORKERS
from gluon_wgan.studies.results import start_of_study
from gluon_wgan.training.build import build_whole, open_data, open_parts
from gluon_wgan.training.cluster import Store
from gluon_wgan.training.job import LOOPBACK, Job

log = logging.getLogger(__name__)

_TRAIN = "from gluon_wgan.command import run; run('train')"


def measure(flags, results):
    """Measure the parts that are asked for; the others stay."""
    for part in flags.measure:
        start = start_of_study()
        found = {"same": _same, "speed": _speed, "links": _links}[part](flags)
        results.keep(part, {"starts": [start], **found})
        log.info("measured: %s", part)


def settings_of(side, channels, **changes):
    """Return the original's settings at a size, without the many updates at the start."""
    sizes = {"image_size": side, "generator_channels": channels, "critic_channels": channels}
    return replace(preset_settings("wassersteingan"), **sizes, boost_generator_steps=0, boost_every=0, **changes)


# --- the same numbers


def _same(flags):
    arms = {}
    for arm, changes in ARMS.items():
        settings = settings_of(32, 16, **changes)
        prepared = prepare(open_data(settings, flags.cache_dir), 32, settings.resize, flags.cache_dir)
        trainers = []
        for store, count in ((None, 1), (Store(), WORKERS)):
            parts = open_parts(settings, prepared, [mx.cpu(number) for number in range(count)], store)
            trainers.append(build_whole(settings, parts, store))
        arms[arm] = _differences(trainers, arm)
    return {"settings": {"image_size": 32, "channels": 16, "batch_size": settings.batch_size}, "arms": arms}


def _differences(trainers, arm):
    """Train both side by side; return estimates of each step, and how far the weights are at some."""
    estimates, weights = [], {}
    for step in tqdm(range(1, STEPS + 1), unit="step", desc=arm, mininterval=0.5 if sys.stderr.isatty() else 30):
        for _ in range(trainers[0].critic_updates_left()):
            means = [trainer.critic_step().means().asnumpy() for trainer in trainers]
        for trainer in trainers:
            trainer.generator_step()
        estimates.append([float(f"{real - fake:.6g}") for _, real, fake in means])
        if step in AT:
            weights[step] = {
                part: _distance(*(getattr(one, part) for one in trainers)) for part in ("generator", "critic")
            }
    return {"estimates": estimates, "weights": weights}


def _distance(one, other):
    """Return the relative distance of two networks' trainable weights."""
    pairs = zip(*(net.collect_params().values() for net in (one, other)))
    arrays = [[p.list_data()[0].asnumpy() for p in pair] for pair in pairs if pair[0].grad_req != "null"]
    off, whole = (
        sum(float((values**2).sum()) for values in found)
        for found in ([a - b for a, b in arrays], [a for a, _ in arrays])
    )
    return (off / whole) ** 0.5


# --- seconds


def _speed(flags):
    """Let one process with all threads, and workers with a thread each, take turns at real trainings."""
    sizes = []
    bar = tqdm(total=len(SIZES) * TURNS, unit="turn", mininterval=0.5 if sys.stderr.isatty() else 30)
    for side, channels, steps in SIZES:
        settings = settings_of(side, channels, generator_steps=steps, sample_every=10**6, checkpoint_every=10**6)
        seconds = {"one": [], "workers": []}
        for _ in range(TURNS):
            for way, found in seconds.items():
                found.append(_turn(settings, flags.cache_dir, way))
            bar.update()
        ratios = [np.median(one) / np.median(workers) for one, workers in zip(*seconds.values())]
        networks = [build_generator(settings), build_critic(settings)]
        sizes.append(
            {
                "image_size": side,
                "channels": channels,
                "seconds": {
                    way: [[round(value, 4) for value in turn] for turn in turns] for way, turns in seconds.items()
                },
                "ratio": float(np.median(ratios)),
                "quartiles": np.percentile(ratios, [25, 75]).tolist(),
                "bytes": dict(zip(("generator", "critic"), map(_bytes, networks))),
            }
        )
    return {"workers": WORKERS, "sizes": sizes}


def _turn(settings, cache_dir, way):
    """Return the seconds of each step of a short training."""
    with tempfile.TemporaryDirectory() as folder:
        flags = [*command_line(settings), "--out", f"{folder}/run", "--cache-dir", str(cache_dir)]
        if way == "one":
            subprocess.run([sys.executable, "-c", _TRAIN, *flags], check=True, stderr=subprocess.DEVNULL)
        elif Job(_TRAIN, [*flags, "--kvstore", "dist_sync"], WORKERS, quiet=True).run():
            raise RuntimeError("a worker failed")
        at = [record["seconds"] for record in read_metrics(f"{folder}/run")]
    return np.diff(at)[1:]


def _bytes(network):
    shapes = [p.shape for p in network.collect_params().values() if p.grad_req != "null"]
    return 4 * sum(int(np.prod(shape)) for shape in shapes)


# --- links


def _links(flags):
    """Time the sum of a whole critic's gradients over links, and with 2 bits a number."""
    numbers = _bytes(build_critic(settings_of(64, 64))) // 4
    found = []
    for link, rate in LINKS.items():
        for count in MACHINES:
            for threshold in (0.0, 1.0):
                place = machines(count, rate) if rate else nullcontext([LOOPBACK])
                with place as hosts, tempfile.TemporaryDirectory() as folder:
                    file = Path(folder) / "found.json"
                    arguments = [numbers, REPEATS, threshold, file]
                    if Job(exchange.CODE, arguments, count, hosts=hosts, quiet=True).run():
                        raise RuntimeError(f"a worker failed on {link}")
                    found.append(
                        {"link": link, "workers": count, "threshold": threshold, **json.loads(file.read_text())}
                    )
                log.info(
                    "%s, %d workers, threshold %g: %.3f s", link, count, threshold, np.median(found[-1]["seconds"][3:])
                )
    sizes = {f"{side}x{side}/64": settings_of(side, 64) for side in (64, 128)}
    networks = {
        size: {"critic": build_critic(each), "generator": build_generator(each)} for size, each in sizes.items()
    }
    sent = {size: {name: _bytes(network) for name, network in each.items()} for size, each in networks.items()}
    return {"bytes": sent, "sums": found}
