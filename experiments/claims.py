#!/usr/bin/env python
"""Say which claims hold, by the data: `python experiments/claims.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("claims")
