"""One training on several devices, of this process and of other workers': each takes its share of every batch."""

import numpy as np
from mxnet import cpu, nd

from gluon_wgan.training.trainer import CriticUpdate


def share_of(batch_size, part, parts):
    """Return the slice of a batch's samples that is one device's; shares differ by one sample at most."""
    return slice(part * batch_size // parts, (part + 1) * batch_size // parts)


class Team:
    """The `Trainer`s of a process's devices, which go on as one, together with those of other workers.

    Gradients are weighted by the shares' sizes and added up, and every trainer applies the same update. Where no layer
    ties samples together that is the mathematics of one device with the whole batch. BatchNorm sees its share alone;
    its running statistics are the first device's.

    Parameters
    ----------
    trainers : list of Trainer
        One a device, with the shares of this process.
    store : Store
    """

    def __init__(self, trainers, store):
        self._trainers, self._store = trainers, store
        size = trainers[0].batches.batch_size
        self._weights = [len(range(size)[trainer.share]) / size for trainer in trainers]
        self._flags = self._agreed = (False, False)

    def __getattr__(self, name):
        return getattr(self._trainers[0], name)  # what all have alike: counters, networks, batches, latents

    def critic_step(self):
        """Update the critic once, on the next batch; return a `CriticUpdate` of the whole batch's means."""
        updates = [trainer.differentiate_critic() for trainer in self._trainers]
        means = self._add_up("critic", [update.means() for update in updates])
        for trainer, update in zip(self._trainers, updates):
            trainer.update_critic(update)
        return CriticUpdate(**dict(zip(updates[0].names(), means)))

    def generator_step(self):
        """Update the generator once; return generator_loss of the whole batch, a scalar array."""
        losses = [trainer.differentiate_generator() for trainer in self._trainers]
        (mean,) = self._add_up("generator", losses)
        for trainer in self._trainers:
            trainer.update_generator()
        return mean

    def agree(self, stop, due):
        """Return whether any worker is to stop, and whether the first is due to save, as of the last update.

        Both travel with the gradients, so what is given here is answered one update later, to all workers alike.
        """
        agreed = self._agreed
        # once it is answered it is done
        self._flags = stop, due and self._store.worker == 0 and not agreed[1]
        return agreed

    def _add_up(self, network, numbers):
        """Put the whole batch's gradients into every trainer; return the means of numbers, each as (1,).

        All of it is one array: over a network every exchange takes a round trip or two.
        """
        arrays = []
        for index, (trainer, weight, own) in enumerate(zip(self._trainers, self._weights, numbers)):
            flags = self._flags if index == 0 else (False, False)
            arrays.append(_flat([*trainer.gradients(network), own], weight, flags))
        self._store.sum(network, arrays)
        for trainer, array in zip(self._trainers, arrays):
            end = 0
            for gradient in trainer.gradients(network):
                begin, end = end, end + gradient.size
                array[begin:end].reshape(gradient.shape).copyto(gradient)
        *means, stop, due = arrays[0][end:].asnumpy()
        self._agreed = bool(stop), bool(due)
        return [nd.array([mean], dtype=arrays[0].dtype) for mean in means]

    def start_alike(self):
        """Give all trainers the first worker's first one's weights, averages and counters."""
        first = self._trainers[0]
        counters = nd.array([first.generator_steps, first.critic_steps])
        self._store.from_first("counters", counters)
        for name, array in first.arrays().items():
            self._store.from_first(f"start.{name}", array)
        for trainer in self._trainers:
            if trainer is not first:
                for name, array in first.arrays().items():
                    array.copyto(trainer.arrays()[name])
            trainer.go_on_after(*map(int, counters.asnumpy()))


def _flat(arrays, weight, flags):
    """Return all numbers times a weight, and flags, as one array on the device of the first."""
    context = arrays[0].context
    if context.device_type != "cpu":
        parts = [array.reshape((-1,)) * weight for array in arrays]
        return nd.concat(*parts, nd.array(flags, ctx=context, dtype=arrays[0].dtype), dim=0)
    # MXNet's concat takes some nanoseconds a number here
    flat = np.concatenate([*(array.asnumpy().ravel() for array in arrays), np.array(flags, arrays[0].dtype)])
    flat[: -len(flags)] *= weight
    return nd.from_numpy(flat) if context == cpu() else nd.array(flat, ctx=context, dtype=flat.dtype)
