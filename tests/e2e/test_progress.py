"""The bar says which jobs a batch has."""

import io

import pytest
from rich.console import Console

from gatherq import call
from gatherq.progress import progress

from ..conftest import until


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["chop"] * 4 + ["weigh"], "chop 4, weigh 1"),
        (["chop"] * 3, "chop 3"),
        (["a", "b", "c", "d", "e", "e"], "e 2, a 1, b 1, 2 more"),
        (["\x1b[31m" + "x" * 40, "[bold]"], f"\\x1b[31m{'x' * 16}... 1, [bold] 1"),
    ],
)
async def test_it_names_jobs_and_their_number(producer, names, said):
    file = io.StringIO()
    batch = await producer.submit([call(name) for name in names])
    async with until(20), progress(batch, console=Console(file=file, width=120)):
        pass
    assert file.getvalue().splitlines()[0] == said


async def test_it_names_a_batch_whose_jobs_it_does_not_know(producer):
    file = io.StringIO()
    batch = await producer.submit([call("chop")])
    other = await producer.batch(batch.id)
    async with until(20), progress(other, console=Console(file=file, width=120)):
        pass
    assert file.getvalue().splitlines()[0] == f"batch {batch.id}"
