"""The notebook docs/tour.ipynb: it runs, in an empty folder, and what is committed is what it showed."""

import importlib.util

import nbformat
import pytest
from conftest import ROOT

NOTEBOOK = ROOT / "docs/tour.ipynb"


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return it executed with fewer generator steps, and the folder where that was."""
    found = importlib.util.spec_from_file_location("execute", ROOT / "docs/execute.py")
    execute = importlib.util.module_from_spec(found)
    found.loader.exec_module(execute)
    folder = tmp_path_factory.mktemp("tour")
    return execute.execute(folder, steps=8), folder


def test_every_cell_shows_what_it_should(executed):
    notebook, folder = executed
    kinds = [
        sorted({kind for output in cell.outputs for kind in output.get("data", {"text": None})})
        for cell in code_cells(notebook)
    ]
    picture, run = ["image/png", "text/plain"], ["text", "text/html", "text/plain"]
    assert kinds == [[], picture, run, picture, picture, picture, ["image/png", "text", "text/plain"]]
    trained = sorted(path.name for path in (folder / "runs/tour").iterdir())
    assert trained == ["epsilon-inside", "epsilon-outside"]
    (shown,) = (
        output.data["text/html"] for output in code_cells(notebook)[2].outputs if "text/html" in output.get("data", {})
    )
    assert shown.count("data:image/png;base64,") == 2 and "step_0000008" in shown


def test_a_bar_shows_and_only_its_end_is_kept(executed):
    (bars,) = (output.text for output in code_cells(executed[0])[2].outputs if output.output_type == "stream")
    assert [line.partition(":")[0] for line in bars.splitlines()] == ["drawing bedrooms", "preparing (pil)", "training"]
    assert all("100%" in line for line in bars.splitlines())


def test_what_is_committed_was_executed_in_order_and_has_the_full_steps():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert [output for cell in cells for output in cell.outputs if output.output_type == "error"] == []
    assert any("step_0000400" in str(output) for cell in cells for output in cell.outputs)
    assert NOTEBOOK.stat().st_size < 1_000_000
