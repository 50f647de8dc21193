#!/usr/bin/env python
"""Measure how far pictures are from real ones: `python experiments/measure.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("measure")
