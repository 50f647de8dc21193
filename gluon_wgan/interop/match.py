"""Fit the tensors of a file to the table of names: each in its place, none missing, none left over."""

import re
from collections import defaultdict

import numpy as np

from gluon_wgan.errors import UserError
from gluon_wgan.interop.layout import count_name

KIND = re.compile(r"(weight|bias|gamma|beta|running_mean|running_var)$")


def match_by_name(tensors, layout, shape, file):
    """Return ({our name: array}, {name: count of a num_batches_tracked}) of a state dict with the original's names.

    The last layer of a critic comes back negated.

    Parameters
    ----------
    tensors : dict of str to numpy.ndarray
    layout : list of gluon_wgan.interop.layout.Entry
    shape : GeneratorShape or CriticShape
        Of the layout, for messages.
    file : str or pathlib.Path
        For messages.

    Raises
    ------
    UserError
        If a tensor is missing, superfluous, or of another shape or type.
    """
    tracked = {count_name(entry) for entry in layout if entry.kind == "running_var"}
    expected = {entry.torch_name for entry in layout} | tracked
    for entry in layout:
        if entry.torch_name not in tensors:
            allowed = f"one of shape {entry.shape} under that name: expected is {shape}"
            raise UserError(file, f"no tensor {entry.torch_name}", allowed)
    for name in tensors:
        if name not in expected:
            given = f"a superfluous tensor {name} of shape {tensors[name].shape}"
            raise UserError(file, given, f"the {len(layout)} tensors of {shape}")
    for entry in layout:
        _check(entry.torch_name, tensors[entry.torch_name], entry.shape, np.float32, shape, file)
    counts = {}
    for name in tracked & tensors.keys():
        _check(name, tensors[name], (), np.int64, shape, file)
        counts[name] = int(tensors[name])
    return {entry.name: _signed(entry, tensors[entry.torch_name]) for entry in layout}, counts


def _check(name, tensor, shape, dtype, network, file):
    if tensor.shape != shape:
        raise UserError(file, f"{name} of shape {tensor.shape}", f"shape {shape}: expected is {network}")
    if tensor.dtype != dtype:
        raise UserError(file, f"{name} of type {tensor.dtype}", f"{np.dtype(dtype).name}")


def match_by_structure(tensors, layout, shape, file):
    """Return {our name: array} of a Gluon file, whose names depend on who built the network; a critic's mirrored.

    Tensors are told apart by kind (the end of the name) and shape; those alike in both, by the order of their layers.

    Parameters
    ----------
    tensors : dict of str to numpy.ndarray
        In the order of the file.
    layout : list of gluon_wgan.interop.layout.Entry
    shape : GeneratorShape or CriticShape
    file : str or pathlib.Path

    Raises
    ------
    UserError
        If there are more or fewer of a kind and shape than the network has.
    """
    given, wanted = defaultdict(list), defaultdict(list)
    for name, tensor in tensors.items():
        given[kind_of(name, file), tensor.shape].append(name)
    for entry in layout:
        wanted[entry.kind, entry.shape].append(entry)
    for (kind, size), entries in wanted.items():
        if len(given[kind, size]) < len(entries):
            number = f"{len(given[kind, size])} tensors of kind {kind} and shape {size}"
            allowed = f"{len(entries)}, for {', '.join(entry.torch_name for entry in entries)}: expected is {shape}"
            raise UserError(file, number, allowed)
    for key, names in given.items():
        if len(names) > len(wanted[key]):
            raise UserError(file, f"a superfluous tensor {names[-1]} of shape {key[1]}", f"the tensors of {shape}")
    return {
        entry.name: _signed(entry, tensors[name])
        for key, entries in wanted.items()
        for entry, name in zip(entries, _in_order(given[key], layout))
    }


def kind_of(name, file):
    """Return weight, bias, gamma, beta, running_mean or running_var, the end of a Gluon name; else UserError."""
    found = KIND.search(name)
    if not found:
        raise UserError(
            file, f"a tensor {name}", "names that end in weight, bias, gamma, beta, running_mean, running_var"
        )
    return found[1]


def _in_order(names, layout):
    """Return names of like tensors in the order of their layers.

    By the numbers in the names where they differ in nothing else, since MXNet before 1.3, on a Python before 3.6, wrote
    a file in any order; GluonCV's extra layers by their place beside the pyramid; otherwise the file's order counts.
    """
    if len({re.sub(r"\d+", "", name) for name in names}) == 1:
        return sorted(names, key=_numbers)
    stages = [entry.torch_name.split(".")[1].split(":")[0] for entry in layout]
    ranks = {word: next((i for i, stage in enumerate(stages) if stage.startswith(word)), 0) for word in _STAGES}
    words = {name: _STAGE.search(name) for name in names}
    if all(words.values()):
        return sorted(names, key=lambda name: (ranks[words[name][0]], _numbers(name)))
    return names


_STAGES = ("initial", "pyramid", "extra-layers", "final")
_STAGE = re.compile("|".join(_STAGES))


def _numbers(name):
    return [int(number) for number in re.findall(r"\d+", name)]


def _signed(entry, tensor):
    return -tensor if entry.negated else tensor
