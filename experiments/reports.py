#!/usr/bin/env python
"""Render all reports from their data, or check them: `python experiments/reports.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.commands import reports

if __name__ == "__main__":
    run_command(reports)
