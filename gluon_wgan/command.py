"""One table of all commands: `gluon-wgan NAME`, `python -m gluon_wgan NAME` and experiments/NAME.py are the same."""

import logging
import os
import resource
import signal
import sys
from importlib import import_module
from pathlib import Path

from gluon_wgan import use_synchronous_engine
from gluon_wgan.errors import Interrupted, NotFiniteError, UserError
from gluon_wgan.flags import parse
from gluon_wgan.report.page import as_markdown, write_page
from gluon_wgan.studies import find_studies

log = logging.getLogger(__name__)

# What people run on their own pictures; beside these, every study is a command.
_TOOLS = {
    "train": "train on LSUN or other pictures",
    "launch": "train on several workers, here or on several machines",
    "generate": "generate pictures from a trained run",
    "measure": "measure how far a run's pictures are from real ones",
    "similar": "find the training pictures that samples are most like",
    "view": "look at runs in a browser",
    "convert_checkpoint": "carry checkpoints over, from and to PyTorch and others",
    "benchmark": "measure speed and memory",
    "make_reports": "render all of reports/ from its data",
}


def commands():
    """Return {name: what it is} of all commands."""
    return _TOOLS | {study.command: study.question.TITLE for study in find_studies()}


# How a command can end; README has the same table.
STATUSES = {
    0: "done",
    2: "a mistake in the flags or in the files given",
    3: "a number was not finite",
    4: "a file or the memory failed: a full disk, a lost permission",
    5: "another process of the same training ended, or its network",
    130: "interrupted",
    141: "nobody reads what it prints, as behind `| head`",
}


def run(name, arguments=None):
    """Run a command, and turn what it raises into one of `STATUSES` and one message on stderr.

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
        try:
            _check_address_space()
            call(name, arguments)
        finally:
            sys.stdout.flush()
    except UserError as error:
        status, message = 2, error
    except NotFiniteError as error:
        status, message = 3, f"stopped: {error}"
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it closes stdout
        sys.exit(141)
    except OSError as error:
        status, message = 4, f"{error.filename or 'the system'}: {error.strerror or error}; {_GO_ON}"
    except MemoryError as error:
        status, message = 4, _no_memory(error)
    except Interrupted as error:
        status, message = 130, f"{error}; a checkpoint was written, --resume goes on from it"
    except KeyboardInterrupt:
        status, message = 130, "interrupted; what was finished is kept, the same command (or --resume) goes on"
    except (ImportError, RuntimeError) as error:  # MXNetError is of the latter
        if not any(words in str(error) for words in _OF_NO_MEMORY):
            raise
        log.error("%s", _no_memory(error))
        sys.stderr.flush()
        os._exit(4)  # MXNet may wait for ever for threads of its own that could not start
    else:
        return
    log.error("%s", message)
    sys.exit(status)


# What libraries say of it in place of a MemoryError: the loader, C++, threads that do not start, MXNet, oneDNN.
_OF_NO_MEMORY = (
    "failed to map segment",
    "annot allocate memory",
    "bad_alloc",
    "Resource temporarily unavailable",
    "can't start new thread",
    "Failed to allocate CPU Memory",
    "could not execute a primitive",  # oneDNN's; seen where the address space was short
)
_GO_ON = "what was finished is whole, and once this is mended the same command (or --resume) goes on from it"
_LEAST_ADDRESS_SPACE = 1200  # MB: below, some of the libraries crash or wait for ever as they are loaded


def _check_address_space():
    given = resource.getrlimit(resource.RLIMIT_AS)[0]
    if given != resource.RLIM_INFINITY and given < _LEAST_ADDRESS_SPACE * 10**6:
        raise MemoryError(f"`ulimit -v` leaves {given / 1e6:.0f} MB, and the libraries take {_LEAST_ADDRESS_SPACE}")


def _no_memory(error):
    said = str(error).strip().splitlines()[-1:]  # of MXNet's several lines the last says what it was
    return f"not enough memory{f' ({said[0]})' if said else ''}; {_GO_ON}"


def call(name, arguments=None):
    """Do what a command's line asks; parameters as of `run`. Raises what went wrong."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    _refuse_empty(arguments)
    script = Path(sys.argv[0]).name
    known_by = script if script.endswith(".py") and script != "__main__.py" else f"gluon-wgan {name.replace('_', '-')}"
    if name in _TOOLS:
        room = "app" if name == "view" else "tools"  # the page lies above the tools, and uses them
        import_module(f"gluon_wgan.{room}.{name}").run(arguments, known_by)
        return
    study = next((study for study in find_studies() if study.command == name), None)
    if study is None:
        raise UserError("command", name.replace("_", "-"), ", ".join(commands()).replace("_", "-"))
    _run_study(study, arguments, known_by)


def _refuse_empty(arguments):
    """Raise UserError of an empty argument: a variable of the shell that is not set, and as a path the folder "."."""
    for before, argument in zip(["", *arguments], arguments):
        flag, equals, value = argument.partition("=") if argument.startswith("--") else (before, "=", argument)
        if equals and not value:
            what = flag if flag.startswith("--") else "an argument"
            allowed = 'what is not empty; has a variable of the shell, as in "$NAME", a value?'
            raise UserError(what, "an empty text", allowed)


def _run_study(study, arguments, prog):
    """Measure if the flags ask for it, then render the page."""
    question = study.question
    description = getattr(question, "HELP", None)
    flags = parse(question.Flags, arguments, prog, description=description)
    flags.check()
    if flags.measures():
        if flags.threads is not None and "mxnet" not in sys.modules:  # which reads it once
            os.environ["OMP_NUM_THREADS"] = str(flags.threads)
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
