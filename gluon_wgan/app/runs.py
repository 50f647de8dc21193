"""The runs that the page may read: those it was given, by name, the zoo's models, and no other place."""

import os
from pathlib import Path

from gluon_wgan import zoo
from gluon_wgan.checkpoint import list_checkpoints
from gluon_wgan.errors import UserError
from gluon_wgan.run_folder import RunFolder

NEWEST = "the newest"
_DEPTH = 3  # floors below a folder that was given, at most, as of runs/ablations/RUN
_MOST = 2000  # runs shown


class Runs:
    """Run folders by name: those given, those up to three floors below a folder that was given, and the zoo's models.

    The folders are looked through at each call, so that a run that has just begun is among them. A link that leads out
    of what was given is not followed.

    Parameters
    ----------
    folders : iterable of str or pathlib.Path

    Raises
    ------
    UserError
        If one is no folder.
    """

    def __init__(self, folders):
        self._folders = [Path(folder) for folder in folders]
        for folder in self._folders:
            if not folder.is_dir():
                raise UserError("RUN", f"{folder} (no such folder)", "a run folder, or a folder of runs")
        tops = [(folder.parent if _is_run(folder) else folder).absolute() for folder in self._folders]
        self._named_from = os.path.commonpath(tops) if tops else "."

    def folders(self):
        """Return {name: run folder} of the runs that were given, the one written to last first."""
        found = {}
        for given in self._folders:
            for run in _runs_in(given, given.resolve(), _DEPTH):
                found.setdefault(os.path.relpath(run, self._named_from), run)
        newest_first = sorted(found.items(), key=lambda pair: _written(pair[1]), reverse=True)
        return dict(newest_first[:_MOST])

    def names(self):
        """Return the names of all, a list of str, those of the zoo last."""
        return [*self.folders(), *_models()]

    def folder(self, name):
        """Return the run folder of a name; raises UserError if it is none of these."""
        run = (_models() | self.folders()).get(name)
        if run is None:
            raise UserError("run", repr(name), "one of the runs that this page was given")
        return run

    def classes(self, name):
        """Return how many labels a run can draw by: 0 without labels, or if that cannot be read."""
        try:
            return RunFolder(self.folder(name)).read_config().get("classes", 0)
        except UserError:  # which says so when it is to draw
            return 0

    def checkpoints(self, name):
        """Return the names of a run's checkpoints, the newest first."""
        place = self.folder(name) / "checkpoints"
        return [path.name for path in reversed(list_checkpoints(place))] if place.is_dir() else []

    def checkpoint(self, name, checkpoint):
        """Return the folder of a run's checkpoint by its name, or by `NEWEST`.

        Raises
        ------
        UserError
            If the run is none of these, or has no such checkpoint.
        """
        known = self.checkpoints(name)
        if not known:
            raise UserError("run", f"{name} (no checkpoint yet)", "a run that has written one")
        if checkpoint == NEWEST:
            checkpoint = known[0]
        if checkpoint not in known:
            raise UserError("checkpoint", repr(checkpoint), f"one of {name}: {', '.join(known[:5])}")
        return self.folder(name) / "checkpoints" / checkpoint


def _models():
    return {f"zoo:{name}": zoo.located(f"zoo:{name}") for name in zoo.names()}


def labels_of(names):
    """Return a short label of each of some runs, {name: label}: what of its name not all of them have, or its start."""
    parts = {name: name.split("-") for name in names}
    if len(parts) < 2:
        return {name: name for name in parts}
    common = set.intersection(*map(set, parts.values()))
    return {name: "-".join(part for part in words if part not in common) or words[0] for name, words in parts.items()}


def _runs_in(folder, root, depth):
    if not folder.resolve().is_relative_to(root):
        return
    if _is_run(folder):
        yield folder
    elif depth:
        for below in sorted(folder.iterdir()):
            if below.is_dir() and not below.name.startswith("."):
                yield from _runs_in(below, root, depth - 1)


def _is_run(folder):
    return (folder / "config.json").is_file()


def _written(run):
    file = run / "metrics.jsonl"
    return file.stat().st_mtime if file.exists() else 0.0
