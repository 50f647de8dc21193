"""The CUDA build of MXNet: its libraries, found without LD_LIBRARY_PATH, and the cards that it has code for.

The wheel `mxnet-cu112` wants CUDA's libraries beside it, which `make setup-gpu` installs as packages of their own below
site-packages/nvidia; loaded once, they are found by what loads later, as PyTorch does it. The driver's library is the
machine's.
"""

import ctypes
import importlib.util
from importlib import metadata
from pathlib import Path

from gluon_wgan.errors import UserError

# Compute capabilities that libmxnet holds machine code for; it has no PTX, from which a driver could make other code.
# A card runs what was made for its major version and a minor one not above its own.
_BUILT_FOR = ((5, 0), (6, 0), (7, 0), (8, 0), (8, 6))
DRIVER = "libcuda.so.1"
NO_DRIVER = f"this is MXNet's CUDA build, and the system lacks {DRIVER}, NVIDIA's driver; without a card, `make setup`"
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*


def preload():
    """Load what MXNet's CUDA build needs, before MXNet, where that build is installed; else do nothing."""
    try:
        metadata.version("mxnet-cu112")
    except metadata.PackageNotFoundError:
        return  # and perhaps another package's CUDA is there, for gigabytes
    found = importlib.util.find_spec("nvidia")
    roots = found.submodule_search_locations if found else []
    left = sorted(file for root in roots for file in Path(root).glob("*/lib/lib*.so.*"))
    while left:  # they need each other, each version in an order of its own
        failed = [file for file in left if not _load(file)]
        if len(failed) == len(left):
            return  # what is missing, libmxnet will say
        left = failed


def _load(file):
    try:
        ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    return True


def check_card(number):
    """Raise UserError if this MXNet has no code for a card.

    Parameters
    ----------
    number : int
        Of the card, as the driver counts.
    """
    major, minor = _capability(number)
    if any(major == built and minor >= least for built, least in _BUILT_FOR):
        return
    versions = ", ".join(f"{major}.{minor}" for major, minor in _BUILT_FOR)
    given = f"gpu {number}, of compute capability {major}.{minor}"
    allowed = (
        f"a card that MXNet's CUDA build has code for ({versions}, and later minor versions: up to RTX 40, A100, L4); "
        "for H100 and later train with PyTorch (tests/parity/full_size.py), and carry the checkpoint over"
    )
    raise UserError("--device", given, allowed)


def _capability(number):
    driver = ctypes.CDLL(DRIVER)
    device, values = ctypes.c_int(), []
    _succeed(driver.cuInit(0))
    _succeed(driver.cuDeviceGet(ctypes.byref(device), number))
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int()
        _succeed(driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device))
        values.append(value.value)
    return values


def _succeed(status):
    if status:
        raise UserError(
            "--device", f"gpu, whose driver answers with error {status}", "a card whose driver works, or cpu"
        )
