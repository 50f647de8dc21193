"""One folder a question: question.py says what is fixed beforehand, measure.py measures it, page.py tells it.

A study is found by looking into this folder. Its question.py has `TITLE`, `QUESTION`, `PLACE` (in the index, lower
first), `Flags` (see `gluon_wgan.studies.plan.StudyFlags`; `HELP` where their docstring is not enough) and, where the
command or the data has another name than the folder, `COMMAND` and `DATA`. measure.py has `measure(flags, results)`;
page.py has `page(data, reports)`, which returns a `gluon_wgan.report.page.Page`.
"""

from functools import cached_property
from importlib import import_module
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.studies.results import Results


class Study:
    """A folder of this package, whose name is that of its page.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name):
        self.name = name

    def _module(self, part):
        return import_module(f"gluon_wgan.studies.{self.name}.{part}")

    @cached_property
    def question(self):
        return self._module("question")

    @property
    def command(self):
        return getattr(self.question, "COMMAND", self.name)

    @property
    def data(self):
        return getattr(self.question, "DATA", self.name)

    def measure(self, flags):
        """Measure as the flags say, into reports/data/; return what keeps the results."""
        results = Results(flags.reports, self.data)
        return self._module("measure").measure(flags, results) or results  # a repetition has a file of its own

    def measured(self, reports):
        """Say whether a folder of reports has data of this study."""
        return Results(reports, self.data).file.is_file()

    def page(self, reports):
        """Return the `Page` of what was measured into a folder of reports; raises UserError without sound data."""
        results = Results(reports, self.data)
        if not results.file.is_file():
            given = f"{reports} (no data/{self.data}.json in it)"
            raise UserError("--reports", given, "a folder that was measured into")
        data = results.read()
        try:
            return self._module("page").page(data, Path(reports))
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, StopIteration) as error:
            given = f"data that no page can be made of ({type(error).__name__}: {error})"
            raise UserError(results.file, given, "what the study wrote; or measure it anew") from error


def find_studies():
    """Return every `Study`, in the order of the index."""
    folders = [file.parent for file in Path(__file__).parent.glob("*/question.py")]
    studies = [Study(folder.name) for folder in folders]
    return sorted(studies, key=lambda study: (study.question.PLACE, study.name))
