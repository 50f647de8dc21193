"""The resize ablation at the documents' own size, where a GPU is at hand: what is fixed beforehand, and the flags."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from gluon_wgan.studies.plan import StudyFlags

PLACE = 15
TITLE = "Does the library matter at full size?"
QUESTION = (
    "At 64x64 pixels, 64 channels and 30,000 generator steps, the documents' own size, does it matter for the "
    "generated pictures who shrinks the training pictures?"
)
HELP = """\
The resize ablation at 64x64 with 64 channels, trained by the PyTorch reference where a GPU is at hand.

  full_size.py pack --arm cv2 --data lsun --out packed/cv2.npz
  python tests/parity/full_size.py --packed packed/cv2.npz --out runs/full-size/cv2   (there; torch and numpy suffice)
  full_size.py measure --run runs/full-size/cv2 --data lsun"""
IMAGE_SIZE = 64
ARMS = ("pil", "cv2")
# As of the small ablation: the kernel distance to held-out pictures by Pillow decides, that to the arm's own is the
# second question, margin and correction are the same, and a run's value is the mean over its late checkpoints. Of each
# a quarter of the samples is kept (512, or 128 of those on the curve), since they travel.
# Seeds in this order, both arms of a seed at the same time, as many pairs as the time on the card allows, three at the
# least: how many there are depends on no result.
SEEDS = (20, 21, 22, 23, 24, 25)
LEAST_SEEDS = 3


@dataclass(frozen=True)
class PackFlags(StudyFlags):
    """Write an arm's training pictures, 64x64, to one file, losslessly."""

    arm: str
    """pil, cv2, cv2-bicubic or cv2-area"""
    data: str
    """as of train_lsun.py"""
    out: str
    """the file, .npz"""
    cache_dir: str = "cache"
    """folder for the prepared pictures"""


@dataclass(frozen=True)
class MeasureRunFlags(StudyFlags):
    """Measure a finished run as the ablation's own are, and render its page."""

    run: str
    """the folder that tests/parity/full_size.py wrote"""
    data: str
    """as packed"""
    cache_dir: str = "cache"
    """folder for the prepared pictures"""


Flags = Annotated[PackFlags, tyro.conf.subcommand("pack")] | Annotated[MeasureRunFlags, tyro.conf.subcommand("measure")]
