"""Looking at batches and slots from a shell: one server, one worker, and what it has run."""

import asyncio
import json
import pickle
import re
import signal
import subprocess

import pytest
from redis.asyncio import Redis

from gatherq import Producer, call
from gatherq.contract.keys import KeySpace

from ..conftest import HERE, gatherq
from ..proxy import Proxy
from .shell import Shell

QUEUE = "test:looks"
keys = KeySpace(QUEUE)


async def _fill(url):
    """Run what the tests look at."""
    async with Producer(url, queue=QUEUE, patience=5) as producer:
        calls = [call("fail", f"no {n} at 10.0.0.{n}") for n in range(3)]
        calls += [call("echo", {"n": 1}), call("sleep", 30), call("fail", "another \x1b[31mone")]
        mixed = await producer.submit(calls, timeout=0.5, batch_id="mixed", label="a label →")
        await mixed.outcomes()
        fine = await producer.submit([call("echo", n) for n in range(1200)], batch_id="fine")
        await fine.outcomes()
        big = await producer.submit([call("large", 8_000_000), call("echo", "x" * 10_000)])
        await big.outcomes()
        await producer.submit([call("sleep", 600)], batch_id="waits", deadline=3600)
        return big.id


async def _plain(url):
    """Write what arq's own client writes, and junk."""
    async with Redis.from_url(url) as redis:
        job = {"t": None, "f": "old", "a": (1,), "k": {}, "et": 1_795_000_000_000}
        await redis.set("arq:job:plain", pickle.dumps(job))
        await redis.zadd(QUEUE, {"plain": 9_999_999_999_000})
        await redis.set("arq:result:gone-by", pickle.dumps({**job, "s": True, "r": 1}))
        result = {**job, "t": 1, "s": False, "r": "no\x1bway", "st": 1_795_000_000_100}
        ended = json.dumps({**result, "ft": 1_795_000_000_200})
        await redis.set("arq:result:cron:tidy:1795000000000", ended)


@pytest.fixture(scope="module")
def url(server_url):
    worker = subprocess.Popen(
        gatherq("worker", "jobs", "--queue", QUEUE, "--redis", server_url, "--grace", "0.1"),
        cwd=HERE / "e2e",
    )
    try:
        yield server_url
    finally:
        worker.terminate()
        worker.wait(20)


@pytest.fixture(scope="module")
def big(url):
    asyncio.run(_plain(url))
    return asyncio.run(_fill(url))


@pytest.fixture(scope="module")
def shell(url, big):
    return Shell(url, QUEUE)


def test_ls(shell, big):
    said = shell.terminal("ls", columns=120)
    assert said.code == 0
    title, *rows = said.lines
    assert title.split() == [
        "BATCH",
        "STATE",
        "DONE",
        "BAD",
        "RATE",
        "AGE",
        "LEFT/TOOK",
        "JOBS",
        "LABEL",
    ]
    assert [row.split()[0] for row in rows] == ["waits", big, "fine", "mixed"]
    assert "1,200/1,200" in said.out
    assert "a label" in rows[-1]
    mixed = shell.pipe("ls").rows[-1]
    assert mixed[:4] == ["mixed", "failed", "6/6", "5"]
    found = shell.pipe("ls", "state:failed", "--json").json
    assert [batch["id"] for batch in found] == ["mixed"]
    assert found[0]["timed_out"] == 1
    said = shell.terminal("ls", "-n", "1")
    assert said.lines[-1] == "1 of 4 batches; --all, --since 1d, state:running"
    assert len(shell.pipe("ls", "--since", "1h").lines) == 4
    assert shell.pipe("ls", "--since", "1ms").lines == []
    narrow = shell.terminal("ls", columns=40)
    assert max(map(len, narrow.lines)) <= 40


def test_show_a_batch(shell):
    said = shell.terminal("show", "mix")
    assert said.code == 0
    for text in ("state      failed", "1 succeeded · 4 failed · 1 timed out", "label      a label"):
        assert text in said.out
    assert "ValueError: no # at #" in said.out
    assert said.lines[-2:] == [
        "next       gatherq errors mixed",
        "           gatherq redrive mixed",
    ]
    rows = dict(row[:2] for row in shell.pipe("show", "mixed").rows if row[0])
    assert rows["batch"] == "mixed"
    assert rows["jobs"] == "fail 4 · echo 1 · sleep 1"
    waits = shell.pipe("show", "@", "--json").json
    assert (waits["id"], waits["running"], waits["errors"]) == ("waits", 1, [])
    assert "left" in shell.terminal("show", "waits").out
    assert max(map(len, shell.terminal("show", "mixed", columns=40).lines)) <= 40


