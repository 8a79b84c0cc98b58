"""A result is written once, within the deadline of its job, and can be read again."""

import asyncio
import json
import logging
import re
from collections import Counter

import pytest

import gatherq_worker
from gatherq import Failed, Succeeded, TimedOut
from gatherq import call as gatherq_call
from gatherq.contract.keys import KeySpace
from gatherq.contract.records import job_deserializer, job_serializer
from gatherq.store.server.connection import connection_pool
from gatherq_worker.arq.connection import arq_pool
from tests.conftest import until

from . import stuck, written

keys = KeySpace()

LIMIT, GRACE, LATE = 0.5, 0.5, 1.0
WHERE = [written.in_loop, written.in_thread, written.in_process]
RETURNS = [written.returns, written.returns_in_thread, written.returns_in_process]
NAME = {"ids": lambda value: getattr(value, "__name__", value)}


def starts(path):
    return Counter(int(line.split()[2]) for line in path.read_text().splitlines())


@pytest.mark.parametrize("where", WHERE, **NAME)
@pytest.mark.parametrize("how", ["waits", "spins"])
async def test_a_result_that_is_slow_to_write_times_out_and_its_siblings_run_once(
    producer, start_worker, tmp_path, where, how
):
    worker = start_worker(module="deadlines.written")
    ledger = tmp_path / "ledger"
    whats = ["value", "iterator", "error", "note"]
    slow = [where.call(str(ledger), what, how, 30).with_timeout(LIMIT) for what in whats]
    siblings = [written.sleeps.call(str(ledger), 0.2).with_timeout(20)] * 8
    async with until(60):
        outcomes = await (await producer.submit([*slow, *siblings])).outcomes()
    for outcome in outcomes[:4]:
        assert isinstance(outcome, TimedOut), outcome
        took = (outcome.finished - outcome.started).total_seconds()
        # In the loop one blocks the others, each until its own deadline.
        assert took <= LIMIT + GRACE + LATE
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes[4:])
    assert starts(ledger) == Counter(range(12))
    assert len({outcome.worker for outcome in outcomes}) == 1
    assert worker.poll() is None


async def test_writing_that_cannot_be_interrupted_is_recorded_and_told_once(
    producer, start_worker, tmp_path, capfd
):
    start_worker(module="deadlines.written")
    ledger = tmp_path / "ledger"
    calls = [
        written.in_loop.call(str(ledger), "value", "resists", 60).with_timeout(LIMIT),
        *[written.sleeps.call(str(ledger), 2).with_timeout(20)] * 5,
    ]
    async with until(60):
        first, *others = await (await producer.submit(calls)).outcomes()
    assert isinstance(first, TimedOut), first
    assert all(isinstance(outcome, Succeeded) for outcome in others)
    assert {outcome.attempt for outcome in (first, *others)} == {1}
    assert starts(ledger)[0] == 1
    told = capfd.readouterr().err
    line = f"job {first.job_id} in_loop('{tmp_path}"
    (told,) = [each for each in told.splitlines() if line[:60] in each]
    assert " timed out at attempt 1: execution limit" in told


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (stuck.holds_the_gil, "timed out at attempt 1: execution limit of 1 s"),
        (stuck.dies, ": after 2 attempts, the last of which took its worker down"),
    ],
    ids=["overdue", "lost"],
)
async def test_what_takes_its_worker_down_is_told_once(
    producer, start_worker, tmp_path, capfd, job, words
):
    worker = start_worker(module="deadlines.stuck")
    arguments = [str(tmp_path / "ledger"), *(["exit"] if job is stuck.dies else [])]
    async with until(60):
        batch = await producer.submit([job.call(*arguments).with_timeout(1)])
        await batch.outcomes()
        worker.terminate()
        await asyncio.to_thread(worker.wait)
    told = capfd.readouterr().err.splitlines()
    (line,) = [line for line in told if f" WARNING gatherq.worker: job {batch.id}:0 " in line]
    assert words in line


