"""Checkpoints: a folder of plain arrays that appears whole or not at all, and that knows when it is damaged."""

import hashlib
import os
import re
import shutil
from pathlib import Path

import numpy as np
from mxnet import cpu, nd

from gluon_wgan.errors import NotFiniteError, UserError
from gluon_wgan.files import flush, write_flushed
from gluon_wgan.params_files import read_params
from gluon_wgan.run_folder import SCHEMA, RunFolder, sealed, unsealed
from gluon_wgan.settings import Settings
from gluon_wgan.zoo import located

_FILES = ("generator.params", "critic.params", "optimizer.params")
# The keys of state.json while it had no fingerprint.
_BEFORE_IT_WAS_SEALED = set("schema generator_steps critic_steps within_step seconds by_clock files".split())
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

    Raises
    ------
    NotFiniteError
        If a weight or an optimizer's average is not finite; nothing is written.
    OSError
        If it cannot be written; the checkpoints before it are as they were.
    """
    name = f"step_{state['generator_steps']:07d}"
    if state["within_step"]:
        name += f"_critic_{state['critic_steps']:09d}"
    place, partial = folder / name, folder / f".{name}.partial"
    if place.exists():
        try:
            verify_checkpoint(place)
            return place  # the same step of the same run holds the same arrays
        except UserError:
            shutil.rmtree(place)  # damaged, and made anew
    arrays = arrays_of(generator, critic, updaters)
    for file, named in arrays.items():
        check_finite(named, f"{file.partition('.')[0]} at generator step {state['generator_steps']}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        files = {}
        for file, named in arrays.items():
            content = _as_bytes(named)
            write_flushed(partial / file, content)
            files[file] = _fingerprint(content)
        write_flushed(partial / "state.json", sealed({**state, "files": files}))
        flush(partial)
        partial.rename(place)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)  # a full disk wants its room back
        raise
    link = folder / ".latest.partial"
    link.unlink(missing_ok=True)
    link.symlink_to(place.name)
    link.replace(folder / "latest")
    flush(folder)
    return place


def arrays_of(generator, critic, updaters):
    """Return the arrays that a checkpoint holds, {file: {name: mxnet.nd.NDArray}}; see `save_checkpoint`."""
    averages = {
        f"{network}.{index}.{part}": array
        for network, updater in updaters.items()
        for index, entry in updater.states.items()
        for part, array in enumerate(_as_tuple(entry))
    }
    return dict(zip(_FILES, (_weights_of(generator), _weights_of(critic), averages)))


def check_finite(arrays, where):
    """Raise NotFiniteError, naming the first, if a number in {name: mxnet.nd.NDArray} is not finite."""
    for name, array in arrays.items():
        if not np.isfinite(array.asnumpy()).all():
            raise NotFiniteError(f"{name} of {where} is not finite")


def _weights_of(block):
    return {name: parameter.data() for name, parameter in block._collect_params_with_prefix().items()}


def _as_bytes(arrays):
    """Return what MXNet's save writes of {name: array}.

    Through memory, since MXNet flushes into a full disk without looking whether all of it arrived.
    """
    descriptor = os.memfd_create("params")
    with open(descriptor, "rb") as file:
        nd.save(f"/proc/self/fd/{descriptor}", {name: array.as_in_context(cpu()) for name, array in arrays.items()})
        return file.read()


def drop_checkpoints_by_clock(folder):
    """Remove the checkpoints that were written by the clock, but for the newest checkpoint of all."""
    for place in list_checkpoints(folder)[-2::-1]:
        try:
            by_clock = _read_state(place).get("by_clock")
        except (OSError, ValueError):
            by_clock = False  # damaged: not ours to remove
        if not by_clock:
            return
        shutil.rmtree(place)


def list_checkpoints(folder):
    """Return the checkpoints in a run's checkpoints/ folder, oldest first; a half-written one is not among them."""
    found = [(match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    found.sort(key=lambda pair: (int(pair[0][1]), int(pair[0][2] or 0)))
    return [path for _, path in found]


def _read_state(checkpoint):
    file = checkpoint / "state.json"
    try:
        return unsealed(file.read_bytes(), _BEFORE_IT_WAS_SEALED)
    except ValueError as error:
        raise ValueError(f"state.json: {error}") from error


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
        state = _read_state(path)
        damaged = [file for file in _FILES if _fingerprint((path / file).read_bytes()) != state["files"][file]]
        if damaged:
            problem = f"{damaged[0]} is not as it was written: it was cut short or changed"
        elif state.get("schema", 1) > SCHEMA:
            problem = f"its state.json has schema {state['schema']}, of a later version of this program"
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = str(error)
    if problem is None:
        return state
    place = path.resolve()
    siblings = list_checkpoints(place.parent) if place.parent.is_dir() else []
    earlier = siblings[: siblings.index(place)] if place in siblings else []
    previous = f"the previous one, {earlier[-1].name}" if earlier else "none, since there is none before it"
    raise UserError("checkpoint", f"{path} ({problem})", f"a whole checkpoint: {previous}")


def open_checkpoint(path):
    """Return (checkpoint, settings, state) of a run folder (its newest checkpoint), one checkpoint in it, or zoo:NAME.

    Raises
    ------
    UserError
        If there is none, or it is damaged.
    """
    path = located(path)
    if (path / "checkpoints").is_dir():
        found = list_checkpoints(path / "checkpoints")
        if not found:
            raise UserError("run", f"{path} (no checkpoint yet)", "a run that has written one")
        checkpoint = found[-1].resolve()
    elif (path / "generator.params").is_file():
        checkpoint = path.resolve()
    else:
        allowed = "a run folder, a checkpoint such as runs/demo-pil-seed0/checkpoints/latest, or zoo:NAME"
        raise UserError("run", path, allowed)
    state = verify_checkpoint(checkpoint)
    run = checkpoint.parent.parent
    return checkpoint, Settings.from_json(RunFolder(run).read_config("run"), run / "config.json"), state


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
        If the checkpoint is damaged, or holds numbers that are not finite.
    """
    path = Path(path)
    state = verify_checkpoint(path)
    load_weights(path / "generator.params", generator)
    load_weights(path / "critic.params", critic)
    saved = read_arrays(path / "optimizer.params")
    for name, array in arrays_of(generator, critic, updaters)["optimizer.params"].items():
        array[:] = saved[name]
    return state


def read_arrays(file):
    """Return the arrays of a checkpoint's file, {name: mxnet.nd.NDArray}; raises what `read_params` does."""
    return {name: nd.array(array) for name, array in read_params(file).items()}


def load_weights(file, block):
    """Give a network, initialised, the weights of a checkpoint's file.

    Raises
    ------
    UserError
        If they are those of another network, or not finite.
    """
    arrays, parameters = read_arrays(file), block._collect_params_with_prefix()
    shapes = {name: parameter.shape for name, parameter in parameters.items()}
    if {name: array.shape for name, array in arrays.items()} != shapes:
        raise UserError("checkpoint", f"{file} (of another network)", "one of the network that its config.json names")
    for name, parameter in parameters.items():
        parameter.set_data(arrays[name])


def _as_tuple(entry):
    if entry is None:
        return ()
    return entry if isinstance(entry, tuple) else (entry,)


def _fingerprint(content):
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
