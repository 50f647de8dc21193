"""The claims of the documents that the project started from: the question and the flags."""

from dataclasses import dataclass
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.studies.plan import MeasureFlags

PLACE = 0
DATA = "claims_arithmetic"
TITLE = "The claims of five documents, one by one"
QUESTION = "Which of the claims that the project started from hold when they are measured?"


@dataclass(frozen=True)
class Flags(MeasureFlags):
    """Write reports/claims.md and .html: a verdict, by the data, on every claim that the project started from.

    Measured is what takes no training, some seconds. reports/claims.yaml has the claims.
    """

    reports: str = "reports"
    """the folder of the reports, with claims.yaml in it"""

    def check(self):
        if not (Path(self.reports) / "claims.yaml").is_file():
            raise UserError("--reports", self.reports, "a folder with claims.yaml in it, as a checkout has")
