#!/usr/bin/env python
"""Train language models whose generator samples nothing: `python experiments/language.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("language")
