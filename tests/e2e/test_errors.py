"""What jobs raise in real workers, as each reader finds it."""

import subprocess
import sys

import pytest
from arq.jobs import Job

from gatherq import RemoteError
from gatherq.contract.records import job_deserializer

from ..conftest import HERE, started, until
from . import raising

#: What each is caught as.
CAUGHT = {
    "JSONDecodeError": (ValueError, RemoteError),
    "Mine": (ExceptionGroup, RemoteError),
    "UnicodeDecodeError": (UnicodeDecodeError,),
    "OSError": (FileNotFoundError,),
    "ExceptionGroup": (ExceptionGroup,),
    "AttributeError": (AttributeError,),
    "StopAsyncIteration": (StopAsyncIteration,),
    "StopIteration": (RuntimeError,),
    "UserWarning": (UserWarning,),
    "SystemExit": (RemoteError,),
}


async def read(batch, slot, redis):
    """Read one slot's error as each reader does."""
    yield (await batch.outcomes())[slot].unwrap
    deserializer = {"_deserializer": job_deserializer}
    found = await Job(f"{batch.id}:{slot}", redis, **deserializer).result_info()

    def raise_arqs():
        raise found.result

    yield raise_arqs


async def test_a_remote_traceback_begins_in_the_job(producer, start_worker):
    start_worker(module="raising")
    jobs = (raising.in_loop, raising.in_thread, raising.in_process)
    async with until(30):
        batch = await producer.submit([each.call("ValueError") for each in jobs])
        for each, outcome in zip(jobs, await batch.outcomes(), strict=True):
            heading, first, *_ = outcome.error.traceback.splitlines()
            assert heading == "Traceback (most recent call last):"
            assert first.endswith(f'raising.py", line {first_line(each)}, in {each.__name__}')


def first_line(function):
    """Return the number of the line of a function's body."""
    return function.__code__.co_firstlineno + 2


async def test_errors_are_caught_as_what_they_are_in_each_isolation(producer, start_worker):
    start_worker(module="raising")
    calls = [
        each.call(kind)
        for each in (raising.in_loop, raising.in_thread, raising.in_process)
        for kind in CAUGHT
    ]
    async with until(30):
        batch = await producer.submit(calls)
        gathered = await producer.gather(*calls, return_exceptions=True)
        for slot, kinds in enumerate([*CAUGHT.values()] * 3):
            readers = [reader async for reader in read(batch, slot, producer.redis)]
            for reader in readers:
                with pytest.raises(kinds) as raised:
                    reader()
                same(raised.value, gathered[slot])
                assert all(isinstance(raised.value, kind) for kind in kinds), raised.value


def same(one, other):
    assert type(one) is type(other)
    assert str(one) == str(other)
    for name in ("errno", "filename", "filename2", "object", "name", "obj"):
        assert getattr(one, name, None) == getattr(other, name, None)
    if type(one) is ExceptionGroup:
        assert len(one.exceptions) == 30
    if isinstance(one, FileNotFoundError):
        assert (one.errno, one.filename, one.filename2) == (2, b"/raw\xff", "/other")


async def test_a_long_text_is_cut_and_the_error_is_itself(producer, start_worker):
    start_worker(module="raising")
    async with until(20):
        with pytest.raises(ValueError, match=r"\(9,000,000 characters\)") as raised:
            await producer.gather(raising.long_text.call())
    assert any("arguments are left out" in note for note in raised.value.__notes__)


def test_a_password_is_on_no_command_line_of_a_child(server_url, queue):
    """The parent's is what its user typed."""
    url = server_url.replace("redis://", "redis://default:hunter2@")
    command = [sys.executable, "-m", "gatherq_worker", "worker", "raising", "--queue", queue]
    with started(
        [*command, "--redis", url], cwd=HERE / "e2e", stderr=subprocess.PIPE, text=True
    ) as worker:
        said = worker.stderr.readline()  # it is there
        words = ["ps", "-ww", "-o", "args=", "--ppid", str(worker.pid)]
        listed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        worker.terminate()
        said += worker.stderr.read()
    assert "gatherq_worker" in listed
    assert "hunter2" not in listed
    assert "hunter2" not in said
