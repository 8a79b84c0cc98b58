"""Each verb of an attempt; where one runs, when it begins, and what becomes of one that cannot."""

import asyncio
import json
import os
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar

import pytest

from gatherq import job
from gatherq.contract.job_definition import JobDefinition
from gatherq.store.claims import Deadline
from gatherq_worker.attempt import State
from gatherq_worker.engine.observers import Observer
from gatherq_worker.engine.options import EngineOptions, Hooks
from gatherq_worker.execution.result import ExecutionResult
from gatherq_worker.ipc import scoreboard
from gatherq_worker.registry import Handler

from .parts import Parts


@job()
async def in_the_loop() -> int:
    await asyncio.sleep(0)
    return os.getpid()


@job()
def in_a_thread() -> int:
    return threading.get_native_id()


SPAN: ContextVar[str] = ContextVar("span", default="")


@job()
async def span_in_the_loop() -> str:
    await asyncio.sleep(0)
    return SPAN.get()


@job()
def span_in_a_thread() -> str:
    return SPAN.get()


@job(retries=1, retry_on=KeyError)
async def fails_in_the_loop() -> None:
    raise KeyError("no")


@job(retries=1, retry_on=KeyError)
def fails_in_a_thread() -> None:
    raise KeyError("no")


@job(isolation="process")
def apart() -> int:
    time.sleep(0.2)
    return os.getpid()


@job()
async def asleep() -> None:
    await asyncio.sleep(60)


@job(concurrency=1, grace=0.05)
async def swallows_alone() -> None:
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            continue


class Scoreboard:
    """Hears of what begins and ends."""

    def __init__(self):
        self.memory = bytearray(4096)
        self.heard = []

    def enter(self, attempt, place):
        self.heard.append((attempt.job_id, place, attempt.state))

    def leave(self, attempt):
        self.heard.append((attempt.job_id, "left"))


class World(Parts):
    def __init__(self):
        jobs = [in_the_loop, in_a_thread, apart, asleep, swallows_alone]
        self.scoreboard = Scoreboard()
        super().__init__(map(Handler.of, jobs), scoreboard=self.scoreboard)

    def attempt(self, job, **fields):
        return super().attempt(job.definition.name, **fields)


@pytest.fixture
async def world():
    world = World()
    yield world
    world.places.stop()


@pytest.mark.parametrize(
    ("job", "place"), [(in_the_loop, "loop"), (in_a_thread, "thread"), (apart, "process")]
)
async def test_the_page_hears_when_an_attempt_begins(world, job, place):
    attempt = world.attempt(job)
    await asyncio.wait_for(world.launch(attempt), 10)
    name = job.definition.name
    assert world.scoreboard.heard == [(name, place, State.RUNNING)]  # it is left with its record
    (record,), releases = world.recorder.waiting()
    assert (record.status, releases) == ("succeeded", [])
    assert attempt.places == ()


async def test_what_waits_has_not_begun(world):
    running = [world.launch(world.attempt(apart, job_id=f"b:{n}")) for n in range(20)]
    waiting = world.attempt(apart)
    task = world.launch(waiting)
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    assert waiting.state is State.WAITING
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (waiting.job_id, "process", State.RUNNING) not in world.scoreboard.heard
    for one in running:
        one.cancel()
    await asyncio.wait(running)


async def test_suspects_have_processes_of_their_own_kind(world):
    assert world.places.left_apart == 2
    suspects = [world.attempt(asleep, apart=True, job_id=f"b:{n}") for n in range(3)]
    tasks = list(map(world.launch, suspects))
    await asyncio.sleep(0)
    assert world.places.left_apart == 0
    async with asyncio.timeout(10):  # they hold up no job that asked for a process
        await world.launch(world.attempt(apart))
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert world.places.left_apart == 2


@pytest.mark.parametrize(
    "error", [RuntimeError("can't start new thread"), MemoryError(), OSError(11, "EAGAIN")]
)
async def test_what_cannot_begin_is_given_back_uncharged_with_a_delay(world, monkeypatch, error):
    def fails(thread):
        raise error

    attempt = world.attempt(in_a_thread)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fails)
        await world.launch(attempt)
    assert (attempt.state, attempt.places) == (State.RELEASING, ())
    records, (release,) = world.recorder.waiting()
    assert records == []
    assert (release.attempt, release.delay, release.charge) == (attempt, 1.0, False)


async def test_a_place_is_given_back_by_who_is_abandoned_not_a_second_time_at_its_end(world):
    attempt = world.attempt(asleep, apart=True)
    task = world.launch(attempt)
    async with asyncio.timeout(10):
        while attempt.state is State.WAITING:
            await asyncio.sleep(0.01)
    attempt.free()
    assert world.places.left_apart == 2
    task.cancel()
    await asyncio.wait([task])
    assert world.places.left_apart == 2


