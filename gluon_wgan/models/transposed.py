"""The generators' first transposed convolution, from the latent, and the last, to the picture."""

from mxnet.gluon import nn


class FromLatent(nn.Conv2DTranspose):
    """`nn.Conv2DTranspose` of stride 1 of a single pixel: (N, latent_dim, 1, 1) -> (N, channels, kernel, kernel).

    It is computed as the matrix product that it is: oneDNN's transposed convolution takes 1.7 times as long, and with
    its gradients 2.4 to 3 times (two threads, 64 and 512 channels). The weight keeps the convolution's shape,
    (latent_dim, channels, kernel, kernel).

    Parameters
    ----------
    channels, kernel_size, in_channels
        As for `mxnet.gluon.nn.Conv2DTranspose`. There is no bias.

    Attributes
    ----------
    differentiable : bool
        As of `ToPicture`: False for the transposed convolution itself, which ONNX has.
    """

    def __init__(self, channels, kernel_size, in_channels):
        super().__init__(channels, kernel_size, use_bias=False, in_channels=in_channels)
        self.differentiable = True

    def hybrid_forward(self, F, x, weight):
        """Return what the latent spreads."""
        if not self.differentiable:
            return super().hybrid_forward(F, x, weight)
        # (latent_dim, channels, k, k) -> (channels k k, latent_dim)
        matrix = F.transpose(F.reshape(weight, shape=(0, -1)))
        kernel = self._kwargs["kernel"]
        outputs = self._channels * kernel[0] * kernel[1]
        return F.reshape(F.FullyConnected(x, matrix, num_hidden=outputs, no_bias=True), shape=(0, -1, *kernel))


class ToPicture(nn.Conv2DTranspose):
    """`nn.Conv2DTranspose` to pictures of 3 channels, and the same, in other operators, to grey ones.

    To a single channel MXNet's fails in backward where the inputs are a multiple of 16 (oneDNN: "could not create a
    primitive descriptor for a reorder primitive").

    Parameters
    ----------
    image_size : int
        Pixels of the output's side.
    channels, kernel_size, strides, padding, output_padding, use_bias, in_channels
        As for `mxnet.gluon.nn.Conv2DTranspose`.

    Attributes
    ----------
    differentiable : bool
        Set it to False for a graph that needs no backward, such as ONNX, which has no such other operator.
    """

    def __init__(self, image_size, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._image_size = image_size
        self.differentiable = True

    def hybrid_forward(self, F, x, weight, bias=None):
        """Return (N, channels, image_size, image_size) of (N, C, H, W)."""
        if self._channels > 1 or not self.differentiable:
            return super().hybrid_forward(F, x, weight, bias)
        # every pixel and (C, kh kw) -> what it adds to its neighbourhood, (N, kh kw, H W), which col2im sums up
        pixels = F.transpose(F.reshape(x, shape=(0, 0, -1)), axes=(0, 2, 1))
        patches = F.transpose(F.dot(pixels, F.reshape(weight, shape=(0, -1))), axes=(0, 2, 1))
        geometry = {name: self._kwargs[name] for name in ("kernel", "stride", "pad")}
        picture = F.col2im(patches, output_size=(self._image_size, self._image_size), **geometry)
        return picture if bias is None else F.broadcast_add(picture, F.reshape(bias, shape=(1, 1, 1, 1)))
