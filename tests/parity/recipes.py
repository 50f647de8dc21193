"""What both sides of a comparison are given: the same sizes, pictures and gradients. Loads neither mxnet nor torch."""

import io

import numpy as np
from PIL import Image

from gluon_wgan import streams
from gluon_wgan.data.rooms import draw_room
from gluon_wgan.resize import get_resizer, resize_and_crop

# One network each; small enough for float64 and thousands of critic updates.
SMALL = {"image_size": 16, "latent_dim": 8, "generator_channels": 4, "critic_channels": 4, "batch_size": 8}
MLP = {"image_size": 8, "latent_dim": 8, "generator_channels": 8, "critic_channels": 8, "batch_size": 8}
NETWORKS = {
    "dcgan": {**SMALL, "generator": "dcgan", "critic": "dcgan"},
    "dcgan-no-bn": {**SMALL, "generator": "dcgan-no-bn", "critic": "dcgan-no-bn"},
    "mlp": {**MLP, "generator": "mlp", "critic": "mlp"},
}
# the original's schedule: 100 generator steps are 2,875 critic updates, 25 boosts among them
LOCKSTEP = {**NETWORKS["dcgan"], "latent_dim": 100}
LOCKSTEP_PICTURES, LOCKSTEP_STEPS = 250, 100
# with the gradient penalty; MXNet's Adam has another epsilon, so RMSprop stays
PENALISED = {**LOCKSTEP, "critic": "dcgan-layer-norm", "lipschitz": "gradient_penalty"}
DTYPES = ("float32", "float64")
PLACES = ("outside_sqrt", "inside_sqrt")
MAGNITUDES = tuple(10.0**-power for power in range(1, 10))
RMSPROP = {"learning_rate": 5e-5, "decay": 0.99, "epsilon": 1e-8}
LENGTHS = tuple(range(64, 601))  # sides that a centre crop to 64 is cut from


def rooms(count, size):
    """Return drawn bedrooms, prepared by Pillow: uint8 (count, size, size, 3)."""
    resizer = get_resizer("pil")
    return np.stack([resize_and_crop(draw_room(0, index), size, resizer) for index in range(count)])


def noise(count, size):
    """Return pictures of noise, in which there is nothing to learn: uint8 (count, size, size, 3)."""
    return streams.generator(0, "parity_noise").integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def encoded_pictures():
    """Return {format: bytes} of a bedroom of 150 x 203 pixels, once per format that LSUN or a folder may hold."""
    picture = Image.fromarray(draw_room(0, 0)[:150, :203])
    encoded = {}
    for name, options in (("jpeg", {"quality": 90}), ("png", {}), ("webp", {"quality": 90})):
        stream = io.BytesIO()
        picture.save(stream, format=name, **options)
        encoded[name] = stream.getvalue()
    return encoded


def photograph():
    """Return a picture uint8 (150, 203, 3) with texture: a bedroom and noise."""
    noise = streams.generator(0, "parity_texture").normal(0, 20, (150, 203, 3))
    return np.clip(draw_room(0, 0)[:150, :203] + noise, 0, 255).astype(np.uint8)


def noise_picture():
    """Return a picture uint8 (128, 128, 3) of noise, whose sides are a multiple of the size that it is shrunk to."""
    return streams.generator(0, "parity_texture", 1).integers(0, 256, (128, 128, 3), dtype=np.uint8)


def gradients(magnitude):
    """Return gradients float32 (64,) of a magnitude, of both signs."""
    return np.float32(magnitude) * streams.normal(0, "parity_gradients", 0, (64,))


def scores():
    """Return scores of real and of fake pictures, float32 (64,) each, some of them where a sigmoid saturates."""
    return tuple(10 * streams.normal(0, "parity_scores", index, (64,)) - 5 for index in range(2))


def seen_pictures():
    """Return pictures (6, 32, 32, 3), uint8, for the network behind the kernel distance: noise, and noise in order."""
    pictures = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    pictures[3:] = np.sort(pictures[3:], axis=1)
    return pictures
