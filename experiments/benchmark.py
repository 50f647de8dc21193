#!/usr/bin/env python
"""Measure speed and memory: `python experiments/benchmark.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.commands import benchmark

if __name__ == "__main__":
    run_command(benchmark)
