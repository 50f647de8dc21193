#!/usr/bin/env python
"""Generate pictures from a trained run: `python experiments/generate.py --help`."""

from gluon_wgan.cli import generate, run_command

if __name__ == "__main__":
    run_command(generate)
