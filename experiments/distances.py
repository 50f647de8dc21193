#!/usr/bin/env python
"""Draw what the distances behind GANs say: `python experiments/distances.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("distances")
