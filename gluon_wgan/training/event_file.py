"""TensorBoard's event file of a run, written by the thread that trains."""

import os
import time

from gluon_wgan.files import naming
from gluon_wgan.without_torch import without_torch

with without_torch():  # which tensorboardX would import, for 1.6 s, and which nobody here asks for
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto.event_pb2 import Event, SessionLog
    from tensorboardX.summary import scalar


class EventFile:
    """One start's scalars.

    tensorboardX's SummaryWriter hands its events to a thread, and waits for ever once that has died of a full disk.
    Here a failure to write is an OSError where it happens.

    Parameters
    ----------
    folder : pathlib.Path
        Made if need be; a file of its own for each start.
    first_step : int
        Events of this step and later, from earlier starts, no longer count.
    """

    def __init__(self, folder, first_step):
        self._file = folder
        folder.mkdir(exist_ok=True)
        with naming(folder):
            self._writer = EventsWriter(str(folder / "events"), f".{os.getpid()}")
        self._write(Event(step=first_step, session_log=SessionLog(status=SessionLog.START)))

    def add(self, record):
        """Add the numbers of a generator step's record."""
        event = Event(step=record["generator_step"])
        for name, value in record.items():
            if isinstance(value, float) and name != "seconds":
                event.summary.value.extend(scalar(name, value).value)
        self._write(event)

    def _write(self, event):
        event.wall_time = time.time()
        with naming(self._file):
            self._writer.write_event(event)

    def close(self):
        """Write what is left."""
        with naming(self._file):
            self._writer.close()
