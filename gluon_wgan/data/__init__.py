"""Pictures: sources (LSUN, folders, MNIST, CIFAR-10, our own rooms) -> prepared (resized once) -> batches."""

from gluon_wgan.data.batches import Batches
from gluon_wgan.data.prepared import Prepared, prepare
from gluon_wgan.data.sources import open_source

__all__ = ["Batches", "Prepared", "open_source", "prepare"]
