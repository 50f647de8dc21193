"""The run folder: its files, read and written."""

import base64
import contextlib
import html
import json
import math
import shutil
from pathlib import Path

from gluon_wgan.errors import UserError
from gluon_wgan.files import (
    FINGERPRINT,
    check_writable,
    fingerprint_of,
    flush,
    locked,
    naming,
    parse_json,
    with_fingerprint,
    write_atomic,
)

# Of config.json and of a checkpoint's state.json. 1 had no number; its pictures were known by their files' times. 2 had
# no fingerprint of itself.
SCHEMA = 3
SEALED_SINCE = 3


def sealed(content):
    """Return a dict as JSON (bytes) of this schema, with a fingerprint of itself as the last key."""
    return with_fingerprint({"schema": SCHEMA, **content})


def unsealed(text, known=None):
    """Return the dict in JSON (bytes) that `sealed` wrote, or an older version, which had no fingerprint.

    That of a later version is not looked at: who reads it refuses its schema.

    Parameters
    ----------
    text : bytes
    known : set of str, optional
        The keys of older versions: another one may be what became of the fingerprint's. By default who reads it looks.

    Raises
    ------
    ValueError
        If it is no dict in JSON, or not what was written.
    """
    content = parse_json(text)
    if not isinstance(content, dict) or not isinstance(content.get("schema", 1), int):
        raise ValueError("no object with a schema in it")
    seal, schema = content.pop(FINGERPRINT, None), content.get("schema", 1)
    if seal is not None or schema >= SEALED_SINCE:
        changed = schema <= SCHEMA and seal != fingerprint_of(content)
    else:
        changed = known is not None and content.keys() - known
    if changed:
        raise ValueError("not as it was written: changed, or damaged")
    return content


