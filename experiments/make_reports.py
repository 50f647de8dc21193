#!/usr/bin/env python
"""Render all reports from their data, or check them: `python experiments/make_reports.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.report_commands import make_reports

if __name__ == "__main__":
    run_command(make_reports)
