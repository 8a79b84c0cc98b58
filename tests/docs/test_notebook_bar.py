"""The bar in a notebook: run by a real kernel, as Jupyter does."""

import json

import nbformat
import pytest
from nbclient import NotebookClient

JOBS = """
%%writefile noted.py
import asyncio
from gatherq import job

@job()
async def chop(vegetable: str) -> str:
    if vegetable == "onion":
        raise ValueError(vegetable)
    return vegetable
"""
#: A notebook without rich, whose user is to need nothing.
WITHOUT_RICH = 'import sys; sys.modules["rich"] = None\n'
RUN = """
import gatherq, noted
from gatherq.progress import progress
async with gatherq.local(noted) as producer:
    batch = await producer.submit([noted.chop.call(v) for v in ("<b>leek", "onion", "carrot")])
    async with progress(batch):
        await batch.outcomes()
"""


@pytest.fixture
def displayed(tmp_path):
    """Run cells in a kernel; return what the last of them displays."""

    def run(*cells):
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [nbformat.v4.new_code_cell(each.strip()) for each in cells]
        resources = {"metadata": {"path": tmp_path}}
        NotebookClient(notebook, timeout=60, resources=resources).execute()
        outputs = notebook.cells[-1].outputs
        return [each.data for each in outputs if each.output_type == "display_data"]

    return run


@pytest.mark.parametrize("before", ["", WITHOUT_RICH])
def test_a_notebook_shows_one_display_of_plain_html(displayed, before):
    (data,) = displayed(JOBS, before + RUN)
    assert data["text/plain"].startswith("chop 3: 3/3 2 ok, 1 failed, ")
    assert '<progress max="3" value="3"' in data["text/html"]
    assert "<script" not in data["text/html"]
    assert sorted(data) == ["text/html", "text/plain"]
    assert "widget" not in json.dumps(data)


def test_names_of_jobs_are_no_html(displayed):
    hostile = RUN.replace("[noted.chop.call(v)", "[gatherq.call('<img src=x>')")
    hostile = hostile.replace("gatherq.local(noted)", "gatherq.local(noted, no_workers='ignore')")
    hostile = hostile.replace("await batch.outcomes()", "await batch.cancel()")
    (data,) = displayed(JOBS, hostile)
    assert "&lt;img src=x&gt; 3" in data["text/html"]
    assert "<img" not in data["text/html"]
