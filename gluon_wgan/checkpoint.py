"""Checkpoints: a folder of plain arrays that appears whole or not at all, and that knows when it is damaged."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from mxnet import nd

from gluon_wgan.errors import UserError
from gluon_wgan.run_folder import RunFolder
from gluon_wgan.settings import Settings

_FILES = ("generator.params", "critic.params", "optimizer.params")
_NAME = re.compile(r"step_(\d{7,})(?:_critic_(\d+))?")


def save_checkpoint(folder, generator, critic, updaters, state):
    """Write a checkpoint: beside its place, flushed, then renamed.

    Parameters
    ----------
    folder : pathlib.Path
        The run's checkpoints/. The new one is step_0000500/, after a generator step, or
        step_0000500_critic_000003100/, between two critic updates of the next; `latest` links to it.
    generator, critic : mxnet.gluon.Block
    updaters : dict of str to mxnet.optimizer.Updater
        Their states, in order of parameter, go to optimizer.params.
    state : dict
        Of JSON values, written to state.json: generator_steps, critic_steps, within_step (bool) and what else the
        trainer wants back.

    Returns
    -------
    pathlib.Path
    """
    name = f"step_{state['generator_steps']:07d}"
    if state["within_step"]:
        name += f"_critic_{state['critic_steps']:09d}"
    place, partial = folder / name, folder / f".{name}.partial"
    if place.exists():
        return place  # the same step of the same run holds the same arrays
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    generator.save_parameters(str(partial / "generator.params"))
    critic.save_parameters(str(partial / "critic.params"))
    arrays = {
        f"{network}.{index}.{part}": array
        for network, updater in updaters.items()
        for index, entry in updater.states.items()
        for part, array in enumerate(_as_tuple(entry))
    }
    nd.save(str(partial / "optimizer.params"), arrays)
    files = {file: _fingerprint(partial / file) for file in _FILES}
    (partial / "state.json").write_text(json.dumps({**state, "files": files}, indent=1))
    for file in (*_FILES, "state.json", "."):
        _flush(partial / file)
    partial.rename(place)
    link = folder / ".latest.partial"
    link.unlink(missing_ok=True)
    link.symlink_to(place.name)
    link.replace(folder / "latest")
    _flush(folder)
    return place


def list_checkpoints(folder):
    """Return the checkpoints in a run's checkpoints/ folder, oldest first; a half-written one is not among them."""
    found = [(match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    found.sort(key=lambda pair: (int(pair[0][1]), int(pair[0][2] or 0)))
    return [path for _, path in found]


def verify_checkpoint(path):
    """Return state.json of a checkpoint whose files are whole.

    Raises
    ------
    UserError
        If a file is missing or is not what was written; the message offers the checkpoint before it.
    """
    path = Path(path)
    problem = None
    try:
        state = json.loads((path / "state.json").read_text())
        damaged = [file for file in _FILES if _fingerprint(path / file) != state["files"][file]]
        if damaged:
            problem = f"{damaged[0]} is not as it was written: it was cut short or changed"
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = str(error)
    if problem is None:
        return state
    place = path.resolve()
    siblings = list_checkpoints(place.parent) if place.parent.is_dir() else []
    earlier = siblings[: siblings.index(place)] if place in siblings else []
    previous = f"the previous one, {earlier[-1].name}" if earlier else "step 0, since there is none before it"
    allowed = f"remove {place} and give the same command again, to go on from {previous}"
    raise UserError("checkpoint", f"{path} ({problem})", allowed)


def open_checkpoint(path):
    """Return (checkpoint, settings, state) of a run folder (its newest checkpoint) or of one checkpoint in it.

    Raises
    ------
    UserError
        If there is none, or it is damaged.
    """
    path = Path(path)
    if (path / "checkpoints").is_dir():
        found = list_checkpoints(path / "checkpoints")
        if not found:
            raise UserError("run", f"{path} (no checkpoint yet)", "a run that has written one")
        checkpoint = found[-1].resolve()
    elif (path / "generator.params").is_file():
        checkpoint = path.resolve()
    else:
        raise UserError("run", path, "a run folder, or a checkpoint such as runs/demo-pil-seed0/checkpoints/latest")
    state = verify_checkpoint(checkpoint)
    run = checkpoint.parent.parent
    return checkpoint, Settings.from_json(RunFolder(run).read_config(), run / "config.json"), state


def load_checkpoint(path, generator, critic, updaters):
    """Read a checkpoint into networks and optimizers; return its state.

    Parameters
    ----------
    path : str or pathlib.Path
    generator, critic : mxnet.gluon.Block
        Initialised, of the shapes that were saved.
    updaters : dict of str to mxnet.optimizer.Updater
        With their states created.

    Raises
    ------
    UserError
        If the checkpoint is damaged.
    """
    path = Path(path)
    state = verify_checkpoint(path)
    generator.load_parameters(str(path / "generator.params"))
    critic.load_parameters(str(path / "critic.params"))
    arrays = nd.load(str(path / "optimizer.params"))
    for network, updater in updaters.items():
        for index, entry in updater.states.items():
            for part, array in enumerate(_as_tuple(entry)):
                array[:] = arrays[f"{network}.{index}.{part}"]
    return state


def _as_tuple(entry):
    if entry is None:
        return ()
    return entry if isinstance(entry, tuple) else (entry,)


def _fingerprint(file):
    content = file.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
