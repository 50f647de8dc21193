#!/usr/bin/env python
"""Train on several workers, here or on several machines: `python experiments/launch.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("launch")
