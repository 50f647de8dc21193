"""Reproduce the Wasserstein GAN family in MXNet Gluon, and measure where a port departs from its reference.

Importing the package sets OMP_NUM_THREADS, unless it is set already, to the physical cores that this process may
use: MXNet takes half the processors by default, because it assumes hyper-threads, and reads the variable once,
when it loads. And it lets MXNet load with a current NumPy, see `gluon_wgan.mxnet_on_numpy2`. Import gluon_wgan before
mxnet.
"""

import contextlib
import ctypes
import os
import sys
import tempfile
from importlib import import_module

from loky import cpu_count

from gluon_wgan import mxnet_on_numpy2

__version__ = "0.1.0"
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h

mxnet_on_numpy2.install()
os.environ.setdefault("OMP_NUM_THREADS", str(cpu_count(only_physical_cores=True)))


def load_generator(run):
    """Return (generator, settings, checkpoint) of a run folder (its newest checkpoint), a checkpoint, or zoo:NAME.

    `gluon_wgan.models.sampling.samples(generator, settings, count)` draws pictures with it.

    Raises
    ------
    UserError
        If there is no checkpoint, or it is damaged.
    """
    # by name, so that this module, which all others import, imports none of them
    return import_module("gluon_wgan.models.sampling").load_generator(run)


def train(settings, out, cache_dir="cache"):
    """Train in a run folder, or go on with the run there, see `gluon_wgan.tools.train.train`."""
    return import_module("gluon_wgan.tools.train").train(settings, out, cache_dir)


def use_synchronous_engine():
    """Make MXNet run its operators on the thread that calls them, unless MXNET_ENGINE_TYPE is set. Before mxnet loads.

    Measured on two cores: with the default engine, 32x32 with 16 channels took 0.12 to 0.14 s a step once a matrix
    product had run in the process, and takes 0.08 s. The likely reason, not proven: that engine's threads each start an
    OpenMP team, and when these outnumber the processors libgomp's waiting threads sleep instead of spinning. The
    numbers are the same. A GPU profits from the default engine's asynchrony.

    And let glibc keep freed memory. Otherwise every large array is mapped and unmapped anew, and its pages are faulted
    in one by one: 64,000 faults a penalised update at 64x64 with 64 channels. Keeping it saved 2 to 14 % of the time in
    five pairs of processes, and took 9 to 14 % more memory.
    """
    os.environ.setdefault("MXNET_ENGINE_TYPE", "NaiveEngine")
    with contextlib.suppress(AttributeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    import numpy as np

    # OpenBLAS takes its 32 MB at its first call, and keeps them; where there is no room it tries for ever
    np.linalg.inv(np.eye(1))
    if "mxnet" not in sys.modules:
        _start_quietly()


def _start_quietly():
    """Load mxnet and start its engine, without the line in which that tells stderr its name."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import mxnet

            mxnet.nd.waitall()  # the engine starts with the first call
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            said.seek(0)
            for line in said:
                if b"MXNet start using engine" not in line:
                    os.write(2, line)
