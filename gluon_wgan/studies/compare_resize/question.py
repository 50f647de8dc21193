"""The libraries' resizes, pixel by pixel: what is fixed beforehand, and the flags."""

from dataclasses import dataclass
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.files import check_writable
from gluon_wgan.flags import optional

PLACE = 30
TITLE = "The libraries' resizes, pixel by pixel"
QUESTION = (
    "How different are the pictures that the libraries make of the same photograph? Does the documented fix, bicubic, "
    "bring them closer to Pillow's, or the code that really ran in GluonCV's script, area averaging?"
)
# The claim under test: "some values differ by 60 and more, the L1 distance is mostly above 20,000".
CLAIMED_LARGEST, CLAIMED_L1 = 60, 20_000
# MXNet's default, the fix as documented, the fix as it ran; Pillow where one of these is the reference.
SHOWN_ARMS = ("cv2", "cv2-bicubic", "cv2-area", "pil")


@dataclass(frozen=True)
class Flags:
    """Compare every resize of the registry with one of them, pixel by pixel, on your pictures; write a report.

    It shows how far apart the pictures are, which gratings each resize lets through or folds, and their power spectra.
    The report is compare_resize.md and .html in --out, its numbers data/compare_resize.json, its plots figures/.
    """

    images: optional(tuple[str, ...], "bedrooms that the project draws") = ()
    """folders of pictures, LMDBs or others that train_lsun.py --data takes, each compared on its own; the plots are of
    the first"""
    out: str = "runs/compare_resize"
    """folder of the report; an older one in it is replaced"""
    size: tuple[int, ...] = (64, 128, 32)
    """pixels per side; the report's answer is about the first, the others are a sweep"""
    against: str = "pil"
    """the resize with which the others are compared"""
    count: optional(int, "all; 200 where they are drawn") = None
    """take no more than so many pictures of each, from the first"""
    pictures: bool = True
    """show the picture that differs most (--no-pictures for those that must not be passed on)"""
    render: bool = False
    """write the report again from --out's numbers, measuring nothing"""
    cache_dir: str = "cache"
    """folder for the bedrooms drawn without --images"""

    threads = None  # all

    @property
    def reports(self):
        """The folder of the report."""
        return self.out

    def measures(self):
        """Say whether to measure, before the page is rendered."""
        return not self.render

    def check(self):
        """Raise UserError unless the folder can be made and written, or rendered; makes nothing."""
        out = Path(self.out)
        if self.render:
            if not (out / "data" / "compare_resize.json").is_file():
                given = f"{self.out} (no data/compare_resize.json in it)"
                raise UserError("--out", given, "a folder that was measured into, for --render")
            return
        check_writable("--out", out)
