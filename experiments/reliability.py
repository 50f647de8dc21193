#!/usr/bin/env python
"""Render what the suite survives, of what `make campaign` counted: `python experiments/reliability.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("reliability")