@pytest.mark.parametrize("returns", RETURNS, **NAME)
async def test_what_cannot_be_read_again_is_a_failure_and_its_siblings_are_read(
    producer, start_worker, returns
):
    start_worker(module="deadlines.written")
    wanted = {
        "generator": "UnwritableResult: the result cannot be written as JSON: .*half-way",
        "digits": "UnwritableResult: .* more than 4,300 digits",
        "digits in a dict": "UnwritableResult: .* more than 4,300 digits",
        "nested": "UnwritableResult: .* nested too deep, the limit is 180",
        "containers": "UnwritableResult: .* 600,001 lists and objects, the limit is 500,000",
        "large": "ResultTooLarge: the result is 8,388,610 bytes",
        "unknown": "UnwritableResult: .*<class 'object'>",
    }
    assert set(written.VALUES) - set(wanted) == {"most digits", "most nested"}
    async with until(60):
        batch = await producer.submit([returns.call(what) for what in written.VALUES])
        *outcomes, digits, nested = await batch.outcomes()
    for outcome, (what, words) in zip(outcomes, wanted.items(), strict=True):
        assert isinstance(outcome, Failed), what
        assert re.match(words, str(outcome.error)), what
    assert digits.unwrap() == 10**4299
    assert nested.unwrap() == written.nested(180)


@pytest.fixture
async def worker(server_url, queue, producer):
    """Run the jobs of `written` here until the queue is empty."""
    redis = arq_pool(connection_pool(server_url), queue)
    functions = [written.fails, written.mutates, written.sleeps, written.in_loop]
    as_json = {"job_serializer": job_serializer, "job_deserializer": job_deserializer}

    async def run(**options):
        worker = gatherq_worker.Worker(
            functions,
            redis_pool=redis,
            queue_name=queue,
            burst=True,
            handle_signals=False,
            **{"job_log": False, **as_json, **options},
        )
        await worker.main()
        return worker

    yield run
    await redis.aclose(close_connection_pool=True)


async def test_a_result_repeats_the_arguments_as_they_came(producer, worker):
    batch = await producer.submit([written.mutates.call([1, 2], {"a": "ü"})])
    await worker()
    raw = await producer.redis.get(keys.result(f"{batch.id}:0"))
    record = json.loads(raw)
    assert (record["f"], record["a"], record["k"]) == ("mutates", [[1, 2], {"a": "ü"}], {})
    assert list(record)[:8] == ["worker", "t", "id", "status", "s", "r", "f", "a"]
    (outcome,) = await batch.outcomes()
    assert outcome.unwrap() == "done"


async def test_what_fails_leaves_one_line(producer, worker, caplog, tmp_path):
    caplog.set_level(logging.INFO)
    forged = "no\n2026-01-01 00:00:00,000 ERROR gatherq.worker: all is lost \x1b[31m"
    batch = await producer.submit(
        [
            written.fails.call(forged),
            written.sleeps.call(str(tmp_path / "ledger"), 30).with_timeout(0.1),
            written.sleeps.call(str(tmp_path / "ledger"), 0),
        ]
    )
    lost = await producer.submit([gatherq_call("nowhere")])
    async with until(20):
        await worker()
        await batch.outcomes()
    lines = sorted(r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING)
    assert len(lines) == 3
    heads = [re.sub(r"\(.*\) (failed|timed out) at", r"() \1 at", line) for line in lines]
    assert [head.split(": ")[0] for head in heads] == sorted(
        [
            f"job {batch.id}:0 fails() failed at attempt 1",
            f"job {batch.id}:1 sleeps() timed out at attempt 1",
            f"job {lost.id}:0 nowhere() failed at attempt 1",
        ]
    )
    told = "\n".join(lines)
    assert ": UnknownJob: no job named 'nowhere' here; " in told
    assert ": ValueError: no\\n2026-01-01 00:00:00,000 ERROR" in told
    assert ": execution limit of 0.1 s" in told
    assert "\x1b" not in told


async def test_arqs_log_says_it_in_its_words_alone(producer, worker, caplog):
    caplog.set_level(logging.INFO)
    batch = await producer.submit([written.fails.call("no")])
    async with until(20):
        await worker(job_log=True)
        await batch.outcomes()
    (line,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert line.name == "arq.worker"
    assert "failed, ValueError: no" in line.getMessage()
    heading, *rest = line.exc_text.splitlines()
    assert heading == "Traceback (most recent call last):"
    assert all(text.startswith("  ") for text in rest)
