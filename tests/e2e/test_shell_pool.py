"""`gatherq workers`, `queue`, `events`, `doctor` and `config`, beside a real worker."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys

import pytest
from redis.asyncio import Redis

from gatherq import Producer, call
from gatherq.contract.keys import KeySpace
from gatherq.testing.server import embedded_server, free_port

from ..conftest import lines_of, until

GATHERQ = [sys.executable, "-m", "gatherq_worker"]


@pytest.fixture
def shell(server_url, queue):
    """Run a command; return its exit code, and what it says and complains of."""

    async def shell(*words, url=server_url, **variables):
        given = {"GATHERQ_REDIS_URL": url, "GATHERQ_QUEUE": queue, **variables}
        process = await asyncio.create_subprocess_exec(
            *GATHERQ,
            *words,
            env={**os.environ, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        async with until(30):
            said, complained = await process.communicate()
        return process.returncode, said.decode(), complained.decode()

    return shell


@pytest.fixture
def on_terminal(server_url, queue):
    """Run a command on a terminal of 120 columns; return what it writes there."""

    def on_terminal(*words, columns=120, **variables):
        pid, mine = pty.fork()
        if pid == 0:
            given = {"GATHERQ_REDIS_URL": server_url, "GATHERQ_QUEUE": queue, "NO_COLOR": "1"}
            given |= {"COLUMNS": str(columns), "TERM": "xterm", **variables}
            os.execvpe(GATHERQ[0], [*GATHERQ, *words], {**os.environ, **given})
        said = b""
        while True:
            try:
                part = os.read(mine, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            said += part
        os.close(mine)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) in (0, 1)
        return said.decode().replace("\r\n", "\n")

    return lambda *words, **more: asyncio.to_thread(on_terminal, *words, **more)


@pytest.mark.long
async def test_a_session_beside_a_worker(
    shell, on_terminal, start_worker, server_url, queue, tmp_path
):
    start_worker()
    log = tmp_path / "log"
    async with until(60), Producer(server_url, queue=queue) as producer:
        batch = await producer.submit([call("linger", str(log))])
        await lines_of(log, 1)

        code, said, _ = await shell("workers", "--json")
        (worker,) = json.loads(said)
        assert (code, worker["state"]) == (0, "running")
        assert "linger" in worker["handlers"]
        code, said, _ = await shell("workers")
        (row,) = said.splitlines()
        assert row.split("\t")[:2] == [worker["name"], "running"]
        table = await on_terminal("workers")
        assert table.splitlines()[0].split() == [
            *("WORKER", "STATE", "RUNNING", "DONE", "LAG", "MEMORY", "UP", "SEEN", "JOBS"),
        ]
        for words in (["workers"], ["jobs"], ["queue", "--all"]):
            assert max(map(len, (await on_terminal(*words, columns=40)).splitlines())) <= 40

        code, said, _ = await shell("workers", worker["name"][:-1])
        assert (code, said.split()[:2]) == (0, [worker["name"], "running,"])
        assert f"pid {worker['pid']}" in said
        code, said, complained = await shell("workers", "nobody")
        assert (code, said) == (3, "")
        assert complained == (
            f"Error: no worker nobody on {queue}; gatherq workers lists those that there are\n"
        )

        code, said, _ = await shell("jobs", "--json")
        found = {row["name"]: row for row in json.loads(said)}
        assert found["linger"]["workers"] == [worker["name"]]
        assert f"served by {worker['name']}\n" in await on_terminal("jobs", "linger")
        code, _, complained = await shell("jobs", "lingr")
        assert (code, complained) == (
            *(3, f"Error: no job lingr on {queue}; did you mean linger?\n"),
        )
        assert (await shell("stats", "lingr"))[0] == 3

        code, said, _ = await shell("queue", "--json")
        assert json.loads(said)["running"] == 1
        said = await on_terminal("queue")
        assert said.startswith(f"{queue}   0 claimable · 1 running · 1 worker")
        code, said, _ = await shell("queue", "--all", "--jsonl")
        rows = {row["name"]: row for row in map(json.loads, said.splitlines())}
        assert rows[queue]["workers"] == 1

        code, said, complained = await shell("doctor", "--json")
        found = {each["code"]: each for each in json.loads(said)}
        assert (code, complained) == (0, "")
        assert found["workers"]["text"].startswith(f"1 worker on {queue}")
        said = await on_terminal("doctor", PYTHONIOENCODING="ascii")
        assert "+ scripts      it takes all steps\n" in said
        assert "! persistence  nothing is kept where the server restarts -> CONFIG SET" in said
        warnings = sum(line.startswith("! ") for line in said.splitlines())  # of other tests, too
        assert said.endswith(f"{warnings} warning{'s' * (warnings > 1)}\n")
        assert "✓ scripts" in await on_terminal("doctor", PYTHONIOENCODING="utf-8")
        await batch.cancel()
        await batch.outcomes()


ADD = """
local vector = {tonumber(ARGV[3]), tonumber(ARGV[4]), 0, 0, 0, 0, 0, 0}
for n = 9, 44 do vector[n] = n == 10 and 7 or 0 end
redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack(vector))
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


