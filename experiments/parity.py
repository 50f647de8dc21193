#!/usr/bin/env python
"""Report how far every stage is from PyTorch: `python experiments/parity.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.report_commands import parity

if __name__ == "__main__":
    run_command(parity)
