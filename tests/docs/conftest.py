"""A reader for each page, in a folder of its own."""

import asyncio
import sys

import pytest

from gatherq import Producer

from .reader import Reader


@pytest.fixture
def _environment(monkeypatch, tmp_path, server_url, queue):
    """Let `Producer()`, workers and programs find the server; forget the modules of the page."""
    monkeypatch.setenv("GATHERQ_REDIS_URL", server_url)
    monkeypatch.setenv("GATHERQ_QUEUE", queue)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = dict(sys.modules)
    yield
    for name in [name for name in sys.modules if before.get(name) is not sys.modules[name]]:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def reader(_environment, tmp_path, start_worker, server_url):
    with asyncio.Runner() as runner:
        producer = Producer(patience=5)
        names = {"producer": producer, "start_worker": start_worker}
        yield Reader(tmp_path, runner, names, start_worker, server_url)
        runner.run(producer.aclose())
