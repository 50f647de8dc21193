#!/usr/bin/env python
"""Compare several workers with one, and time them: `python experiments/cluster.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("cluster")
