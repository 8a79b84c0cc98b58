"""One pair of worker processes for the whole suite."""

import os
import secrets
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import gatherq

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def workers(server_url):
    """Two workers; yields the environment in which `Producer()` finds them."""
    queue = f"parity:{secrets.token_hex(4)}"
    environment = {"GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue}
    command = gatherq("worker", "tests.parity.jobs")
    started = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}) for _ in range(2)
    ]
    yield environment
    for worker in started:
        worker.terminate()
    for worker in started:
        # One that was still starting has no handler for the signal yet.
        assert worker.wait(30) in (0, -signal.SIGTERM)


@pytest.fixture
def pool(workers, monkeypatch):
    """Set the environment of the workers here too, for this test alone."""
    for name, value in workers.items():
        monkeypatch.setenv(name, value)
