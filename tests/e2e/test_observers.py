"""Observers of users', in workers that `gatherq worker` runs."""

import os
import subprocess
import sys

import pytest

from gatherq import Producer, call

from ..conftest import until

JOBS = """
from contextlib import contextmanager
from contextvars import ContextVar
from gatherq import job
from gatherq_worker import Observer

span = ContextVar("span", default="none")


class Tells(Observer):
    @contextmanager
    def around(self, attempt):
        span.set(attempt.job_id)
        yield
        print("left", attempt.job_id, attempt.where, flush=True)

    def job_ended(self, event):
        print("ended", event.attempt.job_id, event.verdict.status, span.get(), flush=True)


@job()
async def one() -> str:
    return span.get()


@job()
def two() -> str:
    return span.get()


observers = [Tells()]
other = [object()]


class WorkerSettings:
    functions = [one, two]
    observers = observers


class Ends(Observer):
    def job_started(self, event):
        raise KeyboardInterrupt

    def job_ended(self, event):
        raise SystemExit(1)


ends = [Ends()]
"""


def run(folder, server_url, queue, *words):
    (folder / "observed.py").write_text(JOBS)
    place = {"GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue}
    return subprocess.run(
        [sys.executable, "-m", "gatherq_worker", "worker", *words, "--burst"],
        cwd=folder,
        env={**os.environ, **place},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "words", [["observed", "--observers", "observed.observers"], ["observed.WorkerSettings"]]
)
async def test_they_hear_of_jobs_and_are_around_their_handlers(tmp_path, server_url, queue, words):
    async with Producer(server_url, queue=queue) as producer, until(60):
        batch = await producer.submit([call("one"), call("two")])
        words = [*words, "--redis", server_url, "--queue", queue]
        ended = run(tmp_path, server_url, queue, *words)
        assert ended.returncode == 0, ended.stderr
        ids = [f"{batch.id}:{slot}" for slot in range(2)]
        assert [outcome.unwrap() for outcome in await batch.outcomes()] == ids
    said = [f"ended {id_} succeeded {id_}" for id_ in ids]
    said += [f"left {ids[0]} loop", f"left {ids[1]} thread"]
    assert sorted(ended.stdout.splitlines()) == sorted(said)


async def test_what_would_end_a_program_ends_neither_a_job_nor_its_worker(
    tmp_path, server_url, queue
):
    async with Producer(server_url, queue=queue) as producer, until(60):
        batch = await producer.submit([call("one"), call("two")] * 3)
        ended = run(tmp_path, server_url, queue, "observed", "--observers", "observed.ends")
        assert ended.returncode == 0, ended.stderr
        assert [outcome.status for outcome in await batch.outcomes()] == ["succeeded"] * 6
    assert ended.stderr.count("an observer raised at JobEnded") == 6


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("observed.other", "'observed.other' is no list of observers"),
        ("observed.missing", "'observed.missing' is no list of observers"),
        ("observers", "'observers' is no list of observers"),
        ("nowhere.observers", "no module named 'nowhere'"),
    ],
)
def test_a_path_of_none_is_said_in_one_line(tmp_path, server_url, queue, path, message):
    ended = run(tmp_path, server_url, queue, "observed", "--observers", path)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert message in line
