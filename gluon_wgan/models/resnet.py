"""WGAN-GP's pair of residual networks, 101 layers deep in the paper, or as deep as asked.

Source: github.com/igul222/improved_wgan_training at 10dc103, gan_64x64.py, ResnetGenerator and ResnetDiscriminator:
bottleneck blocks whose last convolution is normalised and counts for .3 beside the shortcut. Departures: down by the
mean of 2x2 pixels and up by repeating each, where that code has convolutions of stride 2, transposed ones, and
shortcuts that shuffle channels into pixels. Weights start as there, see `initialise`, but for those of the shortcuts
and of the 1x1 convolution at the pictures, which start at 1 / sqrt(2) of ours there.
"""

import math

from mxnet.gluon import nn

from gluon_wgan import layers
from gluon_wgan.models.critic import CriticNetwork

SMALLEST = 4  # pixels
_RESIDUAL_SHARE = 0.3  # of what a block adds
_OUTPUT_SCALE = 0.2  # of the last layer, in the generator before the tanh


def _plan(image_size, depth):
    """Return how many blocks keep the size at each, from the smallest pictures to the largest."""
    stages = int(math.log2(image_size // SMALLEST)) + 1
    kept = (depth - 2) // 3 - (stages - 1)
    return [kept // stages + (place < kept % stages) for place in range(stages)]


class _Sum(nn.HybridBlock):
    """body(x) + shortcut(x), of any blocks: `layers.Residual` takes no BatchNorm."""

    def __init__(self, body, shortcut=None, **kwargs):
        super().__init__(**kwargs)
        self.body, self.shortcut = body, shortcut

    def hybrid_forward(self, F, x):
        return self.body(x) + (x if self.shortcut is None else self.shortcut(x))


def _block(inputs, outputs, norm, resample=None):
    """(N, inputs, side, side) -> (N, outputs, side', side'), where side' is the same, twice ("up") or half ("down")."""
    layered = norm == "layer"
    sequence = layers.Sequential if layered else nn.HybridSequential
    body, middle = sequence(prefix=""), (inputs // 2, outputs // 2)
    body.add(layers.ReLU(), layers.Conv2D(middle[0], 1, in_channels=inputs), layers.ReLU())
    if resample == "up":
        body.add(layers.UpsampleNearest())
    body.add(layers.Conv2D(middle[1], 3, 1, 1, in_channels=middle[0]))
    if resample == "down":
        body.add(layers.MeanPool())
    body.add(layers.ReLU(), layers.Conv2D(outputs, 1, use_bias=False, in_channels=middle[1]))
    body.add((layers.LayerNorm if layered else nn.BatchNorm)(in_channels=outputs), layers.Scale(_RESIDUAL_SHARE))
    shortcut = None
    if inputs != outputs or resample:
        shortcut = sequence(prefix="")
        if resample == "down":
            shortcut.add(layers.MeanPool())
        shortcut.add(layers.Conv2D(outputs, 1, in_channels=inputs))
        if resample == "up":  # the convolution of single pixels first: there are fewer
            shortcut.add(layers.UpsampleNearest())
    return (layers.Residual if layered else _Sum)(body, shortcut)


class ResNetGenerator(nn.HybridBlock):
    """Map latents (N, latent_dim, 1, 1) to pictures (N, image_channels, image_size, image_size) in [-1, 1].

    Parameters
    ----------
    image_size, image_channels, latent_dim : int
        The size is 4 times a power of 2, 16 or more.
    channels : int
        Feature maps at half the largest picture's side, 64 in the reference; half as many at the largest.
    depth : int
        3 for each block, and 2: 101 in the paper.
    """

    def __init__(self, image_size, image_channels, latent_dim, channels, depth, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.main = nn.HybridSequential(prefix="")
            with self.main.name_scope():
                width = channels * image_size // 8
                # (N, latent_dim, 1, 1) -> (N, 16 width) -> (N, width, 4, 4)
                self.main.add(layers.Dense(width * SMALLEST**2, in_units=latent_dim))
                self.main.add(layers.Reshape((width, SMALLEST, SMALLEST)))
                for place, kept in enumerate(_plan(image_size, depth)):
                    if place:
                        # (N, width, side, side) -> (N, width / 2, 2 side, 2 side)
                        self.main.add(_block(width, width // 2, "batch", "up"))
                        width //= 2
                    self.main.add(*(_block(width, width, "batch") for _ in range(kept)))
                # (N, channels / 2, image_size, image_size) -> (N, image_channels, image_size, image_size)
                self.main.add(layers.Conv2D(image_channels, 1, in_channels=width), layers.Scale(_OUTPUT_SCALE))
                self.main.add(layers.Tanh())

    def hybrid_forward(self, F, latent):
        """Return the pictures."""
        return self.main(latent)


class ResNetCritic(CriticNetwork):
    """Map pictures (N, image_channels, image_size, image_size) to scores (N,), unbounded: the generator's mirror.

    Parameters
    ----------
    image_size, image_channels, channels, depth : int
        As of `ResNetGenerator`.
    norm : str
        "layer" (over a picture's C, H, W, as with the penalty) or "batch".
    outputs : int
        See `CriticNetwork`.
    """

    def __init__(self, image_size, image_channels, channels, norm, depth, outputs=1, **kwargs):
        super().__init__(outputs, **kwargs)
        with self.name_scope():
            self.main = layers.Critic(outputs, prefix="") if norm == "layer" else nn.HybridSequential(prefix="")
            with self.main.name_scope():
                width = channels // 2
                # (N, image_channels, image_size, image_size) -> (N, channels / 2, image_size, image_size)
                self.main.add(layers.Conv2D(width, 1, in_channels=image_channels))
                for place, kept in enumerate(reversed(_plan(image_size, depth))):
                    if place:
                        # (N, width, side, side) -> (N, 2 width, side / 2, side / 2)
                        self.main.add(_block(width, 2 * width, norm, "down"))
                        width *= 2
                    self.main.add(*(_block(width, width, norm) for _ in range(kept)))
                # (N, width, 4, 4) -> (N, outputs)
                self.main.add(layers.ToScore(SMALLEST, in_channels=width, outputs=outputs), layers.Scale(_OUTPUT_SCALE))

    def hybrid_forward(self, F, images):
        """Return the scores."""
        return self.scores(F, images)
