"""The distances behind GANs: what they say of how far two distributions are, and the gradients that they give."""

import json
import time
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.run_folder import describe_environment, write_atomic

PARTS = ("parallel_lines", "two_gaussians", "estimate_over_exact", "generator_gradients")
COMMAND = "python experiments/distances.py --measure"


def _measure(part, cache_dir):
    # late: the first of them needs no mxnet
    from gluon_wgan.studies import distances_gaussians, distances_gradients, distances_lines, distances_pairs

    return {
        "parallel_lines": distances_lines.measure,
        "two_gaussians": distances_gaussians.measure,
        "estimate_over_exact": distances_pairs.measure,
        "generator_gradients": lambda: distances_gradients.measure(cache_dir),
    }[part]()


def write(reports, parts=None, cache_dir="cache"):
    """Measure into data/distances.json below a folder of reports; return the file.

    It is written whenever a part is measured, and keeps the other parts. Each part has its seconds and environment.

    Parameters
    ----------
    reports : str or pathlib.Path
    parts : sequence of str, optional
        Of `PARTS`; all by default.
    cache_dir : str or pathlib.Path
        For the bedrooms that are drawn.

    Raises
    ------
    UserError
        If there is no such part.
    """
    unknown = [part for part in parts or () if part not in PARTS]
    if unknown:
        raise UserError("--parts", ", ".join(unknown), ", ".join(PARTS))
    file = Path(reports) / "data" / "distances.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    for part in parts or PARTS:
        environment = describe_environment()
        environment.pop("command")
        start = time.perf_counter()
        found = _measure(part, cache_dir)
        found |= {"seconds": time.perf_counter() - start, "environment": environment}
        kept = json.loads(file.read_text()) if file.is_file() else {}
        kept[part] = found
        ordered = {name: kept[name] for name in PARTS if name in kept}
        # allow_nan: what is infinite is the text "inf", and nothing else may be
        content = json.dumps({"command": COMMAND, **ordered}, indent=1, allow_nan=False)
        write_atomic(file, (content + "\n").encode())
    return file
