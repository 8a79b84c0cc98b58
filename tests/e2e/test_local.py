"""`gatherq.local`: a server and workers for one block, of which nothing is left."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import types
from contextlib import contextmanager
from pathlib import Path

import pytest

import gatherq
from gatherq import GatherqError, InvalidCall, InvalidSetting, ProducerClosed, call

from ..conftest import HERE, lines_of, started, until

SCRIPT = """
import asyncio, os, signal, sys
from pathlib import Path
import gatherq
from gatherq import job

@job()
async def pid() -> list[int]:
    return [os.getpid(), os.getppid()]

@job()
async def stays(begun: str) -> None:
    print("begins")
    Path(begun).write_text(f"{os.getpid()} {os.getppid()}\\n")
    try:
        await asyncio.Event().wait()
    finally:
        Path(begun + ".cleaned").touch()

async def main():
    async with gatherq.local() as producer:
        server = (await producer.redis.info("server"))["process_id"]
        print(server, *await producer.gather(pid.call()), flush=True)
        exec(sys.argv[1], globals() | {"producer": producer})
        if sys.argv[2:]:
            await producer.gather(stays.call(sys.argv[2]))
        await asyncio.sleep(0)

if __name__ == "__main__":
    asyncio.run(main())
"""


def runs(pid):
    """Tell whether a process runs; one that nobody has waited for does not."""
    command = ["ps", "-o", "stat=", "-p", str(pid)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return bool(said.strip()) and not said.startswith("Z")


async def gone(*pids):
    async with until(20):
        while any(runs(pid) for pid in pids):
            await asyncio.sleep(0.01)


@contextmanager
def script(folder, *arguments, options=(), text=SCRIPT):
    (folder / "kitchen.py").write_text(text)
    pipe = subprocess.PIPE
    command = [sys.executable, *options, str(folder / "kitchen.py"), *arguments]
    with started(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        yield process


def pids_of(line):
    return [int(word.strip("[],")) for word in line.split()]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("pass", 0),
        ("1 / 0", 1),
        ("sys.exit(3)", 3),
        ("os._exit(4)", 4),
        ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
async def test_however_the_script_ends_nothing_is_left(tmp_path, end, code):
    with script(tmp_path, end) as process:
        said, errors = process.communicate(timeout=40)
        assert process.returncode == code, errors
    await gone(*pids_of(said.splitlines()[0]))


async def test_one_ctrl_c_ends_it_all(tmp_path):
    begun = tmp_path / "begun"
    with script(tmp_path, "pass", str(begun)) as process:
        pids = pids_of(process.stdout.readline())
        await lines_of(begun, 1)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(40) == -signal.SIGINT
        said = process.stdout.readline()  # it may have come with the line before
        _, errors = process.communicate(timeout=40)
    assert said == "begins\n"  # printed into a pipe
    assert "gatherq_worker" not in errors  # no worker's traceback
    assert (tmp_path / "begun.cleaned").exists()
    await gone(*pids)


@pytest.mark.parametrize("options", [["-I"], ["-P"], ["-O"]])
def test_workers_look_for_modules_where_the_script_does(tmp_path, options):
    with script(tmp_path, "pass", options=options) as process:
        _, errors = process.communicate(timeout=40)
        assert process.returncode == 0, errors


async def test_modules_are_given_by_name_or_as_they_are():
    from tests.e2e import jobs

    for module in (jobs, "tests.e2e.jobs"):
        async with until(40), gatherq.local(module) as producer:
            assert await producer.gather(jobs.echo.call(1)) == [1]
            batch = await producer.submit([jobs.echo.call(1)])
        for late in (producer.gather(jobs.echo.call(1)), batch.outcomes(), batch.counts()):
            with pytest.raises(ProducerClosed, match=r"^the block of `async with gatherq\.local"):
                await late


async def test_several_are_beside_each_other():
    async def one(value):
        async with gatherq.local("tests.e2e.jobs", processes=2) as producer:
            return [producer.url, *await producer.gather(gatherq.call("echo", value))]

    async with until(60):
        first, second = await asyncio.gather(one(1), one(2))
    assert (first[1], second[1]) == (1, 2)
    assert first[0] != second[0]


def test_a_thread_has_a_loop_and_a_pool_of_its_own():
    async def main():
        async with until(40), gatherq.local("tests.e2e.jobs") as producer:
            return await producer.gather(gatherq.call("echo", 1))

    async def in_a_thread():
        return await asyncio.to_thread(asyncio.run, main())

    assert asyncio.run(in_a_thread()) == [1]


async def test_data_stays(tmp_path):
    async with until(60):
        async with gatherq.local("tests.e2e.jobs", data=tmp_path) as producer:
            batch = await producer.submit([gatherq.call("echo", 5)])
            await batch.outcomes()
        async with gatherq.local("tests.e2e.jobs", data=tmp_path) as producer:
            again = await producer.batch(batch.id)
            assert [outcome.value for outcome in await again.outcomes()] == [5]


async def test_what_is_left_is_told(caplog, tmp_path):
    async with until(40), gatherq.local("tests.e2e.jobs") as producer:
        batch = await producer.submit([gatherq.call("echo", 1)])
        await batch.outcomes()
        await producer.submit([gatherq.call("linger", str(tmp_path / "log"))])
    [message] = [r.getMessage() for r in caplog.records if "had not ended" in r.getMessage()]
    assert message == (
        "1 job of gatherq.local had not ended when its block was left: await the batch "
        "(`await batch.outcomes()`) inside of the block"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 / 0", "broken.py, line 1: ZeroDivisionError"),
        ("import os; os._exit(3)", "a worker did not start: exit code 3"),
        ("", "module 'broken' has no jobs"),
    ],
)
async def test_a_worker_that_cannot_start_says_why(tmp_path, monkeypatch, text, said):
    (tmp_path / "broken.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    async with until(40):
        with pytest.raises(GatherqError) as error:
            async with gatherq.local("broken", processes=2):
                pass
    assert said in str(error.value)


def test_a_script_without_a_guard_does_not_start_workers_without_end(tmp_path):
    text = SCRIPT.replace('if __name__ == "__main__":\n    ', "")
    with script(tmp_path, "pass", text=text) as process:
        _, errors = process.communicate(timeout=40)
    assert process.returncode == 1
    assert 'put asyncio.run(main()) under if __name__ == "__main__":' in errors
    assert errors.count("Traceback") == 1


def children():
    """Return the ids of this process's children that run."""
    said = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return [pid for pid in said.split() if runs(pid)]


