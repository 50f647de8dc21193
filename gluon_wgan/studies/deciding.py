"""What decides both ablations. Fixed, and committed, before any run that it judges. Without mxnet.

Seeds 0 to 2 were the exploratory study's, whose distance of patches could not tell what the eye saw; seed 11 was a
pilot's, from which the size of these numbers is known (at 3,000 steps 400 to 440 thousandths; from one checkpoint to
the next it moves by 10).
"""

SEEDS = (20, 21, 22, 23, 24, 25)
# The kernel distance (KID, in the features of EfficientNet-lite0) of a run's samples, averaged over its late
# checkpoints, to held-out pictures prepared by Pillow: does a GAN end farther from the reference's world?
REFERENCE = "kid_reference"
# The second question: to those prepared as the run's own, does it learn what it is shown as well?
SAME = "kid_same"
# Equal for practical purposes: no more than a run moves from one checkpoint to the next, and a third of what real
# pictures shrunk by OpenCV are from Pillow's (0.034) with no GAN in between.
MARGIN = 0.010
SAMPLES = 2000  # of each late checkpoint
_CHECKPOINTS = 20  # of a run, evenly: every 250 of 5,000 generator steps
_LATE = 4  # the last of them: those of the last 1,000 steps
# For the curves, which decide nothing: fewer samples, at these tenths of a run.
CURVE_SAMPLES = 500
_CURVE_TENTHS = (1, 2, 4, 6)
# A run of fewer generator steps is a look at the machinery, and decides nothing: as few samples as show it.
_FEW_STEPS, FEW_SAMPLES = 1000, 100


def checkpoint_every(generator_steps):
    """Return every how many generator steps a run keeps a checkpoint."""
    return max(1, generator_steps // _CHECKPOINTS)


def measured_at(generator_steps):
    """Return {generator step: samples} at which the kernel distance is measured, and the steps of these that decide."""
    every = checkpoint_every(generator_steps)
    last = generator_steps // every * every
    late = [last - every * back for back in reversed(range(_LATE)) if last > every * back]
    curve = [generator_steps * tenths // 10 // every * every for tenths in _CURVE_TENTHS]
    few = FEW_SAMPLES if generator_steps < _FEW_STEPS else None
    on_curve = dict.fromkeys([step for step in curve if step > 0], few or CURVE_SAMPLES)
    return {**on_curve, **dict.fromkeys(late, few or SAMPLES)}, late
