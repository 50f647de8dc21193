"""Two MLP pairs: WGAN's own, with three hidden ReLU layers each, and the one that a tutorial trains on MNIST.

WGAN's: github.com/martinarjovsky/WassersteinGAN, models/mlp.py. The tutorial's:
github.com/eriklindernoren/PyTorch-GAN, implementations/wgan/wgan.py.
"""

from mxnet.gluon import nn

from gluon_wgan import layers
from gluon_wgan.models.critic import CriticNetwork


def _hidden_layers(main, units_in, units):
    for _ in range(3):
        main.add(layers.Dense(units, in_units=units_in), layers.ReLU())
        units_in = units


class MLPGenerator(nn.HybridBlock):
    """Map latents (N, latent_dim, 1, 1) to pictures (N, image_channels, image_size, image_size).

    The last layer is linear, as in the reference: nothing keeps its pictures in [-1, 1].

    Parameters
    ----------
    image_size, image_channels, latent_dim : int
    channels : int
        Units per hidden layer.
    """

    def __init__(self, image_size, image_channels, latent_dim, channels, **kwargs):
        super().__init__(**kwargs)
        self._shape = (-1, image_channels, image_size, image_size)
        with self.name_scope():
            self.main = nn.HybridSequential(prefix="")
            with self.main.name_scope():
                _hidden_layers(self.main, latent_dim, channels)
                self.main.add(nn.Dense(image_channels * image_size**2, in_units=channels))

    def hybrid_forward(self, F, latent):
        """Return the pictures."""
        return self.main(latent).reshape(self._shape)


class MLPCritic(CriticNetwork):
    """Map pictures (N, image_channels, image_size, image_size) to scores (N,), unbounded.

    Parameters
    ----------
    image_size, image_channels : int
    channels : int
        Units per hidden layer.
    outputs : int
        See `CriticNetwork`.
    """

    def __init__(self, image_size, image_channels, channels, outputs=1, **kwargs):
        super().__init__(outputs, **kwargs)
        with self.name_scope():
            self.main = layers.Critic(outputs, prefix="")
            with self.main.name_scope():
                _hidden_layers(self.main, image_channels * image_size**2, channels)
                self.main.add(layers.Dense(outputs, in_units=channels))

    def hybrid_forward(self, F, images):
        """Return the scores."""
        return self.main(images)


class LeakyMLPGenerator(nn.HybridBlock):
    """Map latents (N, latent_dim, 1, 1) to pictures (N, image_channels, image_size, image_size) in [-1, 1].

    Four hidden layers, each twice as wide as the one before, LeakyReLU of slope .2, BatchNorm on all but the first,
    tanh at the end.

    Warning: BatchNorm's epsilon is .8, as in the reference, where a second argument meant for the momentum is the
    epsilon: numbers of spread 1 leave it with a spread of .75.

    Parameters
    ----------
    image_size, image_channels, latent_dim : int
    channels : int
        Units of the first hidden layer, 128 in the reference.
    """

    def __init__(self, image_size, image_channels, latent_dim, channels, **kwargs):
        super().__init__(**kwargs)
        self._shape = (-1, image_channels, image_size, image_size)
        with self.name_scope():
            self.main = nn.HybridSequential(prefix="")
            with self.main.name_scope():
                inputs = latent_dim
                for units in (channels, 2 * channels, 4 * channels, 8 * channels):
                    self.main.add(nn.Dense(units, in_units=inputs))
                    if units > channels:
                        self.main.add(nn.BatchNorm(epsilon=0.8, in_channels=units))
                    self.main.add(layers.LeakyReLU(0.2))
                    inputs = units
                self.main.add(nn.Dense(image_channels * image_size**2, in_units=inputs), nn.Activation("tanh"))

    def hybrid_forward(self, F, latent):
        """Return the pictures."""
        return self.main(latent).reshape(self._shape)


class LeakyMLPCritic(CriticNetwork):
    """Map pictures (N, image_channels, image_size, image_size) to scores (N,), unbounded.

    Two hidden layers, the second half as wide, LeakyReLU of slope .2.

    Parameters
    ----------
    image_size, image_channels : int
    channels : int
        Units of the first hidden layer, 512 in the reference.
    outputs : int
        See `CriticNetwork`.
    """

    def __init__(self, image_size, image_channels, channels, outputs=1, **kwargs):
        super().__init__(outputs, **kwargs)
        with self.name_scope():
            self.main = layers.Critic(outputs, prefix="")
            with self.main.name_scope():
                self.main.add(layers.Dense(channels, in_units=image_channels * image_size**2), layers.LeakyReLU(0.2))
                self.main.add(layers.Dense(channels // 2, in_units=channels), layers.LeakyReLU(0.2))
                self.main.add(layers.Dense(outputs, in_units=channels // 2))

    def hybrid_forward(self, F, images):
        """Return the scores."""
        return self.main(images)
