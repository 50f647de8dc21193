"""Speed and memory: a WGAN step against a matrix product and PyTorch, the loader, preparing, a large LMDB."""

import contextlib
import io
import re
import resource
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import lmdb
import numpy as np
import psutil
from loky import cpu_count
from mxnet import autograd, nd
from PIL import Image
from tqdm import tqdm

from gluon_wgan import kernels
from gluon_wgan.data import Batches, open_source, prepare
from gluon_wgan.data.lsun import draw_bedrooms, write_lsun_lmdb
from gluon_wgan.environment import describe_environment
from gluon_wgan.errors import UserError
from gluon_wgan.models.flops import update_flops
from gluon_wgan.models.sampling import draw_latents, sample
from gluon_wgan.pictures import to_uint8
from gluon_wgan.resize import scaled_size
from gluon_wgan.settings import preset_settings
from gluon_wgan.tools.benchmark_torch import TorchProcess
from gluon_wgan.tools.benchmark_turns import alternate, compare, quartiles
from gluon_wgan.training.timing import critic_seconds, noise_trainer, seconds_of, step_seconds

_PICTURES = 1000  # drawn for preparing and loading
_LMDB_KEYS = 3_000_000  # LSUN's bedrooms
_SIZE = re.compile(r"(\d+)x\1/(\d+)")


def measure(sizes=("32x32/16", "64x64/64"), seconds=60.0, reference=None):
    """Measure every size and return a dict of JSON values.

    Parameters
    ----------
    sizes : sequence of str
        SIDExSIDE/CHANNELS, with the wassersteingan preset's other settings.
    seconds : float
        Of alternating steps per size, and of alternating penalised updates.
    reference : str or pathlib.Path, optional
        tests/parity/reference.py, whose steps in PyTorch are then among them.

    Returns
    -------
    dict
        Per size: step_seconds (n_critic critic updates and 1 generator update; median), step_seconds_spread
        (25th and 75th percentile), gemm_gflops (float32 matrix product 2048 x 2048 x 2048 by oneDNN, which does the
        convolutions too, or by OpenBLAS, whichever is faster here; alternating with the steps; median), efficiency
        (convolution FLOP that the algorithm needs / (step_seconds x gemm rate)), openblas_gflops and
        efficiency_by_openblas (by OpenBLAS alone, as efficiency was measured before; to compare, for one release),
        ratio_hybridized (step_seconds / the same step not hybridized), loader_images_per_second,
        ratio_loader (loader rate / rate that the steps consume), prepare_images_per_second, ratio_prepare (rate of
        preparing / rate of bare decode and resize by as many threads), peak_memory_mib (of this process so far).
        sampled_images_per_second, of batches of pictures as uint8. And lmdb: keys, open_seconds, added_memory_mib. And
        the environment.

        With the reference, for "torch" as the original is written, for "torch_channels_last" and, where there is a C++
        compiler, for "torch_compiled", the first by torch.compile: torch_step_seconds,
        ratio_torch (it / step_seconds: more than 1 where ours is the faster), ratio_torch_spread (25th and 75th
        percentile of the ratios of turns that follow each other), and so on. And the environment has torch: version,
        threads, interop_threads.

        And of the wgan-gp preset: gp_critic_step_seconds, of one penalised critic update; gp_critic_step_over_clipped;
        gp_operators_over_kernels (it without compiled kernels / with them, where there are any); ratio_detached (a
        clipped critic update / the same that differentiates the generator too), with its spread; with the reference,
        ratio_torch_gp and ratio_torch_gp_channels_last, of PyTorch's double backward, with spreads (torch.compile has
        no double backward); ratio_torch_sampling and ratio_torch_sampling_channels_last, of the samples.

    Raises
    ------
    UserError
        If a size is malformed.
    """
    chosen = []
    for size in sizes:
        match = _SIZE.fullmatch(size)
        if not match:
            raise UserError("--sizes", size, "SIDExSIDE/CHANNELS such as 32x32/16")
        side, channels = int(match[1]), int(match[2])
        base = preset_settings("wassersteingan")
        chosen.append((size, replace(base, image_size=side, generator_channels=channels, critic_channels=channels)))
    chosen.sort(key=lambda pair: pair[1].image_size ** 2 * pair[1].generator_channels)  # peak memory only grows
    results = {"environment": describe_environment()}
    with tempfile.TemporaryDirectory() as scratch:
        source = open_source(_pictures(Path(scratch)))
        for name, settings in chosen:
            results[name] = _measure_data(settings, source, Path(scratch))
            results[name].update(_measure_steps(settings, seconds, name, reference, results["environment"]))
            results[name].update(_measure_penalty(settings, seconds, name, reference))
            results[name].update(_measure_sampling(settings, seconds, name, reference))
            consumed = settings.n_critic * settings.batch_size / results[name]["step_seconds"]
            results[name]["ratio_loader"] = results[name]["loader_images_per_second"] / consumed
        results["lmdb"] = _measure_lmdb(Path(scratch))
    return results


