#!/usr/bin/env python
"""Train a WGAN: `python experiments/train_lsun.py --help`."""

from gluon_wgan.cli import run_command, train

if __name__ == "__main__":
    run_command(train)
