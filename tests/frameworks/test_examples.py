"""The examples of applications, under a real web server, as a user starts them."""

import asyncio
import os
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from gatherq import Producer

from ..conftest import until

EXAMPLES = Path(__file__).parents[2] / "examples"
APPLICATIONS = ["fastapi_app:app", "django_app:application"]


@pytest.fixture
async def producer(server_url, queue, start_worker):
    start_worker(module="kitchen", cwd=EXAMPLES)
    async with Producer(server_url, queue=queue) as producer:
        yield producer


@asynccontextmanager
async def running(application, server_url, queue):
    """Run uvicorn on a socket that listens already; give a client of it."""
    environment = {**os.environ, "GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        command = [sys.executable, "-m", "uvicorn", application, "--fd", str(listening.fileno())]
        server = await asyncio.create_subprocess_exec(
            *command, cwd=EXAMPLES, env=environment, pass_fds=[listening.fileno()]
        )
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            yield client
    finally:
        server.terminate()
        await server.wait()


async def the_only_batch(producer):
    """Wait until there is a batch whose job runs."""
    while True:
        async for key in producer.redis.scan_iter("gatherq:batch:*", 10_000):
            batch = await producer.batch(key.decode().rpartition(":")[2])
            if (await batch.counts()).running:
                return batch
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("application", APPLICATIONS)
async def test_an_application_answers(application, producer, server_url, queue):
    async with until(60), running(application, server_url, queue) as client:
        answer = await client.get("/chop/leek?seconds=0.1")
        assert "finished chopping leek" in answer.text
        assert answer.status_code == 200


@pytest.mark.parametrize("application", APPLICATIONS)
async def test_a_client_that_goes_away_cancels_its_job(application, producer, server_url, queue):
    async with until(60), running(application, server_url, queue) as client:
        request = asyncio.create_task(client.get("/chop/leek?seconds=30"))
        batch = await the_only_batch(producer)
        request.cancel()
        (outcome,) = await batch.outcomes()
        assert outcome.status == "cancelled"
