#!/usr/bin/env python
"""Measure what a step costs, and where its time goes: `python experiments/speed.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("speed")
