"""How far two sides may be apart, stage by stage: the published tolerances. Loads neither mxnet nor torch."""

import numpy as np

# Relative to each tensor's largest number. 0: the same arithmetic on the same numbers.
# float32 rounds to 6e-8 and a layer sums up to some hundred products, here through 3 layers forward and 3 back, and
# RMSprop divides by the root of what it got; float64 rounds to 1e-16, and 1e-12 leaves the same room.
_EXACT = {"float32": 0.0, "float64": 0.0}
_ROUNDED = {"float32": 1e-5, "float64": 1e-12}
TOLERANCES = {
    "decode": _EXACT,
    "resize": _EXACT,
    # Pillow rounds to whole levels after each of its two passes: less than one level of 255 in all
    "resize, triangle filter": {"float32": 1 / 200},
    # MXNet's area sums 16 numbers in float32
    "resize, code 3": {"float32": 1e-6},
    "crop offset": _EXACT,
    "normalisation": _EXACT,
    "initial weights": _EXACT,
    "generator forward": _ROUNDED,
    "critic forward": _ROUNDED,
    "losses": _ROUNDED,
    # real minus fake: of a bias-like weight little is left, and 1e-5 of the parts is more of the difference
    "gradients of the critic's step": {"float32": 2e-4, "float64": 1e-11},
    "gradients of the generator's step": _ROUNDED,
    "RMSprop update": {"float32": 2e-6, "float64": 1e-14},  # five roundings
    "clip": {"float32": 6e-8, "float64": 0.0},  # the bound .01 itself, rounded
    "running statistics after a critic step": _ROUNDED,
    "running statistics after a generator step": _ROUNDED,
    "critic step": _ROUNDED,
    "generator step": _ROUNDED,
    # sums of up to 1,152 terms behind 49 convolutions; features are 1 and larger
    "features of the kernel distance": {"float32": 1e-5},
}
# Lockstep, float64, relative to the largest loss and to each tensor's largest weight.
LOCKSTEP_TOLERANCES = {"loss": 1e-8, "weight": 1e-6}


def errors(ours, theirs):
    """Return {stage: (largest absolute, largest relative difference, tensor of the latter)} of two dicts of arrays.

    Relative to the largest number of each of their tensors; names are "stage|tensor".
    """
    assert ours.keys() == theirs.keys(), sorted(ours.keys() ^ theirs.keys())
    worst = {}
    for name, expected in theirs.items():
        stage, tensor = name.split("|")
        expected, given = np.asarray(expected, np.float64), np.asarray(ours[name], np.float64)
        assert given.size == expected.size, f"{name}: {given.shape}, {expected.shape} expected"
        absolute = float(np.abs(given.reshape(expected.shape) - expected).max())
        relative = absolute / float(np.abs(expected).max()) if absolute else 0.0
        before = worst.get(stage, (0.0, 0.0, tensor))
        worst[stage] = (max(before[0], absolute), *max((relative, tensor), before[1:]))
    return worst


def check(ours, theirs, dtype):
    """Raise AssertionError, with the stage and the tensor, where two sides are further apart than published."""
    for stage, (_, relative, tensor) in errors(ours, theirs).items():
        allowed = TOLERANCES[stage][dtype]
        assert relative <= allowed, f"{stage}, {tensor}: {relative:.1e} relative, {allowed:.0e} allowed ({dtype})"