async def test_statistics_are_a_row_a_minute_and_a_line_of_bars(
    shell, on_terminal, server_url, queue
):
    async with Redis.from_url(server_url) as redis:
        seconds, _ = await redis.time()
        key = KeySpace(queue).statistics(str(seconds // 60 - 2))
        await redis.eval(ADD, 1, key, "fetch", 60, 7, 2)
        await redis.eval(ADD, 1, key, "parse", 60, 1, 0)
    code, said, _ = await shell("stats", "--since", "5m")
    rows = [line.split("\t")[1:] for line in said.splitlines()]
    counted = ["8", "2", "0", "0", "0", "0", "7.5ms", "9.75ms", "9.95ms", "-"]
    assert (code, rows.count(counted)) == (0, 1)
    assert len(rows) == 6
    _, said, _ = await shell("stats", "parse", "--since", "5m", "--jsonl")
    assert sorted(json.loads(line)["ended"] for line in said.splitlines()) == [0, 0, 0, 0, 0, 1]
    said = await on_terminal("stats", "--since", "5m", PYTHONIOENCODING="utf-8")
    assert "█" in said.splitlines()[0]
    assert said.splitlines()[1] == "10 in 5m, 2/min, 2 bad"
    assert len(said.splitlines()) == 4
    assert max(map(len, (await on_terminal("stats", columns=40)).splitlines())) <= 40
    assert "#" in (await on_terminal("stats", PYTHONIOENCODING="ascii")).splitlines()[0]


async def test_events_are_shown_and_followed(shell, on_terminal, server_url, queue):
    key = KeySpace(queue).events
    async with Redis.from_url(server_url) as redis:
        await redis.xadd(key, {"event": "cancelled", "batch": "b\x1b[2J", "by": "anna", "n": "3"})
        _, said, _ = await shell("events")
        assert said.split("\t")[1:] == ["cancelled", "b\\x1b[2J", "", "anna", "n=3\n"]
        assert "cancelled        b\\x1b[2J  by anna  n=3\n" in await on_terminal("events")
        assert (await shell("events", "by:bert"))[:2] == (0, "")
        code, _, complained = await shell("events", "byy:bert")
        assert (code, "did you mean by?" in complained) == (2, True)
        assert (await shell("events", "-f", "--json"))[0] == 2
        following = await asyncio.create_subprocess_exec(
            *(*GATHERQ, "events", "-f", "--jsonl", "--redis", server_url, "--queue", queue),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        async with until(30):
            assert json.loads(await following.stdout.readline())["by"] == "anna"
            await redis.xadd(key, {"event": "redriven", "batch": "b", "by": "bert"})
            assert json.loads(await following.stdout.readline())["by"] == "bert"
            following.send_signal(signal.SIGINT)
            _, complained = await following.communicate()
        assert (following.returncode, complained) == (130, b"")
        await redis.delete(key)


async def test_who_follows_events_waits_for_a_server_that_is_away(queue):
    port = free_port()
    with embedded_server(port) as (url, _):
        words = [*GATHERQ, "events", "-f", "--jsonl", "--redis", url, "--queue", queue]
        following = await asyncio.create_subprocess_exec(
            *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        async with until(30), Redis.from_url(url) as redis:
            await redis.xadd(KeySpace(queue).events, {"event": "first"})
            assert json.loads(await following.stdout.readline())["event"] == "first"
    async with until(30):
        said = (await following.stderr.readline()).decode()
        assert f"waiting: Redis at {url} is away" in said
        with embedded_server(port) as (url, _):
            async with Redis.from_url(url) as redis:
                await redis.xadd(KeySpace(queue).events, {"event": "second"})
                assert json.loads(await following.stdout.readline())["event"] == "second"
                following.send_signal(signal.SIGINT)
                await following.communicate()
    assert following.returncode == 130


async def test_a_problem_is_an_exit_code(shell):
    options = {"maxmemory-policy": "allkeys-lru", "maxmemory": "64mb"}
    with embedded_server(free_port(), **options) as (url, _):
        code, said, _ = await shell("doctor", url=url)
        assert code == 1
        assert "problem\teviction\tallkeys-lru: a full server throws" in said
    code, said, complained = await shell("doctor", "--json", url=url)
    assert (code, said) == (4, "")
    assert json.loads(complained)["error"]["code"] == "redis_unavailable"


async def test_settings_and_where_they_come_from(shell):
    code, said, _ = await shell(
        *("config", "--jsonl", "--redis", "redis://:hush@host:7/0"),
        GATHERQ_KEEP="7",
        GATHERQ_PATIENC="3",
        GATHERQ_WATCH="x",
    )
    found = {row["name"]: row for row in map(json.loads, said.splitlines())}
    assert code == 0
    assert "hush" not in said
    assert (found["redis_url"]["value"], found["redis_url"]["origin"]) == (
        *("redis://:***@host:7/0", "option"),
    )
    assert (found["keep"]["value"], found["keep"]["origin"]) == (7, "GATHERQ_KEEP")
    assert (found["lease"]["origin"], found["lease"]["of"]) == ("default", "worker")
    assert found["GATHERQ_PATIENC"]["hint"] == "did you mean GATHERQ_PATIENCE?"
    assert "GATHERQ_WATCH" not in found
