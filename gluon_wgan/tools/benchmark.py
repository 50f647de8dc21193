"""Measure speed and memory: the flags, and the table of what came out."""

import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path

from gluon_wgan import use_synchronous_engine
from gluon_wgan.errors import UserError
from gluon_wgan.files import check_writable_file, write_atomic
from gluon_wgan.flags import optional, parse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BenchmarkFlags:
    """Measure the seconds of a WGAN step, clipped and penalised, its efficiency, the loader, memory, and a large LMDB.

    Let nothing else run meanwhile. The defaults end within 4 minutes, with --torch within 6.
    """

    sizes: tuple[str, ...] = ("32x32/16", "64x64/64")
    """SIDExSIDE/CHANNELS, each with the wassersteingan preset's other settings"""
    seconds: float = 40.0
    """of alternating steps per size, and again of alternating penalised updates"""
    torch: bool = False
    """measure PyTorch's step too, in turns with ours (`make parity` installs PyTorch); takes a checkout"""
    json: optional(str, "none") = None
    """write all figures to this file"""


def run(arguments=None, prog=None):
    """Do what the command line asks, and log a table."""
    flags = parse(BenchmarkFlags, arguments, prog)
    if not 0 < flags.seconds < math.inf:
        raise UserError("--seconds", flags.seconds, "more than 0, and finite")
    if flags.json is not None:
        check_writable_file("--json", flags.json)
    use_synchronous_engine()
    from gluon_wgan.interop.reference import reference_file
    from gluon_wgan.tools.benchmark_ours import measure

    reference = reference_file("--torch", "reference.py") if flags.torch else None
    results = measure(flags.sizes, flags.seconds, reference)
    if flags.json is not None:
        Path(flags.json).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(flags.json, json.dumps(results, indent=1).encode())
    log.info("%s", as_table(results))


def as_table(results):
    """Return the results of `gluon_wgan.tools.benchmark_ours.measure` as Markdown, a column per size."""
    rows = {
        "step_seconds": ("seconds a step", "{:.3f}"),
        "ratio_torch": ("PyTorch's seconds / ours (quartiles)", "{:.2f}"),
        "ratio_torch_channels_last": ("PyTorch's in channels_last / ours (quartiles)", "{:.2f}"),
        "ratio_torch_compiled": ("PyTorch's by torch.compile / ours (quartiles)", "{:.2f}"),
        "ratio_detached": ("critic update / one that differentiates the generator too (quartiles)", "{:.2f}"),
        "gp_critic_step_seconds": ("seconds a penalised critic update", "{:.4f}"),
        "gp_critic_step_over_clipped": ("penalised / clipped critic update", "{:.2f}"),
        "ratio_torch_gp": ("PyTorch's penalised / ours (quartiles)", "{:.2f}"),
        "ratio_torch_gp_channels_last": ("PyTorch's penalised in channels_last / ours (quartiles)", "{:.2f}"),
        "gp_operators_over_kernels": ("penalised without compiled kernels / with them", "{:.2f}"),
        "sampled_images_per_second": ("samples, pictures/s", "{:,.0f}"),
        "ratio_torch_sampling": ("PyTorch's samples / ours (quartiles)", "{:.2f}"),
        "ratio_torch_sampling_channels_last": ("PyTorch's samples in channels_last / ours (quartiles)", "{:.2f}"),
        "gemm_gflops": ("matrix product, GFLOP/s", "{:.0f}"),
        "efficiency": ("efficiency", "{:.2f}"),
        "openblas_gflops": ("matrix product by OpenBLAS, GFLOP/s", "{:.0f}"),
        "efficiency_by_openblas": ("efficiency by OpenBLAS's", "{:.2f}"),
        "ratio_hybridized": ("step hybridized / not hybridized", "{:.2f}"),
        "loader_images_per_second": ("prepared loader, images/s", "{:,.0f}"),
        "ratio_loader": ("loader / what training consumes", "{:.0f}"),
        "prepare_images_per_second": ("preparing, images/s", "{:,.0f}"),
        "ratio_prepare": ("preparing / bare decode and resize on all cores", "{:.2f}"),
        "peak_memory_mib": ("peak memory, MiB", "{:,.0f}"),
    }
    sizes = [name for name, values in results.items() if "step_seconds" in values]
    lines = ["| size/channels | " + " | ".join(sizes) + " |", "|---" * (1 + len(sizes)) + "|"]
    for key, (title, form) in rows.items():
        if key in results[sizes[0]]:  # PyTorch's only where it was measured
            lines.append(f"| {title} | " + " | ".join(_cell(results[size], key, form) for size in sizes) + " |")
    opened = results["lmdb"]
    keys, seconds, memory = opened["keys"], opened["open_seconds"], opened["added_memory_mib"]
    return "\n".join([*lines, "", f"Opening an LMDB of {keys:,} keys: {seconds:.1f} s, {memory:.0f} MiB."])


def _cell(values, key, form):
    """Return one figure as text; a ratio that has a spread, with it."""
    spread = values.get(f"{key}_spread") if key.startswith("ratio_") else None
    between = " ({} to {})".format(*map(form.format, spread)) if spread else ""
    return form.format(values[key]) + between
