"""A worker that is asked how it is, by HTTP and by its file."""

import asyncio
import http.client
import os
import re
import signal
import subprocess

from gatherq.testing.server import embedded_server, free_port
from tests.conftest import HERE, gatherq, started, until
from tests.e2e.explained import block
from tests.e2e.jobs import sleep

RUNS_ONE = re.compile(r"^gatherq_worker_running_jobs\{.*\} 1$", re.MULTILINE)
PROBE = HERE.parent / "worker" / "gatherq-probe"


def ask(port, path="/readyz"):
    """Return the status and the text of an answer; nothing while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except ConnectionError:
        return None, ""
    finally:
        connection.close()


async def answered(port, status):
    """Wait until a worker is ready (200), or says that it is not (503); return what it says."""
    while True:
        code, text = await asyncio.to_thread(ask, port)
        if code == status:
            return text
        await asyncio.sleep(0.02)


def probe(file, *options):
    environment = {**os.environ, "GATHERQ_HEALTH_FILE": str(file)}
    done = subprocess.run([PROBE, *options], env=environment, capture_output=True, check=False)
    return done.returncode


async def test_a_worker_is_ready_until_it_is_told_to_stop_and_alive_to_its_end(
    start_worker, producer, tmp_path
):
    port, file = free_port(), tmp_path / "health"
    options = ("--health-port", str(port), "--health-file", str(file), "--grace", "30")
    async with until(60):
        worker = start_worker(*options)
        assert "running" in await answered(port, 200)
        assert (probe(file), probe(file, "--ready")) == (0, 0)
        handle = await producer.submit_one(sleep.call(60))
        while not RUNS_ONE.search(ask(port, "/metrics")[1]):
            await asyncio.sleep(0.02)
        worker.send_signal(signal.SIGTERM)
        assert (await answered(port, 503)).startswith("not ready: it is told to stop\n")
        assert ask(port, "/livez")[0] == 200
        while probe(file, "--ready") == 0:
            await asyncio.sleep(0.02)
        assert probe(file) == 0
        handle.cancel()
        assert await asyncio.to_thread(worker.wait) == 0
    assert not file.exists()
    assert probe(file) == 1


async def test_a_worker_whose_server_is_away_is_alive_and_not_ready_until_it_is_back(tmp_path):
    port, place = free_port(), free_port()
    url = f"redis://127.0.0.1:{place}/0"
    command = gatherq("worker", "jobs", "--redis", url, "--lease", "1", "--health-port", str(port))
    async with until(60):
        with started(command, cwd=HERE / "e2e") as worker:
            for _ in range(2):
                with embedded_server(place):
                    await answered(port, 200)
                said = await answered(port, 503)
                assert ": away, " in said
                assert ask(port, "/livez")[0] == 200
            worker.terminate()


async def test_a_loop_that_a_job_blocks_is_told(start_worker, producer):
    port = free_port()
    async with until(60):
        start_worker("--health-port", str(port), module="explained")
        await answered(port, 200)
        handle = await producer.submit_one(block.call(3))
        assert "blocked, a job holds its event loop" in await answered(port, 503)
        assert ask(port, "/livez")[0] == 200
        await handle
        await answered(port, 200)


async def test_a_port_in_use_is_one_line_and_no_worker_starts(server_url):
    port = free_port()
    command = gatherq("worker", "jobs", "--redis", server_url, "--health-port", str(port))
    with embedded_server(port):
        done = await asyncio.create_subprocess_exec(
            *command, cwd=HERE / "e2e", stderr=subprocess.PIPE
        )
        async with until(30):
            _, said = await done.communicate()
    assert done.returncode == 2
    assert said.decode() == (
        f"Error: cannot listen on 127.0.0.1, --health-port {port}: Address already in use\n"
    )
