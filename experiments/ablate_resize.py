#!/usr/bin/env python
"""Train and compare who shrinks the pictures: `python experiments/ablate_resize.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.study_commands import ablate_resize

if __name__ == "__main__":
    run_command(ablate_resize)
