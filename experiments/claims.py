#!/usr/bin/env python
"""Say which claims hold, by the data: `python experiments/claims.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.report_commands import claims

if __name__ == "__main__":
    run_command(claims)
