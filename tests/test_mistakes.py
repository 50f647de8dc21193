"""Mistakes that a port makes, planted one at a time: the named test of test_goldens.py fails, at the named stage."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import functools

import pytest
import test_goldens
from mxnet.gluon import nn
from recipes import rooms

from gluon_wgan import losses, resize
from gluon_wgan.rmsprop import RMSProp
from gluon_wgan.training.trainer import Trainer

PICTURES = {16: rooms(test_goldens.goldens.PICTURES, 16)}


def with_argument(monkeypatch, cls, **argument):
    """Make a class be built with this argument, whatever its caller says."""
    build = cls.__init__
    monkeypatch.setattr(cls, "__init__", lambda self, *given, **named: build(self, *given, **{**named, **argument}))


def epsilon_inside(monkeypatch):
    with_argument(monkeypatch, RMSProp, epsilon_placement="inside_sqrt")


def clip_after_the_update(monkeypatch):
    with_argument(monkeypatch, Trainer, clip_order="after_update")


def code_2_for_3(monkeypatch):
    bicubic = functools.partial(resize._mxnet, 2, "float32")
    monkeypatch.setitem(resize._REGISTRY, "gluoncv", resize.Resizer("gluoncv", bicubic, False, "float32", True))


def sign_of_the_critic_loss(monkeypatch):
    monkeypatch.setitem(losses._CRITIC, "wasserstein", lambda real, fake: real.mean() - fake.mean())


def batch_norm_momentum(monkeypatch):
    with_argument(monkeypatch, nn.BatchNorm, momentum=0.1)


def of_training(dtype="float64", hybridize=True):
    return lambda: test_goldens.test_training(PICTURES, "dcgan", dtype, hybridize)


MISTAKES = {
    epsilon_inside: (lambda: test_goldens.test_formulas("float64"), "RMSprop update, outside_sqrt"),
    clip_after_the_update: (of_training(), "gradients of the critic's step"),
    code_2_for_3: (test_goldens.test_pictures, "resize, code 3"),
    sign_of_the_critic_loss: (of_training(), "gradients of the critic's step"),
    batch_norm_momentum: (of_training(), "running statistics after a critic step"),
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_planted_mistake_makes_the_named_test_fail(mistake, monkeypatch):
    named_test, stage = MISTAKES[mistake]
    named_test()  # without the mistake it holds
    mistake(monkeypatch)
    with pytest.raises(AssertionError, match=stage):
        named_test()
