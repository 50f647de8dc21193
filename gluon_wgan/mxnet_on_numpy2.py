"""Let MXNet 1.9.1 load and run with a NumPy that no longer has the names it asks for.

MXNet's last release touches names that NumPy 1.24, 2.0 and later versions removed: `numpy.bool`, `numpy.Inf`,
`numpy.product` and others. Here they are supplied to MXNet and to nothing else: numpy has them while a module of MXNet
is executed, and not after; what MXNet looks up later, it finds in a stand-in for numpy, which only its modules see.

Importing gluon_wgan installs this, so any `import mxnet` after it works. On a NumPy that has all names nothing happens.
"""

import contextlib
import importlib.abc
import importlib.machinery
import sys
import types

from gluon_wgan import cuda
from gluon_wgan.system_packages import advice, missing

_INSTALL = "pip install --no-deps mxnet==1.9.1 (with --no-deps, since it asks for a NumPy of years ago, and needs none)"
# Gone for good, since NumPy 1.20: functions for finance, of which MXNet only says that it has them not.
_GONE = ("fv", "ipmt", "irr", "mirr", "nper", "npv", "pmt", "ppmt", "pv", "rate")


def supplied_names(numpy):
    """Return {name: value} of what MXNet asks of this numpy and it does not have.

    Parameters
    ----------
    numpy : module
    """
    names = {kind.__name__: kind for kind in (bool, int, float, complex, object, str)}
    names |= dict.fromkeys(("Inf", "PINF", "Infinity", "infty"), numpy.inf) | {"NINF": -numpy.inf}
    names |= dict.fromkeys(("NaN", "NAN"), numpy.nan) | {"PZERO": 0.0, "NZERO": -0.0}
    names |= {"alltrue": numpy.all, "sometrue": numpy.any, "product": numpy.prod, "cumproduct": numpy.cumprod}
    names |= {"round_": numpy.round, "msort": lambda a: numpy.sort(a, axis=0), "trapz": vars(numpy).get("trapezoid")}
    names |= {"in1d": lambda a, b, **options: numpy.isin(numpy.ravel(a), b, **options)}
    names |= {"row_stack": numpy.vstack, "float_": numpy.float64, "complex_": numpy.complex128}
    names |= {"compat": types.SimpleNamespace(basestring=str)}  # asked for by mx.np.pad alone
    names |= {name: _gone(name) for name in _GONE}
    return {name: value for name, value in names.items() if name not in vars(numpy)}


def _gone(name):
    def raise_it(*_, **__):
        raise RuntimeError(f"numpy.{name} was removed from NumPy 1.20; the package numpy-financial has it")

    return raise_it


class _StandIn(types.ModuleType):
    """Numpy, and the names that it lacks; what was looked up once is an attribute."""

    def __init__(self, numpy):
        super().__init__("numpy", numpy.__doc__)
        self.__dict__.update(supplied_names(numpy))
        self.__dict__["_numpy"] = numpy

    def __getattr__(self, name):
        value = getattr(self.__dict__["_numpy"], name)
        self.__dict__[name] = value
        return value

    def __dir__(self):
        return sorted({*dir(self.__dict__["_numpy"]), *self.__dict__})


class _Loader(importlib.abc.Loader):
    """The loader of a module of MXNet, executed with the names supplied."""

    stand_in = None
    depth = 0

    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):  # get_data, is_package, ...: whatever else the loader has
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        import numpy

        if _Loader.stand_in is None:
            _Loader.stand_in = _StandIn(numpy)
        if module.__name__ == "mxnet":
            cuda.preload()
        try:
            with _names_in(numpy):
                self._loader.exec_module(module)
        except OSError as error:  # of the dynamic linker, which names a library
            if cuda.DRIVER in str(error):
                raise ImportError(f"mxnet: {cuda.NO_DRIVER}") from error
            lacking = [name for name in missing() if name in str(error)]
            if lacking:
                raise ImportError(f"mxnet: {advice(lacking)}") from error
            raise
        for name, value in list(vars(module).items()):
            if value is numpy:
                setattr(module, name, _Loader.stand_in)


@contextlib.contextmanager
def _names_in(numpy):
    """Supply the names by numpy itself, until the outermost of the modules that import each other is done."""
    before = vars(numpy).get("__getattr__")
    _Loader.depth += 1
    if _Loader.depth == 1:
        names = supplied_names(numpy)

        def find(name):
            if name in names:
                return names[name]
            if before is None:
                raise AttributeError(f"module 'numpy' has no attribute {name!r}")
            return before(name)

        numpy.__getattr__ = find
    try:
        yield
    finally:
        _Loader.depth -= 1
        if _Loader.depth == 0:
            if before is None:
                del numpy.__getattr__
            else:
                numpy.__getattr__ = before


class _Finder(importlib.abc.MetaPathFinder):
    """Finds MXNet and its modules as ever, and gives them the loader above."""

    def find_spec(self, name, path, target=None):
        if name != "mxnet" and not name.startswith("mxnet."):
            return None
        if name == "mxnet" and any(other.startswith("mxnet.") for other in sys.modules):
            raise ImportError("mxnet was imported before gluon_wgan, and failed: start anew, import gluon_wgan first")
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None and name == "mxnet":
            raise ModuleNotFoundError(f"No module named 'mxnet': {_INSTALL}", name="mxnet")
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def install():
    """Have every import of MXNet from now on go through here; once is enough."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
