"""Workers on other machines: other locales, descriptors, limits, interpreters' options."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from gatherq import call

from ..conftest import until

HERE = Path(__file__).parent
TEXT = "schöne Größe ✓ \U0001f600"


@pytest.fixture
def start(server_url, queue):
    """Start a worker as a test says; it is stopped in the end, and must end well."""
    started = []

    def start(*, python=(), options=(), shell="", environment=None, module="odd", **more):
        command = [sys.executable, *python, "-m", "gatherq_worker", "worker", module, *options]
        if shell:
            command = ["/bin/sh", "-c", f'exec "$@" {shell}', "sh", *command]
        given = {
            "GATHERQ_REDIS_URL": server_url,
            "GATHERQ_QUEUE": queue,
            "PATH": os.environ["PATH"],
        }
        more = {"cwd": HERE} | more
        started.append(subprocess.Popen(command, env={**given, **(environment or {})}, **more))
        return started[-1]

    yield start
    codes = []
    for process in started:
        process.terminate()
        try:
            codes.append(process.wait(10))
        finally:
            process.kill()
    assert set(codes) <= {0}


async def works(producer, text=TEXT):
    """Let it do one job of each kind."""
    async with until(30):
        calls = [call("größe", text), call("in_a_thread"), call("apart", text), call("many", 10)]
        batch = await producer.submit(calls)
        found = [outcome.unwrap() for outcome in await batch.outcomes()]
        assert {outcome.attempt for outcome in await batch.outcomes()} == {1}
    assert found[0] == len(text)
    assert found[2].endswith(text)
    assert found[3] == 45
    return found


@pytest.mark.parametrize("processes", ["0", "1"])
@pytest.mark.parametrize("shell", ["<&-", "<&- >&- 2>&-", ">&- 2>/dev/null"])
async def test_closed_descriptors(producer, start, processes, shell):
    start(shell=shell, options=("--processes", processes))
    await works(producer)


@pytest.mark.parametrize("processes", ["0", "1"])
async def test_pipes_that_nobody_reads(producer, start, processes):
    reading, writing = os.pipe()
    os.close(reading)
    start(stdout=writing, stderr=writing, options=("--processes", processes))
    os.close(writing)
    async with until(30):
        batch = await producer.submit([call("many", 10), call("größe", "x"), call("many", 5)])
        first, printed, last = await batch.outcomes()
    assert [first.unwrap(), printed.unwrap(), last.unwrap()] == [45, 1, 10]


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii:backslashreplace"},
        {"LANG": "no_SUCH.locale", "TZ": "Pacific/Chatham"},
        {"HOME": "/nonexistent", "TMPDIR": "/nonexistent"},
        {"PYTHONWARNINGS": "error"},
    ],
    ids=" ".join,
)
async def test_environments(producer, start, environment):
    plain = environment.get("LC_ALL") == "C"
    start(environment=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await works(producer, "plain" if plain else TEXT)
    if plain:  # the name is not ASCII; what is printed there must be
        async with until(10):
            (outcome,) = await (await producer.submit([call("größe", TEXT)])).outcomes()
        assert outcome.status == "succeeded" or outcome.error.type == "UnicodeEncodeError"


@pytest.mark.parametrize("option", ["-I", "-OO", "-Werror", "-Xdev"])
async def test_options_of_the_interpreter(producer, start, option):
    start(python=(option,))
    found = await works(producer)
    optimized = option == "-OO"
    assert found[1] == ("2 None" if optimized else "0 Jobs for workers in odd places.")
    assert found[2].startswith("2" if optimized else "0")
    async with until(10):
        (outcome,) = await (await producer.submit([call("warned")])).outcomes()
    assert outcome.status == ("failed" if option == "-Werror" else "succeeded")


@pytest.mark.parametrize("processes", ["0", "2"])
async def test_few_descriptors(producer, start, processes):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))

    start(options=("--processes", processes), preexec_fn=limit)
    for _ in range(3):
        await works(producer)
    async with until(60):
        calls = [call("apart", str(n)) for n in range(40)]
        batch = await producer.submit(calls)
        outcomes = await batch.outcomes()
    assert {outcome.status for outcome in outcomes} == {"succeeded"}


MAIN = """
import asyncio, os, sys

from arq.connections import RedisSettings
from gatherq import Producer, job
from gatherq_worker.arq.worker import Worker


@job()
async def here(n: int) -> int:
    return n + 1


@job()
def thread(n: int) -> int:
    return n + 2


@job(isolation="process")
def apart(n: int) -> int:
    return n + 3


async def main() -> None:
    url, queue = os.environ["GATHERQ_REDIS_URL"], os.environ["GATHERQ_QUEUE"]
    worker = None
    if "both" in sys.argv:
        settings = RedisSettings.from_dsn(url)
        functions = [here, thread, apart]
        worker = Worker(functions, redis_settings=settings, queue_name=queue, handle_signals=False)
        running = asyncio.create_task(worker.async_run())
    async with Producer(url, queue=queue) as producer:
        async with asyncio.timeout(20):
            batch = await producer.submit([here.call(1), thread.call(1), apart.call(1)])
            for outcome in await batch.outcomes():
                print(getattr(outcome, "value", None) or outcome.error)
    if worker:
        await worker.close()
        await asyncio.wait([running])


if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize("how", [["app.py"], ["-m", "app"]], ids=" ".join)
@pytest.mark.parametrize("both", [[], ["both"]], ids=["a worker elsewhere", "a worker in it"])
def test_jobs_of_a_main_module(tmp_path, server_url, queue, start, how, both):
    (tmp_path / "app.py").write_text(MAIN)
    if not both:
        start(module="app", cwd=tmp_path)
    ended = subprocess.run(
        [sys.executable, *how, *both],
        cwd=tmp_path,
        env={**os.environ, "GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    if both:  # another process cannot import what is being run
        assert ended.stdout.startswith("2\n3\ngatherq_worker.loading.LoadError: "), ended.stdout
        assert "write it in a module, not in the program itself" in ended.stdout
    else:
        assert ended.stdout == "2\n3\n4\n"
