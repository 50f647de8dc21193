"""The arms of the two ablations: the settings in which each differs from the original's. Fixed before any was run."""

from dataclasses import replace

from gluon_wgan.settings import preset_settings

SEEDS = (0, 1, 2)

RESIZE = {
    "pil": {},
    "cv2": {"resize": "cv2"},
    "cv2-bicubic": {"resize": "cv2-bicubic"},
    "cv2-area": {"resize": "cv2-area"},
    "gluoncv": {"resize": "gluoncv"},
}


def _inside(critic, generator):
    return {
        "epsilon_placement": "inside_sqrt",
        "critic_rmsprop_epsilon": critic,
        "generator_rmsprop_epsilon": generator,
    }


EPSILON = {
    "outside-1e-8": {},
    "inside-1e-8": _inside(1e-8, 1e-8),  # MXNet's default
    "inside-gluoncv": _inside(1e-12, 1e-14),  # GluonCV's script
    "inside-1e-16": _inside(1e-16, 1e-16),  # the floor of PyTorch's 1e-8
    # TensorFlow 1's defaults
    "tensorflow": {**_inside(1e-10, 1e-10), "rmsprop_decay": 0.9, "rmsprop_initial_square": 1.0},
}


def base_settings(data, image_size=32, channels=16, generator_steps=5000):
    """Return what all arms share: the original's settings at a size that two cores train in minutes."""
    return replace(
        preset_settings("wassersteingan"),
        data=data,
        hold_out=True,
        image_size=image_size,
        generator_channels=channels,
        critic_channels=channels,
        generator_steps=generator_steps,
    )