async def test_what_is_lost_and_does_not_end_keeps_its_place_no_longer_than_its_grace(world):
    first, second = (world.attempt(swallows_alone, job_id=name) for name in "ab")
    tasks = [world.launch(first), world.launch(second)]
    async with asyncio.timeout(1):
        while first.state is State.WAITING:
            await asyncio.sleep(0)
        assert second.state is State.WAITING
        world.attempts.lose([first])
        while second.state is State.WAITING:
            await asyncio.sleep(0.01)
    assert not tasks[0].done()
    await asyncio.wait(tasks)


# Each verb by itself.


def plain_world(*functions, **options):
    handlers = [Handler(JobDefinition(f.__name__), f) for f in functions]
    return Parts(handlers, EngineOptions(**options))


async def add(a: int, b: int) -> int:
    return a + b


async def fails() -> None:
    raise KeyError("no")


async def test_resolve_binds_the_arguments():
    world = plain_world(add)
    handler, call = world.executor.resolve(world.attempt("add", 1, 2))
    assert handler.name == "add"
    assert await call({}) == 3


@pytest.mark.parametrize(
    ("name", "args", "kind"),
    [("sub", (1, 2), "UnknownJob"), ("add", (1,), "TypeError")],
)
async def test_resolve_refuses_what_cannot_be_run(name, args, kind):
    world = plain_world(add)
    attempt = world.attempt(name, *args)
    assert world.executor.resolve(attempt) is None
    (record,), _ = world.recorder.waiting()
    assert json.loads(record.payload)["error"]["type"] == kind
    assert attempt.state is State.RECORDING


async def test_resolve_concludes_what_was_cancelled_before_it_began():
    world = plain_world(add)
    assert world.executor.resolve(world.attempt("add", 1, 2, cancelled_by="me")) is None
    (record,), _ = world.recorder.waiting()
    assert (record.status, json.loads(record.payload)["by"]) == ("cancelled", "me")


@pytest.mark.parametrize(("number", "most"), [(1, 2), (2, 2), (3, None)])
async def test_check_attempts_counts_the_workers_most(number, most):
    world = plain_world(add, max_attempts=2)
    attempt = world.attempt("add", 1, 2, number=number)
    handler = world.registry.find("add")
    assert world.executor.check_attempts(attempt, handler) == most
    assert attempt.concluded is (most is None)


async def test_start_tells_observers_and_makes_a_context_only_for_whom_it_is():
    heard = []

    class Hears(Observer):
        def job_started(self, event):
            heard.append((event.attempt.job_id, event.now))

    world = plain_world(add, observers=[Hears()], make_ctx=lambda attempt: {"id": attempt.job_id})
    plain = world.registry.find("add")
    with_ctx = Handler(JobDefinition("add"), add, takes_ctx=True)
    attempt = world.attempt("add", 1, 2, started=7)
    assert world.executor.start(attempt, plain) == {}
    assert world.executor.start(attempt, with_ctx) == {"id": "add"}
    assert heard == [("add", 7), ("add", 7)]


class Spans(Observer):
    """Has a span around each attempt, and keeps what it hears, each with the span of that time."""

    def __init__(self):
        self.heard = []

    @contextmanager
    def around(self, attempt):
        token = SPAN.set(f"span of {attempt.job_id}")
        self.heard.append(("entered", attempt.job_id))
        yield
        self.heard.append(("left", attempt.job_id))
        SPAN.reset(token)

    def job_started(self, event):
        self.heard.append(("started", SPAN.get()))

    def job_retried(self, event):
        self.heard.append((f"retried {event.error!r}", SPAN.get()))

    def job_ended(self, event):
        error = event.attempt.raised
        result = event.verdict.status if error else event.verdict.written
        self.heard.append((f"ended {result} {error!r}", SPAN.get()))


def spanned(*jobs):
    spans = Spans()
    return spans, Parts(map(Handler.of, jobs), EngineOptions(observers=[spans]))


@pytest.mark.parametrize("job", [span_in_the_loop, span_in_a_thread])
async def test_what_surrounds_an_attempt_is_current_in_its_handler_and_sees_its_end(job):
    spans, world = spanned(job)
    name = job.definition.name
    await world.launch(world.attempt(name))
    span = f"span of {name}"
    ended = f"ended {json.dumps(span).encode()!r} None"
    assert spans.heard == [("entered", name), ("started", span), (ended, span), ("left", name)]
    assert SPAN.get() == ""


