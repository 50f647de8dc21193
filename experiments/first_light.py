#!/usr/bin/env python
"""Report on a real run of 5,000 steps or more: `python experiments/first_light.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.report_commands import first_light

if __name__ == "__main__":
    run_command(first_light)
