"""The flags of the scripts that render a report, and what each script does with them."""

import logging
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from gluon_wgan.commands import parity_file
from gluon_wgan.errors import UserError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FirstLightFlags:
    """Write reports/first_light.md and .html from a run of 5,000 generator steps or more."""

    run: str | None = None
    """a run folder to measure (default: render reports/data/first_light.json again)"""
    reports: str = "reports"
    """the folder of the reports"""


def first_light(arguments=None):
    """Do what first_light.py's command line asks, and log where the report lies."""
    flags = tyro.cli(FirstLightFlags, args=arguments)
    from gluon_wgan.report import first_light as report

    if flags.run is not None:
        report.collect(flags.run, flags.reports)
    log.info("report: %s", report.write(flags.reports))


@dataclass(frozen=True)
class ParityFlags:
    """Write reports/parity.md and .html: how far every stage is from PyTorch, and the departures of ports."""

    measure: bool = False
    """measure anew, some minutes, before rendering (`make parity` installs PyTorch); takes a checkout"""
    reports: str = "reports"
    """the folder of the reports"""


def parity(arguments=None):
    """Do what parity.py's command line asks, and log where the report lies."""
    flags = tyro.cli(ParityFlags, args=arguments)
    from gluon_wgan.report import parity as report

    if flags.measure:
        script = parity_file("--measure", "measure.py")
        subprocess.run([sys.executable, script, "--out", Path(flags.reports, "data", "parity.json")], check=True)
    log.info("report: %s", report.write(flags.reports))


@dataclass(frozen=True)
class ClaimsFlags:
    """Write reports/claims.md and .html: a verdict, by the data, on every claim that the project started from."""

    measure: bool = False
    """compute the figures that take no training anew, some seconds, before rendering"""
    reports: str = "reports"
    """the folder of the reports, with claims.yaml in it"""


def claims(arguments=None):
    """Do what claims.py's command line asks, and log where the report lies."""
    flags = tyro.cli(ClaimsFlags, args=arguments, prog="claims.py")
    from gluon_wgan.report import claims as report

    if not (Path(flags.reports) / "claims.yaml").is_file():
        raise UserError("--reports", flags.reports, "a folder with claims.yaml in it, as a checkout has")
    if flags.measure:
        from gluon_wgan.studies import claims_arithmetic

        log.info("measured: %s", claims_arithmetic.write(flags.reports))
    log.info("report: %s", report.write(flags.reports))


@dataclass(frozen=True)
class MakeReportsFlags:
    """Render every table, figure and page of reports/ from its data, and the index before them."""

    check: bool = False
    """only say which pages are stale, and end with status 2 if there are any"""
    reports: str = "reports"
    """the folder of the reports"""


def make_reports(arguments=None):
    """Do what make_reports.py's command line asks, and log where the index lies."""
    flags = tyro.cli(MakeReportsFlags, args=arguments, prog="make_reports.py")
    from gluon_wgan.report import index

    if not flags.check:
        log.info("index: %s", index.write(flags.reports))
        return
    pages = index.stale(flags.reports)
    if pages:
        raise UserError("--check", f"stale: {', '.join(pages)}", "pages that `make reports` would write again")
    log.info("nothing in %s is stale", flags.reports)
