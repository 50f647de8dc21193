#!/usr/bin/env python
"""Train a WGAN: `python experiments/train_lsun.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("train")
