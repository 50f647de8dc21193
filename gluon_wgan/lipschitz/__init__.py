"""Keep the critic Lipschitz."""

from gluon_wgan.lipschitz.weight_clipping import clip_weights

__all__ = ["clip_weights"]
