"""The reference on a GPU: its pictures stay there, its updates are recorded once and replayed, on a stream of its own.

Several such trainings in one process share a card well: an update at 64x64 is a hundred small kernels, and those of
different streams run beside each other.
"""

import json
import os
from contextlib import nullcontext

import numpy as np
import torch
from reference import Reference, normalise

from gluon_wgan import streams

_WRITTEN_OUT = 2  # generator steps that run as they are written before updates are recorded: libraries choose kernels


class OnDevice(Reference):
    """The reference with its pictures on the device, which never waits for the device inside a generator step.

    Parameters
    ----------
    recipe : reference.Recipe
    pictures : numpy.ndarray
        uint8 (N, H, W, C).
    device : str
        "cuda" or "cpu".
    recorded : bool
        Replay updates as CUDA graphs. The arithmetic is the same, but for what a library's choice of kernels changes.
    """

    def __init__(self, recipe, pictures, device, recorded):
        self._stream = torch.cuda.Stream() if device == "cuda" else None
        with self._on_stream():
            layout = torch.channels_last if device == "cuda" else torch.contiguous_format
            super().__init__(recipe, pictures, device, layout)
            self._all = self._place(normalise(pictures))
            shape = (recipe.batch_size, recipe.latent_dim, 1, 1)
            self._latents = torch.empty(shape, dtype=recipe.dtype, device=device)
            self._rows = torch.zeros(recipe.batch_size, dtype=torch.int64, device=device)
        self._recorded, self._graphs, self._written_out = recorded and device == "cuda", {}, 0
        for optimizer in self.optimizers.values():
            optimizer.param_groups[0]["capturable"] = self._recorded

    def _on_stream(self):
        return torch.cuda.stream(self._stream) if self._stream else nullcontext()

    def _sent(self, array):
        """Return a tensor of an array on the device, without waiting for it to arrive."""
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        return tensor.pin_memory().to(self.device, non_blocking=True) if self._stream else tensor

    def _next_rows(self):
        per_epoch = self._batches_an_epoch()
        if self._order is None or self.position == 0:
            order = streams.permutation(self.recipe.seed, "data_order", self.epoch, len(self.pictures))
            self._order = self._sent(order)
        start = self.position * self.recipe.batch_size
        self._rows.copy_(self._order[start : start + self.recipe.batch_size])
        self.epoch, self.position = divmod(self.epoch * per_epoch + self.position + 1, per_epoch)

    def _drawn(self, purpose, index, count):
        shape = (self.recipe.batch_size, self.recipe.latent_dim, 1, 1)
        return self._sent(np.stack([streams.normal(self.recipe.seed, purpose, index + i, shape) for i in range(count)]))

    def latents(self, purpose, index):
        """Return the latents that `step` has put in place."""
        return self._latents

    def critic_step(self, real=None):
        """Update the critic once, on the pictures and latents that `step` has put in place."""
        return super().critic_step(self._place(self._all[self._rows]))

    def step(self):
        """Do one generator step; return the EM estimate of its last critic update, still on the device."""
        recipe, index = self.recipe, self.generator_steps
        boosted = index < recipe.boost_generator_steps or (recipe.boost_every and index % recipe.boost_every == 0)
        updates = recipe.n_critic_boost if boosted else recipe.n_critic
        with self._on_stream():
            for latents in self._drawn("critic_latents", self.critic_steps, updates):
                self._next_rows()
                self._latents.copy_(latents)
                real, fake = self._update(self.critic_step)
            self._latents.copy_(self._drawn("generator_latents", index, 1)[0])
            self._update(self.generator_step)
            self._written_out += 1
            return fake - real  # the reference's critic scores real pictures low

    def _update(self, update):
        """Do an update as it is written; later, record its launches once, and replay them."""
        if not self._recorded or self._written_out < _WRITTEN_OUT:
            return update()
        name = update.__name__
        if name not in self._graphs:
            graph, counts = torch.cuda.CUDAGraph(), (self.generator_steps, self.critic_steps)
            with torch.cuda.graph(graph, stream=self._stream):
                found = update()  # recorded, not done: only Python's counters go on
            self.generator_steps, self.critic_steps = counts
            self._graphs[name] = graph, found
        graph, found = self._graphs[name]
        graph.replay()
        if name == "critic_step":
            self.critic_steps += 1
        else:
            self.generator_steps += 1
        return found

    def collect(self, estimates):
        """Return estimates of `step` as a list of floats; waits for them."""
        with self._on_stream():
            return torch.cat(estimates).cpu().tolist() if estimates else []

    def pictures_of(self, latents):
        """Return uint8 (N, H, W, C) of latents (N, latent_dim, 1, 1), by batch statistics."""
        with self._on_stream(), torch.no_grad():
            before = {name: buffer.clone() for name, buffer in self.generator.named_buffers()}
            images = self.generator(self._place(torch.from_numpy(latents)))
            for name, buffer in self.generator.named_buffers():
                buffer.copy_(before[name])  # in train mode BatchNorm takes these pictures into its running statistics
            scaled = ((images.permute(0, 2, 3, 1) + 1) * 127.5).round().clamp(0, 255)
            return scaled.to(torch.uint8).cpu().numpy()

    def save(self, folder):
        """Write weights and averages, plain arrays."""
        with self._on_stream():
            for name in ("generator", "critic"):
                network, optimizer = getattr(self, name), self.optimizers[name]
                _save(folder / f"{name}.npz", network.state_dict())
                squares = {str(n): optimizer.state[p]["square_avg"] for n, p in enumerate(network.parameters())}
                _save(folder / f"{name}_squares.npz", squares)

    def go_on_from(self, folder):
        """Take weights, averages and counters from a folder; return what else its state says."""
        state = json.loads((folder / "state.json").read_text())
        with self._on_stream():
            for name in ("generator", "critic"):
                network, optimizer = getattr(self, name), self.optimizers[name]
                network.load_state_dict({key: torch.from_numpy(x) for key, x in load(folder / f"{name}.npz").items()})
                squares = load(folder / f"{name}_squares.npz")
                for number, parameter in enumerate(network.parameters()):
                    square = torch.from_numpy(squares[str(number)]).to(parameter)
                    square = square.contiguous(memory_format=self.memory_format) if square.ndim == 4 else square
                    steps = torch.tensor(float(state[f"{name}_steps"]))
                    steps = steps.to(self.device) if self._recorded else steps
                    optimizer.state[parameter] = {"step": steps, "square_avg": square}
            self.generator_steps, self.critic_steps = state["generator_steps"], state["critic_steps"]
            self.epoch, self.position = divmod(self.critic_steps, self._batches_an_epoch())
            order = streams.permutation(self.recipe.seed, "data_order", self.epoch, len(self.pictures))
            self._order = self._sent(order)
        return state


def _save(file, tensors):
    with open(file.with_suffix(".partial"), "wb") as out:
        np.savez(out, **{name: tensor.cpu().contiguous().numpy() for name, tensor in tensors.items()})
    os.replace(file.with_suffix(".partial"), file)


def load(file):
    """Return {name: array} of an .npz file; no pickle."""
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)
