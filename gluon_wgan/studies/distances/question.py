"""The distances behind GANs: the question, its parts, and the flags. Fixed beforehand."""

from dataclasses import dataclass

from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional
from gluon_wgan.studies.plan import MeasureFlags

PLACE = 70
TITLE = "The distances behind GANs, and what a generator can follow"
QUESTION = (
    "What do KL, JS, total variation and EM say of two distributions that hardly overlap, and which of the networks "
    "that are trained to stand for them leave the generator a gradient?"
)
PARTS = ("parallel_lines", "two_gaussians", "estimate_over_exact", "generator_gradients", "told_apart")


@dataclass(frozen=True)
class Flags(MeasureFlags):
    """Write reports/distances.md and .html: what the distances behind GANs say, and the gradients that they give."""

    parts: optional(tuple[str, ...], "all") = None
    """measure no more than these: parallel_lines, two_gaussians, estimate_over_exact, generator_gradients,
    told_apart"""
    cache_dir: str = "cache"
    """folder for the bedrooms that the project draws"""

    def check(self):
        if self.parts is not None and not self.measure:
            raise UserError("--parts", " ".join(self.parts), "parts to measure, with --measure")
        if unknown := [part for part in self.parts or () if part not in PARTS]:
            raise UserError("--parts", ", ".join(unknown), ", ".join(PARTS))
