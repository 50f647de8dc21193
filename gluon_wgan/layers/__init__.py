"""Blocks that can be differentiated twice, and the critics that are made of them.

MXNet 1.9.1 has no second derivative (`autograd.grad(create_graph=True)` fails for nearly every operator), and a
gradient penalty needs one. So each layer here also writes its derivative along a direction in ordinary operators,
`push`, and a `Critic` gives its scores and their input gradient together, both differentiable once (`linearised` says
how). Ordinary calls, parameters, initialisation and checkpoints are Gluon's own.
"""

from gluon_wgan.layers.activations import LeakyReLU, ReLU, ShiftedSoftplus, Softplus, Tanh
from gluon_wgan.layers.containers import Residual, Sequential
from gluon_wgan.layers.critic import Critic
from gluon_wgan.layers.layer import Layer
from gluon_wgan.layers.linear import Conv1D, Conv2D, Dense, Flatten, MeanPool, Reshape, Scale, ToScore, UpsampleNearest
from gluon_wgan.layers.normalisation import InstanceNorm, LayerNorm

__all__ = [
    "Conv1D",
    "Conv2D",
    "Critic",
    "Dense",
    "Flatten",
    "InstanceNorm",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "MeanPool",
    "ReLU",
    "Reshape",
    "Residual",
    "Scale",
    "Sequential",
    "ShiftedSoftplus",
    "Softplus",
    "Tanh",
    "ToScore",
    "UpsampleNearest",
]
