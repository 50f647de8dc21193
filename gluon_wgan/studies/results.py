"""The one keeper of results: what is measured is in reports/data/NAME.json at once, and stays."""

import contextlib
import copy
import json
import logging
import re
from pathlib import Path

from gluon_wgan.environment import describe_environment, shown_command
from gluon_wgan.errors import UserError
from gluon_wgan.files import locked, parse_json, write_atomic

log = logging.getLogger(__name__)

SCHEMA = 1  # of a data file; files from before it was written down have the same


class Results:
    """The data file of a study. Several processes may add to it; each piece is in it whole, or not at all.

    Parameters
    ----------
    reports : str or pathlib.Path
        The folder of the reports.
    name : str
        reports/data/NAME.json.

    Attributes
    ----------
    file : pathlib.Path
    figures : pathlib.Path
        reports/figures, for pictures that cannot be drawn from numbers.
    """

    def __init__(self, reports, name):
        self.reports = Path(reports)
        self.figures = self.reports / "figures"
        self.file = self.reports / "data" / f"{name}.json"

    def beside(self, name):
        """Return the results of another name in the same folder."""
        return Results(self.reports, name)

    def read(self):
        """Return what was kept, a dict of JSON values; an empty one if nothing was.

        Raises
        ------
        UserError
            If a later version wrote it, or it is no JSON.
        """
        try:
            content = parse_json(self.file.read_bytes()) if self.file.is_file() else {}
            schema = int(content.pop("schema", SCHEMA))
        except (ValueError, TypeError, AttributeError) as error:
            raise UserError(self.file, error, "the JSON that a study wrote") from error
        if schema > SCHEMA:
            given = f"{self.file} (schema {schema}, of a later version of this program)"
            raise UserError("--reports", given, f"schema {SCHEMA} or less; or install that version")
        return content

    @contextlib.contextmanager
    def changing(self):
        """Give what is kept, and keep what the block has made of it. No other process changes it meanwhile."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.file.parent, wait=True):
            content = self.read()
            before = copy.deepcopy(content)
            yield content
            if content != before:
                self._write(content)

    def replace(self, content):
        """Keep this, and nothing else."""
        with self.changing() as kept:
            kept.clear()
            kept.update(content)

    def keep(self, part, found):
        """Keep a part that was measured in one go; the other parts stay."""
        with self.changing() as content:
            content[part] = found

    def runs(self, part, asked):
        """Return the runs of a part that were measured as asked, a list of dicts."""
        found = self.read().get(part, {})
        return found["runs"] if _same(found, asked) else []

    def has_run(self, part, asked, **which):
        """Say whether a part has a run that was measured as asked and has these values, as in arm="pil", seed=0."""
        return any(all(run[name] == value for name, value in which.items()) for run in self.runs(part, asked))

    def keep_run(self, part, asked, run, key, finish):
        """Add a run to a part, in the place of one with the same key, and finish the part anew.

        Parameters
        ----------
        part : str
        asked : dict
            What the part is measured of and with; JSON values. Where the part was measured with other settings it
            starts anew, and all that was kept stays in NAME.before.json.
        run : dict
            What came out. It gets `start`, the number of the environment, in the part's `starts`, that measured it.
        key : callable
            `key(run)` tells the runs apart, and puts them in order.
        finish : callable
            `finish(runs)` returns what the page asks of all runs together, a dict, which goes in front of them. It may
            put them in another order.
        """
        environment = start_of_study()
        with self.changing() as content:
            found = content.get(part)
            if found is not None and not _same(found, asked):
                before = self.file.with_suffix(".before.json")
                log.warning("%s was measured with other settings: it starts anew, and the old is in %s", part, before)
                write_atomic(before, self.file.read_bytes())
                found = None
            found = found or {"starts": [], "runs": []}
            starts = found["starts"] if "starts" in found else [found["environment"]]
            if environment not in starts:
                starts.append(environment)
            run = {**run, "start": starts.index(environment)}
            runs = sorted([one for one in found["runs"] if key(one) != key(run)] + [run], key=key)
            content[part] = {**asked, "starts": starts, **finish(runs), "runs": runs}

    def _write(self, content):
        write_atomic(self.file, dumps({"schema": SCHEMA, **content}).encode())


def _same(found, asked):
    asked = json.loads(json.dumps(asked))  # tuples are lists there
    return bool(found) and all(found.get(name) == value for name, value in asked.items())


_start = {}


def start_of_study():
    """Return the environment of this process, with the command as a reader would type it; always the same."""
    if not _start:
        _start.update(describe_environment())
        _start["command"] = shown_command(_start["command"])
    return dict(_start)


def dumps(content):
    """Return JSON, lists of numbers on a line; a number that is not finite is refused."""
    text = json.dumps(content, indent=1, allow_nan=False)
    return re.sub(r"\[[-+\d.e,\s]+\]", lambda found: " ".join(found[0].split()), text) + "\n"
