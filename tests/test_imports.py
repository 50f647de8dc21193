"""The floors of the package: imports only look down, without a cycle; floor 0 and the reports load without mxnet."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gluon_wgan"
# Floor of each module or room; a room's modules share its floor.
FLOORS = {
    "errors": 0,
    "settings": 0,
    "presets": 0,
    "schedule": 0,
    "streams": 0,
    "resize": 0,
    "run_folder": 0,
    "pictures": 0,
    "data": 1,
    "layers": 1,
    "losses": 1,
    "rmsprop": 1,
    "checkpoint": 1,
    "models": 2,
    "lipschitz": 2,
    "evaluate": 2,
    "trainer": 3,
    "fit": 3,
    "training": 3,
    "interop": 3,
    "studies": 4,
    "cli": 4,
    "commands": 4,
    "study_commands": 4,
    "report_commands": 4,
}
WITHOUT_MXNET = [name for name, floor in FLOORS.items() if floor == 0] + [
    "data",
    "evaluate",
    "cli",
    "commands",
    "report.pages",
    "report.parity",
    "report.index",
    "report.first_light",
    "studies.claims_arithmetic",
    "report.rules",
    "report.claims",
    "report.arms",
    "report.resize_pixels",
    "study_commands",
    "report_commands",
    "studies.distances",
    "studies.distances_lines",
    "report.distances",
    "studies.toy",
    "studies.toy_data",
    "studies.toy_measures",
    "report.toy",
    "report.presets",
]


def modules():
    """Return {dotted name below gluon_wgan: path} of every module; a package is named like its folder."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


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


def test_every_module_has_a_floor():
    assert {room(name) for name in modules()} - {"", "report"} == set(FLOORS)


def test_imports_only_look_down():
    upward = []
    for name, path in modules().items():
        for imported in imports_of(path, at_top_level_only=False):
            if room(name) == "report":
                allowed = room(imported) == "report" or FLOORS[room(imported)] == 0
            elif room(imported) == "report":
                allowed = room(name) in ("report_commands", "study_commands")
            else:
                allowed = FLOORS[room(imported)] <= FLOORS.get(room(name), 5)
            if not allowed:
                upward.append(f"{name} imports {imported}")
    assert upward == []


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


@pytest.mark.parametrize("name", WITHOUT_MXNET)
def test_loads_without_mxnet(name):
    code = f"import sys; sys.modules['mxnet'] = None; import gluon_wgan.{name}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_scripts_do_nothing_when_they_are_imported():
    for script in (PACKAGE.parent / "experiments").glob("*.py"):
        body = ast.parse(script.read_text()).body
        allowed = (ast.Expr, ast.ImportFrom, ast.Import, ast.If)
        assert all(isinstance(node, allowed) for node in body), script
        guards = [node for node in body if isinstance(node, ast.If)]
        assert [ast.unparse(node.test) for node in guards] == ["__name__ == '__main__'"], script


def test_importing_the_package_sets_omp_threads_before_mxnet_unless_set():
    show = "import gluon_wgan, os, sys; print(os.environ['OMP_NUM_THREADS'], 'mxnet' in sys.modules)"
    run = lambda env: subprocess.run(  # noqa: E731
        [sys.executable, "-c", show], env=env, capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    import os

    import psutil

    bare = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    threads, loaded = run(bare)
    # the oracle: physical cores by psutil, no more than the affinity mask lets us use
    most = min(psutil.cpu_count(logical=False) or psutil.cpu_count(), len(psutil.Process().cpu_affinity()))
    assert 1 <= int(threads) <= most
    assert loaded == "False"
    assert run({**bare, "OMP_NUM_THREADS": "7"})[0] == "7"