def _pictures(scratch):
    """Return an LMDB of drawn bedrooms, each under four keys, so that preparing takes seconds."""
    drawn = open_source(draw_bedrooms(scratch, _PICTURES))
    entries = ((f"{copy}{drawn.key(index)}", drawn.value(index)) for copy in range(4) for index in range(len(drawn)))
    write_lsun_lmdb(scratch / "four_lmdb", entries)
    return scratch / "four_lmdb"


def _measure_steps(settings, seconds, name, reference, environment):
    trainers = {hybridize: noise_trainer(settings, hybridize) for hybridize in (True, False)}
    image_shape = (settings.image_channels, settings.image_size, settings.image_size)
    hybridized = trainers[True]
    in_critic, in_generator = update_flops(
        hybridized.generator, hybridized.critic, settings.batch_size, settings.latent_dim, image_shape
    )
    flops = settings.n_critic * in_critic + in_generator
    arms = {"ours": partial(step_seconds, hybridized, settings.n_critic)}
    with contextlib.ExitStack() as stack:
        if reference is not None:
            torch = stack.enter_context(TorchProcess(reference, settings))
            environment["torch"] = torch.environment
            arms = _either_side("torch", torch.steps, arms)
            if shutil.which("c++"):
                arms["torch_compiled"] = partial(torch.steps, "compiled")
        arms["plain"] = partial(step_seconds, trainers[False], settings.n_critic)
        turns, gemm = alternate(arms, seconds, name)
    step = float(np.median(turns["ours"]))
    rates = {by: statistics.median(found) for by, found in gemm.items()}
    rate = max(rates.values())
    results = {
        "step_seconds": step,
        "step_seconds_spread": quartiles(turns["ours"]),
        "steps_measured": turns["ours"].size,
        "step_gflop": flops / 1e9,
        "gemm_gflops": rate / 1e9,
        "efficiency": flops / (step * rate),
        "openblas_gflops": rates["OpenBLAS"] / 1e9,
        "efficiency_by_openblas": flops / (step * rates["OpenBLAS"]),
        "ratio_hybridized": step / float(np.median(turns["plain"])),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    return {**results, **_ratios(turns)}


def _either_side(name, ask, ours):
    """Return the arms of PyTorch's two memory formats, one before ours and one after."""
    return {name: partial(ask, "contiguous_format"), **ours, f"{name}_channels_last": partial(ask, "channels_last")}


def _ratios(turns):
    """Return what `compare` says of every arm of PyTorch's."""
    found = {}
    for arm in [arm for arm in turns if arm.startswith("torch")]:
        found.update(compare(arm, turns[arm], turns["ours"]))
    return found


def _measure_sampling(settings, seconds, name, reference):
    generator = noise_trainer(settings).generator
    latents = nd.array(draw_latents(0, settings.batch_size, settings)[0])
    arms = {"ours": partial(_sample_seconds, generator, latents, settings.bn_mode)}
    with contextlib.ExitStack() as stack:
        if reference is not None:
            torch = stack.enter_context(TorchProcess(reference, settings))
            arms = _either_side("torch_sampling", torch.sample_batches, arms)
        turns, _ = alternate(arms, seconds / 4, f"{name}, sampling")
    return {"sampled_images_per_second": settings.batch_size / float(np.median(turns["ours"])), **_ratios(turns)}


def _sample_seconds(generator, latents, bn_mode, count):
    return [seconds_of(lambda: to_uint8(sample(generator, latents, bn_mode))) for _ in range(count)]


def _measure_penalty(settings, seconds, name, reference):
    clipped, undetached = noise_trainer(settings), attached(noise_trainer(settings))
    sizes = {key: getattr(settings, key) for key in ("image_size", "generator_channels", "critic_channels")}
    settings = replace(preset_settings("wgan-gp"), **sizes)
    arms = {"ours": partial(critic_seconds, noise_trainer(settings))}
    with contextlib.ExitStack() as stack:
        if reference is not None:
            torch = stack.enter_context(TorchProcess(reference, settings))
            arms = _either_side("torch_gp", torch.critic_steps, arms)
        arms["clipped"] = partial(critic_seconds, clipped)
        arms["attached"] = partial(critic_seconds, undetached)
        if kernels.loops() is not None:
            arms["operators"] = partial(_critic_seconds_by_operators, noise_trainer(settings))
        turns, _ = alternate(arms, seconds, f"{name} with penalty")
    step = float(np.median(turns["ours"]))
    results = {
        "gp_critic_step_seconds": step,
        "gp_critic_step_over_clipped": step / float(np.median(turns["clipped"])),
        "ratio_detached": float(np.median(turns["clipped"]) / np.median(turns["attached"])),
        "ratio_detached_spread": quartiles(np.median(turns["clipped"], axis=1) / np.median(turns["attached"], axis=1)),
    }
    if "operators" in turns:
        results["gp_operators_over_kernels"] = float(np.median(turns["operators"])) / step
    return {**results, **_ratios(turns)}


def attached(trainer):
    """Let a trainer's critic update differentiate the generator too, as one does that forgets to detach; return it."""
    generator = trainer.generator

    def recorded(latent):
        with autograd.record():
            return generator(latent)

    trainer.generator = recorded
    return trainer


def _critic_seconds_by_operators(trainer, count):
    with kernels.turned_off():
        return critic_seconds(trainer, count)


def _measure_data(settings, source, scratch):
    size = settings.image_size
    values = [source.value(index) for index in range(500)]
    bare, rates = [], []
    for repeat in range(5):
        bare.append(_bare_rate(values, size))
        began = time.perf_counter()
        prepared = prepare(source, size, settings.resize, scratch / f"prepared-{size}-{repeat}")
        rates.append(len(source) / (time.perf_counter() - began))
    batches = Batches(prepared, settings.batch_size, 0)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 2:
        batches[count]
        count += 1
    loaded = count * settings.batch_size / (time.perf_counter() - began)
    rate = statistics.median(rates)
    return {
        "loader_images_per_second": loaded,
        "prepare_images_per_second": rate,
        "ratio_prepare": rate / statistics.median(bare),
    }


def _bare_rate(values, size):
    """Return pictures/s of decoding and resizing alone, on all cores at once: one of them alone is faster than each."""

    def work(values):
        for value in values:
            with Image.open(io.BytesIO(value)) as picture:
                picture.load()
                picture.resize(scaled_size(*picture.size, size), Image.Resampling.BILINEAR)

    cores = cpu_count()
    with ThreadPoolExecutor(cores) as pool:
        began = time.perf_counter()
        list(pool.map(work, [values[core::cores] for core in range(cores)]))
    return len(values) / (time.perf_counter() - began)


def _measure_lmdb(scratch):
    folder = scratch / "keys_lmdb"
    with (
        lmdb.open(str(folder), map_size=2**34, sync=False) as environment,
        environment.begin(write=True) as transaction,
    ):
        cursor = transaction.cursor()
        numbers = tqdm(range(_LMDB_KEYS), unit="key", desc="writing a large LMDB")
        cursor.putmulti(((b"%040x" % number, b"x") for number in numbers), append=True)
    process = psutil.Process()
    before = process.memory_info().rss
    began = time.perf_counter()
    source = open_source(folder)
    opened = time.perf_counter() - began
    added = (process.memory_info().rss - before) / 2**20
    keys = len(source)
    del source
    shutil.rmtree(folder)
    return {"keys": keys, "open_seconds": opened, "added_memory_mib": added}
