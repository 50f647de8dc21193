"""First light: the criteria and the flags, fixed before the run was looked at."""

from dataclasses import dataclass

from gluon_wgan.flags import optional
from gluon_wgan.studies.plan import StudyFlags

PLACE = 80
TITLE = "First light: a WGAN learns real bedrooms"
QUESTION = (
    "Does the suite, end to end, train a WGAN on real photographs in LSUN's format: does the estimate of the EM "
    "distance fall after the start-up boost, and are the samples pictures and not noise?"
)
# Criteria, fixed before the run was looked at.
WINDOW = 200  # generator steps
FALLS_BELOW = 0.5  # median estimate of the last window / of the first window after the boost
CORRELATED_ABOVE = 0.8  # horizontally neighbouring pixels of the samples; 0 for noise
LEAST_STEPS = 5000


@dataclass(frozen=True)
class Flags(StudyFlags):
    """Write reports/first_light.md and .html from a run of 5,000 generator steps or more."""

    run: optional(str, "render the page again") = None
    """a run folder to measure"""
    reports: str = "reports"
    """the folder of the reports"""

    def measures(self):
        return self.run is not None
