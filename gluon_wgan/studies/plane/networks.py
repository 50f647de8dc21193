"""GANs of points in the plane: their networks, their optimizers, and the trainers that they make.

As github.com/igul222/improved_wgan_training, gan_toy.py, where nothing else is said.
"""

import math

import mxnet as mx
import numpy as np
from mxnet import nd
from mxnet.gluon import Block, nn

from gluon_wgan import layers, streams
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.critics import input_gradients
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.schedule import Schedule
from gluon_wgan.studies.plane.distributions import HELD_LATENTS, Batches, beside
from gluon_wgan.training.trainer import Trainer

# Fixed before any run.
BATCH_SIZE = 256
N_CRITIC = 5
LATENT_DIM = 2
CLIP_BOUND = 0.01  # after the update, as Algorithm 1 of WGAN
GP_LAMBDA = 0.1
ADAM = {"learning_rate": 1e-4, "beta1": 0.5, "beta2": 0.9, "epsilon": 1e-8}
# Their RMSprop is TensorFlow's (decay .9, epsilon 1e-10 under the root, average from 1); this is the original WGAN's.
RMSPROP = {"learning_rate": 5e-5, "decay": 0.99, "epsilon": 1e-8, "epsilon_placement": "outside_sqrt"}
LOSSES = {
    "clip": "wasserstein",
    "penalty": "wasserstein",
    "minimax": "minimax",
    "non_saturating": "non_saturating",
}


def describe():
    """Return the settings above, as they stand in the data of a study."""
    return {
        "batch_size": BATCH_SIZE,
        "n_critic": N_CRITIC,
        "latent_dim": LATENT_DIM,
        "clip_bound": CLIP_BOUND,
        "gp_lambda": GP_LAMBDA,
        "adam": ADAM,
        "rmsprop": RMSPROP,
    }


def build_generator(seed, width, hidden_layers=3, activation=layers.ReLU, batch_norm=False):
    """Return an MLP with ReLU, started: latents (N, 2, 1, 1) -> points (N, 2, 1, 1).

    `activation` makes another layer in ReLU's place; `batch_norm` puts a BatchNorm in front of each.
    """
    generator = nn.HybridSequential()
    _add_layers(generator, LATENT_DIM, width, hidden_layers, 2, activation, batch_norm)
    generator.add(layers.Reshape((2, 1, 1)))
    return _started(generator, seed, "toy: generator weights")


def build_critic(seed, width, hidden_layers=3, activation=layers.ReLU, batch_norm=False):
    """Return an MLP with ReLU, started: points (N, 2, 1, 1) -> scores (N,); further parameters as of the generator.

    With BatchNorm it is no `layers.Critic`, since no penalty per sample fits it.
    """
    critic = _Scores() if batch_norm else layers.Critic()
    _add_layers(critic, 2, width, hidden_layers, 1, activation, batch_norm)
    return _started(critic, seed, "toy: critic weights")


class _Scores(nn.HybridSequential):
    def hybrid_forward(self, F, x):
        return F.reshape(super().hybrid_forward(F, x), shape=(-1,))


def _add_layers(block, inputs, width, hidden_layers, outputs, activation, batch_norm):
    if width < 1 or hidden_layers < 1:
        raise UserError("--width", f"{hidden_layers} hidden layers of {width}", "1 or more of each")
    for _ in range(hidden_layers):
        block.add(layers.Dense(width, in_units=inputs))
        if batch_norm:
            block.add(nn.BatchNorm(in_channels=width))
        block.add(activation())
        inputs = width
    block.add(layers.Dense(outputs, in_units=inputs))


def _started(block, seed, purpose):
    """Start weights uniform with variance 2 / inputs (He) before a ReLU, 2 / (inputs + outputs) (Glorot) at the end.

    Biases are 0.
    """
    block.initialize(mx.init.Zero())
    dense = [layer for layer in block._children.values() if isinstance(layer, nn.Dense)]
    for index, layer in enumerate(dense):
        outputs, inputs = layer.weight.shape
        variance = 2 / inputs if layer is not dense[-1] else 2 / (inputs + outputs)
        uniform = 2 * streams.uniform(seed, purpose, index, (outputs, inputs)) - 1
        layer.weight.set_data(nd.array(uniform * math.sqrt(3 * variance)))
    return block


