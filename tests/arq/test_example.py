"""The sample application, in processes of its own, under `arq` and under `gatherq worker`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "from_arq"
EXPECTED = {
    "page": "50",
    "busy page": "40",
    "late page": "40",
    "picture": "'picture.pdf'",
    "broken": "ValueError",
    "too slow": "TimeoutError",
    "unknown": "JobExecutionFailed",
    "watcher": "True",
    "tries of busy page": "2",
}


@pytest.mark.parametrize("command", [("arq",), ("gatherq_worker", "worker")], ids=lambda c: c[0])
async def test_the_sample_application_does_the_same(redis, server_url, command):
    url = f"{server_url.rsplit('/', 1)[0]}/9"
    environment = {**os.environ, "APP_REDIS_URL": url}
    worker = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-m", *command, "app.WorkerSettings"], cwd=FOLDER, env=environment
    )
    try:
        said = subprocess.run(  # noqa: ASYNC221
            [sys.executable, "producer.py"],
            cwd=FOLDER,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    finally:
        worker.kill()
        worker.wait()
    lines = (line.rsplit(maxsplit=1) for line in said.splitlines())
    assert {name.strip(): what for name, what in lines} == EXPECTED
    names = ("started", "ended", "ticks", "watching")
    started, ended, ticks, watched = [int(await redis.get(f"app:{n}") or 0) for n in names]
    assert started == ended >= 7 + ticks + watched  # an abort may come before its job starts
    assert await redis.get("app:shutdowns") == b"1"
