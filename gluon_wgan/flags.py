"""Flags: the type of one that may be left out, and how a command's line is read."""

import sys
from dataclasses import fields
from typing import Annotated, Literal, get_args, get_origin

import tyro

from gluon_wgan.errors import UserError


def optional(kind, default):
    """Return the type `kind | None` of a flag whose --help says in words what it is by default, instead of None.

    Parameters
    ----------
    kind : type
        int, float, str, a tuple of these of any length, or a Literal.
    default : str
    """
    if get_origin(kind) is Literal:
        metavar = "{" + ",".join(get_args(kind)) + "}"
    elif get_origin(kind) is tuple:
        (name,) = {part.__name__.upper() for part in get_args(kind) if part is not ...}
        metavar = f"{name} [{name} ...]"
    else:
        metavar = kind.__name__.upper()
    return Annotated[kind | None, tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {default})")]


def parse(kind, arguments=None, prog=None, **of_tyro):
    """Return the flags of a command's line.

    Parameters
    ----------
    kind : type
        A dataclass, a flag each field, or a union of them.
    arguments : list of str, optional
        Those of this process by default.
    prog : str, optional
        The command, as --help calls it.
    **of_tyro
        As of `tyro.cli`.

    Raises
    ------
    UserError
        If a flag of several values has none, which would be to do nothing or everything, or one of them twice.
    SystemExit
        Of status 2 for what `tyro.cli` refuses, of 0 after --help.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    flags = tyro.cli(kind, args=arguments, prog=prog, **of_tyro)
    given = {argument.partition("=")[0].replace("_", "-") for argument in arguments}
    for field in fields(flags):
        flag, values = "--" + field.name.replace("_", "-"), getattr(flags, field.name)
        if not isinstance(values, tuple) or flag not in given:
            continue
        if not values:
            raise UserError(flag, "nothing", "one or more values, with blanks between")
        if len(set(values)) < len(values):
            raise UserError(flag, " ".join(map(str, values)), "different values")
    return flags
