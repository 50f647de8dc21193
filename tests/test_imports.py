"""The floors of the package: imports only look down, without a cycle; what needs no mxnet loads without it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

PACKAGE = Path(__file__).parent.parent / "gluon_wgan"
# Floor of each module or room; a room's modules share its floor. report/, the tools of all pages, sees floor 0 alone.
FLOORS = {
    "cuda": 0,
    "errors": 0,
    "files": 0,
    "flags": 0,
    "mxnet_on_numpy2": 0,
    "system_packages": 0,
    "settings": 0,
    "presets": 0,
    "schedule": 0,
    "streams": 0,
    "resize": 0,
    "roles": 0,
    "environment": 0,
    "run_folder": 0,
    "params_files": 0,
    "pictures": 0,
    "without_torch": 0,
    "zoo": 0,
    "report": 0.5,
    "data": 1,
    "kernels": 1,
    "layers": 1.5,
    "losses": 1,
    "rmsprop": 1,
    "checkpoint": 1,
    "models": 2,
    "lipschitz": 2,
    "evaluate": 2,
    "training": 3,
    "interop": 3,
    "studies": 4,
    "tools": 5,
    "app": 5.5,
    "command": 6,
    "__main__": 6,
}


def modules():
    """Return {dotted name below gluon_wgan: path} of every module; a package is named like its folder."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def without_mxnet():
    """Return the modules that promise it: floor 0, report/, data/, the front doors, and what a study says and shows."""
    for name in modules():
        floor, last = FLOORS.get(room(name), 0), name.split(".")[-1]
        doors = name in ("app.view", "command", "data", "evaluate", "studies", "studies.plan", "studies.results")
        if floor < 1 or doors or (floor == 4 and last in ("question", "page")) or name in tools():
            yield name


def tools():
    """Return the modules of tools/ that are commands."""
    return [name for name, path in modules().items() if room(name) == "tools" and "\ndef run(" in path.read_text()]


def imports_of(path, at_top_level_only):
    """Return the modules of gluon_wgan that a file imports, as dotted names below the package."""
    tree = ast.parse(path.read_text())
    known = modules()
    nodes = tree.body if at_top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "gluon_wgan":
            base = node.module.removeprefix("gluon_wgan").lstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                yield inner if inner in known else base
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("gluon_wgan."):
                    yield alias.name.removeprefix("gluon_wgan.")


def room(name):
    return name.split(".")[0]


def study_of(name):
    """Return the folder of a study that a module lies in, None of all others."""
    floor, *parts = name.split(".")
    is_one = floor == "studies" and parts and (PACKAGE / "studies" / parts[0] / "question.py").is_file()
    return parts[0] if is_one else None


def test_every_module_has_a_floor():
    assert {room(name) for name in modules()} - {""} == set(FLOORS)


def test_imports_only_look_down():
    upward = []
    for name, path in modules().items():
        for imported in imports_of(path, at_top_level_only=False):
            if FLOORS.get(room(imported), 0) > FLOORS.get(room(name), 0):
                upward.append(f"{name} imports {imported}")
    assert upward == []


def test_a_study_is_imported_by_itself_alone():
    """But for what two questions share: the arms of the resizes, at full size too."""
    across = [
        f"{name} imports {imported}"
        for name, path in modules().items()
        for imported in imports_of(path, at_top_level_only=False)
        if len(imported.split(".")) > 1 and study_of(imported) and study_of(imported) != study_of(name)
    ]
    assert across == ["studies.full_size.measure imports studies.ablation_resize.question"]


def test_no_import_cycle():
    graph = {name: set(imports_of(path, at_top_level_only=True)) for name, path in modules().items()}
    done, path = set(), []

    def visit(name):
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            path.append(name)
            for imported in graph.get(name, ()):
                visit(imported)
            done.add(path.pop())

    for name in graph:
        # a package's own modules are reached through it, so the package itself is not an edge back
        graph[name].discard(name)
    for name in graph:
        visit(name)


def test_what_promises_it_loads_without_mxnet():
    names = [f"gluon_wgan.{name}".rstrip(".") for name in without_mxnet()]
    assert len(names) > 40
    script = (
        "import sys, importlib; sys.modules['mxnet'] = None; [importlib.import_module(name) for name in sys.argv[1:]]"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, *names], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    # and what does not promise it does not: the check can fail
    broken = [sys.executable, "-c", script, "gluon_wgan.models"]
    assert subprocess.run(broken, capture_output=True, timeout=60, check=False).returncode != 0


@pytest.mark.parametrize("most", [350])
def test_no_file_is_long(most):
    files = [
        file for folder in ("gluon_wgan", "tests", "experiments") for file in (PACKAGE.parent / folder).rglob("*.py")
    ]
    lines = {str(file.relative_to(PACKAGE.parent)): len(file.read_text().splitlines()) for file in files}
    assert {name: count for name, count in lines.items() if count > most} == {}


def test_scripts_do_nothing_when_they_are_imported():
    for script in (PACKAGE.parent / "experiments").glob("*.py"):
        body = ast.parse(script.read_text()).body
        allowed = (ast.Expr, ast.ImportFrom, ast.Import, ast.If)
        assert all(isinstance(node, allowed) for node in body), script
        guards = [node for node in body if isinstance(node, ast.If)]
        assert [ast.unparse(node.test) for node in guards] == ["__name__ == '__main__'"], script


def test_importing_the_package_sets_omp_threads_before_mxnet_unless_set():
    show = "import gluon_wgan, os, sys; print(os.environ['OMP_NUM_THREADS'], 'mxnet' in sys.modules)"

    def run(environment):
        command = [sys.executable, "-c", show]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout.split()

    bare = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    threads, loaded = run(bare)
    # the oracle: physical cores by psutil, no more than the affinity mask lets us use
    most = min(psutil.cpu_count(logical=False) or psutil.cpu_count(), len(psutil.Process().cpu_affinity()))
    assert 1 <= int(threads) <= most
    assert loaded == "False"
    assert run({**bare, "OMP_NUM_THREADS": "7"})[0] == "7"


def test_training_loads_no_pytorch_though_it_be_installed(tmp_path):
    (tmp_path / "torch.py").write_text("raise SystemError('imported')")
    code = f"""import sys
sys.path.insert(0, {str(tmp_path)!r})
import gluon_wgan.training.run
assert "torch" not in sys.modules
try:
    import torch
except SystemError as error:  # it is found again, once asked for
    assert str(error) == "imported"
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
