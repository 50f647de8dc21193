#!/usr/bin/env python
"""Train the models of the zoo, and write their page: `python experiments/zoo.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("zoo")
