"""Where the PyTorch reference lies, which a checkout has among its tests."""

import importlib.util
from pathlib import Path

from gluon_wgan.errors import UserError


def reference_file(flag, name):
    """Return a file of tests/parity/; raises UserError, naming the flag, if PyTorch or the file is missing."""
    if importlib.util.find_spec("torch") is None:
        raise UserError(flag, "an environment without PyTorch", "one with it; `make parity` installs it")
    file = Path(__file__).parent.parent.parent / "tests" / "parity" / name
    if not file.is_file():
        raise UserError(flag, f"an installation without {file}", "a checkout, whose tests hold the reference")
    return file
