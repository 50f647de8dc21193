"""What a GAN's settings change, on eight Gaussians in the plane: arms, seeds and criteria, fixed before any run."""

import json
from dataclasses import dataclass

from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional
from gluon_wgan.studies.plan import MeasureFlags, check_seeds

PLACE = 55
TITLE = "Which settings does a GAN stand? Eight Gaussians in the plane"
QUESTION = (
    "How much do learning rate, width, the balance of the updates, the optimizer, the side of the penalty, depth and "
    "DCGAN's rules change how far a plain GAN and a WGAN end from the data?"
)
MIXTURE = "8 gaussians"
PART = "gaussians"  # of the data file
WIDTH = 128  # units of a hidden layer
GENERATOR_STEPS = 5000
EVALUATIONS = 20  # evenly spread
LAST = 5  # of these: a run's distance is their mean, since a GAN may swing
POINTS = 800  # of each side, for the exact EM distance
COUNTED = 2500  # samples whose modes are counted
SEEDS = (0, 1, 2, 3, 4)
TEN_SEEDS = tuple(range(10))

# What an arm changes of a base: `clip` (WGAN, clipped, RMSprop), `penalty` (WGAN-GP, Adam), `minimax` (plain, Adam).
# rate and width are factors; layers are the critic's hidden ones; sgd is its learning rate; rules are DCGAN's that can
# be dropped in the plane, where there is no pooling, and where all layers are dense.
_BASES = ("minimax", "clip")
_SETTINGS = {
    "base": {},
    "half the rate": {"rate": 0.5},
    "twice the rate": {"rate": 2.0},
    "half the width": {"width": 0.5},
    "twice the width": {"width": 2.0},
}
# {subject: {arm: (base, changes)}}. Arms of the same base and changes are the same run.
SUBJECTS = {
    "sensitivity": {f"{base}, {name}": (base, changes) for base in _BASES for name, changes in _SETTINGS.items()},
    "balance": {
        f"{base}, {updates} critic updates": (base, {"n_critic": updates} if updates != 5 else {})
        for base in _BASES
        for updates in (1, 5, 25)
    },
    "optimizers": {
        "RMSprop": ("clip", {}),
        # untuned, and the best of the three is taken for SGD, which favours the claim
        **{f"SGD, {rate:g}": ("clip", {"sgd": rate}) for rate in (0.001, 0.01, 0.1)},
        "Adam, beta1 0.9": ("clip", {"adam": 0.9}),
        "Adam, beta1 0.5": ("clip", {"adam": 0.5}),
    },
    "sides": {"two-sided": ("penalty", {}), "one-sided": ("penalty", {"one_sided": True})},
    "deep_critics": {
        f"{layers} layers{', BatchNorm' if norm else ''}": (
            "clip",
            {"layers": layers, **({"norm": True} if norm else {})},
        )
        for norm in (False, True)
        for layers in (4, 8, 16)
    },
    "dcgan_rules": {
        "all": ("minimax", {"rules": ("batch_norm", "relu")}),
        "no BatchNorm": ("minimax", {"rules": ("relu",)}),
        "tanh": ("minimax", {"rules": ("batch_norm",)}),
        "none": ("minimax", {"rules": ()}),
    },
}
SEEDS_OF = {"dcgan_rules": TEN_SEEDS}


def planned(subjects=None, seeds=None):
    """Return the trainings of some subjects, or all, each once: dicts of base, changes and seed, as JSON has them."""
    jobs = []
    for subject in subjects or SUBJECTS:
        for seed in seeds or SEEDS_OF.get(subject, SEEDS):
            for base, changes in SUBJECTS[subject].values():
                job = {"base": base, "changes": json.loads(json.dumps(changes)), "seed": seed}
                if job not in jobs:
                    jobs.append(job)
    return jobs


# A run of deep_critics has failed if it ends farther from the data than this part of where its generator began; one of
# dcgan_rules if it does not cover every mode.
FAILED_ABOVE = 0.5
FAR = 100.0  # what a run that was not finite counts as, where the data is 2.8 across


@dataclass(frozen=True)
class Flags(MeasureFlags):
    """Write reports/gan_settings.md and .html: what a GAN's settings change, on eight Gaussians.

    Measuring takes hours of one core; finished runs are kept, so that the same command goes on, and several
    processes may measure at once, other subjects or seeds.
    """

    measure: bool = False
    """measure what is not yet measured, before rendering"""
    subjects: optional(tuple[str, ...], "all") = None
    """measure no more than these: sensitivity, balance, optimizers, sides, deep_critics, dcgan_rules"""
    seeds: optional(tuple[int, ...], "0 to 4; dcgan_rules 0 to 9") = None
    """measure these instead"""
    width: int = WIDTH
    """units of a hidden layer"""
    generator_steps: int = GENERATOR_STEPS
    """20 or more"""
    reports: str = "reports"
    """the folder of the reports"""

    def check(self):
        if unknown := [subject for subject in self.subjects or () if subject not in SUBJECTS]:
            raise UserError("--subjects", ", ".join(unknown), ", ".join(SUBJECTS))
        for flag, given, least in (
            ("--width", self.width, 2),
            ("--generator-steps", self.generator_steps, EVALUATIONS),
        ):
            if given < least:
                raise UserError(flag, given, f"{least} or more")
        if self.seeds is not None:
            check_seeds(self.seeds)
