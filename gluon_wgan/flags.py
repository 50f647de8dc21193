"""The type of a flag that may be left out."""

from typing import Annotated, Literal, get_args, get_origin

import tyro


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
