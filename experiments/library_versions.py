#!/usr/bin/env python
"""Compare the versions of the libraries: `python experiments/library_versions.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("library_versions")
