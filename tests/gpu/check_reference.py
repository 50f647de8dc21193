"""On a machine with a card: the reference's recorded updates are those that it writes out, in float64."""

import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/parity"), str(ROOT)]

from on_device import OnDevice  # noqa: E402
from reference import Recipe, Reference  # noqa: E402

STEPS = 12
# Two orders of a sum in float64 differ by some 1e-16; 60 updates let that grow, and a wrong update is far off.
# Seen on an H100, PyTorch 2.11: 1.7e-13, and 1.0e-12 from the processor.
TOLERANCE = 1e-8


def main():
    pictures = np.random.default_rng(0).integers(0, 256, (1000, 64, 64, 3), np.uint8)
    recipe = Recipe(
        generator_channels=16, critic_channels=16, boost_generator_steps=0, dtype=torch.float64, run_on=True
    )
    ways = [OnDevice(recipe, pictures, "cuda", recorded) for recorded in (False, True)]
    ways.append(Reference(recipe, pictures))
    for way in ways:
        for _ in range(STEPS):
            way.step()
    counts = {(way.generator_steps, way.critic_steps) for way in ways}
    written, recorded, on_cpu = (
        torch.cat([p.detach().cpu().flatten() for p in way.critic.parameters()]) for way in ways
    )
    apart = (recorded - written).abs().max() / written.abs().max()
    from_cpu = (written - on_cpu).abs().max() / on_cpu.abs().max()
    sys.stdout.write(f"recorded and written out differ by {apart:.1e}, card and processor by {from_cpu:.1e}\n")
    sys.exit(int(not (apart < TOLERANCE and from_cpu < TOLERANCE and len(counts) == 1)))


if __name__ == "__main__":
    main()
