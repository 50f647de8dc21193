"""How many critic updates come before each generator update. Without mxnet."""

from array import array
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Schedule:
    """How many critic updates come before each generator update.

    n_critic; but n_critic_boost for the first boost_generator_steps generator steps and for every boost_every-th
    (0-based 500, 1000, ...; 0 for never), as in the original code. Algorithm 1 of the paper has no boost.

    In the original code the end of an epoch also ends the critic updates, boosted or not: the generator update follows
    at once, and the next generator step begins with the next epoch. `batches_an_epoch` does so; 0 lets them run on.
    """

    n_critic: int = 5
    n_critic_boost: int = 100
    boost_generator_steps: int = 25
    boost_every: int = 500
    batches_an_epoch: int = 0
    # where epochs cut there is no closed form: critic updates of the first 0, 1, ... generator steps, walked once
    _walked: array = field(default_factory=lambda: array("q", [0]), init=False, repr=False, compare=False)

    def critic_updates(self, generator_step):
        """Return the critic updates of generator step 1, 2, ..."""
        if self.batches_an_epoch:
            return self.critic_updates_until(generator_step) - self.critic_updates_until(generator_step - 1)
        return self._uncut(generator_step)

    def _uncut(self, generator_step):
        index = generator_step - 1
        again = self.boost_every and index > 0 and index % self.boost_every == 0
        return self.n_critic_boost if index < self.boost_generator_steps or again else self.n_critic

    def critic_updates_until(self, generator_steps):
        """Return the critic updates of the first `generator_steps` generator steps together."""
        if self.batches_an_epoch:
            for step in range(len(self._walked), generator_steps + 1):
                done = self._walked[-1]
                left_in_epoch = self.batches_an_epoch - done % self.batches_an_epoch
                self._walked.append(done + min(self._uncut(step), left_in_epoch))
            return self._walked[generator_steps]
        boosted = min(self.boost_generator_steps, generator_steps)
        if self.boost_every and generator_steps:
            later = (generator_steps - 1) // self.boost_every  # 0-based indices that are positive multiples
            within = max(0, min(self.boost_generator_steps, generator_steps) - 1) // self.boost_every
            boosted += later - within
        return boosted * self.n_critic_boost + (generator_steps - boosted) * self.n_critic


@dataclass(frozen=True)
class EpochSchedule:
    """A generator update after batches 0, n_critic, 2 n_critic, ... of every epoch, as a tutorial on MNIST has it.

    So an epoch's first generator update follows one critic update, or those that the epoch before left over too.
    """

    n_critic: int
    batches_an_epoch: int

    def critic_updates(self, generator_step):
        """Return the critic updates of generator step 1, 2, ..."""
        return self.critic_updates_until(generator_step) - self.critic_updates_until(generator_step - 1)

    def critic_updates_until(self, generator_steps):
        """Return the critic updates of the first `generator_steps` generator steps together."""
        if generator_steps == 0:
            return 0
        an_epoch = -(-self.batches_an_epoch // self.n_critic)
        epoch, turn = divmod(generator_steps - 1, an_epoch)
        return epoch * self.batches_an_epoch + turn * self.n_critic + 1
