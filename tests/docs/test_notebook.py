"""The notebook of the examples: its cells run, and print what is stored beside them.

`WRITE_DOCS=1` (`make docs`) stores what they print.
"""

import os

import nbformat
import pytest
from nbclient import NotebookClient

from ..house import REPOSITORY

NOTEBOOK = REPOSITORY / "examples" / "notebook.ipynb"


@pytest.fixture
def executed(tmp_path):
    """Run a copy in a folder of its own, since its first cell writes a file."""
    notebook = nbformat.read(NOTEBOOK, nbformat.NO_CONVERT)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": tmp_path}}).execute()
    for cell in notebook.cells:
        cell.metadata.clear()  # when it ran
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    if "WRITE_DOCS" in os.environ:
        nbformat.write(notebook, NOTEBOOK)
    return notebook


def printed(notebook):
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def test_the_notebook_prints_what_is_stored_in_it(executed):
    stored = nbformat.read(NOTEBOOK, nbformat.NO_CONVERT)
    assert printed(executed) == printed(stored)
    assert "finished chopping carrot" in str(printed(stored))
