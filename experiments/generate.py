#!/usr/bin/env python
"""Generate pictures from a trained run: `python experiments/generate.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.commands import generate

if __name__ == "__main__":
    run_command(generate)
