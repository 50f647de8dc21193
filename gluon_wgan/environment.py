"""Where a figure was measured: versions, processors, commit, and the command line as a reader would type it."""

import contextlib
import os
import platform
import shlex
import sys
import time
from importlib import metadata
from pathlib import Path


def describe_environment():
    """Return what a stranger needs to judge a figure: versions, processors, threads, command line, commit, time."""
    import subprocess

    from loky import cpu_count

    packages = ("mxnet", "numpy", "numba", "pillow", "opencv-python", "gluoncv", "matplotlib", "torch", "gluon-wgan")
    git = ["git", "-C", str(Path(__file__).parent)]

    def ask(*arguments):
        return subprocess.run([*git, *arguments], capture_output=True, text=True, check=False).stdout.strip()

    commit = ask("describe", "--always", "--abbrev=40")
    # a study writes into reports/ as it goes on, which changes no code
    if commit and ask("status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)reports"):
        commit += "-dirty"
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "commit": commit or "unknown (not a git checkout)",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "machine": platform.machine(),
        "processor": _processor_name(),
        "processors": cpu_count(),
        "physical_cores": cpu_count(only_physical_cores=True),
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
        "mxnet_engine_type": os.environ.get("MXNET_ENGINE_TYPE"),
        "gluon_wgan_kernels": os.environ.get("GLUON_WGAN_KERNELS"),
    }


def shown_command(words):
    """Return a command line as a reader would type it; of a path that leads out of this folder the last name is left.

    Parameters
    ----------
    words : sequence of str
        As `describe_environment` has them.
    """
    program, *rest = words
    start = {"__main__.py": ["python", "-m", "gluon_wgan"]}.get(program, [program])
    if program.endswith(".py") and program != "__main__.py":
        start = ["python", f"experiments/{program}"]
    shown = [f"path/to/{Path(word).name}" if word.startswith(("/", "..")) else word for word in rest]
    return shlex.join([*start, *shown])


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor_name():
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