@pytest.mark.parametrize("turns", [1, 5, 50, 500])
async def test_cancelled_while_it_starts_it_leaves_nothing(turns):
    async def enter():
        async with gatherq.local("tests.e2e.jobs"):
            await asyncio.Event().wait()

    before = children()
    task = asyncio.create_task(enter())
    for _ in range(turns):
        await asyncio.sleep(0.001)
    task.cancel()
    async with until(20):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert children() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"data": 3}, "data must be the path of a folder, not 3"),
        ({"processes": 0}, "processes must be a whole number from 1 to 256, not 0"),
        ({"concurrency": "x"}, "concurrency must be a whole number from 1 to 10000, not 'x'"),
        (
            {"data": "x", "redis_url": "redis://x"},
            "data is of a server of one's own: leave out data, or redis_url",
        ),
    ],
)
async def test_options_are_checked(options, said):
    with pytest.raises(InvalidCall) as error:
        async with gatherq.local("kitchen", **options):
            pass
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("GATHERQ_KEEP", "x", "GATHERQ_KEEP must be a number of seconds greater than 0, not 'x'"),
        ("GATHERQ_QUEUE", "", "GATHERQ_QUEUE must be a name of 1 or more characters, not ''"),
        (
            "GATHERQ_NO_WORKERS",
            "yes",
            "GATHERQ_NO_WORKERS must be 'warn', 'raise' or 'ignore', not 'yes'",
        ),
    ],
)
async def test_a_bad_variable_is_named(monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSetting) as error:
        async with gatherq.local("tests.e2e.jobs"):
            pass
    assert str(error.value) == said


async def test_it_is_entered_by_async_with():
    advice = "write `async with gatherq.local(...) as producer:`"
    with pytest.raises(TypeError, match=re.escape(advice)):
        await gatherq.local("kitchen")
    with pytest.raises(AttributeError) as error:
        _ = gatherq.local("kitchen").gather
    assert str(error.value) == f"gatherq.local(...) has no 'gather'; {advice}"
    with (
        pytest.raises(TypeError, match="^a LocalPool is entered by `async with`, not by `with`$"),
        gatherq.local("kitchen"),
    ):
        pass
    with pytest.raises(GatherqError, match="was given a URL: write gatherq.local\\(redis_url="):
        async with gatherq.local("redis://127.0.0.1:1"):
            pass


NESTED = """
from gatherq import Producer, call, job

@job()
async def outer() -> int:
    async with Producer() as producer:
        return (await producer.gather(call("inner")))[0]

@job()
async def inner() -> int:
    return 7
"""


@pytest.mark.parametrize("queue", [None, "another"])
async def test_a_producer_in_a_job_is_of_the_same_pool(tmp_path, monkeypatch, queue):
    (tmp_path / "nested_jobs.py").write_text(NESTED)
    monkeypatch.syspath_prepend(tmp_path)
    async with until(40), gatherq.local("nested_jobs", queue=queue) as producer:
        assert await producer.gather(call("outer")) == [7]


async def test_a_name_that_no_worker_has_fails_at_once():
    async with until(20), gatherq.local("tests.e2e.jobs", no_workers="ignore") as producer:
        (outcome,) = await (await producer.submit([call("ehco")])).outcomes()
    assert outcome.error.type.endswith("UnknownJob")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
async def test_workers_of_a_script_that_is_killed_complain_of_nothing(tmp_path, signum):
    begun = tmp_path / "begun"
    with script(tmp_path, "pass", str(begun)) as process:
        pids = pids_of(process.stdout.readline())
        await lines_of(begun, 1)
        process.send_signal(signum)
        _, errors = process.communicate(timeout=40)  # to the end of all that hold the pipe
    await gone(*pids)
    assert errors == ""


async def test_a_notebook_is_told_to_write_a_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    with pytest.raises(GatherqError) as error:
        async with gatherq.local():
            pass
    assert str(error.value) == (
        "gatherq.local: workers import the jobs, and those of a notebook or an interactive "
        "session are in no file; write them to one (a notebook's cell: %%writefile kitchen.py) "
        'and name it: gatherq.local("kitchen")'
    )


async def test_a_script_without_jobs_is_told_to_name_modules(monkeypatch):
    main = types.ModuleType("__main__")
    main.__file__ = str(HERE / "conftest.py")
    monkeypatch.setitem(sys.modules, "__main__", main)
    with pytest.raises(GatherqError) as error:
        async with gatherq.local():
            pass
    assert str(error.value) == (
        f"gatherq.local: {HERE}/conftest.py, which runs, has no jobs; name the modules that have "
        'some: gatherq.local("kitchen")'
    )


async def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "arq", None)
    with pytest.raises(ImportError) as error:
        async with gatherq.local("kitchen"):
            pass
    assert str(error.value) == "gatherq.local needs gatherq[local]: pip install 'gatherq[local]'"
