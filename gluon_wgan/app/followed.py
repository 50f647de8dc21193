"""How far a run is: its metrics.jsonl, read on from where the last look ended."""

import time
from collections import deque

from gluon_wgan.pictures import Curve
from gluon_wgan.run_folder import RunFolder, record_in
from gluon_wgan.training.run import in_words

_RECENT = 500  # generator steps whose pace counts
_SILENT = 60  # seconds after which a run is no longer said to be training, or five steps if those take longer


class Followed:
    """A run whose metrics.jsonl is read on from where the last look ended.

    Parameters
    ----------
    folder : pathlib.Path
        A run folder.
    """

    def __init__(self, folder):
        self._run = RunFolder(folder)
        self._file = self._run.metrics_file
        self._begin()

    def _begin(self):
        self.curve, self._read = Curve(), 0
        self._recent = deque(maxlen=_RECENT)  # (generator step, seconds)
        self._estimate = None

    def look(self):
        """Read what was written since; a run that went back to a checkpoint is read anew.

        Raises
        ------
        UserError
            If its config.json is damaged.
        """
        self._until = self._run.read_config()["generator_steps"]
        if not self._read_on():
            self._begin()
            self._read_on()

    def _read_on(self):
        """Return False if the lines are not those that follow what was read."""
        if not self._file.is_file() or self._file.stat().st_size < self._read:
            return self._read == 0
        with open(self._file, "rb") as file:
            file.seek(self._read)
            for line in file:
                record = record_in(line)
                if record is None and not line.endswith(b"\n"):
                    break  # it is being written
                if record is None or record["generator_step"] != len(self.curve) + 1:
                    return False
                self._read += len(line)
                self._estimate = record["em_distance_estimate"]
                self.curve.add(self._estimate)
                self._recent.append((record["generator_step"], record["seconds"]))
        return True

    def row(self):
        """Return what the table says: generator step, EM estimate, steps a second, state."""
        if not self._recent:
            return [f"0 of {self._until:,}", "", "", "no step yet"]
        (first, began), (step, now) = self._recent[0], self._recent[-1]
        pace = (step - first) / (now - began) if now > began else None
        silent = time.time() - self._file.stat().st_mtime
        if step >= self._until:
            state = "finished"
        elif pace and silent > max(_SILENT, 5 / pace):
            state = f"no step for {in_words(silent)}"
        else:
            state = f"training, {in_words((self._until - step) / pace)} left" if pace else "training"
        return [f"{step:,} of {self._until:,}", f"{self._estimate:.4g}", f"{pace:.3g}" if pace else "", state]

    def newest(self):
        """Return the file of the newest samples, a sheet or lines; None if there are none yet."""
        return self._run.newest_samples()
