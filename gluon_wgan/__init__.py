"""Reproduce the Wasserstein GAN family in MXNet Gluon, and measure where a port departs from its reference.

Importing the package sets OMP_NUM_THREADS, unless it is set already, to the physical cores that this process may
use: MXNet takes half the processors by default, because it assumes hyper-threads, and reads the variable once,
when it loads. Import gluon_wgan before mxnet.
"""

import os

from loky import cpu_count

__version__ = "0.1.0"

os.environ.setdefault("OMP_NUM_THREADS", str(cpu_count(only_physical_cores=True)))
