#!/usr/bin/env python
"""Compare the libraries' resizes on your pictures: `python experiments/compare_resize.py --help`."""

from gluon_wgan.cli import run_command
from gluon_wgan.study_commands import compare_resize

if __name__ == "__main__":
    run_command(compare_resize)
