"""Import a library that would import PyTorch if it were there, without it."""

import contextlib
import sys
from importlib.abc import MetaPathFinder


@contextlib.contextmanager
def without_torch():
    """Let imports within the block find no PyTorch; outside it is as before, loaded or not."""
    hidden = sys.modules.pop("torch", None)
    # not None in its place: SciPy takes that for a module
    nowhere = _Nowhere()
    sys.meta_path.insert(0, nowhere)
    try:
        yield
    finally:
        sys.meta_path.remove(nowhere)
        if hidden is not None:
            sys.modules["torch"] = hidden


class _Nowhere(MetaPathFinder):
    """Finds that there is no PyTorch."""

    def find_spec(self, name, path, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
