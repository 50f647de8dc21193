"""Train one arm of the resize ablation at full size in PyTorch, on a GPU: minutes instead of weeks.

    python tests/parity/full_size.py --packed packed/cv2.npz --out runs/full-size/cv2

It needs torch, numpy and the packed file (`python experiments/full_size.py pack` writes it), and of this project
nothing but the reference beside it and `streams`: weights, latents and the order of the data are those of train_lsun.py
with the same seed. It ends after --minutes with its state in --out, each file below 16 MB; the same command goes on.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent.parent)]

from reference import Recipe, Reference, normalise  # noqa: E402

from gluon_wgan import streams  # noqa: E402

STRIP_STEPS = (500, 2500, 10000)  # and the last
STRIP_PICTURES = 8


class OnDevice(Reference):
    """The reference with its pictures on the device, and without waiting for it inside a generator step."""

    def __init__(self, recipe, pictures, device, memory_format):
        super().__init__(recipe, pictures, device, memory_format)
        self._all = self._place(normalise(pictures))

    def _next_batch(self):
        per_epoch = self._batches_an_epoch()
        if self._order is None or self.position == 0:
            order = streams.permutation(self.recipe.seed, "data_order", self.epoch, len(self.pictures))
            self._order = torch.from_numpy(order).to(self.device)
        start = self.position * self.recipe.batch_size
        batch = self._all[self._order[start : start + self.recipe.batch_size]]
        self.epoch, self.position = divmod(self.epoch * per_epoch + self.position + 1, per_epoch)
        return self._place(batch), self.position == 0

    def step(self):
        """Do one generator step; return the EM estimate of its last critic update, still on the device."""
        recipe, index = self.recipe, self.generator_steps
        boosted = index < recipe.boost_generator_steps or (recipe.boost_every and index % recipe.boost_every == 0)
        for _ in range(recipe.n_critic_boost if boosted else recipe.n_critic):
            real, fake = self.critic_step()
        self.generator_step()
        return fake - real  # the reference's critic scores real pictures low

    def go_on_from(self, folder, state):
        """Take weights, averages and counters from a folder."""
        for name in ("generator", "critic"):
            network = getattr(self, name)
            tensors = _load(folder / f"{name}.npz")
            network.load_state_dict({key: torch.from_numpy(value) for key, value in tensors.items()})
            squares = _load(folder / f"{name}_squares.npz")
            optimizer = self.optimizers[name]
            for number, parameter in enumerate(network.parameters()):
                square = torch.from_numpy(squares[str(number)]).to(parameter)
                square = square.contiguous(memory_format=self.memory_format) if square.ndim == 4 else square
                optimizer.state[parameter] = {"step": torch.tensor(float(state[f"{name}_steps"])), "square_avg": square}
        self.generator_steps, self.critic_steps = state["generator_steps"], state["critic_steps"]
        self.epoch, self.position = divmod(self.critic_steps, self._batches_an_epoch())
        order = streams.permutation(self.recipe.seed, "data_order", self.epoch, len(self.pictures))
        self._order = torch.from_numpy(order).to(self.device)

    def save(self, folder):
        """Write weights and averages, plain arrays."""
        for name in ("generator", "critic"):
            network, optimizer = getattr(self, name), self.optimizers[name]
            _save(folder / f"{name}.npz", network.state_dict())
            squares = {str(n): optimizer.state[p]["square_avg"] for n, p in enumerate(network.parameters())}
            _save(folder / f"{name}_squares.npz", squares)

    def pictures_of(self, latents):
        """Return uint8 (N, H, W, C) of latents (N, latent_dim, 1, 1), by batch statistics."""
        before = {name: buffer.clone() for name, buffer in self.generator.named_buffers()}
        with torch.no_grad():
            images = self.generator(self._place(torch.from_numpy(latents)))
            for name, buffer in self.generator.named_buffers():
                buffer.copy_(before[name])  # in train mode BatchNorm takes these pictures into its running statistics
        scaled = ((images.permute(0, 2, 3, 1) + 1) * 127.5).round().clamp(0, 255)
        return scaled.to(torch.uint8).cpu().numpy()


def _save(file, tensors):
    with open(file.with_suffix(".partial"), "wb") as out:
        np.savez(out, **{name: tensor.cpu().contiguous().numpy() for name, tensor in tensors.items()})
    os.replace(file.with_suffix(".partial"), file)


def _load(file):
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def train(packed, out, recipe, generator_steps, minutes, device, tf32):
    """Train, or go on, until `generator_steps` or the time is over; return the state that was written."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    began = time.monotonic()
    content = _load(packed)
    pictures = np.cumsum(content["differences"], axis=2, dtype=np.uint8)
    layout = torch.channels_last if device == "cuda" else torch.contiguous_format
    reference = OnDevice(recipe, pictures, device, layout)
    state_file = out / "state.json"
    before = json.loads(state_file.read_text()) if state_file.exists() else {"seconds": 0.0}
    estimates, strips = [], []
    if "generator_steps" in before:
        reference.go_on_from(out, before)
        estimates, strips = (list(np.load(out / f"{name}.npy", allow_pickle=False)) for name in ("estimates", "strips"))
    out.mkdir(parents=True, exist_ok=True)
    fixed = streams.normal(recipe.seed, "fixed_latents", 0, (64, recipe.latent_dim, 1, 1))
    start, waiting, told = reference.generator_steps, [], began
    # one step at the least, so that every call gets on
    while reference.generator_steps < generator_steps and (
        reference.generator_steps == start or time.monotonic() - began < 60 * minutes
    ):
        waiting.append(reference.step())
        step = reference.generator_steps
        if step in STRIP_STEPS or step == generator_steps:
            strips.append(reference.pictures_of(fixed)[:STRIP_PICTURES])
        if len(waiting) == 100 or step == generator_steps:
            estimates += torch.cat(waiting).cpu().tolist()
            waiting = []
            if not np.isfinite(estimates[-1]):
                raise SystemExit(f"the estimate is {estimates[-1]} at generator step {step}")
            if time.monotonic() - told > 5:
                told = time.monotonic()
                left = (generator_steps - step) * (told - began) / (step - start)
                progress = f"step {step:,} of {generator_steps:,}, {left / 60:.1f} minutes left"
                sys.stderr.write(f"{progress}, estimate {estimates[-1]:.4f}\n")
    estimates += torch.cat(waiting).cpu().tolist() if waiting else []
    state = {
        "arm": str(content["arm"]),
        "generator_steps": reference.generator_steps,
        "critic_steps": reference.critic_steps,
        "finished": reference.generator_steps == generator_steps,
        "seconds": round(before["seconds"] + time.monotonic() - began, 1),
        "recipe": {key: value for key, value in vars(recipe).items() if key != "dtype"},
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "torch": torch.__version__,
        "tf32": tf32 and device == "cuda",
    }
    reference.save(out)
    np.save(out / "estimates.npy", np.array(estimates))
    np.save(out / "strips.npy", np.array(strips))
    if state["finished"]:
        np.save(out / "samples.npy", np.concatenate([reference.pictures_of(batch) for batch in content["latents"]]))
    state_file.write_text(json.dumps(state, indent=1))
    return state


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packed", type=Path, required=True, help="the arm's pictures")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run, gone on with if it is there")
    parser.add_argument("--generator-steps", type=int, default=30000)
    parser.add_argument("--channels", type=int, default=64, help="feature maps at the largest picture")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=9, help="stop, and keep the state, after so long")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tf32", action="store_true", help="round products to TF32: faster, and said in the report")
    flags = parser.parse_args()
    if flags.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device: given cuda (none found), allowed cpu")
    side = _load(flags.packed)["differences"].shape[1]
    recipe = Recipe(
        image_size=side,
        generator_channels=flags.channels,
        critic_channels=flags.channels,
        seed=flags.seed,
        run_on=True,
    )
    state = train(flags.packed, flags.out, recipe, flags.generator_steps, flags.minutes, flags.device, flags.tf32)
    words = "finished" if state["finished"] else "stopped, the same command goes on"
    steps, seconds = state["generator_steps"], state["seconds"]
    sys.stderr.write(f"{words}: generator step {steps:,}, {seconds:.0f} seconds, {flags.out}\n")


if __name__ == "__main__":
    main()
