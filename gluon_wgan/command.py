"""One table of all commands: `gluon-wgan NAME`, `python -m gluon_wgan NAME` and experiments/NAME.py are the same."""

import logging
import signal
import sys
from importlib import import_module
from pathlib import Path

import tyro

from gluon_wgan import use_synchronous_engine
from gluon_wgan.errors import Interrupted, NotFiniteError, UserError
from gluon_wgan.report.page import as_markdown, write_page
from gluon_wgan.studies import find_studies

log = logging.getLogger(__name__)

# What people run on their own pictures; beside these, every study is a command.
_TOOLS = {
    "train": "train on LSUN or other pictures",
    "generate": "generate pictures from a trained run",
    "convert_checkpoint": "carry checkpoints over, from and to PyTorch and others",
    "benchmark": "measure speed and memory",
    "make_reports": "render all of reports/ from its data",
}


def commands():
    """Return {name: what it is} of all commands."""
    return _TOOLS | {study.command: study.question.TITLE for study in find_studies()}


def run(name, arguments=None):
    """Run a command, and turn what it raises into an exit status and one message on stderr.

    0 done; 2 a user's mistake; 3 a loss was not finite; 130 interrupted.

    Parameters
    ----------
    name : str
        Of `commands`.
    arguments : sequence of str, optional
        Those of this process by default.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # outside training both mean: stop now
    try:
        call(name, arguments)
    except UserError as error:
        log.error("%s", error)
        sys.exit(2)
    except NotFiniteError as error:
        log.error("training stopped: %s; the last good checkpoint is kept", error)
        sys.exit(3)
    except Interrupted as error:
        log.error("%s; a checkpoint was written, --resume goes on from it", error)
        sys.exit(130)
    except KeyboardInterrupt:
        log.error("interrupted; what was finished is kept, the same command (or --resume) goes on")
        sys.exit(130)


def call(name, arguments=None):
    """Do what a command's line asks; parameters as of `run`. Raises what went wrong."""
    script = Path(sys.argv[0]).name
    known_by = script if script.endswith(".py") and script != "__main__.py" else f"gluon-wgan {name.replace('_', '-')}"
    if name in _TOOLS:
        import_module(f"gluon_wgan.tools.{name}").run(arguments, known_by)
        return
    study = next((study for study in find_studies() if study.command == name), None)
    if study is None:
        raise UserError("command", name.replace("_", "-"), ", ".join(commands()).replace("_", "-"))
    _run_study(study, arguments, known_by)


def _run_study(study, arguments, prog):
    """Measure if the flags ask for it, then render the page."""
    question = study.question
    description = getattr(question, "HELP", None)
    flags = tyro.cli(question.Flags, args=arguments, prog=prog, description=description)
    flags.check()
    if flags.measures():
        use_synchronous_engine()
        results = study.measure(flags)
        if not study.measured(flags.reports):
            return  # some calls only prepare what others measure
        log.info("measured: %s", results.file)
    try:
        page = study.page(flags.reports)
    except UserError as error:
        if not flags.measures():
            raise
        log.info("no report yet: %s", error)  # a part of several, which are measured one after another
        return
    text = as_markdown(question.TITLE, question.QUESTION, page)
    log.info("report: %s", write_page(flags.reports, study.name, text, page))


def main():
    """Run `gluon-wgan NAME ...`; without a name, list the commands."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        lines = [f"  {command.replace('_', '-'):20} {text}" for command, text in commands().items()]
        sys.stdout.write(
            "\n".join(["gluon-wgan COMMAND [flags]; --help after a command explains its flags\n", *lines, ""])
        )
        return
    run(name.replace("-", "_"), arguments)
