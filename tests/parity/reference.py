"""WGAN in PyTorch, as the original code trains it (github.com/martinarjovsky/WassersteinGAN), fed by `streams`.

Written from the description of that code, with its names of layers and its sign: here the critic *minimises* mean
f(real) - mean f(fake) and the generator mean f(fake), the mirror image of ours. The gradient penalty is
that of Gulrajani et al. 2017, by double backward. It needs torch and numpy alone, and of this project nothing but
`streams`, whose numbers both sides share.

| original | here |
|---|---|
| nz, nc, isize | latent_dim, image_channels, image_size |
| ngf, ndf | channels (of the generator, of the critic) |
| Diters, gen_iterations | n_critic, generator_steps |
| clamp_lower, clamp_upper | -clip_bound, clip_bound |
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from gluon_wgan import streams


class Generator(nn.Module):
    """Map latents (N, latent_dim, 1, 1) to pictures (N, image_channels, image_size, image_size) in [-1, 1]."""

    def __init__(self, image_size, image_channels, latent_dim, channels, batch_norm=True, extra_layers=0):
        super().__init__()
        main = nn.Sequential()

        def after(stage, width):
            if batch_norm:
                main.add_module(f"{stage}:{width}:batchnorm", nn.BatchNorm2d(width))
            main.add_module(f"{stage}:{width}:relu", nn.ReLU(True))

        width = channels * image_size // 8
        layer = nn.ConvTranspose2d(latent_dim, width, 4, 1, 0, bias=False)
        main.add_module(f"initial:{latent_dim}-{width}:convt", layer)
        after("initial", width)
        side = 4
        while side < image_size // 2:
            layer = nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False)
            main.add_module(f"pyramid:{width}-{width // 2}:convt", layer)
            width, side = width // 2, 2 * side
            after("pyramid", width)
        for number in range(extra_layers):
            layer = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            main.add_module(f"extra-layers-{number}:{width}:conv", layer)
            after(f"extra-layers-{number}", width)
        layer = nn.ConvTranspose2d(width, image_channels, 4, 2, 1, bias=False)
        main.add_module(f"final:{width}-{image_channels}:convt", layer)
        main.add_module(f"final:{image_channels}:tanh", nn.Tanh())
        self.main = main

    def forward(self, latent):
        return self.main(latent)


class Critic(nn.Module):
    """Map pictures (N, image_channels, image_size, image_size) to the mean of their scores (1,)."""

    def __init__(self, image_size, image_channels, channels, norm="batch", extra_layers=0):
        super().__init__()
        assert norm in ("batch", "layer", None)  # True was once taken for none, in silence
        main = nn.Sequential()

        def after(stage, width):
            if norm == "batch":
                main.add_module(f"{stage}:{width}:batchnorm", nn.BatchNorm2d(width))
            elif norm == "layer":  # over C, H, W, with a scale and a shift per channel
                main.add_module(f"{stage}:{width}:layernorm", nn.GroupNorm(1, width))
            main.add_module(f"{stage}:{width}:relu", nn.LeakyReLU(0.2, inplace=True))

        layer = nn.Conv2d(image_channels, channels, 4, 2, 1, bias=False)
        main.add_module(f"initial:{image_channels}-{channels}:conv", layer)
        main.add_module(f"initial:{channels}:relu", nn.LeakyReLU(0.2, inplace=True))
        for number in range(extra_layers):
            layer = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
            main.add_module(f"extra-layers-{number}:{channels}:conv", layer)
            after(f"extra-layers-{number}", channels)
        width, side = channels, image_size // 2
        while side > 4:
            layer = nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False)
            main.add_module(f"pyramid:{width}-{2 * width}:conv", layer)
            width, side = 2 * width, side // 2
            after("pyramid", width)
        main.add_module(f"final:{width}-1:conv", nn.Conv2d(width, 1, 4, 1, 0, bias=False))
        self.main = main

    def scores(self, images):
        """Return the score of each picture, (N,)."""
        return self.main(images).flatten()

    def forward(self, images):
        return self.main(images).mean(0).view(1)


class MLPGenerator(nn.Module):
    """Three hidden ReLU layers of `channels` units, and a linear one to the pictures."""

    def __init__(self, image_size, image_channels, latent_dim, channels):
        super().__init__()
        self.shape = (image_channels, image_size, image_size)
        self.main = _three_hidden(latent_dim, channels, math.prod(self.shape))

    def forward(self, latent):
        return self.main(latent.flatten(1)).view(-1, *self.shape)


class MLPCritic(nn.Module):
    """Three hidden ReLU layers of `channels` units, and a linear one to the score; returns the mean (1,)."""

    def __init__(self, image_size, image_channels, channels):
        super().__init__()
        self.main = _three_hidden(image_channels * image_size**2, channels, 1)

    def scores(self, images):
        """Return the score of each picture, (N,)."""
        return self.main(images.flatten(1)).flatten()

    def forward(self, images):
        return self.main(images.flatten(1)).mean(0).view(1)


def _three_hidden(inputs, units, outputs):
    layers = []
    for _ in range(3):
        layers += [nn.Linear(inputs, units), nn.ReLU(True)]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(units, outputs))


def draw_weights(network, seed, purpose):
    """Draw what the original's weights_init draws, from the streams that ours uses; PyTorch's default for dense ones.

    Parameter i, in order of `parameters()`, draws from stream (seed, purpose, i), in float32.
    """
    index = 0
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            _set(layer.weight, 0.02 * streams.normal(seed, purpose, index, tuple(layer.weight.shape)))
            index += 1
        elif isinstance(layer, nn.BatchNorm2d):
            _set(layer.weight, 1 + 0.02 * streams.normal(seed, purpose, index, tuple(layer.weight.shape)))
            index += 2  # the shift keeps its 0, and its index
        elif isinstance(layer, nn.GroupNorm):
            index += 2  # scale 1 and shift 0 keep theirs
        elif isinstance(layer, nn.Linear):
            bound = 1 / math.sqrt(layer.in_features)
            for parameter in (layer.weight, layer.bias):
                _set(parameter, bound * (2 * streams.uniform(seed, purpose, index, tuple(parameter.shape)) - 1))
                index += 1


def mirror(critic):
    """Negate the last layer in place: the critic that scores real pictures low becomes the one that scores them high.

    Clipping and RMSprop are symmetric, so a mirrored critic trains to the mirror image, bit for bit.
    """
    with torch.no_grad():
        for parameter in critic.main[-1].parameters():
            parameter.neg_()


def _set(parameter, values):
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))


def normalise(pictures):
    """Map uint8 or float32 NHWC pictures in [0, 255] to NCHW in [-1, 1], as ToTensor and Normalize(.5, .5) do."""
    tensor = torch.from_numpy(np.ascontiguousarray(np.asarray(pictures).transpose(0, 3, 1, 2)))
    return tensor.to(torch.float32).div(255).sub_(0.5).div_(0.5)


@dataclass
class Recipe:
    """What a training of the reference is made of. The defaults are the original's.

    run_on lets batches run on across epochs without the tail, as ours do by default.
    """

    image_size: int = 64
    image_channels: int = 3
    latent_dim: int = 100
    generator_channels: int = 64
    critic_channels: int = 64
    generator: str = "dcgan"
    critic: str = "dcgan"
    batch_size: int = 64
    n_critic: int = 5
    n_critic_boost: int = 100
    boost_generator_steps: int = 25
    boost_every: int = 500
    learning_rate: float = 5e-5
    rmsprop_epsilon: float = 1e-8
    rmsprop_decay: float = 0.99
    lipschitz: str = "clip"
    clip_bound: float = 0.01
    gp_lambda: float = 10.0
    seed: int = 0
    dtype: torch.dtype = torch.float32
    run_on: bool = False

    def build(self):
        """Return (generator, critic) with the initial weights, the critic mirrored: it scores real pictures low."""
        sizes = (self.image_size, self.image_channels)
        if self.generator == "mlp":
            generator = MLPGenerator(*sizes, self.latent_dim, self.generator_channels)
        else:
            generator = Generator(*sizes, self.latent_dim, self.generator_channels, self.generator == "dcgan")
        if self.critic == "mlp":
            critic = MLPCritic(*sizes, self.critic_channels)
        else:
            norm = {"dcgan": "batch", "dcgan-layer-norm": "layer", "dcgan-no-bn": None}[self.critic]
            critic = Critic(*sizes, self.critic_channels, norm)
        draw_weights(generator, self.seed, "generator_weights")
        draw_weights(critic, self.seed, "critic_weights")
        mirror(critic)
        return generator.to(self.dtype), critic.to(self.dtype)


class Reference:
    """The original's training: `step()` is one generator step with the critic updates before it.

    Neither network is ever put into eval mode; generator and critic see batch statistics throughout.

    Parameters
    ----------
    recipe : Recipe
    pictures : numpy.ndarray
        uint8 or float32 (N, H, W, C), 0 to 255.
    """

    def __init__(self, recipe, pictures, device="cpu", memory_format=torch.contiguous_format):
        self.recipe, self.pictures, self.device, self.memory_format = recipe, pictures, device, memory_format
        generator, critic = recipe.build()
        self.generator = generator.to(device, memory_format=memory_format)
        self.critic = critic.to(device, memory_format=memory_format)
        self.optimizers = {
            name: torch.optim.RMSprop(
                network.parameters(), lr=recipe.learning_rate, alpha=recipe.rmsprop_decay, eps=recipe.rmsprop_epsilon
            )
            for name, network in (("generator", self.generator), ("critic", self.critic))
        }
        self.generator_steps = self.critic_steps = 0
        self.epoch, self.position = 0, 0  # the next batch
        self._order = None

    def _batches_an_epoch(self):
        whole, rest = divmod(len(self.pictures), self.recipe.batch_size)
        return whole if self.recipe.run_on else whole + (rest > 0)

    def _next_batch(self):
        """Return the next batch, and whether it is the epoch's last."""
        if self.position == 0:
            self._order = streams.permutation(self.recipe.seed, "data_order", self.epoch, len(self.pictures))
        start = self.position * self.recipe.batch_size
        batch = normalise(self.pictures[self._order[start : start + self.recipe.batch_size]])
        self.position += 1
        last = self.position == self._batches_an_epoch()
        if last:
            self.epoch, self.position = self.epoch + 1, 0
        return self._place(batch), last

    def _place(self, tensor):
        return tensor.to(self.device, self.recipe.dtype).contiguous(memory_format=self.memory_format)

    def latents(self, purpose, index):
        """Return a batch of latents (batch_size, latent_dim, 1, 1)."""
        shape = (self.recipe.batch_size, self.recipe.latent_dim, 1, 1)
        return self._place(torch.from_numpy(streams.normal(self.recipe.seed, purpose, index, shape)))

    def critic_step(self, real=None):
        """Update the critic once, on the next batch or the one given; return (mean f(real), mean f(fake)) as (1,)."""
        if real is None:
            real, self.last_of_epoch = self._next_batch()
        bound = self.recipe.clip_bound
        for parameter in self.critic.parameters():
            parameter.requires_grad = True
            if self.recipe.lipschitz == "clip":
                parameter.data.clamp_(-bound, bound)
        self.critic.zero_grad()
        score_real = self.critic(real)
        score_real.backward(torch.ones_like(score_real))
        with torch.no_grad():
            fake = self.generator(self.latents("critic_latents", self.critic_steps))
        score_fake = self.critic(fake)
        score_fake.backward(-torch.ones_like(score_fake))
        if self.recipe.lipschitz == "gradient_penalty":
            (self.recipe.gp_lambda * self.penalty(real, fake)).backward()
        self.optimizers["critic"].step()
        self.critic_steps += 1
        return score_real.detach(), score_fake.detach()

    def penalty(self, real, fake):
        """Return mean (norm - 1)^2 of the gradients of f at interpolates, one weight per picture."""
        weights = streams.uniform(self.recipe.seed, "interpolation_weights", self.critic_steps, (len(real),))
        weights = self._place(torch.from_numpy(weights).view(-1, 1, 1, 1))
        between = (weights * real + (1 - weights) * fake).requires_grad_()
        (gradient,) = torch.autograd.grad(self.critic.scores(between).sum(), between, create_graph=True)
        return (gradient.flatten(1).norm(dim=1) - 1).square().mean()

    def generator_step(self):
        """Update the generator once; return mean f(fake) (1,)."""
        for parameter in self.critic.parameters():
            parameter.requires_grad = False
        self.generator.zero_grad()
        score = self.critic(self.generator(self.latents("generator_latents", self.generator_steps)))
        score.backward(torch.ones_like(score))
        self.optimizers["generator"].step()
        self.generator_steps += 1
        return score.detach()

    def step(self):
        """Do one generator step; return [(mean f(real), mean f(fake)) of each critic update], and the generator's."""
        recipe, index = self.recipe, self.generator_steps
        boosted = index < recipe.boost_generator_steps or (recipe.boost_every and index % recipe.boost_every == 0)
        scores = []
        for _ in range(recipe.n_critic_boost if boosted else recipe.n_critic):
            scores.append([score.item() for score in self.critic_step()])
            if self.last_of_epoch and not recipe.run_on:
                break  # the original leaves its inner loop at the epoch's end
        return scores, self.generator_step().item()
