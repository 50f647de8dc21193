#!/usr/bin/env python
"""Pack an arm for a GPU, and measure what came back: `python experiments/full_size.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("full_size")
