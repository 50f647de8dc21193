"""Whether a library agrees with its older self: what is fixed beforehand, and the flags."""

from dataclasses import dataclass

from gluon_wgan.flags import optional
from gluon_wgan.studies.plan import StudyFlags

PLACE = 35
TITLE = "Does a resize give the same pixels in every version of its library?"
QUESTION = (
    "Do two versions of OpenCV, of Pillow and of MXNet decode and shrink the same photographs to the same pixels?"
)
SIZE = 64  # pixels


@dataclass(frozen=True)
class Flags(StudyFlags):
    """Note what every resize makes of some photographs with the versions installed here, beside those noted before.

    Run it once under each lock, in the same checkout (`make test-current` sets up the newest versions, in
    .venv-current). Less than a minute.
    """

    images: optional(str, "render the page again") = None
    """a folder of photographs, the same each time"""
    reports: str = "reports"
    """the folder of the reports"""

    def measures(self):
        return self.images is not None
