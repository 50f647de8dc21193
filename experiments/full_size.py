#!/usr/bin/env python
"""Pack an arm for a GPU, and measure what came back: `python experiments/full_size.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.study_commands import full_size

if __name__ == "__main__":
    run_command(full_size)
