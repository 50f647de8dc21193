"""Execute docs/tour.ipynb where it lies, so that its pictures are those of this version: `make notebook`."""

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent / "tour.ipynb"


def execute(folder, steps=None):
    """Return the notebook, executed in a folder, with another number of generator steps if given.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    if steps is not None:
        (cell,) = (cell for cell in notebook.cells if "STEPS = 400" in cell.source)
        cell.source = cell.source.replace("STEPS = 400", f"STEPS = {steps}")
    NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when each cell began
        if cell.cell_type == "code":
            cell.outputs = _last_bars(cell.outputs)
    return notebook


def _last_bars(outputs):
    """Leave of the states of the progress bars, each an output of its own, only the last of each bar."""
    bars = "".join(output.text for output in outputs if output.output_type == "stream")
    lines = [line.rpartition("\r")[2] for line in bars.split("\n") if line.strip()]
    text = nbformat.v4.new_output("stream", name="stderr", text="".join(f"{line}\n" for line in lines))
    return [*([text] if lines else []), *(output for output in outputs if output.output_type != "stream")]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as empty:
        nbformat.write(execute(empty), NOTEBOOK)
    sys.stdout.write(f"{NOTEBOOK}: executed\n")
