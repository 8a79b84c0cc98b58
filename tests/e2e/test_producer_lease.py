"""What becomes of the jobs of a producer that is ended from outside: with a lease they end too."""

import signal
import subprocess
import sys

import pytest

from gatherq import call
from gatherq.errors import InvalidCall

from ..conftest import HERE, lines_of, until

PRODUCER = """
import asyncio, sys
from gatherq import Producer, call

async def gather(producer, job, lease):
    await producer.gather(job, lease=lease)

async def handle(producer, job, lease):
    await (await producer.submit_one(job, lease=lease))

async def group(producer, job, lease):
    async with producer.task_group(lease=lease) as group:
        group.create_task(job)

async def mapped(producer, job, lease):
    async for _ in producer.map(lambda _: job, [1], lease=lease):
        pass

async def main(url, queue, path, lease):
    async with Producer(url, queue=queue) as producer:
        async with asyncio.TaskGroup() as tasks:
            for verb in (gather, handle, group, mapped):
                job = call("linger", f"{path}-{verb.__name__}")
                tasks.create_task(verb(producer, job, lease))

asyncio.run(main(*sys.argv[1:4], float(sys.argv[4]) or None))
"""
VERBS = ["gather", "handle", "group", "mapped"]


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM])
async def test_each_verb_takes_a_lease(start_worker, server_url, queue, tmp_path, ended_by):
    start_worker("--grace", "0.1", lease=1.0)
    arguments = [("leased", "0.9"), ("free", "0")]
    producers = []
    for name, lease in arguments:
        command = [sys.executable, "-c", PRODUCER, server_url, queue, str(tmp_path / name), lease]
        producers.append(subprocess.Popen(command, cwd=HERE / "e2e"))  # noqa: ASYNC220
    async with until(30):
        for name, _ in arguments:
            for verb in VERBS:
                await lines_of(tmp_path / f"{name}-{verb}", 1)
        for each in producers:
            each.send_signal(ended_by)
            each.wait()
        for verb in VERBS:
            assert await lines_of(tmp_path / f"leased-{verb}", 2) == ["begun", "cancelled"]
    for verb in VERBS:
        assert await lines_of(tmp_path / f"free-{verb}", 1) == ["begun"]


async def test_a_lease_is_renewed_while_its_producer_waits(producer, start_worker):
    start_worker()
    async with until(30):
        async with producer.task_group(lease=0.5) as group:
            task = group.create_task(call("sleep", 1.2))
            handle = await producer.submit_one(call("sleep", 1.2), lease=0.5)
            assert list(await producer.gather(call("sleep", 1.2), lease=0.5)) == [1.2]
            assert await handle == 1.2
        assert task.result() == 1.2


@pytest.mark.parametrize("lease", [0, -1, "x", float("nan")])
async def test_a_lease_that_is_none_is_refused(producer, lease):
    job = call("sleep", 1)
    with pytest.raises(InvalidCall, match="lease"):
        await producer.gather(job, lease=lease)
    with pytest.raises(InvalidCall, match="lease"):
        await producer.submit_one(job, lease=lease)
    with pytest.raises(InvalidCall, match="lease"):
        producer.task_group(lease=lease)
    with pytest.raises(InvalidCall, match="lease"):
        producer.map("sleep", [1], lease=lease)