def test_show_a_slot(shell, big):
    said = shell.terminal("show", "mixed:0")
    assert said.lines[0].startswith(
        "slot 0 of mixed · fail('no 0 at 10.0.0.0') · failed · attempt 1"
    )
    assert "run 1 " in said.out
    assert "ValueError: no 0 at 10.0.0.0" in said.out
    assert "in fail" in said.out
    assert "with 2 others" in said.out
    assert said.lines[-1] == "raw        redis-cli GET arq:result:mixed:0"
    assert "why        timed out: execution limit of 0.5 s" in shell.terminal("show", "mixed:4").out
    found = shell.pipe("show", "mixed:4", "--json").json
    assert [phase["kind"] for phase in found["phases"]] == ["queued", "run"]
    assert "· running ·" in shell.terminal("show", "waits:0").out
    large = shell.terminal("show", f"{big}:0").out
    assert "7.6 MiB; in full: gatherq outcomes --values" in large
    assert len(large) < 4000
    assert len(shell.pipe("show", f"{big}:0").out) > 8_000_000


def test_errors(shell):
    said = shell.terminal("errors", "mixed", columns=140)
    title, first, *others, last = said.lines
    assert title.split() == ["GROUP", "SLOTS", "SHARE", "WHAT", "WHERE", "FIRST", "SLOTS"]
    signature, count, share, *_ = first.split()
    assert (count, share) == ("3", "60%")
    assert first.rstrip().endswith("0, 1, 2")
    assert "ValueError: no # at #" in first
    assert len(others) == 2
    assert last == f"run again: gatherq redrive mixed error:{signature}"
    assert [row[-1] for row in shell.pipe("errors", "mixed", f"error:{signature}").rows] == [
        "0,1,2"
    ]
    found = shell.pipe("errors", "mixed", "--json").json
    assert [group["count"] for group in found] == [3, 1, 1]
    assert "nothing that did not succeed" in shell.terminal("errors", "fine").out
    assert [row[0] for row in shell.pipe("outcomes", "mixed", f"error:{signature}").rows] == list(
        "012"
    )


def test_advice_is_wrapped_between_words_and_commands_stay_whole(shell):
    said = shell.terminal("errors", "mixed", columns=40)
    assert re.search(
        r"^run again:\ngatherq redrive mixed error:[0-9a-f]{8}$", said.out, re.MULTILINE
    )
    said = shell.terminal("explain", "waits:0", columns=40)
    assert max(map(len, said.lines)) <= 40
    said = shell.terminal("doctor", columns=40)
    whole = {line.split()[1] for line in shell.terminal("doctor", columns=1000).lines[:-1]}
    assert whole <= {line.split()[1] for line in said.lines[:-1] if not line.startswith("  ")}
    assert all(len(line) <= 40 or " " not in line.strip() for line in said.lines)


def test_an_argument_that_no_slot_has_is_told(shell):
    missing = "(no argument `n`: positional arguments are args.0, args.1, ...)"
    for words in (["args.n:1"], ["-args.n:1"], ["args.0:0", "args.n:1"]):
        assert shell.terminal("outcomes", "fine", *words).out == f"no slot that matches {missing}\n"
    assert shell.terminal("outcomes", "fine", "args.0:no").out == "no slot that matches\n"
    said = shell.terminal("errors", "fine", "args.n:1", columns=140).out
    assert said == f"nothing that did not succeed and matches {missing}\n"
    said = shell.terminal("outcomes", "plain", "args.0.x:1").out
    assert said == "no slot that matches (no argument 0.x: keyword arguments are args.NAME)\n"


def test_outcomes(shell, big):
    said = shell.terminal("outcomes", "mixed", columns=120)
    assert [line.split()[:2] for line in said.lines[1:3]] == [["0", "failed"], ["1", "failed"]]
    values = shell.pipe("outcomes", "mixed", "--values")
    assert values.jsonl == [None, None, None, {"n": 1}, None, None]
    assert [record["value"] for record in shell.pipe("outcomes", "fine", "--jsonl").jsonl] == [
        *range(1200)
    ]
    assert len(shell.terminal("outcomes", "fine").lines) == 1201
    large = shell.terminal("outcomes", big)
    assert "7.6 MiB: 'xxx" in large.out
    assert len(large.out) < 2000
    assert len(shell.pipe("outcomes", big, "--jsonl").jsonl[0]["value"]) == 8_000_000


def test_watch_what_has_ended(shell):
    said = shell.pipe("watch", "mixed")
    assert (said.code, len(said.lines)) == (1, 1)
    assert said.out.startswith("mixed  failed  6/6  1 succeeded · 4 failed · 1 timed out")
    said = shell.pipe("watch", "fine", "--jsonl")
    assert (said.code, said.jsonl[0]["state"]) == (0, "succeeded")
    said = shell.terminal("watch", "mixed", columns=40)
    assert said.code == 1
    assert max(map(len, said.out.replace("\r", "\n").splitlines())) <= 40
    assert ":5 fail ValueError" in said.out


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_draws_nothing_anew_gets_lines(shell, term):
    said = shell.terminal("watch", "waits", "--timeout", "300ms", TERM=term, raw=True)
    assert said.code == 5
    assert said.lines[0].startswith("waits  running  0/1")
    assert "\x1b" not in said.out


