#!/usr/bin/env python
"""Train and compare who shrinks the pictures: `python experiments/ablate_resize.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("ablate_resize")
