"""Cut prepared pictures into batches: a fresh permutation each epoch, with its tail or without, any batch any time."""

import mmap

import numpy as np

from gluon_wgan import streams
from gluon_wgan.errors import UserError

_BATCHES_BETWEEN_RELEASES = 256


def normalise(pictures):
    """Map pictures from [0, 255] (uint8 or float32, NHWC) to float32 NCHW in [-1, 1].

    The arithmetic is torchvision's, in float32: ToTensor divides by 255, Normalize subtracts .5 and divides by .5.
    """
    batch = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).astype(np.float32)
    batch /= np.float32(255)
    batch -= np.float32(0.5)
    batch /= np.float32(0.5)
    return batch


class Batches:
    """The batches of a run, addressed by number.

    Each epoch visits every picture once, in an order drawn from `streams`; the tail that does not fill a batch is
    dropped, or is the epoch's short last batch. Batch numbers run on across epochs. Since a batch depends on nothing
    but (seed, number), a run resumes anywhere.

    Parameters
    ----------
    pictures : array-like
        (N, H, W, C), uint8 or float32, 0 to 255; memory-mapped or not. Or what `as_batch` takes.
    batch_size : int
    seed : int
    rows : numpy.ndarray, optional
        int: the rows to use; all by default.
    tail : bool
        Whether an epoch ends with the pictures that do not fill a batch, if there are any.
    share : slice
        Which pictures of each batch to give; the others are read by other devices.
    as_batch : callable
        From rows of `pictures` to what the critic sees, float32.
    labels : numpy.ndarray, optional
        uint8, one a row of `pictures`: for `labels_of`.

    Raises
    ------
    UserError
        If there are fewer pictures than one batch takes, or a batch takes none.
    """

    def __init__(
        self, pictures, batch_size, seed, rows=None, tail=False, share=slice(None), as_batch=normalise, labels=None
    ):
        self._pictures = pictures
        self._rows = None if rows is None else np.asarray(rows)
        self._count = len(pictures) if rows is None else len(rows)
        if not 1 <= batch_size <= self._count:
            raise UserError("--batch-size", batch_size, f"1 to {self._count}, the number of pictures to train on")
        self.batch_size = batch_size
        self.seed = seed
        self._tail = tail
        self._share = share
        self._as_batch = as_batch
        self._labels = labels
        self._epoch = None
        self._order = None
        self._released = 0

    def __len__(self):
        """Return the number of batches in an epoch."""
        whole, left = divmod(self._count, self.batch_size)
        return whole + (self._tail and left > 0)

    def images_until(self, number):
        """Return the pictures in the first `number` batches together."""
        epochs, position = divmod(number, len(self))
        return epochs * min(self._count, len(self) * self.batch_size) + position * self.batch_size

    def __getitem__(self, number):
        """Return batch `number` (0, 1, ... without end) as float32 (N, C, H, W) in [-1, 1]; a tail is a shorter N."""
        batch = self._as_batch(np.asarray(self._pictures[self._chosen(number)]))
        if number - self._released >= _BATCHES_BETWEEN_RELEASES:
            self._released = number
            self._release()
        return batch

    def labels_of(self, number):
        """Return the labels of batch `number`, uint8 (N,)."""
        return self._labels[self._chosen(number)]

    def _chosen(self, number):
        """Return the rows of batch `number`."""
        epoch, position = divmod(number, len(self))
        if epoch != self._epoch:
            self._order = streams.permutation(self.seed, "data_order", epoch, self._count).astype(np.uint32)
            self._epoch = epoch
        chosen = self._order[position * self.batch_size : (position + 1) * self.batch_size][self._share]
        return chosen if self._rows is None else self._rows[chosen]

    def _release(self):
        """Give the pages that were read back, or the process would seem to grow to the size of the data set."""
        mapped = getattr(getattr(self._pictures, "pictures", self._pictures), "_mmap", None)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)


def noise_pictures(settings):
    """Return what a benchmark trains on: uint8 noise (4 batches, H, W, C), the same each time."""
    shape = (4 * settings.batch_size, settings.image_size, settings.image_size, settings.image_channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
