"""Pictures: sources (LSUN, folders, MNIST, CIFAR-10, our own rooms) -> prepared (resized once) -> batches."""

from gluon_wgan.data.batches import Batches
from gluon_wgan.data.prepared import prepare
from gluon_wgan.data.prepared_files import Prepared
from gluon_wgan.data.sources import open_source

__all__ = ["Batches", "Prepared", "open_source", "prepare"]
