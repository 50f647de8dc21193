"""Who shrinks the pictures: the arms, the measure that decides, and the flags. Fixed before any run."""

from gluon_wgan.studies.deciding import REFERENCE, SAME
from gluon_wgan.studies.plan import AblationFlags as Flags

__all__ = ["ARMS", "COMMAND", "DECIDING", "EXPLORED", "PLACE", "QUESTION", "SECOND", "TITLE", "Flags"]

COMMAND = "ablate_resize"
PLACE = 10
TITLE = "Does the library that shrinks the pictures matter for what a WGAN learns?"
QUESTION = (
    "With everything else equal to the last bit, does it matter for the generated pictures who shrinks the training "
    "pictures, and is bicubic, the fix that was documented, the fix?"
)
# The settings in which each arm differs from the original's.
ARMS = {
    "pil": {},
    "cv2": {"resize": "cv2"},
    "cv2-bicubic": {"resize": "cv2-bicubic"},
    "cv2-area": {"resize": "cv2-area"},
    "gluoncv": {"resize": "gluoncv"},
}
# Whose difference from the baseline arm answers the question: does a GAN that was trained on another library's pictures
# end farther from the reference's world? And the second question: does it learn what it is shown as well?
DECIDING, SECOND = REFERENCE, SAME
EXPLORED = "swd_reference"  # what was to decide the exploratory study
