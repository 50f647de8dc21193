#!/usr/bin/env python
"""Report how far every stage is from PyTorch: `python experiments/parity.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("parity")
