"""The worker's log, where the user's code has a configuration of its own."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys

import pytest
from arq.connections import RedisSettings

from gatherq import Producer, call
from gatherq_worker.arq.worker import Worker

from ..conftest import until

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


async def ran_with(folder, server_url, queue, text, *names):
    """Run a worker over jobs of these names; return what it wrote, and their outcomes."""
    async with Producer(server_url, queue=queue) as producer:
        batch = await producer.submit([call(name) for name in names])
        ended = await asyncio.to_thread(ran, folder, server_url, queue, text)
        async with until(5):
            return ended, await batch.outcomes()


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


WITH_EXTRA = """
import json, logging, logging.config
from gatherq import job


class Json(logging.Formatter):
    def format(self, record):
        return json.dumps({"m": record.getMessage(), "user": getattr(record, "user", None)})


logging.config.dictConfig(
    {"version": 1,
     "formatters": {"json": {"()": Json}, "strict": {"format": "%(user)s %(message)s"}},
     "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json"},
                  "strict": {"class": "logging.StreamHandler", "formatter": "strict"}},
     "root": {"handlers": ["strict", "out"], "level": "INFO"}}
)


@job()
async def one() -> int:
    logging.getLogger("mine").info("told", extra={"user": 7})
    return 1
"""


async def test_extras_reach_the_users_formatter_and_are_not_asked_of_us(
    tmp_path, server_url, queue
):
    ended, outcomes = await ran_with(tmp_path, server_url, queue, WITH_EXTRA, "one", "one")
    assert ended.returncode == 0
    assert [outcome.unwrap() for outcome in outcomes] == [1, 1]
    lines = ended.stderr.splitlines()
    assert lines.count('{"m": "told", "user": 7}') == 2
    assert lines.count("7 told") == 2
    assert sum(RUNS in line for line in lines if line.startswith("{")) == 1
    assert "KeyError: 'user'" in ended.stderr  # that handler's own trouble, as logging tells it


SLOW = """
import logging, time
from gatherq import job


class Slow(logging.Handler):
    def emit(self, record):
        time.sleep(0.3)


logging.getLogger().addHandler(Slow())


@job()
async def one() -> int:
    return 1
"""


async def test_a_slow_handler_loses_no_lease(tmp_path, server_url, queue):
    ended, outcomes = await ran_with(tmp_path, server_url, queue, SLOW, *["one"] * 5)
    assert ended.returncode == 0
    assert [outcome.unwrap() for outcome in outcomes] == [1] * 5
    assert {outcome.attempt for outcome in outcomes} == {1}


PRINTS = """
import os, signal, sys, threading
from gatherq import job


@job(max_attempts=1)
async def dies() -> None:
    print("before its death")
    os.kill(os.getpid(), signal.SIGKILL)


@job(max_attempts=1)
def leaves() -> None:
    print("in a thread")
    print("no end of line", end="")
    os._exit(3)


@job(isolation="process", max_attempts=1)
def apart() -> None:
    print("in a process")
    sys.stderr.write("to stderr")
    os.kill(os.getpid(), signal.SIGKILL)


@job()
async def one() -> int:
    print("one by one")
    return 1
"""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dies", ["before its death"]),
        ("leaves", ["in a thread", "no end of line"]),
        ("apart", ["in a process"]),
        ("one", ["one by one"]),
    ],
)
async def test_what_a_job_prints_is_not_lost(tmp_path, server_url, queue, name, said):
    ended, _ = await ran_with(tmp_path, server_url, queue, PRINTS, name)
    for line in said:
        assert ended.stdout.count(line) == 1
    assert ("to stderr" in ended.stderr) == (name == "apart")


async def test_what_a_job_prints_is_there_at_once(tmp_path, server_url, queue, start_worker):
    (tmp_path / "printed.py").write_text(PRINTS)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gatherq_worker", "worker", "printed"),
        cwd=tmp_path,
        env={**os.environ, "GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with until(20), Producer(server_url, queue=queue) as producer:
            assert await producer.gather(call("one")) == [1]
            assert await process.stdout.readline() == b"one by one\n"
    finally:
        process.terminate()
        await process.wait()


async def one(ctx):
    return 1


async def test_a_worker_in_the_users_loop_leaves_the_users_logging_alone(
    server_url, queue, producer, caplog
):
    def all_of_it():
        known = [
            logging.getLogger(),
            *map(logging.getLogger, list(logging.root.manager.loggerDict)),
        ]
        return {
            each.name: (each.level, tuple(each.handlers), each.disabled, each.propagate)
            for each in known
            if each.name.partition(".")[0] in ("root", "arq", "gatherq", "asyncio")
        }

    before = all_of_it()
    worker = Worker([one], redis_settings=RedisSettings.from_dsn(server_url), queue_name=queue)
    running = asyncio.create_task(worker.async_run())
    async with until(10):
        assert await producer.gather(call("one")) == [1]
    worker.handle_sig(signal.SIGTERM)
    await asyncio.wait([running])
    await worker.close()
    after = all_of_it()
    assert {name: after[name] for name in before} == before
    assert "callHandlers" not in vars(logging.getLogger("gatherq.worker"))


LOG_MODULE = """
LOG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"own": {"format": "own %(message)s"}},
    "handlers": {"own": {"class": "logging.StreamHandler", "formatter": "own"}},
    "loggers": {"gatherq.worker": {"handlers": ["own"], "propagate": False}},
}
NO_DICT, NO_VERSION = 3, {"version": 7}
"""


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("LOG", 0, "own ready: "),
        ("NO_DICT", 2, "Invalid value for --custom-log-dict"),
        ("NO_VERSION", 2, "Invalid value for --custom-log-dict"),
        ("MISSING", 2, "has no attribute 'MISSING'"),
    ],
)
def test_settings_of_logging_are_found_beside_the_jobs(
    tmp_path, server_url, queue, name, code, text
):
    (tmp_path / "settings_of_logging.py").write_text(LOG_MODULE)
    jobs = "from gatherq import job\n\n\n@job()\nasync def f() -> None: ...\n"
    (tmp_path / "jobs_beside.py").write_text(jobs)
    words = ["worker", "jobs_beside", "--processes", "0", "--burst", "--queue", queue]
    words += ["--redis", server_url, "--custom-log-dict", f"settings_of_logging.{name}"]
    # As the installed script: the current folder is not on its path.
    command = [sys.executable, "-P", "-m", "gatherq_worker", *words]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, text in run.stderr) == (code, True), run.stderr
    assert "Traceback" not in run.stderr
