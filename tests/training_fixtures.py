"""What several tests of the training need: tiny settings, fixed pictures, and networks in plain numpy."""

import mxnet as mx
import numpy as np

from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.schedule import Schedule
from gluon_wgan.settings import Settings
from gluon_wgan.training.trainer import Trainer

TINY = {
    "image_size": 16,
    "generator_channels": 2,
    "critic_channels": 2,
    "latent_dim": 3,
    "batch_size": 4,
    "n_critic": 2,
    "boost_generator_steps": 0,
    "boost_every": 0,
    "learning_rate": 1e-3,
}
# Of the runs of a study, a second each.
TINY_RUN = {**TINY, "n_critic": 1, "generator_steps": 6, "checkpoint_every": 3}
del TINY_RUN["learning_rate"]  # which an ablation leaves alone


def tiny_settings(**changes):
    """Return settings of a DCGAN pair of some hundred weights."""
    return Settings(**{**TINY, **changes})


class FixedBatches:
    """Three batches of noise in [-1, 1], over and over; what `Trainer` needs of `Batches`.

    With a tail the third has half the pictures; of a share, each has only its.
    """

    def __init__(self, settings, dtype="float32", tail=False, share=slice(None)):
        side, channels = settings.image_size, settings.image_channels
        shape = (3, settings.batch_size, channels, side, side)
        self._batches = list(np.random.default_rng(7).uniform(-1, 1, shape).astype(dtype))
        if tail:
            self._batches[2] = self._batches[2][: settings.batch_size // 2]
        self._batches = [batch[share] for batch in self._batches]
        labels = np.random.default_rng(8).integers(settings.classes or 1, size=(3, settings.batch_size))
        self._labels = [of_batch[share] for of_batch in labels.astype(np.uint8)]
        self.batch_size = settings.batch_size

    def __getitem__(self, number):
        return self._batches[number % 3]

    def labels_of(self, number):
        return self._labels[number % 3]


def make_trainer(
    dtype="float32", optimizer=RMSProp, changes=None, tail=False, share=slice(None), device=0, **arguments
):
    """Return a trainer of a tiny pair, two critic updates a generator step; `changes` are of settings.

    With a tail, epochs of three batches cut: the critic updates are 2, 1, 2, 1, ...
    """
    settings = tiny_settings(**(changes or {}))
    generator, critic = build_generator(settings), build_critic(settings)
    for network in (generator, critic):
        network.cast(dtype)
        network.collect_params().reset_ctx(mx.cpu(device))
    schedule = Schedule(2, 2, 0, 0, batches_an_epoch=3 if tail else 0)
    defaults = {"schedule": schedule, "latent_dim": 3, "seed": settings.seed, "clip_bound": 0.06}
    defaults |= {"classes": settings.classes, "critic_labels": settings.critic_labels}
    return Trainer(
        generator,
        critic,
        FixedBatches(settings, dtype, tail, share),
        generator_optimizer=optimizer(learning_rate=1e-3),
        critic_optimizer=optimizer(learning_rate=1e-3),
        share=share,
        **{**defaults, **arguments},
    )


def run(trainer, generator_steps=3):
    """Train for some more generator steps."""
    for _ in range(generator_steps):
        for _ in range(trainer.critic_updates_left()):
            trainer.critic_step()
        trainer.generator_step()


def numbers_of(block):
    """Return copies of all parameters of a block, running statistics included, by their place in it."""
    return {name: parameter.data().asnumpy() for name, parameter in block._collect_params_with_prefix().items()}


def gradients_of(block):
    return {name: p.grad().asnumpy() for name, p in block.collect_params().items() if p.grad_req != "null"}


def same_bits(left, right):
    """Say whether two dicts of arrays hold the same bits."""
    return left.keys() == right.keys() and all(left[key].tobytes() == right[key].tobytes() for key in left)


def convolve(pictures, weight, stride, pad):
    """Convolve (N, C, H, W) with (O, C, k, k), one output pixel at a time."""
    padded = np.pad(pictures, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    k = weight.shape[2]
    side = (padded.shape[2] - k) // stride + 1
    out = np.zeros((len(pictures), len(weight), side, side))
    for i in range(side):
        for j in range(side):
            patch = padded[:, :, stride * i : stride * i + k, stride * j : stride * j + k]
            out[:, :, i, j] = np.einsum("nchw,ochw->no", patch, weight)
    return out


def convolve_transposed(pictures, weight, stride, pad):
    """Let each pixel of (N, C, H, W) stamp its multiple of the weight (C, O, k, k) on the output, then cut the rim."""
    count, _, side, _ = pictures.shape
    k = weight.shape[2]
    full = stride * (side - 1) + k
    out = np.zeros((count, weight.shape[1], full, full))
    for i in range(side):
        for j in range(side):
            stamp = np.einsum("nc,cohw->nohw", pictures[:, :, i, j], weight)
            out[:, :, stride * i : stride * i + k, stride * j : stride * j + k] += stamp
    return out[:, :, pad : full - pad, pad : full - pad]


def normalise_batch(pictures, gamma, beta, mean, variance):
    """Apply BatchNorm (epsilon 1e-5) to (N, C, H, W); with mean None, by the batch's own biased statistics."""
    if mean is None:
        mean, variance = pictures.mean(axis=(0, 2, 3)), pictures.var(axis=(0, 2, 3))
    mean, variance, gamma, beta = (values[:, None, None] for values in (mean, variance, gamma, beta))
    return gamma * (pictures - mean) / np.sqrt(variance + 1e-5) + beta


def mlp_in_numpy(weights, inputs):
    """Return an MLP critic's outputs (N, outputs), the score first, and the scores' input gradient (N, numbers)."""
    slopes, x = [], inputs.reshape(len(inputs), -1)
    for layer in (0, 2, 4):
        x = x @ weights[f"main.{layer}.weight"].T + weights[f"main.{layer}.bias"]
        slopes.append(x > 0)
        x = x * slopes[-1]
    gradient = np.repeat(weights["main.6.weight"][:1], len(inputs), axis=0)
    for layer, slope in zip((4, 2, 0), reversed(slopes)):
        gradient = (gradient * slope) @ weights[f"main.{layer}.weight"]
    return x @ weights["main.6.weight"].T + weights["main.6.bias"], gradient


class NumpyMLP:
    """Dense layers with ReLU between them, forward and backward by hand; parameters are [(weight, bias), ...]."""

    def __init__(self, parameters):
        self.layers = [(weight.astype(np.float64), bias.astype(np.float64)) for weight, bias in parameters]
        self.squares = [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in self.layers]

    def forward(self, rows):
        """Return the outputs; remember what backward needs."""
        self.inputs = [rows]
        for number, (weight, bias) in enumerate(self.layers):
            rows = rows @ weight.T + bias
            if number < len(self.layers) - 1:
                rows = np.maximum(rows, 0)
            self.inputs.append(rows)
        return rows

    def backward(self, gradient):
        """Return ([(weight gradient, bias gradient), ...], gradient by the inputs) of the last forward."""
        gradients = []
        for number in reversed(range(len(self.layers))):
            if number < len(self.layers) - 1:
                gradient = gradient * (self.inputs[number + 1] > 0)
            gradients.append((gradient.T @ self.inputs[number], gradient.sum(axis=0)))
            gradient = gradient @ self.layers[number][0]
        return gradients[::-1], gradient

    def rmsprop(self, gradients, learning_rate, decay, epsilon):
        """Update as PyTorch does, epsilon outside the root."""
        for number, pair in enumerate(gradients):
            for values, square, gradient in zip(self.layers[number], self.squares[number], pair):
                square *= decay
                square += (1 - decay) * gradient**2
                values -= learning_rate * gradient / (np.sqrt(square) + epsilon)

    def clip(self, bound):
        """Clip weights and biases."""
        for pair in self.layers:
            for values in pair:
                np.clip(values, -bound, bound, out=values)
