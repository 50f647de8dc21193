#!/usr/bin/env python
"""Train presets on real pictures and report what they learn: `python experiments/presets.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.study_commands import presets

if __name__ == "__main__":
    run_command(presets)