@pytest.mark.parametrize(
    ("number", "heard"),
    [(1, ["retried KeyError('no')"]), (2, ["ended failed KeyError('no')"])],
)
@pytest.mark.parametrize("job", [fails_in_the_loop, fails_in_a_thread])
async def test_the_error_is_heard_as_an_object_within_what_surrounds_it(job, number, heard):
    spans, world = spanned(job)
    name = job.definition.name
    await world.launch(world.attempt(name, number=number))
    span = f"span of {name}"
    told = [(what, span) for what in heard]
    assert spans.heard == [("entered", name), ("started", span), *told, ("left", name)]


@pytest.mark.parametrize(("function", "error"), [(add, None), (fails, KeyError)])
async def test_run_says_how_the_handler_ended_and_sets_its_deadline(function, error):
    world = plain_world(function, timeout=7.0)
    attempt = world.attempt(function.__name__, *((1, 2) if function is add else ()))
    handler, call = world.executor.resolve(attempt)
    world.attempts.start(attempt, asyncio.current_task())
    result = await world.executor.run(attempt, handler, call, {}, None, None)
    assert (result.value, type(result.error)) == (
        (3, type(None)) if error is None else (None, error)
    )
    assert (attempt.state, attempt.limit, attempt.outside) == (State.RUNNING, 7.0, False)
    assert attempt.overdue == attempt.deadline + attempt.grace


async def test_conclude_calls_a_hook_and_hands_over_unless_that_is_done():
    called = []

    async def hook(ctx):
        called.append(ctx)
        raise KeyError("a fault of a hook")

    world = plain_world(add, hooks=Hooks(on_job_end=hook))
    handler, attempt = world.registry.find("add"), world.attempt("add", 1, 2, limit=3.0)
    result = ExecutionResult(value=3, written=b"3")
    for _ in range(2):
        await world.executor.end({"a": 1})
        world.executor.conclude(result, attempt, handler, 2)
    (record,), _ = world.recorder.waiting()
    assert (record.status, called) == ("succeeded", [{"a": 1}] * 2)


async def test_finish_comes_last_whatever_became_of_the_job():
    called = []

    async def hook(ctx):
        called.append(attempt.state)

    world = plain_world(fails, hooks=Hooks(after_job_end=hook))
    attempt = world.attempt("fails")
    await world.launch(attempt)
    assert called == [State.RECORDING]


async def test_what_waits_for_its_place_until_its_limit_is_over_times_out():
    world = World()
    first = world.launch(world.attempt(swallows_alone, job_id="a"))
    late = world.attempt(swallows_alone, job_id="b")
    late.batch_deadline = Deadline(world.clock.now() + 50, 9.0)
    await world.launch(late)
    (record,), _ = world.recorder.waiting()
    result = json.loads(record.payload)
    assert (record.status, result["which"], result["limit"]) == ("timed_out", "batch", 9.0)
    assert result["st"] is None
    first.cancel()
    world.attempts.find("a").free()
    await asyncio.wait([first])


async def test_a_fault_of_the_engine_is_logged_and_fails_its_job_alone(caplog):
    def broken(attempt):
        raise KeyError("a fault of ours")

    world = plain_world(fails, make_ctx=broken, hooks=Hooks(after_job_end=fails))
    task = world.launch(world.attempt("fails"))
    await asyncio.wait([task])
    (record,), _ = world.recorder.waiting()
    assert (record.status, json.loads(record.payload)["error"]["type"]) == ("failed", "KeyError")
    assert "the worker itself failed" in caplog.text


async def waits(steps: int) -> None:
    for _ in range(steps):
        await asyncio.sleep(0)


@pytest.mark.parametrize("steps", [0, 1, 3])
async def test_a_timer_is_set_where_a_job_waits_and_not_before(steps, monkeypatch):
    set_at = []
    loop = asyncio.get_running_loop()
    parts = Parts([Handler(JobDefinition("waits", timeout=5), waits)])
    attempt = parts.attempt("waits", steps)
    real = loop.call_at
    monkeypatch.setattr(loop, "call_at", lambda at, *call: set_at.append(at) or real(at, *call))
    await parts.launch(attempt)
    assert set_at == [attempt.deadline][: min(steps, 1)]


@pytest.mark.parametrize("supervised", [False, True])
async def test_what_is_awaitable_and_no_coroutine_is_awaited(supervised):
    def later(ctx):
        return asyncio.get_running_loop().run_in_executor(None, lambda: 7)

    board = scoreboard.Scoreboard() if supervised else None
    parts = Parts([Handler(JobDefinition("later"), later, takes_ctx=True)], scoreboard=board)
    await parts.launch(parts.attempt("later"))
    (record,), _ = parts.recorder.waiting()
    assert (record.status, json.loads(record.payload)["r"]) == ("succeeded", 7)
    if board:
        board.close()
