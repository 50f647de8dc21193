#!/usr/bin/env python
"""Find the training pictures that samples are most like: `python experiments/similar.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("similar")