def test_watch_leaves_a_batch_that_goes_on(shell):
    said = shell.pipe("watch", "waits", "--timeout", "300ms")
    assert said.code == 5
    assert "1 of 1 are left; it goes on" in said.err
    with shell.start("watch", "waits") as process:
        assert process.stdout.readline().startswith("waits  running  0/1")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "")
    assert shell.pipe("show", "waits", "--json").json["running"] == 1


async def test_watch_from_the_beginning_to_the_end(shell, url):
    async with Producer(url, queue=QUEUE, patience=5) as producer:
        batch = await producer.submit([call("sleep", 60), call("sleep", 0.01)])
        with shell.start("watch", batch.id, "--jsonl") as process:
            finished = 0
            while finished < 1:
                finished = json.loads(await asyncio.to_thread(process.stdout.readline))["finished"]
            await batch.cancel(0)
            *_, last = (await asyncio.to_thread(process.communicate, timeout=20))[0].splitlines()
        found = json.loads(last)
        assert (process.returncode, found["finished"], found["cancelled"]) == (1, 2, 1)
        batch = await producer.submit([call("sleep", 60)])
        with shell.start("watch", batch.id, "--jsonl") as process:
            await asyncio.to_thread(process.stdout.readline)
            await batch.delete()
            _, err = await asyncio.to_thread(process.communicate, timeout=20)
    assert process.returncode == 3
    assert json.loads(err)["error"]["code"] == "batch_not_found"


async def test_watch_stays_while_redis_is_away(shell, url):
    port = int(url.rpartition(":")[2].partition("/")[0])
    async with Proxy(port) as proxy, Producer(url, queue=QUEUE, patience=5) as producer:
        batch = await producer.submit([call("sleep", 60)])
        through = Shell(proxy.url, QUEUE)
        with through.start("watch", batch.id) as process:
            await asyncio.to_thread(process.stdout.readline)
            proxy.swallow()
            proxy.cut()
            away = await asyncio.to_thread(process.stdout.readline)
            proxy.heal()
            back = await asyncio.to_thread(process.stdout.readline)
            await batch.cancel()
            end, _ = await asyncio.to_thread(process.communicate, timeout=20)
    assert "no answer from Redis since" in away
    assert back.startswith(f"{batch.id}  running")
    assert (process.returncode, "cancelled  1/1" in end) == (1, True)


def test_an_encoding_that_lacks_what_is_printed(shell):
    said = shell.terminal("show", "mixed", PYTHONIOENCODING="latin-1")
    assert said.code == 0
    assert "########## 6/6" in said.out
    assert "label      a label \\u2192" in said.out
    assert shell.terminal("watch", "mixed", PYTHONIOENCODING="latin-1").code == 1
    assert "run 1" in shell.terminal("show", "mixed:0", PYTHONIOENCODING="latin-1").out


def test_plain_arq_jobs(shell):
    said = shell.terminal("show", "plain")
    assert said.lines[0].startswith("job plain · <unknown>() · queued")
    assert "pickled by arq, not read" in said.out
    assert "· ended" in shell.terminal("show", "gone-by").out
    said = shell.terminal("show", "cron:tidy:1795000000000")
    assert said.lines[0].startswith("job cron:tidy:1795000000000 · old(1) · failed")
    assert "no\\x1bway" in said.out
    (row,) = shell.pipe("outcomes", "gone-by").rows
    assert (row[1], row[-1]) == ("ended", "pickled by arq, not read")
    assert shell.pipe("watch", "gone-by").code == 0
    assert "DATA_GONE" not in shell.pipe("explain", "plain").out


@pytest.mark.long
def test_nothing_of_others_steers_the_terminal(shell):
    for words in (
        ["show", "mixed:5"],
        ["errors", "mixed"],
        ["outcomes", "mixed"],
        ["watch", "mixed"],
    ):
        assert "\x1b[31mone" not in shell.terminal(*words, raw=True, NO_COLOR="1").out
        assert "another \\x1b[" in shell.terminal(*words, columns=200).out
    assert "\x1b[3" not in shell.terminal("show", "mixed", raw=True, NO_COLOR="1").out
    assert "\x1b[3" in shell.terminal("show", "mixed", raw=True).out


