"""The processes of one training: sums over all workers' devices by MXNet's KVStore, and what becomes of a lost one."""

import ctypes
import json
import logging
import os
import sys
import threading
import zlib

import mxnet as mx
from mxnet import nd
from mxnet.base import _LIB, check_call

from gluon_wgan import __version__
from gluon_wgan.errors import UserError
from gluon_wgan.roles import WORKER

log = logging.getLogger(__name__)

LOST = 5  # exit status of a process whose job has lost another
_SILENT = 20  # seconds without a sign of life after which a process is taken to be lost
_MESSAGE = "stopped: a process of this job has ended, or its network; --resume goes on from the last checkpoint"
_ALL = 7  # scheduler, servers and workers, as ps-lite's groups


class Store:
    """Adds up arrays over the devices of all workers; each gets the sum.

    Of two devices the sum is the same bits from run to run; more are added in the order of their arrival.

    Parameters
    ----------
    place : Place or None
        In a job of several processes, which this waits for; None for the devices of this process alone.

    Attributes
    ----------
    worker, workers : int
        This process's number, and how many there are.
    """

    def __init__(self, place=None):
        self._known = set()
        self._watch = None
        if place is None:
            self._store, self.worker, self.workers = mx.kv.create("device"), 0, 1
            return
        os.environ["DMLC_ROLE"] = WORKER
        waiting = threading.Timer(5, log.info, ["waiting for the job's %d workers and its servers", place.workers])
        waiting.start()
        self._store = mx.kv.create("dist_sync")
        waiting.cancel()
        self.workers = self._store.num_workers
        self.worker = self._store.rank if place.worker is None else place.worker
        self._watch = _Watch(self._store)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self._watch is not None:
            self._watch.end()
            # after a mistake MXNet must not wait at the end for the others, who wait for this one's next sum
            check_call(_LIB.MXKVStoreSetBarrierBeforeExit(self._store.handle, int(kind is None)))
        self._store = None  # here, and not when Python ends, MXNet takes leave of the job

    def compress(self, threshold):
        """Send 2 bits of each number from now on, -threshold, 0 or threshold; what is left is sent with a later one.

        To be measured, reports/cluster.md: trainings here send all 32.
        """
        self._store.set_gradient_compression({"type": "2bit", "threshold": threshold})

    def sum(self, name, arrays):
        """Put the sum over all devices into each array.

        Parameters
        ----------
        name : str
            The same on all workers, and of one shape always.
        arrays : sequence of mxnet.nd.NDArray
            One for each device of this process.
        """
        if name not in self._known:
            self._store.init(name, nd.zeros_like(arrays[0]))
            self._known.add(name)
        self._store.push(name, list(arrays))
        self._store.pull(name, out=list(arrays))

    def from_first(self, name, array):
        """Put the first worker's array into that of every other; the first one's is left as it is."""
        total = array.copy() if self.worker == 0 else nd.zeros_like(array)
        self.sum(name, [total])
        if self.worker:
            array[:] = total

    def require_same(self, facts):
        """Raise UserError, on all workers, unless each has this version of the package, and the facts of the first one.

        Parameters
        ----------
        facts : dict
            {flag: JSON value}.
        """
        flags = list(facts)
        # first, since another version may know other flags
        ours = [[_number_of([__version__, *flags])], [_number_of(value) for value in facts.values()]]
        for names, numbers in zip((["the version of gluon_wgan"], flags), ours):
            key = f"same.{len(names)}"
            first = nd.array(numbers)
            self.from_first(key, first)
            others = nd.zeros((self.workers, len(names)))
            others[self.worker] = first != nd.array(numbers)
            self.sum(f"{key}.differ", [others])
            found = [
                f"worker {worker}: {', '.join(name for name, differs in zip(names, row) if differs)}"
                for worker, row in enumerate(others.asnumpy())
                if row.any()
            ]
            if found:
                raise UserError("workers", f"not what worker 0 has, {'; '.join(found)}", "the same on all workers")


def _number_of(value):
    return zlib.crc32(json.dumps(value, sort_keys=True).encode()) % 2**24  # float32 holds it


def serve(place):
    """Be the job's scheduler or one of its servers, until its workers are done."""
    os.environ["DMLC_ROLE"] = place.role
    store = mx.kv.create("dist_sync")
    watch = _Watch(store)
    # MXNet's own server in Python unpickles what comes with a command, whoever sent it; none is needed here
    refuse = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(lambda *command: None)
    check_call(_LIB.MXKVStoreRunServer(store.handle, refuse, None))
    watch.end()


class _Watch:
    """Ends this process, from a thread of its own, once the job has lost another: a sum would wait for it forever."""

    def __init__(self, store):
        self._store, self._over = store, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        lost = ctypes.c_int()
        while not self._over.wait(2):
            check_call(_LIB.MXKVStoreGetNumDeadNode(self._store.handle, _ALL, ctypes.byref(lost), _SILENT))
            if lost.value:
                log.error(_MESSAGE)
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(LOST)

    def end(self):
        """Stop watching."""
        self._over.set()
        self._thread.join()
        self._store = None
