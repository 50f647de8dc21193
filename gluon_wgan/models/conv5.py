"""The pair of 5x5 convolutions: that of a course's sixth homework (hw6), and WGAN-GP's for CIFAR-10 and MNIST.

All three are a dense layer to 4x4 pixels and 5x5 transposed convolutions of stride 2 up to the picture, and their
mirror image with LeakyReLU of slope .2 (github.com/igul222/improved_wgan_training, gan_cifar.py and gan_mnist.py; hw6
as listed). Departures: a bias in front of a normalisation is left out, which cancels it; weights start at N(0, .02)
and biases uniform as PyTorch's, where WGAN-GP's code has He's uniform weights and biases of 0; pictures are in
[-1, 1], where gan_mnist.py has them in [0, 1] behind a sigmoid.
"""

from mxnet.gluon import nn

from gluon_wgan import layers
from gluon_wgan.models.critic import CriticNetwork
from gluon_wgan.models.transposed import ToPicture

_LEAKY_SLOPE = 0.2
SMALLEST = 4  # pixels
_DOUBLE = {"kernel_size": 5, "strides": 2, "padding": 2, "output_padding": 1}


class Conv5Generator(nn.HybridBlock):
    """Map latents (N, latent_dim, 1, 1) to pictures (N, image_channels, image_size, image_size) in [-1, 1].

    A dense layer to 4x4 pixels, then a 5x5 transposed convolution of stride 2 per doubling of the side; BatchNorm
    (after the dense layer one of each number) and ReLU, tanh at the end. 28 pixels come from 32 by leaving out the
    last row and column of the 8x8 ones.

    Parameters
    ----------
    image_size : int
        28, or 4 times a power of 2 from 16 on.
    image_channels, latent_dim, channels : int
        `channels` counts the feature maps of the widest picture, half the output's side.
    batch_norm : bool
    """

    def __init__(self, image_size, image_channels, latent_dim, channels, batch_norm=True, **kwargs):
        super().__init__(**kwargs)

        def add(layer, width):
            self.main.add(layer)
            if batch_norm:
                self.main.add(nn.BatchNorm(in_channels=width))
            self.main.add(nn.Activation("relu"))

        width = channels * whole_side(image_size) // 8
        with self.name_scope():
            self.main = nn.HybridSequential(prefix="")
            with self.main.name_scope():
                # (N, latent_dim, 1, 1) -> (N, 16 width) -> (N, width, 4, 4)
                numbers = width * SMALLEST**2
                add(nn.Dense(numbers, use_bias=not batch_norm, in_units=latent_dim), numbers)
                self.main.add(_ToPictures(width))
                side = SMALLEST
                while width > channels:
                    # (N, width, side, side) -> (N, width / 2, 2 side, 2 side)
                    transposed = nn.Conv2DTranspose(width // 2, **_DOUBLE, use_bias=not batch_norm, in_channels=width)
                    add(transposed, width // 2)
                    width, side = width // 2, 2 * side
                    if side == 8 and image_size == 28:
                        self.main.add(_Cut(7))
                # (N, channels, image_size / 2, image_size / 2) -> (N, image_channels, image_size, image_size)
                self.main.add(ToPicture(image_size, image_channels, **_DOUBLE, in_channels=channels))
                self.main.add(nn.Activation("tanh"))

    def hybrid_forward(self, F, latent):
        """Return the pictures."""
        return self.main(latent)


class Conv5Critic(CriticNetwork):
    """Map pictures (N, image_channels, image_size, image_size) to scores (N,), unbounded.

    5x5 convolutions of stride 2 down to 4x4 pixels, LeakyReLU, a norm on all but the first, and a 4x4 convolution to
    one score, which is WGAN-GP's dense layer in another shape. (hw6's listing ends in a sigmoid: see its losses.)

    Parameters
    ----------
    image_size, image_channels, channels : int
        As for `Conv5Generator`.
    norm : str or None
        "batch", "instance" (without scale and shift, as PyTorch's default) or None.
    outputs : int
        See `CriticNetwork`.
    """

    def __init__(self, image_size, image_channels, channels, norm=None, outputs=1, **kwargs):
        super().__init__(outputs, **kwargs)
        with self.name_scope():
            self.main = nn.HybridSequential(prefix="") if norm == "batch" else layers.Critic(outputs, prefix="")
            with self.main.name_scope():
                width, inputs, side, normalised = channels, image_channels, whole_side(image_size), None
                while side > SMALLEST:
                    # (N, inputs, side, side) -> (N, width, side / 2, side / 2); 28 -> 14 -> 7 -> 4
                    self.main.add(layers.Conv2D(width, 5, 2, 2, use_bias=not normalised, in_channels=inputs))
                    if normalised == "batch":
                        self.main.add(nn.BatchNorm(in_channels=width))
                    elif normalised == "instance":
                        self.main.add(layers.InstanceNorm(center=False, scale=False, in_channels=width))
                    self.main.add(layers.LeakyReLU(_LEAKY_SLOPE))
                    inputs, width, side, normalised = width, 2 * width, side // 2, norm
                # (N, inputs, 4, 4) -> (N, outputs)
                self.main.add(layers.ToScore(SMALLEST, in_channels=inputs, outputs=outputs))

    def hybrid_forward(self, F, images):
        """Return the scores."""
        return self.scores(F, images)


class _ToPictures(nn.HybridBlock):
    """(N, 16 width) -> (N, width, 4, 4)."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self._shape = (0, width, SMALLEST, SMALLEST)

    def hybrid_forward(self, F, x):
        """Return the same numbers in the other shape."""
        # A slice of everything copies. Without it the gradient that a transposed convolution leaves in blocks of
        # channels comes to BatchNorm as a view of another shape, where oneDNN fails (ndarray.cc: !is_view).
        return F.slice_axis(F.reshape(x, shape=self._shape), axis=0, begin=0, end=None)


class _Cut(nn.HybridBlock):
    """Keep the first `side` rows and columns."""

    def __init__(self, side, **kwargs):
        super().__init__(**kwargs)
        self._side = side

    def hybrid_forward(self, F, x):
        return F.slice(x, begin=(None, None, 0, 0), end=(None, None, self._side, self._side))


def whole_side(image_size):
    """Return the side that doublings of 4 reach: 32 for 28, else the image size itself."""
    return 32 if image_size == 28 else image_size