class RunFolder:
    """One run: config.json, environment.json, metrics.jsonl, samples/, curves.png, checkpoints/, tensorboard/.

    Use it as a context manager: inside, this process is the only writer.

    Parameters
    ----------
    path : str or pathlib.Path
    """

    def __init__(self, path):
        self.path = Path(path)
        self.metrics_file = self.path / "metrics.jsonl"
        self.samples = self.path / "samples"
        self.checkpoints = self.path / "checkpoints"
        self._open = contextlib.ExitStack()
        self._metrics = None

    def newest_samples(self):
        """Return the file of the newest samples, a sheet or lines; None if there are none yet."""
        return max(self.samples.glob("step_*"), default=None)

    def _repr_html_(self):
        """Return what a notebook shows of the run: its name, its curve, and its newest samples."""
        samples = self.newest_samples()
        shown = [f"<p><b>{html.escape(str(self.path))}</b>{f', {samples.stem}' if samples else ', no samples yet'}</p>"]
        for file in (self.path / "curves.png", samples):
            if file is None or not file.is_file():
                continue
            if file.suffix == ".txt":
                shown.append(f"<pre>{html.escape(file.read_text())}</pre>")
            else:
                content = base64.b64encode(file.read_bytes()).decode()
                shown.append(f'<img src="data:image/png;base64,{content}" alt="{file.stem}" style="max-height: 300px">')
        return "\n".join(shown)

    def check_new(self):
        """Raise UserError unless a run can be started here: nothing lies here, and we may write. Leaves no trace."""
        # a run that was killed before its config.json was there has left no more than these
        unimportant = {".lock", ".config.json.partial"}
        taken = self.path.exists() and (
            not self.path.is_dir() or any(path.name not in unimportant for path in self.path.iterdir())
        )
        if taken:
            allowed = "a new or empty folder, or --resume to go on with the run in it"
            raise UserError("--out", f"{self.path} (holds files already)", allowed)
        check_writable("--out", self.path)

    def read_config(self, flag="--resume"):
        """Return config.json as a dict; raises UserError if there is none, or it is broken, or of a later version.

        It names the flag by which the folder was given.
        """
        file = self.path / "config.json"
        try:
            config = unsealed(file.read_bytes())
            if config.get("schema", 1) > SCHEMA:
                given = f"{file} (schema {config['schema']}, of a later version of this program)"
                raise UserError("run", given, f"schema {SCHEMA} or less; or install that version")
            return config
        except FileNotFoundError:
            allowed = "a run folder, which has a config.json"
            raise UserError(flag, f"{self.path} (no run in it)", allowed) from None
        except (OSError, ValueError) as error:
            raise UserError(flag, f"{file} ({error})", "the config.json that the run wrote") from error

    def __enter__(self):
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._open.enter_context(locked(self.path / ".lock", wait=False))
        except BlockingIOError:
            allowed = "a run folder that no other process is writing"
            raise UserError("--out", f"{self.path} (another process is writing this run)", allowed) from None
        self._remove_halves()
        return self

    def __exit__(self, *exception):
        with naming(self.metrics_file):  # closing it tries a failed write again
            self._open.close()

    def _remove_halves(self):
        """Remove what a killed process was writing: a run that goes on may write no file of that name again."""
        for folder in (self.path, self.samples, self.checkpoints):
            for half in folder.glob(".*.partial"):
                if half.is_dir() and not half.is_symlink():
                    shutil.rmtree(half, ignore_errors=True)
                else:
                    with contextlib.suppress(OSError):
                        half.unlink()

    def write_config(self, config):
        """Write config.json: the settings, flat, and what else identifies the run. With it the folder is a run's."""
        write_atomic(self.path / "config.json", sealed(config))
        self.samples.mkdir(exist_ok=True)
        self.checkpoints.mkdir(exist_ok=True)
        flush(self.path)

    def add_environment(self, environment):
        """Add one start of the run to environment.json; return the starts before it."""
        file = self.path / "environment.json"
        earlier = read_starts(self.path, "--resume") if file.exists() else []
        write_atomic(file, json.dumps({"starts": [*earlier, environment]}, indent=1).encode())
        return earlier

    def whole_metrics(self):
        """Yield the records of metrics.jsonl, one by one, up to the first line that is damaged or not the next step's.

        After a kill that may be the last; after a power cut, or damage, any.
        """
        with contextlib.suppress(FileNotFoundError), open(self.metrics_file, "rb") as file:
            for step, line in enumerate(file, 1):
                record = record_in(line)
                if record is None or record["generator_step"] != step:
                    return
                yield record

    def start_metrics(self, generator_steps, on_record=lambda record: None):
        """Open metrics.jsonl for appending after that many generator steps; later lines are cut off.

        `on_record` is called with each record up to there.

        Raises
        ------
        UserError
            If the file does not hold the lines up to that step.
        """
        self.metrics_file.touch()
        with naming(self.metrics_file), open(self.metrics_file, "rb+") as file:
            for step in range(1, generator_steps + 1):
                record = record_in(file.readline())
                if record is None or record["generator_step"] != step:
                    given = f"{self.metrics_file} (line {step} is missing or not of generator step {step})"
                    raise UserError("--resume", given, "the metrics that the run wrote")
                on_record(record)
            file.truncate(file.tell())
        self._metrics = self._open.enter_context(open(self.metrics_file, "a"))

    def append_metrics(self, record):
        """Append one generator step's record; it reaches the file, though not yet the disk, before this returns."""
        with naming(self.metrics_file):
            self._metrics.write(json.dumps(record) + "\n")
            self._metrics.flush()

    def flush_metrics(self):
        """Have all records on the disk, before a checkpoint that counts on them."""
        flush(self.metrics_file)


def record_in(line):
    """Return the record in a line of metrics.jsonl (bytes), or None if it is damaged, or not written to its end."""
    try:
        record = parse_json(line)
        whole = line.endswith(b"\n") and isinstance(record["generator_step"], int)
        return record if whole and math.isfinite(record.get("em_distance_estimate", 0.0)) else None
    except (ValueError, KeyError, TypeError):
        return None


def read_metrics(path):
    """Return the records of a run folder's metrics.jsonl, a list of dicts; damaged lines and those after are left out.

    All of them are in memory at once: for a study, not for a running training.
    """
    return list(RunFolder(path).whole_metrics())


def read_starts(path, flag="run"):
    """Return what a run folder's environment.json says of each of the run's starts, see `gluon_wgan.environment`.

    Raises
    ------
    UserError
        If the file is damaged, or not there; it names the flag by which the folder was given.
    """
    file = Path(path) / "environment.json"
    try:
        return list(parse_json(file.read_bytes())["starts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(flag, f"{file} ({error})", "the environment.json that the run wrote") from error


def measured_file(checkpoint):
    """Return where `gluon-wgan measure` keeps what it found of a run's checkpoint, a file in the run folder."""
    return checkpoint.parent.parent / "measured" / f"{checkpoint.name}.json"
