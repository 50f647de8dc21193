"""What each worker of a timed exchange does: add up as many numbers as a network has with the others, over and over."""

import json
import sys
import time
from pathlib import Path

from gluon_wgan import streams, use_synchronous_engine
from gluon_wgan.roles import WORKER, take_place

CODE = f"from {__name__} import run; run()"


def run():
    """Time sums; the arguments are how many numbers, repeats, a 2-bit compression's threshold or 0, and a file.

    Worker 0 writes there the seconds of each sum, and how far all until then are off together: all workers give the
    same normal numbers of spread 1, so that the sum is known.
    """
    count, repeats, threshold, file = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
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
        numbers = nd.array(streams.normal(0, "exchange", 0, (count,)))
        total, seconds, errors = nd.zeros_like(numbers), [], []
        for repeat in range(1, repeats + 1):
            array = numbers.copy()
            nd.waitall()
            began = time.perf_counter()
            store.sum("numbers", [array])
            nd.waitall()
            seconds.append(time.perf_counter() - began)
            total += array
            right = numbers * store.workers * repeat
            # what one sum leaves out comes with a later one, or never
            errors.append(float((nd.norm(total - right) / nd.norm(right)).asscalar()))
        if store.worker == 0:
            Path(file).write_text(json.dumps({"seconds": seconds, "errors": errors}))
