"""Two trainings side by side: ours against the reference, and the reference against itself.

What the reference differs from itself by, in another run, with another number of threads, or with weights one unit in
the last place larger, is the noise that a port cannot be told from.
"""

import numpy as np
import torch
from their_stages import make_reference, weights


class Theirs:
    """The reference's training, a generator step at a time, with the sign of ours.

    Parameters
    ----------
    recipe, pictures, dtype
        See `their_stages.make_reference`.
    epoch_end : str
        "run_on" or "cut", as the original.
    threads : int
    nudge : bool
        Begin with every weight moved to the next representable number.
    """

    def __init__(self, recipe, pictures, dtype, epoch_end="run_on", threads=1, nudge=False):
        self.reference = make_reference(recipe, pictures, dtype, run_on=epoch_end == "run_on")
        self._threads = threads
        if nudge:
            for network in (self.reference.generator, self.reference.critic):
                for parameter in network.parameters():
                    parameter.data = torch.nextafter(parameter.data, torch.full_like(parameter.data, torch.inf))

    def step(self):
        """Do one generator step with the critic updates before it; return all their losses."""
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        scores, loss = self.reference.step()
        torch.set_num_threads(before)
        return np.array([score_real - score_fake for score_real, score_fake in scores] + [loss])

    def weights(self):
        """Return the trainable weights of both networks."""
        return {
            f"{name} {key}": value
            for name in ("generator", "critic")
            for key, value in weights(getattr(self.reference, name)).items()
        }


def part(one, other, generator_steps, progress=None):
    """Train two sides in lockstep, and follow how they part.

    Parameters
    ----------
    one, other : our_stages.Lockstep or Theirs
    generator_steps : int
    progress : callable, optional
        Called after each generator step.

    Returns
    -------
    list of dict
        One per generator step: generator_step; critic_steps, so far; loss, the largest difference of a loss so far
        over the largest loss so far; weight, the largest over the tensors of (largest difference / largest weight);
        tensor, the one that has it.
    """
    rows, critic_steps, difference, largest = [], 0, 0.0, 0.0
    for step in range(1, generator_steps + 1):
        losses, expected = one.step(), other.step()
        critic_steps += len(expected) - 1
        difference = max(difference, float(np.abs(losses - expected).max()))
        largest = max(largest, float(np.abs(expected).max()))
        row = {"generator_step": step, "critic_steps": critic_steps, "loss": difference / largest}
        weight, tensor = worst_tensor(one.weights(), other.weights())
        rows.append({**row, "weight": weight, "tensor": tensor if weight else None})
        if progress:
            progress()
    return rows


def largest_relative_difference(arrays, expected):
    """Return the largest over the tensors of (largest difference / largest number expected)."""
    return worst_tensor(arrays, expected)[0]


def worst_tensor(arrays, expected):
    """Return that largest relative difference, and the name of the tensor that has it."""
    assert arrays.keys() == expected.keys()
    return max((_relative(arrays[name], value), name) for name, value in expected.items())


def _relative(given, expected):
    difference = float(np.abs(given - expected).max())
    return difference / float(np.abs(expected).max()) if difference else 0.0
