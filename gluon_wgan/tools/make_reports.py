"""Render every page of reports/ from its data, and the index before them; or say which are stale."""

import logging
from dataclasses import dataclass
from pathlib import Path

import tyro

from gluon_wgan.errors import UserError
from gluon_wgan.report import index
from gluon_wgan.studies import find_studies

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MakeReportsFlags:
    """Render every table, figure and page of reports/ from its data, and the index before them.

    The Markdown pages are those in the repository; the .html beside each is one file with its figures inside.
    """

    check: bool = False
    """only say which pages are stale, writing nothing, and end with status 2 if there are any"""
    reports: str = "reports"
    """the folder of the reports"""


def run(arguments=None, prog=None):
    """Do what the command line asks, and log where the index lies."""
    flags = tyro.cli(MakeReportsFlags, args=arguments, prog=prog)
    if not (Path(flags.reports) / "data").is_dir():
        raise UserError("--reports", f"{flags.reports} (no data/ in it)", "a folder that studies were measured into")
    if not flags.check:
        log.info("index: %s", index.write(find_studies(), flags.reports))
        return
    pages = index.stale(find_studies(), flags.reports)
    if pages:
        raise UserError("--check", f"stale: {', '.join(pages)}", "pages that `make reports` would write again")
    log.info("nothing in %s is stale", flags.reports)
