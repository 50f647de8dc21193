#!/usr/bin/env python
"""Render all reports from their data, or check them: `python experiments/make_reports.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("make_reports")
