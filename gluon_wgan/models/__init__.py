"""Generators and critics, built from settings."""

from gluon_wgan.models.build import build_critic, build_generator, parameter_count
from gluon_wgan.models.dcgan import DCGANCritic, DCGANGenerator
from gluon_wgan.models.mlp import MLPCritic, MLPGenerator

__all__ = [
    "DCGANCritic",
    "DCGANGenerator",
    "MLPCritic",
    "MLPGenerator",
    "build_critic",
    "build_generator",
    "parameter_count",
]
