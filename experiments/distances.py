#!/usr/bin/env python
"""Draw what the distances behind GANs say: `python experiments/distances.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.study_commands import distances

if __name__ == "__main__":
    run_command(distances)
