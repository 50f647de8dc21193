"""Real pictures, no GAN: what is fixed beforehand, and the flags."""

import os
from dataclasses import dataclass

from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional
from gluon_wgan.studies.plan import MeasureFlags

PLACE = 25
TITLE = "How far apart are the libraries' pictures, to a network, with no GAN in between?"
QUESTION = (
    "Of the same photographs, shrunk by each library, how far are the sets from Pillow's in the eyes of a classifier "
    "that was trained on photographs?"
)
SIZES = (32, 64, 128)  # pixels a side
# Half of them by Pillow are the reference; the other half, by each library, is compared with it, so that no photograph
# is on both sides. The other half by Pillow itself is the floor.
PICTURES = 1000
REFERENCE = "pil"


@dataclass(frozen=True)
class Flags(MeasureFlags):
    """Write reports/seen_by_network.md and .html: kernel distances between real pictures, shrunk by each library.

    Measuring takes some ten minutes, and the network that `make parity` installs; what is measured is kept.
    """

    measure: bool = False
    """measure what is not yet measured, before rendering"""
    data: optional(str, "none") = None
    """real pictures to measure, as of train_lsun.py"""
    category: str = "bedroom_train"
    """of an LSUN root"""
    pictures: int = PICTURES
    """how many are taken, 40 or more, half of them as the reference"""
    cache_dir: str = "cache"
    """folder for the prepared pictures"""
    reports: str = "reports"
    """the folder of the reports"""

    def check(self):
        if self.measure and self.data is None:
            raise UserError("--data", "nothing", "the pictures to measure")
        if self.measure and not os.path.exists(self.data):
            raise UserError("--data", self.data, "a folder that is there")
        if self.pictures < 40:
            raise UserError("--pictures", self.pictures, "40 or more")
