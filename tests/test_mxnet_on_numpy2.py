"""MXNet on any NumPy: every name that it uses is there for it, and for nobody else."""

import ast
import ctypes
import importlib.machinery
import subprocess
import sys
import types
import warnings
from pathlib import Path

import mxnet
import numpy
import pytest
from conftest import run_python

from gluon_wgan import mxnet_on_numpy2, system_packages
from gluon_wgan.mxnet_on_numpy2 import supplied_names

SOURCES = sorted(Path(mxnet.__file__).parent.rglob("*.py"))


def names_used(text):
    """Return the names of numpy that a source uses: attributes of whatever it imports numpy as, and names from it."""
    tree, aliases, used = ast.parse(text), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            aliases |= {alias.asname or "numpy" for alias in node.names if alias.name == "numpy"}
        elif isinstance(node, ast.ImportFrom) and (node.module, node.level) == ("numpy", 0):
            used |= {alias.name for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            used.add(node.attr)
    return used


def missing_of(names):
    """Return the names that neither numpy has, without a warning, nor MXNet is supplied with."""
    supplied, found = supplied_names(numpy), set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in names:
            try:
                supplied[name] if name in supplied else getattr(numpy, name)
            except (AttributeError, DeprecationWarning, FutureWarning):
                found.add(name)
    return found


def test_every_name_that_mxnet_uses_is_there_or_supplied():
    assert len(SOURCES) > 200
    used = set().union(*(names_used(file.read_text()) for file in SOURCES))
    assert {"bool", "Inf", "NINF", "ndarray", "float32"} <= used
    assert missing_of(used) == set()


def test_every_function_that_mxnet_falls_back_to_is_there_or_supplied():
    (file,) = [file for file in SOURCES if file.parts[-2:] == ("numpy", "fallback.py")]
    names = {
        node.value
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier()
    }
    assert {"mirr", "msort", "in1d", "trapz"} <= names
    listed = {name for name in names if hasattr(mxnet.np.fallback, name)} - {"fallbacks", "get_func"}
    assert missing_of(listed) == set()


def test_a_name_that_is_missing_is_seen():
    assert names_used("import numpy as onp\nx = onp.never_was + y.other\nfrom numpy import nor_this") == {
        "never_was",
        "nor_this",
    }
    assert missing_of({"never_was", "Inf", "zeros"}) == {"never_was"}


def test_the_supplied_names_are_what_they_were():
    names = supplied_names(numpy)
    values = {"Inf": float("inf"), "PINF": float("inf"), "NINF": -float("inf"), "PZERO": 0.0}
    for name, value in values.items():
        assert names.get(name, value) == value
    assert numpy.isnan(names.get("NaN", numpy.nan)) and numpy.signbit(names.get("NZERO", -0.0))
    assert names.get("bool", numpy.bool_) in (bool, numpy.bool_)
    numbers = numpy.array([[3, 1], [2, 5]])
    for name, expected in (("product", 30), ("alltrue", True), ("sometrue", True)):
        assert names.get(name, getattr(numpy, name, None))(numbers) == expected
    assert mxnet.np.fallback.msort is not None
    if "msort" in names:  # sorts each column
        assert names["msort"](numbers).tolist() == [[2, 1], [3, 5]]
    if "in1d" in names:
        assert names["in1d"](numbers, [1, 2], invert=True).tolist() == [True, False, False, True]


@pytest.mark.parametrize("name", ["mirr", "npv", "pmt", "ppmt", "pv", "rate"])
def test_what_is_gone_for_good_raises_when_called(name):
    function = supplied_names(numpy).get(name) or getattr(numpy, name)
    with pytest.raises(RuntimeError, match=name):
        function(1, 2, 3)


@pytest.mark.parametrize("first", ["gluon_wgan", "scipy.ndimage, cv2, PIL, matplotlib.figure"])
def test_numpy_is_left_as_it_was(first):
    script = f"""
import types, warnings
import numpy
def names():
    return {{name for name, value in vars(numpy).items() if not isinstance(value, types.ModuleType)}}
import {first}
before, finder = names(), vars(numpy).get("__getattr__")
warnings.simplefilter("error", DeprecationWarning)
import gluon_wgan
warnings.simplefilter("ignore")
import mxnet, mxnet.gluon.contrib.estimator
from mxnet import nd
assert names() == before, names() ^ before
assert vars(numpy).get("__getattr__") is finder
assert not hasattr(numpy, "never_was")
print(mxnet.gluon.contrib.estimator.event_handler.np.Inf, nd.ones((2, 3)).asnumpy().sum())
"""
    assert run_python(script) == "inf 6.0"


def test_after_an_import_of_mxnet_that_failed_the_message_says_what_to_do():
    script = """
import sys, types
sys.modules["mxnet.base"] = types.ModuleType("mxnet.base")  # what a failed import leaves
import gluon_wgan
try:
    import mxnet
except ImportError as error:
    print(error)
"""
    assert "import gluon_wgan first" in run_python(script)


def test_without_mxnet_the_message_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.machinery.PathFinder, "find_spec", lambda *_: None)
    for name in [name for name in sys.modules if name == "mxnet" or name.startswith("mxnet.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ModuleNotFoundError, match=r"pip install --no-deps mxnet==1\.9\.1"):
        mxnet_on_numpy2._Finder().find_spec("mxnet", None)
    assert mxnet_on_numpy2._Finder().find_spec("numpy", None) is None


def test_a_missing_library_of_the_system_is_named_with_the_command(monkeypatch):
    def load(name):
        if name == "libgomp.so.1":
            raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(ctypes, "CDLL", load)
    assert system_packages.missing() == ["libgomp.so.1"]
    for tools, commands in ((["dnf"], "dnf install libgomp"), ([], "apt-get install libgomp1 or dnf install libgomp")):
        monkeypatch.setattr(system_packages.shutil, "which", lambda tool, tools=tools: tool in tools)
        text = system_packages.advice(["libgomp.so.1"])
        assert text == f"the system lacks libgomp.so.1 (MXNet needs it); as root: {commands}"

    class Broken:
        def __init__(self, library):
            self.library = library

        def exec_module(self, module):
            raise OSError(f"{self.library}: cannot open shared object file: No such file or directory")

    for library, message in (
        ("libgomp.so.1", r"mxnet: the system lacks libgomp\.so\.1 \(MXNet needs it\); as root: "),
        ("libcuda.so.1", r"mxnet: this is MXNet's CUDA build, and the system lacks libcuda\.so\.1, NVIDIA's driver"),
    ):
        with pytest.raises(ImportError, match=message):
            mxnet_on_numpy2._Loader(Broken(library)).exec_module(types.ModuleType("mxnet"))


def test_the_check_of_the_system_needs_nothing_but_python():
    file = Path(system_packages.__file__)
    ended = subprocess.run([sys.executable, "-I", "-S", file], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