async def test_what_runs_longest(url, shell):
    async with Redis.from_url(url, decode_responses=True) as redis:
        (worker,) = await redis.zrange(keys.workers, 0, -1)
        seconds, _ = await redis.time()
        job = {"id": "waits:0", "name": "sleep", "started": (seconds - 9) * 1000, "limit": 600}
        told = [{**job, "attempt": 1, "progress": {"done": 3, "total": 10, "note": "\x1b[31mred"}}]
        await redis.hset(keys.worker(worker), "jobs", json.dumps(told))
    (longest,) = (await asyncio.to_thread(shell.pipe, "show", "waits", "--json")).json["longest"]
    assert (longest["slot"], longest["worker"], longest["limit"]) == (0, worker, 600)
    said = await asyncio.to_thread(shell.terminal, "show", "waits", columns=160)
    assert "longest    :0 sleep" in said.out
    assert "of 10m" in said.out
    assert "30% 3/10 \\x1b[31mred" in said.out


async def test_a_slot_that_runs_has_its_start_from_its_worker(url, shell):
    async with Redis.from_url(url, decode_responses=True) as redis:
        (worker,) = await redis.zrange(keys.workers, 0, -1)
        enqueued = json.loads(await redis.get(keys.job("waits:0")))["et"]
        job = {"id": "waits:0", "name": "sleep", "started": enqueued + 3, "limit": 600}
        told = [{**job, "attempt": 1, "progress": {"done": 3, "total": 10, "note": "row 2"}}]
        await redis.hset(keys.worker(worker), "jobs", json.dumps(told))
        found = (await asyncio.to_thread(shell.pipe, "show", "waits:0", "--json")).json
        assert found["phases"][0]["finished"] == found["started"] == found["phases"][1]["started"]
        await redis.hset(keys.worker(worker), "jobs", json.dumps(told))
        said = await asyncio.to_thread(shell.terminal, "show", "waits:0", columns=160)
        queued, run = (line for line in said.lines if line.startswith(("queued ", "run 1 ")))
        assert " 3ms " in queued
        assert " so far, 30% 3/10 row 2 " in run
        assert "▓" in run
        await redis.hset(keys.worker(worker), "jobs", "[]")
        said = await asyncio.to_thread(shell.terminal, "show", "waits:0")
        queued, run = (line for line in said.lines if line.startswith(("queued ", "run 1 ")))
        assert "?" in queued
        assert "so far" not in queued


def test_what_cannot_be_shown(shell):
    said = shell.pipe("show", "mixd")
    assert (said.code, said.out) == (3, "")
    assert "no batch mixd in Redis" in said.err
    assert "did you mean mixed?" in said.err
    assert shell.pipe("errors", "mixed", "stats:failed").code == 2
    assert "did you mean status" in shell.pipe("errors", "mixed", "stats:failed").err
    assert shell.pipe("show", "mixed:9").err == "Error: batch mixed has slots 0 to 5, not 9\n"
    assert shell.pipe("watch", "mixed", "--json").code == 2
    away = shell.pipe(
        "show", "mixed", "--redis", "redis://127.0.0.1:1", "--patience", "0s", "--json"
    )
    assert away.code == 4
    assert json.loads(away.err)["error"]["code"] == "redis_unavailable"


def test_a_pipe_that_nobody_reads(shell):
    with shell.start("outcomes", "fine", "--jsonl") as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.wait(20) == 141


@pytest.mark.long
async def test_junk_in_every_key_is_shown_as_something(url, shell):
    async with Redis.from_url(url) as redis, Producer(url, queue=QUEUE, patience=5) as producer:
        batch = await producer.submit([call("fail", "x"), call("echo", 1)], batch_id="junk")
        await batch.outcomes()
        made = [
            keys.errors("junk"),
            keys.done("junk"),
            keys.result("junk:0"),
            keys.result("junk:1"),
        ]
        for junk in (b"\xff{", b"[1]", b'{"status":"failed"}'):
            for key in made:
                await redis.set(key, junk)
            await redis.hset(keys.batch("junk"), mapping={"names": junk, "ended": junk, "by": junk})
            for words in (["show"], ["errors"], ["outcomes"], ["watch"], ["show", "--json"]):
                said = await asyncio.to_thread(shell.pipe, words[0], "junk", *words[1:])
                assert said.code in (0, 1), said.err
                assert "Traceback" not in said.err
        for key in made:
            await redis.delete(key)
            await redis.rpush(key, 1)
        for words in ("show", "errors", "outcomes", "watch"):
            said = await asyncio.to_thread(shell.pipe, words, "junk")
            assert said.code in (0, 1), said.err
        await redis.delete(keys.batch("junk"))
        await redis.set(keys.batch("junk"), "x")
        assert (await asyncio.to_thread(shell.pipe, "show", "junk")).code == 3
        await batch_away(redis)


async def batch_away(redis):
    """Let the other tests list what they list whatever comes first."""
    await redis.zrem(keys.batch_index, "junk")
