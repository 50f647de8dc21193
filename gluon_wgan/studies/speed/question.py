"""What a step costs: the sizes, and how each is measured, fixed beforehand."""

from dataclasses import dataclass

from gluon_wgan.studies.plan import MeasureFlags

PLACE = 85
TITLE = "What a training step costs, and where its time goes"
QUESTION = (
    "How does the time of an update grow with the size of the pictures, the channels and the batch, and how much of it "
    "is convolutions?"
)


def _size(image_size, channels, batch_size=64):
    return {"image_size": image_size, "channels": channels, "batch_size": batch_size}


# One thing changes at a time.
AXES = {
    "image size, 16 channels": [_size(side, 16) for side in (16, 32, 64, 128)],
    "image size, 64 channels": [_size(side, 64) for side in (16, 32, 64, 128)],
    "channels, 32x32": [_size(32, channels) for channels in (4, 8, 16, 32, 64, 128)],
    "batch, 32x32, 16 channels": [_size(32, 16, batch) for batch in (8, 16, 32, 64, 128, 256)],
}
SMALL, FULL = _size(32, 16), _size(64, 64)  # the ablations' size, and the documents'
SECONDS = 6  # of updates at each size, of each kind, and three updates at least
# Where the time goes, operator by operator.
PROFILED = (SMALL, FULL)
THREADS = (1, 2)
WORK = ("clipped critic", "penalised critic", "generator")


@dataclass(frozen=True)
class Flags(MeasureFlags):
    """Write reports/speed.md and .html: what an update costs by size, and where its time goes.

    Measuring takes a quarter of an hour; let nothing else run meanwhile.
    """

    measure: bool = False
    """measure anew before rendering"""
    reports: str = "reports"
    """the folder of the reports"""
