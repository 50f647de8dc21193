"""Several workers: what they are to be equal to, and what is timed; fixed beforehand."""

from dataclasses import dataclass

from gluon_wgan.errors import UserError
from gluon_wgan.studies.plan import StudyFlags

PLACE = 86
TITLE = "One training on several workers: the same result, and how much sooner"
QUESTION = (
    "Do two workers that share every batch give what one process gives, how much sooner, and from how many workers on "
    "does the network take the gain?"
)

STEPS = 100  # generator steps of the comparison, without the boost at the start
AT = (1, 10, 100)
WORKERS = 2
# Of the comparison: with BatchNorm, the documents' networks, and without.
ARMS = {
    "with BatchNorm": {},
    "without": {"generator": "dcgan-no-bn", "critic": "dcgan-no-bn"},
}
SIZES = ((32, 16, 40), (64, 64, 6))  # pixels, channels, generator steps a turn, of which the first two do not count
TURNS = 4
LINKS = {"loopback": None, "1 Gbit/s": "1gbit"}
MACHINES = (2, 3)
REPEATS = 15  # sums of a whole critic's gradients that are timed, of which the first three do not count
FORETOLD = (1, 2, 4, 8, 16, 32, 64)
PARTS = ("same", "speed", "links")


@dataclass(frozen=True)
class Flags(StudyFlags):
    """Write reports/cluster.md and .html: several workers against one, in numbers and in time.

    Measuring takes 15 minutes; let nothing else run meanwhile. The part `links` lays out machines as network
    namespaces, and wants root, iproute2 and `script`.
    """

    measure: tuple[str, ...] = ()
    """parts to measure anew before rendering: same, speed, links"""
    cache_dir: str = "cache"
    """folder for the prepared pictures"""

    def measures(self):
        return bool(self.measure)

    def check(self):
        for part in self.measure:
            if part not in PARTS:
                raise UserError("--measure", part, ", ".join(PARTS))
