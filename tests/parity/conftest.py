"""One pair of worker processes for the whole suite."""

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def pool(server_url):
    """Two workers, and an environment in which `Producer()` finds them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATHERQ_REDIS_URL", server_url)
        patch.setenv("GATHERQ_QUEUE", f"parity:{secrets.token_hex(4)}")
        command = [sys.executable, "-m", "gatherq_worker", "worker", "tests.parity.jobs"]
        workers = [subprocess.Popen(command, cwd=ROOT, env={**os.environ}) for _ in range(2)]
        yield
        for worker in workers:
            worker.terminate()
        for worker in workers:
            # One that was still starting has no handler for the signal yet.
            assert worker.wait(30) in (0, -signal.SIGTERM)
