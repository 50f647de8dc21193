#!/usr/bin/env python
"""Ask which networks a GAN stands: `python experiments/networks.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("networks")
