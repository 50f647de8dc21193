"""What the suite survives: what is asked, and the flags. `make campaign` measures it."""

from dataclasses import dataclass

from gluon_wgan.studies.plan import StudyFlags

PLACE = 5
TITLE = "What it survives: killed, starved, fed with rubbish"
QUESTION = (
    "Killed at any instant, short of disk, memory, permissions or time, started twice, or given damaged files: does a "
    "command end with the bits of an undisturbed one, or say in one message what is wrong?"
)
PART = "campaign"  # of the data file
# {what begins the name of a kind: what these are}; what begins with none of them is a damaged file, or rubbish flags.
GROUPS = {
    "killed: ": "killed at a random instant",
    "killed at: ": "killed as it enters a system call for the n-th time",
    "starved: ": "starved",
    "twice: ": "started twice at once",
}
OTHERS = "damaged files and rubbish flags"


@dataclass(frozen=True)
class Flags(StudyFlags):
    """Write reports/reliability.md and .html: what the suite survives, of what `make campaign JSON=...` counted."""

    def measures(self):
        return False
