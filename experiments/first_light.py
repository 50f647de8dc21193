#!/usr/bin/env python
"""Report on a real run of 5,000 steps or more: `python experiments/first_light.py --help`."""

from gluon_wgan.cli import first_light, run_command

if __name__ == "__main__":
    run_command(first_light)
