#!/usr/bin/env python
"""Change a GAN's settings in the plane: `python experiments/gan_settings.py --help`."""

from gluon_wgan.command import run

if __name__ == "__main__":
    run("gan_settings")
