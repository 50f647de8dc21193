"""`python -m gluon_wgan NAME` is `gluon-wgan NAME`."""

from gluon_wgan.command import main

main()
