"""The MLP pair of WGAN (github.com/martinarjovsky/WassersteinGAN, models/mlp.py): three hidden ReLU layers each."""

from mxnet.gluon import nn


def _hidden_layers(main, units_in, units):
    for _ in range(3):
        main.add(nn.Dense(units, in_units=units_in), nn.Activation("relu"))
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


class MLPCritic(nn.HybridBlock):
    """Map pictures (N, image_channels, image_size, image_size) to scores (N,), unbounded.

    Parameters
    ----------
    image_size, image_channels : int
    channels : int
        Units per hidden layer.
    """

    def __init__(self, image_size, image_channels, channels, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.main = nn.HybridSequential(prefix="")
            with self.main.name_scope():
                _hidden_layers(self.main, image_channels * image_size**2, channels)
                self.main.add(nn.Dense(1, in_units=channels))

    def hybrid_forward(self, F, images):
        """Return the scores."""
        return self.main(images).reshape((-1,))
