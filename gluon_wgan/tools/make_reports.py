"""Render every page of reports/ from its data, and the index before them; or say which are stale."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.files import write_atomic
from gluon_wgan.flags import parse
from gluon_wgan.report import index
from gluon_wgan.studies import find_studies
from gluon_wgan.studies.results import Results
from gluon_wgan.tools.benchmark import as_table

log = logging.getLogger(__name__)

_SPEEDS = re.compile(r"(<!-- speeds, by `make reports` -->\n\n).*?(\n\n<!-- end of speeds -->)", re.DOTALL)


@dataclass(frozen=True)
class MakeReportsFlags:
    """Render every table, figure and page of reports/ from its data, the index before them, and README's speeds.

    The Markdown pages are those in the repository; the .html beside each is one file with its figures inside.
    """

    check: bool = False
    """only say which pages are stale, writing nothing, and end with status 2 if there are any"""
    reports: str = "reports"
    """the folder of the reports"""


def run(arguments=None, prog=None):
    """Do what the command line asks, and log where the index lies."""
    flags = parse(MakeReportsFlags, arguments, prog)
    if not (Path(flags.reports) / "data").is_dir():
        raise UserError("--reports", f"{flags.reports} (no data/ in it)", "a folder that studies were measured into")
    if not flags.check:
        log.info("index: %s", index.write(find_studies(), flags.reports))
        for readme, text in _readme(flags.reports):
            write_atomic(readme, text.encode())
        return
    pages = index.stale(find_studies(), flags.reports)
    pages += [readme.name for readme, text in _readme(flags.reports) if readme.read_text() != text]
    if pages:
        raise UserError("--check", f"stale: {', '.join(pages)}", "pages that `make reports` would write again")
    log.info("nothing in %s is stale", flags.reports)


def _readme(reports):
    """Yield the README beside a folder of reports, and its text with the table of speeds of benchmark.json."""
    readme, measured = Path(reports).resolve().parent / "README.md", Results(reports, "benchmark").read()
    if readme.is_file() and measured:
        yield readme, _SPEEDS.sub(lambda found: f"{found[1]}{as_table(measured)}{found[2]}", readme.read_text())
