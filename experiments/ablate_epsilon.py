#!/usr/bin/env python
"""Train and compare RMSprop's epsilons: `python experiments/ablate_epsilon.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("ablate_epsilon")
