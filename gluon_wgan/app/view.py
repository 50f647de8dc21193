"""The web page: generate, walk, search, compare and watch, by looking."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gluon_wgan import use_synchronous_engine
from gluon_wgan.errors import UserError
from gluon_wgan.flags import optional, parse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ViewFlags:
    """Look at runs in a browser: generate pictures, walk between latents, search, compare runs, watch a training.

    The page is served on this machine alone, and reads nothing but the runs that are given, and the zoo, the trained
    models that come with the package. Ctrl-C ends it.
    """

    runs: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="[RUN ...]")] = ()
    """run folders, or folders of runs; none: runs/, if it is there"""
    data: optional(str, "where each run found them") = None
    """the training pictures, for the search"""
    port: optional(int, "the first free one from 7860 on") = None
    """of the address, 1 to 65535"""
    cache_dir: str = "cache"
    """folder for the prepared pictures"""


def run(arguments=None, prog=None):
    """Do what the command line asks, until it is interrupted."""
    flags = parse(ViewFlags, arguments, prog)
    use_synchronous_engine()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # gradio asks itself whether it is there
    page, address = view(flags)
    log.info("look at %s (Ctrl-C ends it)", address)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        page.close(verbose=False)


def view(flags):
    """Serve what `ViewFlags` ask for; return the page, which wants closing, and its address.

    Raises
    ------
    UserError
        If there is no run in what is given, the port is taken, or gradio is not installed.
    """
    if flags.port is not None and not 1 <= flags.port <= 65535:
        raise UserError("--port", flags.port, "1 to 65535")
    from gluon_wgan.app.runs import Runs

    runs = Runs(flags.runs or (["runs"] if Path("runs").is_dir() else []))
    if flags.runs and not runs.folders():
        allowed = "a run folder or a folder of runs; `make demo` trains one"
        raise UserError("RUN", f"{', '.join(flags.runs)} (no run in it)", allowed)
    try:
        from gluon_wgan.app.page import build, serve
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        allowed = "it installed: `make setup-app`, or the extra app"
        raise UserError("view", "without the package gradio", allowed) from error

    page = build(runs, flags.data, flags.cache_dir)
    return page, serve(page, flags.port)
