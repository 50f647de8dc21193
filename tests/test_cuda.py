"""Which cards MXNet's CUDA build has code for, and what it loads; with a driver of our own in the place of NVIDIA's."""

import ctypes
import sys
from importlib import metadata

import pytest

from gluon_wgan import cuda
from gluon_wgan.errors import UserError


class Driver:
    """As much of libcuda.so.1 as is asked for."""

    def __init__(self, major=8, minor=6, status=0):
        self.capability, self.status = {75: major, 76: minor}, status

    def cuInit(self, flags):  # noqa: N802 - the driver's names
        return self.status

    def cuDeviceGet(self, device, number):  # noqa: N802 - the driver's names
        device._obj.value = number
        return 0

    def cuDeviceGetAttribute(self, value, attribute, device):  # noqa: N802 - the driver's names
        value._obj.value = self.capability[attribute]
        return 0


@pytest.mark.parametrize(
    "major, minor, runs",
    [
        (3, 7, 0),
        (5, 0, 1),
        (5, 2, 1),
        (6, 1, 1),
        (7, 0, 1),
        (7, 5, 1),
        (8, 0, 1),
        (8, 6, 1),
        (8, 9, 1),
        (9, 0, 0),
        (12, 0, 0),
    ],
)
def test_cards(monkeypatch, major, minor, runs):
    """V100 is 7.0, T4 7.5, A100 8.0, RTX 30 8.6, RTX 40 8.9, H100 9.0."""
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(major, minor))
    if runs:
        cuda.check_card(1)
        return
    with pytest.raises(
        UserError, match=f"--device: given gpu 1, of compute capability {major}.{minor}; allowed: a card"
    ):
        cuda.check_card(1)


def test_a_driver_that_does_not_work(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(status=100))
    with pytest.raises(UserError, match="whose driver answers with error 100"):
        cuda.check_card(0)


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Put three libraries where NVIDIA's packages have theirs; the list of what was loaded is returned."""
    for name in ("one/lib/liba.so.1", "two/lib/libb.so.1", "two/lib/libc.so.1"):
        (tmp_path / "nvidia" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "nvidia" / name).touch()
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("nvidia", None)
    loaded = []

    def load(path, mode):
        name = path.rpartition("/")[2]
        if name == "liba.so.1" and "libc.so.1" not in loaded:  # which it needs
            raise OSError(name)
        assert mode == ctypes.RTLD_GLOBAL
        loaded.append(name)

    monkeypatch.setattr(ctypes, "CDLL", load)
    return loaded


def test_libraries_are_loaded_in_whatever_order_they_need(packages, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: {"mxnet-cu112": "1.9.1"}[name])
    cuda.preload()
    assert packages == ["libb.so.1", "libc.so.1", "liba.so.1"]


def test_libraries_that_cannot_be_loaded_are_left_to_mxnet_to_name(packages, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: "1.9.1")

    def fail(path, mode):
        packages.append(path)
        raise OSError(path)

    monkeypatch.setattr(ctypes, "CDLL", fail)
    cuda.preload()
    assert len(packages) == 3


def test_without_the_cuda_build_nothing_is_loaded(packages):
    """PyTorch brings the same folders, with other versions."""
    cuda.preload()
    assert packages == []
