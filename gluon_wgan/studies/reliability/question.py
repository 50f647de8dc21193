"""What the suite survives: what is asked, and the flags. `make campaign` and `make long-run` measure it."""

from dataclasses import dataclass

from gluon_wgan.studies.plan import StudyFlags

PLACE = 5
TITLE = "What it survives: killed, starved, fed with rubbish"
QUESTION = (
    "Killed at any instant, short of disk, memory, permissions or time, started twice, or given damaged files: does a "
    "command end with the bits of an undisturbed one, or say in one message what is wrong? And does a long training "
    "stay as fast and as small as it began?"
)
PART, LONG_RUN = "campaign", "long_run"  # of the data file
# {what begins the name of a kind: what these are}; what begins with none of them is a damaged file, or rubbish flags.
GROUPS = {
    "killed: ": "killed at a random instant",
    "killed at: ": "killed as it enters a system call for the n-th time",
    "starved: ": "starved",
    "twice: ": "started twice at once",
}
OTHERS = "damaged files and rubbish flags"


# Of a long training: what is looked at. A slope is fitted to the means of so many blocks, without the first, in which a
# process still grows to its size.
LOOKED_AT = {
    "memory_mib": "memory, MiB",
    "open_files": "open files",
    "threads": "threads",
    "milliseconds": "milliseconds a step",
    "folder_mib": "the folder, MiB",
}
BLOCKS = 20


@dataclass(frozen=True)
class Flags(StudyFlags):
    """Write reports/reliability.md and .html: what the suite survives.

    It is counted by `make campaign REPORTS=reports`, and seen in a long training by `make long-run REPORTS=reports`.
    """

    def measures(self):
        return False
