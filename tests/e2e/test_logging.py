"""The worker's log, where the user's code has a configuration of its own."""

import json
import os
import subprocess
import sys

import pytest

CONFIGURED = """
import json, logging, logging.config
from gatherq import job


class Json(logging.Formatter):
    def format(self, record):
        return json.dumps({"name": record.name, "m": record.getMessage()})


class Broken(logging.Handler):
    def emit(self, record):
        raise RuntimeError("broken")


logging.config.dictConfig(
    {"version": 1,
     "formatters": {"json": {"()": Json}},
     "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json"}},
     %s}
)


@job()
async def one() -> int:
    return 1
"""


def ran(folder, server_url, queue, text):
    """Run a worker to the end of its queue."""
    (folder / "logged.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "gatherq_worker", "worker", "logged", "--burst"],
        cwd=folder,
        env={**os.environ, "GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


RUNS = "runs one"


@pytest.mark.parametrize(
    ("configuration", "count"),
    [
        ("'root': {'handlers': ['out'], 'level': 'INFO'}", 1),
        ("'loggers': {'gatherq': {'handlers': ['out'], 'level': 'INFO'}}", 1),
        ("'loggers': {'gatherq.worker': {'level': 'ERROR'}}", 0),
        ("'root': {'handlers': ['out'], 'level': 'ERROR'}", 0),
        ("'loggers': {'mine': {'handlers': ['out']}}", 1),
        ("'disable_existing_loggers': True", 1),
    ],
)
def test_each_line_comes_once_as_the_user_said(tmp_path, server_url, queue, configuration, count):
    ended = ran(tmp_path, server_url, queue, CONFIGURED % configuration)
    assert ended.returncode == 0
    lines = ended.stderr.splitlines()
    ours = [line for line in lines if line.rstrip('"}').endswith(RUNS)]
    assert len(ours) == count
    if count and "'out'" in configuration and "mine" not in configuration:
        assert json.loads(ours[0])["name"] == "gatherq.worker"


def test_a_handler_that_raises_stops_no_worker(tmp_path, server_url, queue):
    broken = '"formatter": "json"}, "bad": {"()": Broken}}'
    text = CONFIGURED.replace('"formatter": "json"}}', broken)
    root = "'root': {'handlers': ['out', 'bad'], 'level': 'INFO'}"
    ended = ran(tmp_path, server_url, queue, text % root)
    assert ended.returncode == 0
    assert "RuntimeError: broken" in ended.stderr
    assert RUNS in ended.stderr
