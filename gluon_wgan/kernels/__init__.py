"""Loops compiled by numba, where MXNet's operators on a CPU are slow: for float32, and only where numba is installed.

Where they do not serve the layers use MXNet's operators, with which results agree to some roundings. The environment
variable GLUON_WGAN_KERNELS=0 turns them off.
"""

import contextlib
import ctypes
import functools
import importlib.util
import logging
import os
import threading

import numpy as np
from mxnet.base import _LIB, check_call

log = logging.getLogger(__name__)


def serve(array):
    """Say whether the loops of `of_normalisation` are to work on such an array.

    Parameters
    ----------
    array : mxnet.nd.NDArray
    """
    return array.dtype == np.float32 and array.context.device_type == "cpu" and of_normalisation() is not None


@functools.cache
def of_normalisation():
    """Return {step: (loop, names of what it takes, names of what it fills)}, compiled; None where they cannot serve.

    Steps and names are those of `gluon_wgan.layers.linearised_norm`.
    """
    if os.environ.get("GLUON_WGAN_KERNELS") == "0" or importlib.util.find_spec("numba") is None:
        return None
    try:
        with _saying_if_it_takes_long():
            import numba

            most = numba.config.NUMBA_NUM_THREADS
            numba.set_num_threads(min(int(os.environ.get("OMP_NUM_THREADS", most)), most))
            from gluon_wgan.kernels import normalisation as loops
    except RuntimeError as problem:  # numba finds no folder to keep them in
        log.warning("without compiled kernels, and slower: %s; NUMBA_CACHE_DIR can name a folder to keep them", problem)
        return None
    known = ("y", "x", "gamma", "mean", "r")
    pushed = ("b", "d", "u", "mean_na", "mean_nt")
    return {
        "forward": (loops.forward, ("x", "gamma", "beta"), ("y", "mean", "r")),
        "pull": (loops.pull, ("b", *known), ("d", "mean_na")),
        "push": (loops.push, ("t", *known), ("ty", "u", "mean_nt")),
        "reverse": (loops.reverse, ("c", *known), ("dx", "by_gamma", "by_beta")),
        "reverse_both": (loops.reverse_both, ("c", *known, *pushed), ("dx", "by_gamma", "by_beta")),
    }


@contextlib.contextmanager
def _saying_if_it_takes_long():
    timer = threading.Timer(2, log.info, ["compiling kernels, once on this machine (some 10 s)"])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def view(array, shape):
    """Return the memory of an array as numpy's, once all that writes to it is done.

    Parameters
    ----------
    array : mxnet.nd.NDArray
        float32, on a CPU. It must live as long as the view.
    shape : tuple of int
    """
    array.wait_to_read()
    pointer = ctypes.c_void_p()
    check_call(_LIB.MXNDArrayGetData(array.handle, ctypes.byref(pointer)))
    return np.frombuffer((ctypes.c_float * array.size).from_address(pointer.value), np.float32).reshape(shape)
