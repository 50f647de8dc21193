"""How close the Gluon code is to PyTorch: the question and the flags. The tolerances are the tests' own."""

from dataclasses import dataclass

from gluon_wgan.studies.plan import MeasureFlags

PLACE = 60
TITLE = "Parity with PyTorch, stage by stage"
QUESTION = "How far is the Gluon code from the PyTorch code that it reproduces, at which stage, and why?"


@dataclass(frozen=True)
class Flags(MeasureFlags):
    """Write reports/parity.md and .html: how far every stage is from PyTorch, and the departures of ports.

    Measuring takes some minutes, a checkout, and PyTorch, which `make parity` installs.
    """
