#!/usr/bin/env python
"""Ask a network how far apart the libraries' pictures are: `python experiments/seen_by_network.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("seen_by_network")
