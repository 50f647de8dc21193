#!/usr/bin/env python
"""Look at runs in a browser: `python experiments/view.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("view")
