"""Write goldens.npz: what the PyTorch reference gives in float64, for the tests that run without torch.

`python tests/parity/goldens.py` makes it anew.
"""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("goldens.npz")
PICTURES, LOCKSTEP_STEPS = 40, 2  # two boosts: 200 critic updates


def load():
    """Return {name: array} of the stored file, without the recipe and versions."""
    with np.load(FILE, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files if name != "about"}


def about():
    """Return the recipe and the versions that made the stored file."""
    with np.load(FILE, allow_pickle=False) as stored:
        return json.loads(str(stored["about"]))


def section(arrays, name):
    """Return the arrays of one section, such as "dcgan", without its name before theirs."""
    prefix = f"{name}/"
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}


def make():
    """Return {name: array} as the reference gives it now, and the recipe and versions."""
    import PIL
    import their_stages
    import torch
    from lockstep import Theirs
    from recipes import NETWORKS, RMSPROP, rooms

    torch.set_num_threads(1)
    pictures = their_stages.picture_stages()
    pictures = {
        name: value for name, value in pictures.items() if not name.startswith("decode|")
    }  # libjpeg's, not ours
    sections = {"pictures": pictures, "formulas": their_stages.formula_stages("float64")}
    for network, recipe in NETWORKS.items():
        pictures = rooms(PICTURES, recipe["image_size"])
        sections[network] = their_stages.training_stages(recipe, pictures, "float64")
    side = Theirs(NETWORKS["dcgan"], rooms(PICTURES, 16), "float64")
    losses = np.concatenate([side.step() for _ in range(LOCKSTEP_STEPS)])
    sections["lockstep"] = {"losses": losses, **side.weights()}
    arrays = {f"{name}/{key}": value for name, stages in sections.items() for key, value in stages.items()}
    versions = {"torch": torch.__version__, "numpy": np.__version__, "pillow": PIL.__version__}
    recipe = {"networks": NETWORKS, "rmsprop": RMSPROP, "pictures": PICTURES, "generator_steps": LOCKSTEP_STEPS}
    return arrays, {"recipe": recipe, "versions": versions, "command": "python tests/parity/goldens.py"}


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    arrays, origin = make()
    np.savez_compressed(FILE, about=json.dumps(origin), **arrays)
