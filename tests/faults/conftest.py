"""A pool for each row; `make test` runs the quick ones, and gatherq alone."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from .harness.pool import Pool


def pytest_configure(config):
    config.addinivalue_line("markers", "row(quick, server): a row of the fault matrix")


def pytest_collection_modifyitems(config, items):
    """Leave out what takes long, unless all is asked for, of the sides that GATHERQ_CHAOS names."""
    sides = os.environ.get("GATHERQ_CHAOS", "").split()
    left, out = [], []
    if "arq" in sides:  # it closes not all that it opens
        for item in items:
            item.add_marker(
                pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
            )
    for item in items:
        mark = item.get_closest_marker("row")
        wanted = not mark or item.callspec.params["pool"] in (sides or ["gatherq"])
        (left if wanted and (sides or not mark or mark.kwargs["quick"]) else out).append(item)
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = left


@pytest.fixture
async def pool(request):
    """One side, with a folder of its own; a row opens it, or has it opened with what is usual."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    pool = Pool(request.param, folder)
    await pool.open(**request.node.get_closest_marker("row").kwargs["server"])
    yield pool
    await pool.close()
    shutil.rmtree(folder, ignore_errors=True)
