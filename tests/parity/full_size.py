"""Train arms of the resize ablation at full size in PyTorch, on a GPU: minutes instead of weeks.

    python tests/parity/full_size.py --packed packed/pil.npz packed/cv2.npz --seeds 20 21 22 --out runs/full-size

It needs torch, numpy, Pillow and loky, no MXNet, and the packed files (`python experiments/full_size.py pack` writes
them). Weights, latents and the order of the data are those of train_lsun.py with the same seed. All arms and seeds
train at the same time, each in a folder of its own, OUT/cv2-20. They end after --minutes with their states kept; the
same command goes on. `python tests/gpu/check_reference.py` says whether the card computes what a processor does.
"""

import argparse
import json
import os
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent.parent)]

from on_device import OnDevice, load  # noqa: E402
from reference import Recipe  # noqa: E402

from gluon_wgan import streams  # noqa: E402
from gluon_wgan.studies.deciding import measured_at  # noqa: E402

_STRIP_STEPS = (500, 2500, 10000)  # and the last
_STRIP_PICTURES = 8
_CURVE_SHARE = 4  # of the latents, this part at the checkpoints that decide nothing
_SHEET_COLUMNS = 32
_AT_A_TIME = 100  # generator steps between two looks at the estimates


class Training:
    """One arm with one seed, in a folder of its own, gone on with if it is there.

    Parameters
    ----------
    content : dict
        Of a packed file.
    folder : pathlib.Path
    recipe : reference.Recipe
    generator_steps : int
        Of the whole training.
    device : str
    recorded : bool
        See `on_device.OnDevice`.
    """

    def __init__(self, content, folder, recipe, generator_steps, device, recorded):
        self.folder, self.steps, self.device = folder, generator_steps, device
        self.arm, self._latents = str(content["arm"]), content["latents"]
        self._commit = str(content["commit"])  # of the packing: there is no checkout on the other machine
        self.reference = OnDevice(recipe, unpacked(content), device, recorded)
        self._began = time.monotonic()
        self._fixed = streams.normal(recipe.seed, "fixed_latents", 0, (64, recipe.latent_dim, 1, 1))
        at, late = measured_at(generator_steps)
        few, every = -(-len(self._latents) // _CURVE_SHARE), len(self._latents)
        self._sheets = {step: every if step in late else few for step in at}  # batches of samples
        self.estimates, self.strips, self._waiting, self._seconds = [], [], [], 0.0
        if (folder / "state.json").exists():
            self._seconds = self.reference.go_on_from(folder)["seconds"]
            self.estimates = np.load(folder / "estimates.npy", allow_pickle=False).tolist()
            self.strips = list(np.load(folder / "strips.npy", allow_pickle=False))
        (folder / "samples").mkdir(parents=True, exist_ok=True)

    @property
    def left(self):
        """How many generator steps are left."""
        return self.steps - self.reference.generator_steps

    def step(self):
        """Do one generator step, and keep the pictures that are due."""
        self._waiting.append(self.reference.step())
        step = self.reference.generator_steps
        if step in (*_STRIP_STEPS, self.steps):
            self.strips.append(self.reference.pictures_of(self._fixed)[:_STRIP_PICTURES])
        if step in self._sheets:
            pictures = np.concatenate([self.reference.pictures_of(z) for z in self._latents[: self._sheets[step]]])
            save_sheet(pictures, self.folder / "samples" / f"step_{step:07d}.webp")
        if len(self._waiting) == _AT_A_TIME or not self.left:
            self._look()

    def _look(self):
        self.estimates += self.reference.collect(self._waiting)
        self._waiting = []
        if self.estimates and not np.isfinite(self.estimates[-1]):
            raise SystemExit(f"{self.folder}: the estimate is {self.estimates[-1]} at {len(self.estimates)} steps")

    def keep(self, tf32, at_once):
        """Write the state, and what came out so far; `at_once` is how many trainings shared the device."""
        self._look()
        recipe = self.reference.recipe
        state = {
            "arm": self.arm,
            "commit": self._commit,
            "generator_steps": self.reference.generator_steps,
            "critic_steps": self.reference.critic_steps,
            "finished": not self.left,
            "seconds": round(self._seconds + time.monotonic() - self._began, 1),
            "at_once": at_once,
            "recipe": {key: value for key, value in vars(recipe).items() if key != "dtype"},
            "device": torch.cuda.get_device_name() if self.device == "cuda" else "cpu",
            "torch": torch.__version__,
            "tf32": tf32 and self.device == "cuda",
        }
        self.reference.save(self.folder)
        np.save(self.folder / "estimates.npy", np.array(self.estimates))
        np.save(self.folder / "strips.npy", np.array(self.strips))
        (self.folder / "state.json").write_text(json.dumps(state, indent=1))


def unpacked(content):
    """Return the pictures of a packed file's content, uint8 (N, H, W, C)."""
    return np.cumsum(content["differences"], axis=2, dtype=np.uint8)


def save_sheet(pictures, file):
    """Write pictures (N, H, W, C), N of whole rows, as one picture, losslessly."""
    _, height, width, channels = pictures.shape
    sheet = pictures.reshape(-1, _SHEET_COLUMNS, height, width, channels).transpose(0, 2, 1, 3, 4)
    partial = file.with_suffix(".partial")
    Image.fromarray(sheet.reshape(-1, _SHEET_COLUMNS * width, channels)).save(partial, "WEBP", lossless=True)
    os.replace(partial, file)


def train(trainings, minutes, tf32):
    """Train all in turns, a generator step each, until they are done or the time is over."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True  # the sizes never change
    began = told = time.monotonic()
    going = [one for one in trainings if one.left]
    before = sum(one.left for one in going)
    while going:  # a step at the least, so that every call gets on
        for one in list(going):
            one.step()
            if not one.left:
                one.keep(tf32, len(trainings))  # at once: a machine may go away
                going.remove(one)
        spent = time.monotonic() - began
        if spent >= 60 * minutes:
            break
        if going and time.monotonic() - told > 5:
            told = time.monotonic()
            left = sum(one.left for one in going)
            slowest = max(going, key=lambda one: one.left)
            estimate = f", estimate {slowest.estimates[-1]:.4f}" if slowest.estimates else ""
            sys.stderr.write(
                f"{len(going)} trainings, step {slowest.reference.generator_steps:,} of {slowest.steps:,}, "
                f"{left * spent / (before - left) / 60:.1f} minutes left{estimate}\n"
            )
    for one in going:
        one.keep(tf32, len(trainings))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packed", type=Path, nargs="+", required=True, help="the arms' pictures, a file each")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs, gone on with if they are there")
    parser.add_argument("--generator-steps", type=int, default=30000)
    parser.add_argument("--channels", type=int, default=64, help="feature maps at the largest picture")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--minutes", type=float, default=9, help="stop, and keep the states, after so long")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tf32", action="store_true", help="round products to TF32: faster, and said in the report")
    flags = parser.parse_args()
    if flags.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device: given cuda (none found), allowed cpu")
    contents = []
    for file in flags.packed:
        try:
            content = load(file)
            wrong = ", ".join(sorted({"differences", "latents", "arm", "commit"} - content.keys()))
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as mistake:
            wrong = str(mistake)
        if wrong:
            parser.error(f"--packed: given {file} ({wrong}), allowed a file that full_size.py pack wrote")
        contents.append(content)
    trainings = []
    for seed in flags.seeds:
        for content in contents:
            recipe = Recipe(
                image_size=content["differences"].shape[1],
                generator_channels=flags.channels,
                critic_channels=flags.channels,
                seed=seed,
                run_on=True,
            )
            folder = flags.out / f"{content['arm']}-{seed}"
            trainings.append(Training(content, folder, recipe, flags.generator_steps, flags.device, recorded=True))
    train(trainings, flags.minutes, flags.tf32)
    for training in trainings:
        words = "stopped, the same command goes on" if training.left else "finished"
        sys.stderr.write(f"{words}: generator step {training.reference.generator_steps:,}, {training.folder}\n")


if __name__ == "__main__":
    main()
