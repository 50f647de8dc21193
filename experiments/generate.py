#!/usr/bin/env python
"""Generate pictures from a trained run: `python experiments/generate.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("generate")
