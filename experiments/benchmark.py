#!/usr/bin/env python
"""Measure speed and memory: `python experiments/benchmark.py --help`."""

from gluon_wgan.cli import benchmark, run_command

if __name__ == "__main__":
    run_command(benchmark)
