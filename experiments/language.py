#!/usr/bin/env python
"""Repeat the language experiments of WGAN-GP: `python experiments/toy.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("language")
