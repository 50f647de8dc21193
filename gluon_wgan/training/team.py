"""One training on several devices, of this process and of other workers': each takes its share of every batch."""

from mxnet import nd

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

    def __getattr__(self, name):
        return getattr(self._trainers[0], name)  # what all have alike: counters, networks, batches, latents

    def critic_step(self):
        """Update the critic once, on the next batch; return a `CriticUpdate` of the whole batch's means."""
        updates = [trainer.differentiate_critic() for trainer in self._trainers]
        self._add_up("critic")
        for trainer, update in zip(self._trainers, updates):
            trainer.update_critic(update)
        return CriticUpdate(*self._means([update.means() for update in updates]))

    def generator_step(self):
        """Update the generator once; return generator_loss of the whole batch, a scalar array."""
        losses = [trainer.differentiate_generator() for trainer in self._trainers]
        self._add_up("generator")
        for trainer in self._trainers:
            trainer.update_generator()
        return self._means([loss.reshape((1,)) for loss in losses])[0]

    def _add_up(self, network):
        gradients = [trainer.gradients(network) for trainer in self._trainers]
        for weight, arrays in zip(self._weights, gradients):
            for array in arrays:
                array *= weight
        for index, arrays in enumerate(zip(*gradients)):
            self._store.sum(f"{network}.{index}", arrays)

    def _means(self, numbers):
        """Return the numbers' means over all shares, each as (1,); `numbers` is one array a device."""
        weighted = [array * weight for array, weight in zip(numbers, self._weights)]
        self._store.sum(f"numbers.{weighted[0].size}", weighted)
        return list(weighted[0].split(weighted[0].size, axis=0)) if weighted[0].size > 1 else weighted

    def agree(self, stop, due):
        """Return whether any worker is to stop, and whether the first one is due to save."""
        flags = nd.array([stop, due and self._store.worker == 0])
        self._store.sum("flags", [flags])
        return tuple(bool(flag) for flag in flags.asnumpy())

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
