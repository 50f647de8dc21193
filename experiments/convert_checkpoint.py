#!/usr/bin/env python
"""Carry checkpoints over, from and to PyTorch and others: `python experiments/convert_checkpoint.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("convert_checkpoint")
