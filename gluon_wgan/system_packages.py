"""Which libraries of the system are missing, and the command that installs them. Needs nothing but Python.

MXNet and OpenCV are built on libraries that a small Debian or Fedora does not have, and without them end in a raw
"libgomp.so.1: cannot open shared object file". `make` asks this before the long download, and gluon_wgan when MXNet
does not load.
"""

import ctypes
import platform
import shutil
import sys

# library: package of apt, package of dnf, who needs it
_NEEDED = {
    "libgomp.so.1": ("libgomp1", "libgomp", "MXNet"),
    "libGL.so.1": ("libgl1", "mesa-libGL", "OpenCV"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2", "OpenCV"),
}
if platform.machine() == "x86_64":  # elsewhere Fortran has no need of it
    _NEEDED["libquadmath.so.0"] = ("libquadmath0", "libquadmath", "MXNet")


def missing():
    """Return the names of the needed libraries that cannot be loaded here, a list of str."""
    found = []
    for name in _NEEDED:
        try:
            ctypes.CDLL(name)
        except OSError:
            found.append(name)
    return found


def advice(names):
    """Return what to do about missing libraries, in one message."""
    apt, dnf = (" ".join(_NEEDED[name][place] for name in names) for place in (0, 1))
    commands = {"apt-get": f"apt-get install {apt}", "dnf": f"dnf install {dnf}"}
    here = [command for tool, command in commands.items() if shutil.which(tool)] or list(commands.values())
    needed = ", ".join(f"{name} ({_NEEDED[name][2]} needs it)" for name in names)
    return f"the system lacks {needed}; as root: {' or '.join(here)}"


if __name__ == "__main__":
    lacking = missing()
    if lacking:
        sys.exit(advice(lacking))
