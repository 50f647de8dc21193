"""Train a small MLP critic, or discriminator, on two distributions until its estimate of their distance settles."""

from typing import NamedTuple

import mxnet as mx
from mxnet import autograd

from gluon_wgan import streams
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.critics import as_input, estimate
from gluon_wgan.lipschitz import clip_weights
from gluon_wgan.losses import critic_loss
from gluon_wgan.models.initialise import initialise
from gluon_wgan.models.mlp import MLPCritic
from gluon_wgan.rmsprop import RMSProp

# Fixed before anything was trained. The optimizer is the original's: RMSprop, 5e-5, decay .99, epsilon 1e-8 outside the
# root, as `RMSProp` has by default. The critic is clipped to the original's 0.01, after the update, as Algorithm 1.
UNITS = 64  # in each of the three hidden layers
BATCH = 256  # of each distribution, drawn afresh for every update
CLIP_BOUND = 0.01
MOST_UPDATES = 4000
CHECK_EVERY = 500  # updates
WINDOW = 1000  # updates
SETTLED = 1e-3  # it has settled when the estimate changed by less than this share of itself over the window


class Trained(NamedTuple):
    """A trained critic.

    Attributes
    ----------
    critic : gluon_wgan.models.mlp.MLPCritic
    updates : int
    settled : bool
        Whether it stopped because it had settled, and not because of the most updates.
    estimate : float
        The distance by its scores, see `estimate`.
    """

    critic: MLPCritic
    updates: int
    settled: bool
    estimate: float


def describe():
    """Return the settings above, as they stand in the data of a study."""
    return {
        "units": UNITS,
        "batch": BATCH,
        "clip_bound": CLIP_BOUND,
        "window": WINDOW,
        "settled": SETTLED,
        **{name: getattr(RMSProp(), name) for name in ("decay", "epsilon", "epsilon_placement")},
        "learning_rate": RMSProp().learning_rate,
    }


def train(loss, draw, held_out, seed, bar=None, most_updates=MOST_UPDATES):
    """Train a fresh `MLPCritic` on two distributions until it settles.

    Parameters
    ----------
    loss : str
        "wasserstein", whose critic is clipped, or "minimax".
    draw : callable
        `draw(random, count)` returns samples (count, dims) of the real and of the generated distribution.
    held_out : gluon_wgan.evaluate.critics.HeldOut
    seed : int
        Of the initial weights and of all draws.
    bar : tqdm.tqdm, optional
        Gets an update for each update, and its total less those that were not needed.
    most_updates : int
        1 or more.

    Returns
    -------
    Trained

    Raises
    ------
    UserError
        If the loss is another, or the number of updates is below 1.
    """
    if loss not in ("wasserstein", "minimax"):
        raise UserError("loss", repr(loss), "wasserstein, minimax")
    if most_updates < 1:
        raise UserError("most_updates", most_updates, "1 or more")
    critic = MLPCritic(1, held_out.real.shape[1], UNITS)
    initialise(critic, seed, "critic_weights")
    clipped = loss == "wasserstein"
    if clipped:
        clip_weights(critic, CLIP_BOUND)
    critic.hybridize(static_alloc=True)
    # the optimizer's own clip does what clip_weights does after the update, in less time
    update = mx.optimizer.get_updater(RMSProp(clip_weights=CLIP_BOUND if clipped else None))
    parameters = list(critic.collect_params().values())
    course = [estimate(loss, critic, held_out)]
    settled = False
    for step in range(most_updates):
        random = streams.generator(seed, "distances: training", step)
        # independent of each other, as a WGAN's batches are
        real, fake = draw(random, BATCH)[0], draw(random, BATCH)[1]
        with autograd.record():
            value = critic_loss(loss, critic(as_input(real)), critic(as_input(fake)))
        value.backward()
        for index, parameter in enumerate(parameters):
            update(index, parameter.grad(), parameter.data())
        if bar is not None:
            bar.update()
        if (step + 1) % CHECK_EVERY == 0:
            course.append(estimate(loss, critic, held_out))
            change = abs(course[-1] - course[max(0, len(course) - 1 - WINDOW // CHECK_EVERY)])
            settled = step + 1 > WINDOW and change < SETTLED * abs(course[-1])
            if settled:
                break
    if bar is not None:
        bar.total -= most_updates - step - 1
        bar.refresh()
    return Trained(critic, step + 1, settled, estimate(loss, critic, held_out))
