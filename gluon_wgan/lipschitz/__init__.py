"""Keep the critic Lipschitz."""

from gluon_wgan.lipschitz.gradient_penalty import (
    gradient_norm,
    gradient_penalty,
    interpolates,
    penalty_and_its_gradient,
)
from gluon_wgan.lipschitz.weight_clipping import clip_weights

__all__ = ["clip_weights", "gradient_norm", "gradient_penalty", "interpolates", "penalty_and_its_gradient"]
