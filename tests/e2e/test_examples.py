"""The examples, as a user runs them."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from itertools import islice
from pathlib import Path

import pytest

from gatherq import Producer, call
from gatherq.errors import RedisUnavailable
from gatherq.testing.server import embedded_server, free_port

from ..conftest import until

EXAMPLES = Path(__file__).parents[2] / "examples"


def python(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


KITCHEN = """\
chop('brinjal', 0.2)   finished chopping brinjal
chop('carrot', 0.3)    finished chopping carrot
chop('onion', 1.2)     timed out after 1 s
chop('tomato', 0.5)    finished chopping tomato
weigh('pumpkin')       failed: ValueError: no pumpkin on the scales
wash('leek')           cancelled by its job
sharpen('knife')       lost: its worker died 2 times
"""


def test_the_kitchen_shows_every_outcome_in_order_by_itself():
    done = python(EXAMPLES / "kitchen.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout == KITCHEN
    assert "chop 4, weigh 1, wash 1, 1 more" in done.stderr


def test_the_kitchen_uses_the_server_and_workers_that_are_there(server_url, queue):
    environment = {"GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue}
    with worker_of("kitchen", environment):
        done = python(EXAMPLES / "kitchen.py", **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == KITCHEN


ON_FAKEREDIS = """
import runpy, sys
from gatherq.testing import server

server.server_program = lambda: ("fakeredis", "")
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def test_the_kitchen_runs_on_the_last_resort():
    done = python("-c", ON_FAKEREDIS, EXAMPLES / "kitchen.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout == KITCHEN


@contextmanager
def worker_of(module, environment):
    command = [sys.executable, "-m", "gatherq_worker", "worker", module]
    worker = subprocess.Popen(command, cwd=EXAMPLES, env={**os.environ, **environment})
    try:
        yield
    finally:
        worker.terminate()
        assert worker.wait(15) == 0


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="compares with coreutils")
@pytest.mark.parametrize("alone", [True, pytest.param(False, marks=pytest.mark.long)])
def test_checksums_are_those_of_sha256sum(tmp_path, server_url, queue, alone):
    for n in range(20):
        (tmp_path / f"file {n:02}").write_bytes(os.urandom(n * 1000))
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "fifo")
    environment = {} if alone else {"GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue}
    with nullcontext() if alone else worker_of("checksums", environment):
        done = python(EXAMPLES / "checksums.py", tmp_path, **environment)
    wanted = ["sha256sum", *sorted(map(str, tmp_path.glob("file*")))]
    assert done.stdout == subprocess.run(wanted, capture_output=True, text=True, check=True).stdout
    assert "dangling: [Errno 2] No such file" in done.stderr
    assert "fifo: no answer in 5 s" in done.stderr
    assert done.returncode == 1


def test_a_worker_that_cannot_start_says_why_in_one_line(server_url):
    good = {"GATHERQ_REDIS_URL": server_url}
    for arguments, environment, said in [
        (["kitchen"], {"GATHERQ_REDIS_URL": "http://x"}, "is not a Redis URL"),
        (["kitchen"], {"GATHERQ_REDIS_URL": server_url + "999"}, "database number"),
        (["nowhere"], good, "no module named 'nowhere'"),
        (["examples/kitchen.py"], good, "examples.kitchen"),
        (["json"], good, "has no jobs"),
    ]:
        done = subprocess.run(
            [sys.executable, "-m", "gatherq_worker", "worker", *arguments],
            cwd=EXAMPLES,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


@contextmanager
def worker_process(command):
    with subprocess.Popen(command, cwd=EXAMPLES, stderr=subprocess.PIPE, text=True) as worker:
        try:
            yield worker
        finally:
            worker.terminate()


async def test_a_worker_that_is_up_before_redis_waits_and_says_so():
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    command = [sys.executable, "-m", "gatherq_worker", "worker", "kitchen", "--redis", url]
    with worker_process(command) as worker:
        line = worker.stderr.readline()
        assert f"cannot use Redis at {url}" in line
        assert line.endswith("waiting for it\n")
        with embedded_server(port):
            assert "Redis is back" in worker.stderr.readline()
            async with Producer(url, patience=5) as producer, until(10):
                assert len(await producer.gather(call("chop", "leek", 0))) == 1


async def test_one_of_several_processes_says_that_they_wait():
    port = free_port()
    options = ["--redis", f"redis://127.0.0.1:{port}/0", "--processes", "3", "--verbose"]
    command = [sys.executable, "-m", "gatherq_worker", "worker", "kitchen", *options]
    with worker_process(command) as worker:
        waiting = (line for line in worker.stderr if line.endswith("waiting for it\n"))
        levels = [line.split()[2] for line in islice(waiting, 3)]
        assert sorted(levels) == ["DEBUG", "DEBUG", "WARNING"]


async def test_a_producer_names_the_server_and_what_to_do(server_url):
    for url, said in [
        (
            "redis://:secret@127.0.0.1:1/0",
            "redis://:\\*\\*\\*@127.0.0.1:1/0.*is a server running there",
        ),
        (server_url.replace("redis://", "redis://:wrong@"), "check user and password"),
        (f"{server_url}999", "database number"),
    ]:
        with pytest.raises(RedisUnavailable, match=said):
            async with Producer(url):
                pass


NOTES = """\
Starting to do async work...
Finished the async work after two seconds

Started to perform the task: fecth water from well
Started to perform the task: get vegitables from the market
Finished the task: get vegitables from the market
Finished the task: fecth water from well
Started to perform the task: select a nice movie to watch
Finished the task: select a nice movie to watch

starting to cut brinjal
starting to cut carrot
starting to cut onion
starting to cut tomato
finished chopping brinjal
finished chopping carrot
finished chopping onion
finished chopping tomato

starting to cut brinjal
starting to cut carrot
starting to cut onion
starting to cut tomato
Task brinjal result: finished chopping brinjal
Task carrot result: finished chopping carrot
Task onion was timeout because it ran too long.
Task tomato result: finished chopping tomato

"""


def test_the_notes_print_what_asyncio_printed():
    done = python(EXAMPLES / "notes.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout == NOTES
