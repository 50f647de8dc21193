"""What each worker of a timed exchange does: add up arrays of a network's sizes with the others, over and over."""

import json
import sys
import time
from pathlib import Path

from gluon_wgan import use_synchronous_engine
from gluon_wgan.roles import WORKER, take_place

CODE = f"from {__name__} import run; run()"


def run():
    """Time sums; the arguments are a JSON list of shapes, repeats, a 2-bit compression's threshold or 0, and a file.

    Worker 0 writes there the seconds of each sum, and how far all until then are off together: all workers give the
    same normal numbers of spread 1, so that the sum is known.
    """
    shapes, repeats, threshold, file = json.loads(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    place = take_place()
    use_synchronous_engine()
    from mxnet import nd

    from gluon_wgan.training.cluster import Store, serve

    place.check_scheduler()
    if place.role != WORKER:
        serve(place)
        return
    with Store(place) as store:
        if threshold:
            store.compress(threshold)
        numbers = [nd.array(values) for values in _values(shapes)]
        seconds, totals = [], [0.0] * len(shapes)
        errors = []
        for repeat in range(1, repeats + 1):
            arrays = [array.copy() for array in numbers]
            nd.waitall()
            began = time.perf_counter()
            for index, array in enumerate(arrays):
                store.sum(str(index), [array])
            nd.waitall()
            seconds.append(time.perf_counter() - began)
            totals = [total + array for total, array in zip(totals, arrays)]
            errors.append(_error(totals, [array * store.workers * repeat for array in numbers]))
        if store.worker == 0:
            Path(file).write_text(json.dumps({"seconds": seconds, "errors": errors}))


def _values(shapes):
    from gluon_wgan import streams

    return [streams.normal(0, "exchange", index, shape) for index, shape in enumerate(shapes)]


def _error(found, right):
    """Return the relative error of sums that were added up: what one leaves out comes with a later one, or never."""
    off = sum(float(((one - other) ** 2).sum().asscalar()) for one, other in zip(found, right))
    return (off / sum(float((other**2).sum().asscalar()) for other in right)) ** 0.5
