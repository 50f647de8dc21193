"""The toy experiments of WGAN-GP: what is fixed beforehand, and the flags."""

from dataclasses import dataclass

from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional
from gluon_wgan.studies.plan import MeasureFlags, check_seeds

PLACE = 50
TITLE = "The toy experiments of WGAN-GP: clipping, penalty and plain GANs in the plane"
QUESTION = (
    "On 8 and 25 Gaussians and the Swiss roll, what does weight clipping do to a critic that the gradient penalty does "
    "not, and which GAN covers all modes?"
)
PARTS = ("modes", "surfaces", "gradient_norms", "constraints")
WIDTH = 512
GENERATOR_STEPS = 5000
# Of the part constraints. Of each kind the strength counts whose critics come nearest to the optimal one, which favours
# the kind. The norm is of the weights into one unit, where clipping to 0.01 allows 0.1 with 128 inputs.
STRENGTHS = {
    "norm clipping": (0.3, 1.0, 3.0),
    "weight normalisation": (0.3, 1.0, 3.0),
    "weight decay": (0.001, 0.01, 0.1),
}
CONSTRAINTS = {f"{kind} {strength:g}": (kind, strength) for kind, some in STRENGTHS.items() for strength in some}
EVALUATIONS = 20  # of a run of the part modes, evenly spread: every 250 of 5,000 generator steps


@dataclass(frozen=True)
class Flags(MeasureFlags):
    """Write reports/toy.md and .html: the toy experiments of WGAN-GP, on Gaussians and the Swiss roll.

    Measuring takes some hours; finished runs are kept, so that the same command goes on. Several processes may measure
    at once, other parts or seeds.
    """

    parts: optional(tuple[str, ...], "all") = None
    """measure no more than these: modes, surfaces, gradient_norms, constraints"""
    seeds: optional(tuple[int, ...], "0 to 4; 0 to 2") = None
    """measure these instead of each part's own"""
    width: int = WIDTH
    """units of a hidden layer: the paper's 512 takes a day; the project's report was measured with 128"""
    generator_steps: int = GENERATOR_STEPS
    """of the part modes, 20 or more; the other parts' training is as much longer or shorter"""
    reports: str = "reports"
    """the folder of the reports"""

    def check(self):
        if not self.measure:
            defaults = Flags()
            for name in ("parts", "seeds", "width", "generator_steps"):
                if (given := getattr(self, name)) != getattr(defaults, name):
                    shown = " ".join(map(str, given)) if isinstance(given, tuple) else given
                    raise UserError("--" + name.replace("_", "-"), shown, "what to measure, with --measure")
        if unknown := [part for part in self.parts or () if part not in PARTS]:
            raise UserError("--parts", ", ".join(unknown), ", ".join(PARTS))
        for flag, given, least in (
            ("--width", self.width, 1),
            ("--generator-steps", self.generator_steps, EVALUATIONS),
        ):
            if given < least:
                raise UserError(flag, given, f"{least} or more")
        if self.seeds is not None:
            check_seeds(self.seeds)