class HeldGenerator(Block):
    """A generator without weights, real data plus a unit Gaussian: latents (N, 5, 1, 1) -> points (N, 2, 1, 1).

    Parameters
    ----------
    data : str
        Of `gluon_wgan.studies.plane.distributions.DATA`.
    """

    def __init__(self, data, **kwargs):
        super().__init__(**kwargs)
        self._data = data

    def forward(self, latent):
        """Return the points."""
        found = beside(self._data, latent.asnumpy()[:, :, 0, 0])
        return nd.array(found.astype(np.float32)[:, :, None, None], ctx=latent.context)


def build_trainer(data, arm, seed, width, hidden_layers=3, held=False, clip_bound=CLIP_BOUND, weight_decay=0.0):
    """Return the `Trainer` of an arm.

    Parameters
    ----------
    data : str
        Of `gluon_wgan.studies.plane.distributions.DATA`.
    arm : str
        clip, penalty, minimax or non_saturating; the last two without any constraint on the critic.
    seed, width, hidden_layers : int
    held : bool
        Whether the generator is a `HeldGenerator`: `critic_step` alone, then.
    clip_bound : float or None
        Of the arm clip; None for the same without clipping.
    weight_decay : float
        Of its critic: so much times the weights is added to their gradients.

    Raises
    ------
    UserError
        If there is no such arm or data, or a size is below 1.
    """
    if arm not in LOSSES:
        raise UserError("arm", repr(arm), ", ".join(LOSSES))
    clipped = arm == "clip"
    # the optimizer's own clip does what clip_weights does after the update, in less time
    in_critic = {"clip_weights": clip_bound, "wd": weight_decay}
    optimizers = {
        "critic_optimizer": RMSProp(**RMSPROP, **in_critic) if clipped else mx.optimizer.Adam(**ADAM),
        "generator_optimizer": RMSProp(**RMSPROP) if clipped else mx.optimizer.Adam(**ADAM),
    }
    return Trainer(
        HeldGenerator(data) if held else build_generator(seed, width, hidden_layers),
        build_critic(seed, width, hidden_layers),
        Batches(data, BATCH_SIZE, seed),
        **optimizers,
        schedule=Schedule(N_CRITIC, boost_generator_steps=0, boost_every=0),
        loss=LOSSES[arm],
        clip_bound=None,
        gp_lambda=GP_LAMBDA if arm == "penalty" else None,
        latent_dim=HELD_LATENTS if held else LATENT_DIM,
        seed=seed,
    )


def train_until(trainer, generator_steps, bar):
    """Train until so many generator steps are done; a tqdm bar gets the critic updates."""
    while trainer.generator_steps < generator_steps:
        for _ in range(trainer.critic_updates_left()):
            trainer.critic_step()
            bar.update()
        trainer.generator_step()


def generated(trainer, purpose, count):
    """Return points (count, 2), float64, of the trainer's generator, of latents of their own for each purpose."""
    return trainer.generator(trainer.latents(purpose, 0, count)).asnumpy()[:, :, 0, 0].astype(np.float64)


def layers_of(critic):
    """Return (weight, bias) of each dense layer of a critic of `build_critic`, numpy arrays."""
    dense = (layer for layer in critic._children.values() if isinstance(layer, nn.Dense))
    return [(layer.weight.data().asnumpy(), layer.bias.data().asnumpy()) for layer in dense]


def norm_between(critic, real, fake, seed):
    """Return the mean norm of a critic's input gradient on interpolates of points (N, 2) and (N, 2).

    One interpolate a pair, with a weight of its own, uniform in [0, 1), as the penalty has.
    """
    weights = streams.uniform(seed, "toy: interpolates looked at", 0, (len(real), 1))
    gradients = input_gradients(critic, weights * real + (1 - weights) * fake)
    return float(np.linalg.norm(gradients, axis=1).mean())
