#!/usr/bin/env python
"""Carry checkpoints over, from and to PyTorch and others: `python experiments/convert_checkpoint.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.commands import convert_checkpoint

if __name__ == "__main__":
    run_command(convert_checkpoint)
