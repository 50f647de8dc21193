#!/usr/bin/env python
"""Train presets on real pictures and report what they learn: `python experiments/presets.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("presets")
