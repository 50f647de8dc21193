#!/usr/bin/env python
"""Train and compare RMSprop's epsilons: `python experiments/ablate_epsilon.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.study_commands import ablate_epsilon

if __name__ == "__main__":
    run_command(ablate_epsilon)
