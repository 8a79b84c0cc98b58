"""`gatherq report`, `trace` and `show --timeline` on what real workers have run."""

import asyncio
import json
import os
import pty
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE

import pytest

from gatherq import call

from ..conftest import gatherq, until


@pytest.fixture
def shell(server_url, queue, tmp_path):
    """Run `gatherq WORDS` in a folder of its own; return exit code, output and errors."""

    async def run(*words, **environment):
        process = await asyncio.create_subprocess_exec(
            *gatherq(*words),
            cwd=tmp_path,
            env=settings(server_url, queue, **environment),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        said, complained = await asyncio.wait_for(process.communicate(), 30)
        return process.returncode, said.decode(), complained.decode()

    return run


def settings(server_url, queue, **more):
    given = {"GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue, "COLUMNS": "80"}
    return {**os.environ, **given, **more}


@pytest.fixture
async def dinner(producer, start_worker):
    """Run a batch with outcomes of several kinds."""
    start_worker()
    calls = [call("echo", "<b>"), call("fail", "no </script> 7"), call("fail", "no </script> 8")]
    batch = await producer.submit([*calls, call("sleep", 5).with_timeout(0.2)])
    async with until(20):
        await batch.outcomes()
    return batch.id


async def test_a_batch_as_files(shell, dinner, tmp_path):
    code, said, complained = await shell("report", dinner, "-o", "dinner.html")
    assert (code, complained) == (0, "")
    assert said.startswith(f"wrote dinner.html: 4 slots of {dinner}, ")
    page = (tmp_path / "dinner.html").read_text()
    assert f"<title>{dinner}</title>" in page
    assert "ValueError: no &lt;/script&gt; #" in page

    code, said, _ = await shell("report", dinner, "-o", "-")
    assert (code, said) == (0, page_like(page, said))

    code, said, _ = await shell("trace", dinner, "--json")
    assert code == 0
    assert json.loads(said)["file"] == "trace.json"
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    attempts = [event["args"] for event in events if event["ph"] == "X" and "call" in event["args"]]
    assert sorted(each["slot"] for each in attempts) == [0, 1, 2, 3]
    assert "echo('<b>')" in {each["call"] for each in attempts}

    _, said, _ = await shell("trace", dinner, "--redact", "-o", "-")
    assert "echo(...)" in said
    assert "<b>" not in said
    assert "no <" not in said


def page_like(page, said):
    """Return the page as it was written at another time."""
    made = said.partition("made by gatherq")[2].partition(";")[0]
    return page.replace(page.partition("made by gatherq")[2].partition(";")[0], made)


async def test_a_timeline_in_a_pipe_on_a_terminal_and_as_json(shell, dinner, server_url, queue):
    code, said, complained = await shell("show", dinner, "--timeline", PYTHONIOENCODING="utf-8")
    assert (code, complained) == (0, "")
    slots, hint, worker, axis = said.splitlines()
    assert slots.startswith("slots ")
    assert slots.endswith(" 3")
    assert hint.strip() == "bad of each 1 slot"
    assert int(worker.split()[-1]) in range(1, 5)
    assert axis.split()[0] == "0s"
    assert max(map(len, said.splitlines())) <= 80

    _, said, _ = await shell("show", dinner, "--timeline", PYTHONIOENCODING="ascii")
    assert said.isascii()

    _, said, _ = await shell("show", dinner, "--timeline", "--json")
    found = json.loads(said)
    assert [each["most"] for each in found["workers"]] == [int(worker.split()[-1])]

    narrow = settings(server_url, queue, COLUMNS="40", LINES="20")
    lines = await asyncio.to_thread(on_terminal, ["show", dinner, "--timeline"], narrow)
    assert len(lines) == 4
    assert max(map(len, lines)) <= 40


def on_terminal(words, environment):
    """Run a command on a terminal of its own; return the lines that it wrote."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.execve(sys.executable, gatherq(*words), environment)
    said = b""
    try:
        while part := os.read(descriptor, 4096):
            said += part
    except OSError:  # it has ended
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(descriptor)
    return said.decode().splitlines()


async def test_a_batch_that_is_not_finished(shell, producer, start_worker, tmp_path):
    start_worker()
    batch = await producer.submit([call("sleep", 60), call("echo", 1)])
    async with until(20):
        async for outcome in batch.as_completed():
            assert outcome.slot == 1
            break
    code, said, _ = await shell("report", batch.id)
    assert code == 0
    assert f"2 slots of {batch.id}, 1 of them not finished" in said
    assert "Not finished: 1 of 2 slots" in (tmp_path / "report.html").read_text()
    await batch.cancel()


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["report", "nosuch"], 3, "no batch nosuch in Redis"),
        (["trace", "@9"], 3, "no batch @9"),
        (["report", "a b"], 2, "names no batch"),
        (["report", "dinner", "-o", "-", "--open"], 2, "--open needs a file"),
        (["report", "BATCH", "-o", "no/such/folder.html"], 1, "no/such/folder.html cannot be"),
        (["show", "dinner", "--timeline", "--redis", "redis://127.0.0.1:1"], 4, "127.0.0.1:1"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_line(shell, producer, words, code, complaint):
    batch = await producer.submit([call("echo", 1)])
    ended, said, complained = await shell(
        *(batch.id if each == "BATCH" else each for each in words)
    )
    assert (ended, said) == (code, "")
    assert complaint in complained
    assert complained.count("\n") == 1


async def test_a_file_that_cannot_be_read_in_full_stays_as_it_was(shell, tmp_path):
    file = Path(tmp_path / "report.html")
    file.write_text("before")
    code, _, _ = await shell("report", "nosuch")
    assert code == 3
    assert file.read_text() == "before"
