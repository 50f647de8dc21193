"""WGAN-GP's character language model: five residual blocks of 1-D convolutions on either side.

Source: github.com/igul222/improved_wgan_training at 1c6d436, gan_language.py, described in Gulrajani et al. 2017,
section 5.4. Nothing is sampled: the generator's symbols are probabilities, and the critic sees them beside real lines
in which each symbol is 0 or 1. Weights start as in that code, see `initialise`.
"""

from mxnet.gluon import nn

from gluon_wgan import layers
from gluon_wgan.models.critic import CriticNetwork

_BLOCKS = 5
_KERNEL = 5
_RESIDUAL_SHARE = 0.3  # of what a block adds


def _residual_block(channels):
    """(N, channels, length) -> the same: x + .3 conv(relu(conv(relu(x))))."""
    body = layers.Sequential(prefix="")
    for _ in range(2):
        body.add(layers.ReLU(), layers.Conv1D(channels, _KERNEL, 1, _KERNEL // 2, in_channels=channels))
    body.add(layers.Scale(_RESIDUAL_SHARE))
    return layers.Residual(body)


class TextGenerator(nn.HybridBlock):
    """Map latents (N, latent_dim, 1, 1) to lines (N, symbols, length): at each place, a probability of each symbol.

    Parameters
    ----------
    length, symbols, latent_dim : int
    channels : int
        Feature maps of every block, 512 in the reference.
    """

    def __init__(self, length, symbols, latent_dim, channels, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.main = nn.HybridSequential(prefix="")
            with self.main.name_scope():
                # (N, latent_dim, 1, 1) -> (N, channels length) -> (N, channels, length)
                self.main.add(layers.Dense(channels * length, in_units=latent_dim), layers.Reshape((channels, length)))
                self.main.add(*(_residual_block(channels) for _ in range(_BLOCKS)))
                # -> (N, symbols, length)
                self.main.add(layers.Conv1D(symbols, 1, in_channels=channels))

    def hybrid_forward(self, F, latent):
        """Return the lines."""
        return F.softmax(self.main(latent), axis=1)


class TextCritic(CriticNetwork):
    """Map lines (N, symbols, length), each symbol's share at each place, to scores (N,), unbounded.

    Parameters
    ----------
    length, symbols : int
    channels : int
        Feature maps of every block, 512 in the reference.
    """

    def __init__(self, length, symbols, channels, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.main = layers.Critic(prefix="")
            with self.main.name_scope():
                # (N, symbols, length) -> (N, channels, length)
                self.main.add(layers.Conv1D(channels, 1, in_channels=symbols))
                self.main.add(*(_residual_block(channels) for _ in range(_BLOCKS)))
                # -> (N, channels length) -> (N, 1)
                self.main.add(layers.Flatten(), layers.Dense(1, in_units=channels * length))

    def hybrid_forward(self, F, lines):
        """Return the scores."""
        return self.main(lines)
