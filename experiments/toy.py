#!/usr/bin/env python
"""Repeat the toy experiments of WGAN-GP: `python experiments/toy.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.study_commands import toy

if __name__ == "__main__":
    run_command(toy)
