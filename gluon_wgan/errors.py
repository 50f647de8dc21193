"""The ways in which a run can end badly, and the exit status of each; an OSError is one more (status 4)."""


class UserError(Exception):
    """A user's mistake: one message that names the flag or file, what was given and what is allowed (status 2).

    Parameters
    ----------
    what : str
        The flag, file or argument.
    given : object
        What it was.
    allowed : str
        What it may be, or what to do instead.
    """

    def __init__(self, what, given, allowed):
        super().__init__(printable(f"{what}: given {given}; allowed: {allowed}"))
        self.what, self.given, self.allowed = what, given, allowed


def printable(text):
    """Return a text on one line; other signs that do not print, such as a terminal's commands, are spelled out."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in " ".join(text.split())
    )


class NotFiniteError(ArithmeticError):
    """A loss, a weight or a picture was not finite; nothing that holds such numbers is kept (status 3)."""


class Interrupted(Exception):
    """SIGINT or SIGTERM arrived, and a checkpoint was written (status 130)."""
