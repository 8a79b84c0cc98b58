"""`gatherq worker --log-format json`, and the job that a line is of, wherever that runs."""

import asyncio
import json
import os
import subprocess
import sys

import pytest

from gatherq import Producer, call

from ..conftest import until

JOBS = """
import asyncio, logging, os, warnings
from gatherq import job

logger = logging.getLogger("mine")
logger.info("imported")


@job()
async def in_the_loop() -> None:
    await asyncio.sleep(0)
    logger.info("told in the loop", extra={"user": 7})


@job()
def in_a_thread() -> None:
    logger.info("told in a thread", extra={"slot": "my own"})


@job(isolation="process")
def in_a_process() -> None:
    logger.info("told in a process")


@job()
async def in_a_task() -> None:
    await asyncio.create_task(later())


async def later() -> None:
    logger.warning("told in a task")


@job(retries=1, retry_on=OSError)
async def fails() -> None:
    raise OSError("not\\nyet")
"""

CONFIGURED = """
import logging.config

logging.config.dictConfig(
    {"version": 1,
     "formatters": {"f": {"()": logging.Formatter,
                          "fmt": "MINE %(job_id)s %(job)s %(attempt)s: %(message)s",
                          "defaults": {"job_id": "-", "job": "-", "attempt": "-"}}},
     "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "f"}},
     "root": {"handlers": ["out"], "level": "INFO"}}
)
"""
PLACES = ["in_the_loop", "in_a_thread", "in_a_process", "in_a_task"]


def ran(folder, server_url, queue, text, *words, **env):
    """Run a worker to the end of its queue; return what it wrote to stderr, by line."""
    (folder / "logged.py").write_text(text)
    command = [sys.executable, "-m", "gatherq_worker", "worker", "logged", "--burst", *words]
    place = {"GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue}
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **place, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stderr.splitlines()


async def ran_with(folder, server_url, queue, text, names, *words, **env):
    """Run a worker over jobs of these names; return the batch's id, and what it wrote."""
    async with Producer(server_url, queue=queue) as producer, until(60):
        batch = await producer.submit([call(name) for name in names])
        lines = await asyncio.to_thread(ran, folder, server_url, queue, text, *words, **env)
        return batch.id, await batch.outcomes(), lines


@pytest.mark.parametrize(
    ("words", "env"), [(["--log-format", "json"], {}), ([], {"GATHERQ_LOG_FORMAT": "json"})]
)
async def test_every_line_is_json_and_says_its_job(tmp_path, server_url, queue, words, env):
    told = await ran_with(tmp_path, server_url, queue, JOBS, PLACES, "-v", *words, **env)
    batch, outcomes, lines = told
    records = [json.loads(line) for line in lines]
    mine = {each["message"]: each for each in records if each["logger"] == "mine"}
    for slot, place in enumerate(PLACES):
        record = mine[f"told {place.replace('_', ' ')}"]
        fields = {"job_id": f"{batch}:{slot}", "batch": batch, "slot": slot, "job": place}
        fields |= {"attempt": 1, "worker": outcomes[slot].worker}
        if place == "in_a_thread":
            fields["slot"] = "my own"
        assert {name: record.get(name) for name in fields} == fields
    assert mine["told in the loop"]["user"] == 7
    assert mine["told in a task"]["level"] == "WARNING"
    imported = [each for each in records if each["message"] == "imported"]
    assert imported
    assert not any("job_id" in each for each in imported)


async def test_the_workers_own_lines_name_their_event(tmp_path, server_url, queue):
    names = ["fails", "in_the_loop"]
    words = ["--log-format", "json", "-v"]
    batch, _, lines = await ran_with(tmp_path, server_url, queue, JOBS, names, *words)
    records = [each for line in lines if "event" in (each := json.loads(line))]
    events = [(each["event"], each.get("slot"), each.get("status")) for each in records]
    assert events[0] == ("worker.started", None, None)
    assert events[-1] == ("worker.stopped", None, None)
    assert sorted(events[1:-1], key=str) == [
        ("job.ended", 0, "failed"),
        ("job.ended", 1, "succeeded"),
        ("job.retrying", 0, None),
    ]
    (failed,) = [each for each in records if each.get("status") == "failed"]
    assert (failed["job_id"], failed["attempt"], failed["job"]) == (f"{batch}:0", 2, "fails")
    assert failed["exc_info"].rstrip().splitlines()[-2:] == ["  OSError: not", "  yet"]


@pytest.mark.parametrize("words", [[], ["--log-format", "json"]])
async def test_a_format_of_the_users_has_the_fields_wherever_a_job_runs(
    tmp_path, server_url, queue, words
):
    told = await ran_with(tmp_path, server_url, queue, CONFIGURED + JOBS, PLACES, *words)
    batch, _, lines = told
    mine = {line for line in lines if line.startswith("MINE")}
    for slot, place in enumerate(PLACES):
        said = f"told {place.replace('_', ' ')}"
        assert f"MINE {batch}:{slot} {place} 1: {said}" in mine
    assert "MINE - - -: imported" in mine


async def test_in_text_a_process_of_a_job_logs_as_its_worker_does(tmp_path, server_url, queue):
    _, _, lines = await ran_with(tmp_path, server_url, queue, JOBS, ["in_a_process"])
    (told,) = [line for line in lines if "told in a process" in line]
    assert told.endswith(" INFO mine: told in a process")
