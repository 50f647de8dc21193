#!/usr/bin/env python
"""Measure speed and memory: `python experiments/benchmark.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("benchmark")
