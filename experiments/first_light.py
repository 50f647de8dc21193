#!/usr/bin/env python
"""Report on a real run of 5,000 steps or more: `python experiments/first_light.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("first_light")
