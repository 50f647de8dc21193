"""Loops compiled by numba, where MXNet's operators on a CPU are slow: for float32, and only where numba is installed.

Where they do not serve the layers use MXNet's operators, with which results agree to some roundings. The environment
variable GLUON_WGAN_KERNELS=0 turns them off.

A process that compiles gets other bits than those that load what it kept: with numba 0.68 in `forward` over 4 pixels
and in `pull` over 64. The likely reason, not proven: of a parallel loop there are two optimised copies, and only one is
kept. So nobody runs what he compiled: a process of its own does that, once, and all load it. Otherwise a training that
began on a new machine would not end with the bits of the next.
"""

import contextlib
import ctypes
import functools
import importlib
import importlib.util
import logging
import math
import os
import subprocess
import sys
import threading

import numpy as np
from mxnet import nd
from mxnet.base import _LIB, check_call

log = logging.getLogger(__name__)

_PATIENCE = 2  # seconds; from what is kept it takes one

compiling = False  # whether this process may compile


class NotKept(Exception):
    """A loop would have to be compiled, in a process that may not."""


def serve(array):
    """Say whether `loops` are to work on such an array.

    Parameters
    ----------
    array : mxnet.nd.NDArray
    """
    return array.dtype == np.float32 and array.context.device_type == "cpu" and loops() is not None


def loops():
    """Return the module `gluon_wgan.kernels.compiled`, compiled, or None where kernels cannot, or are not to, serve."""
    return None if _off else _compiled()


@contextlib.contextmanager
def turned_off():
    """Let MXNet's operators serve within the block, to compare."""
    _off.append(True)
    try:
        yield
    finally:
        _off.pop()


_off = []


@functools.cache
def _compiled():
    if os.environ.get("GLUON_WGAN_KERNELS") == "0" or importlib.util.find_spec("numba") is None:
        return None
    try:
        with _saying_if_it_takes_long():
            # as many as MXNet's: numba sets the number of both when it starts its threads
            threads = os.environ["OMP_NUM_THREADS"]
            os.environ["NUMBA_NUM_THREADS"] = threads
            import numba

            numba.set_num_threads(min(int(threads), numba.config.NUMBA_NUM_THREADS))
            return _kept() or _kept_by_another_process()
    except ImportError as problem:  # a numba that does not know this NumPy
        log.warning("without compiled kernels, and slower: %s", problem)
    except (RuntimeError, OSError) as problem:  # numba finds no folder to keep them in, or no process can be started
        log.warning("without compiled kernels, and slower: %s; NUMBA_CACHE_DIR can name a folder to keep them", problem)
    return None


def _kept():
    """Return the loops as they were kept, or None if they are not."""
    try:
        return importlib.import_module("gluon_wgan.kernels.compiled")
    except NotKept:
        return None


def _kept_by_another_process():
    script = f"import sys; sys.path[:] = {sys.path}; from gluon_wgan import kernels; kernels.compile_and_keep()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    found = _kept() if done.returncode == 0 else None
    if found is None:
        said = done.stderr.strip().splitlines() or ["nothing was kept"]
        raise RuntimeError(f"compiling them, a process ended with {done.returncode}: {said[-1]}")
    return found


def compile_and_keep():
    """Compile the loops and keep them, for other processes to load."""
    global compiling
    compiling = True
    importlib.import_module("gluon_wgan.kernels.compiled")


@contextlib.contextmanager
def _saying_if_it_takes_long():
    timer = threading.Timer(_PATIENCE, log.info, ["compiling kernels, once on this machine (some 10 s)"])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def view(array, shape):
    """Return the memory of an array as numpy's, once all that writes to it is done; it lives as long as this does.

    Parameters
    ----------
    array : mxnet.nd.NDArray
        float32, on a CPU.
    shape : tuple of int
    """
    array.wait_to_read()
    pointer = ctypes.c_void_p()
    check_call(_LIB.MXNDArrayGetData(array.handle, ctypes.byref(pointer)))
    memory = (ctypes.c_float * math.prod(shape)).from_address(pointer.value)
    memory.owner = array
    return np.frombuffer(memory, np.float32).reshape(shape)


def new(beside, shape, seen_as):
    """Return a float32 array, not filled, on the device of another one, and a `view` of it in another shape."""
    array = nd.empty(shape, ctx=beside.context)
    return array, view(array, seen_as)
