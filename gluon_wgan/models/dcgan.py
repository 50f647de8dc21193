"""The DCGAN pair of WGAN (github.com/martinarjovsky/WassersteinGAN, models/dcgan.py) at any size 16 * 2**k.

LeakyReLU's slope is .2, BatchNorm's epsilon 1e-5 and momentum .9 (PyTorch's .1), and no layer has a bias. Layers sit
in `main`, in the reference's order, so parameters are named main.0.weight, main.1.gamma, ...
"""

from functools import partial

from mxnet.gluon import nn

from gluon_wgan import layers
from gluon_wgan.models.critic import CriticNetwork
from gluon_wgan.models.transposed import FromLatent, ToPicture

_LEAKY_SLOPE = 0.2
_NONLINEARITIES = {
    "relu": layers.ReLU,
    "leaky_relu": partial(layers.LeakyReLU, _LEAKY_SLOPE),
    "softplus": layers.ShiftedSoftplus,
    "tanh": layers.Tanh,
}


class DCGANGenerator(nn.HybridBlock):
    """Map latents (N, latent_dim, 1, 1) to pictures (N, image_channels, image_size, image_size) in [-1, 1].

    A 4x4 transposed convolution to 4x4 pixels, then one of stride 2 per doubling of the side, each with BatchNorm and
    ReLU; tanh at the end. `channels` counts the feature maps of the widest picture, half the output's side.

    Parameters
    ----------
    image_size, image_channels, latent_dim, channels : int
    batch_norm : bool
        False for the variant that the paper calls "no BatchNorm".
    extra_layers : int
        3x3 convolutions, with BatchNorm and ReLU, before the last layer.
    nonlinearity : str
        "relu", or what stands in its place: "leaky_relu", "softplus" (`ShiftedSoftplus`) or "tanh".
    """

    def __init__(
        self,
        image_size,
        image_channels,
        latent_dim,
        channels,
        batch_norm=True,
        extra_layers=0,
        nonlinearity="relu",
        **kwargs,
    ):
        super().__init__(**kwargs)

        def add(convolution, width):
            self.main.add(convolution)
            if batch_norm:
                self.main.add(nn.BatchNorm(in_channels=width))
            self.main.add(_NONLINEARITIES[nonlinearity]())

        with self.name_scope():
            self.main = nn.HybridSequential(prefix="")
            with self.main.name_scope():
                width = channels * image_size // 8
                # (N, latent_dim, 1, 1) -> (N, width, 4, 4)
                add(FromLatent(width, 4, in_channels=latent_dim), width)
                while width > channels:
                    # (N, width, s, s) -> (N, width / 2, 2 s, 2 s)
                    add(nn.Conv2DTranspose(width // 2, 4, 2, 1, use_bias=False, in_channels=width), width // 2)
                    width //= 2
                for _ in range(extra_layers):
                    add(nn.Conv2D(channels, 3, 1, 1, use_bias=False, in_channels=channels), channels)
                # (N, channels, image_size / 2, image_size / 2) -> (N, image_channels, image_size, image_size)
                self.main.add(ToPicture(image_size, image_channels, 4, 2, 1, use_bias=False, in_channels=channels))
                self.main.add(nn.Activation("tanh"))

    def hybrid_forward(self, F, latent):
        """Return the pictures."""
        return self.main(latent)


class DCGANCritic(CriticNetwork):
    """Map pictures (N, image_channels, image_size, image_size) to scores (N,), unbounded: no sigmoid at the end.

    The generator's mirror: 4x4 convolutions of stride 2 down to 4x4 pixels, LeakyReLU, BatchNorm on all but the first,
    and a 4x4 convolution to one score. (The reference returns the mean of the scores over the batch; ours keeps them
    apart, the losses take the mean.)

    Parameters
    ----------
    image_size, image_channels, channels : int
        `channels` counts the feature maps of the widest picture, half the input's side.
    norm : str or None
        "batch", "layer" (over a picture's C, H, W, as WGAN-GP has it) or None.
    extra_layers : int
        3x3 convolutions, normalised, with LeakyReLU, after the first layer.
    nonlinearity : str
        "leaky_relu", or what stands in its place, see `DCGANGenerator`.
    outputs : int
        See `CriticNetwork`.
    """

    def __init__(
        self,
        image_size,
        image_channels,
        channels,
        norm="batch",
        extra_layers=0,
        nonlinearity="leaky_relu",
        outputs=1,
        **kwargs,
    ):
        super().__init__(outputs, **kwargs)

        def add(convolution, normalised_width):
            self.main.add(convolution)
            if norm and normalised_width:
                self.main.add({"batch": nn.BatchNorm, "layer": layers.LayerNorm}[norm](in_channels=normalised_width))
            self.main.add(_NONLINEARITIES[nonlinearity]())

        with self.name_scope():
            # BatchNorm is no layer that knows its input gradient
            self.main = nn.HybridSequential(prefix="") if norm == "batch" else layers.Critic(outputs, prefix="")
            with self.main.name_scope():
                # (N, image_channels, image_size, image_size) -> (N, channels, image_size / 2, image_size / 2)
                add(layers.Conv2D(channels, 4, 2, 1, use_bias=False, in_channels=image_channels), None)
                for _ in range(extra_layers):
                    add(layers.Conv2D(channels, 3, 1, 1, use_bias=False, in_channels=channels), channels)
                width, side = channels, image_size // 2
                while side > 4:
                    # (N, width, side, side) -> (N, 2 width, side / 2, side / 2)
                    add(layers.Conv2D(2 * width, 4, 2, 1, use_bias=False, in_channels=width), 2 * width)
                    width, side = 2 * width, side // 2
                # (N, width, 4, 4) -> (N, outputs)
                self.main.add(layers.ToScore(4, use_bias=False, in_channels=width, outputs=outputs))

    def hybrid_forward(self, F, images):
        """Return the scores."""
        return self.scores(F, images)
