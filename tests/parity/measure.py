"""Measure parity, and write what was measured as JSON: every stage, the lockstep, the noise, the departures.

`python tests/parity/measure.py --out reports/data/parity.json`, some minutes. One thread, but where it says two.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def measure_stages():
    """Return a row per stage, network, precision and mode: the errors, and the tolerance that the tests assert."""
    import goldens
    import our_stages
    import their_stages
    from compare import TOLERANCES, errors
    from recipes import DTYPES, NETWORKS, rooms

    rows = []

    def add(ours, theirs, dtype, **more):
        for stage, (absolute, relative, tensor) in errors(ours, theirs).items():
            row = {"stage": stage, "dtype": dtype, **more, "max_abs": absolute, "max_rel": relative, "tensor": tensor}
            rows.append({**row, "tolerance": TOLERANCES[stage][dtype]})

    add(our_stages.picture_stages(), their_stages.picture_stages(), "float32", network=None, hybridized=None)
    add(our_stages.feature_stages(), their_stages.feature_stages(), "float32", network=None, hybridized=None)
    for dtype in DTYPES:
        formulas = our_stages.formula_stages(dtype), their_stages.formula_stages(dtype)
        add(*formulas, dtype, network=None, hybridized=None)
        for network, recipe in NETWORKS.items():
            pictures = rooms(goldens.PICTURES, recipe["image_size"])
            theirs = their_stages.training_stages(recipe, pictures, dtype)
            for hybridize in (False, True):
                ours = our_stages.training_stages(recipe, pictures, dtype, hybridize)
                add(ours, theirs, dtype, network=network, hybridized=hybridize)
    return rows


def measure_trajectories():
    """Return {name: how its two sides part over the generator steps}."""
    from lockstep import Theirs, part
    from our_stages import Lockstep
    from recipes import LOCKSTEP, LOCKSTEP_PICTURES, LOCKSTEP_STEPS, noise, rooms
    from tqdm import tqdm

    drawn = rooms(LOCKSTEP_PICTURES, LOCKSTEP["image_size"])
    texture = noise(LOCKSTEP_PICTURES, LOCKSTEP["image_size"])
    found = {}

    def follow(name, dtype, ours=None, other=None, pictures=drawn, **both):
        """Follow ours (where its arguments are given) or another reference beside the reference."""
        reference = Theirs(LOCKSTEP, pictures, dtype, **both)
        if ours is not None:
            beside = Lockstep(LOCKSTEP, pictures, dtype, **ours, **both)
        else:
            beside = Theirs(LOCKSTEP, pictures, dtype, **other, **both)
        with tqdm(total=LOCKSTEP_STEPS, unit="step", desc=f"{dtype}, {name}") as bar:
            found[f"{dtype}, {name}"] = part(beside, reference, LOCKSTEP_STEPS, bar.update)

    for dtype in ("float64", "float32"):
        follow("ours hybridized", dtype, ours={"hybridize": True})
        follow("ours not hybridized", dtype, ours={"hybridize": False})
        follow("reference again", dtype, other={})
        follow("reference with two threads", dtype, other={"threads": 2})
        follow("reference nudged by 1 ulp", dtype, other={"nudge": True})
    follow("ours, epochs cut", "float64", ours={"hybridize": True}, epoch_end="cut")
    follow("ours, on noise", "float64", ours={"hybridize": True}, pictures=texture)
    follow("reference nudged by 1 ulp, on noise", "float64", other={"nudge": True}, pictures=texture)
    return found


def main():
    """Measure everything and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "data" / "parity.json", help="the JSON file")
    arguments = parser.parse_args()
    began = time.monotonic()
    from compare import LOCKSTEP_TOLERANCES
    from recipes import LOCKSTEP, LOCKSTEP_PICTURES, NETWORKS, RMSPROP

    from gluon_wgan.environment import describe_environment
    from gluon_wgan.files import write_atomic

    environment = describe_environment()
    import departures
    import torch

    torch.set_num_threads(1)
    data = {
        "command": "make parity-report",
        "environment": environment,
        "recipes": {"networks": NETWORKS, "lockstep": LOCKSTEP, "lockstep_pictures": LOCKSTEP_PICTURES, **RMSPROP},
        "stages": measure_stages(),
        "departures": departures.measure(),
        "lockstep_tolerances": LOCKSTEP_TOLERANCES,
        "trajectories": measure_trajectories(),
    }
    data["seconds"] = time.monotonic() - began
    write_atomic(arguments.out, json.dumps(data, indent=1).encode())


if __name__ == "__main__":
    # Small networks: one thread and the synchronous engine are the fastest. Before mxnet and torch load.
    os.environ.update(OMP_NUM_THREADS="1", MXNET_ENGINE_TYPE="NaiveEngine")
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    main()
