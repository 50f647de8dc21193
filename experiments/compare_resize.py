#!/usr/bin/env python
"""Compare the libraries' resizes on your pictures: `python experiments/compare_resize.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("compare_resize")
