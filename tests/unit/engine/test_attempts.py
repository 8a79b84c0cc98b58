"""The table of attempts: every transition, from each state that allows it and from each other."""

import asyncio
import threading
from contextlib import asynccontextmanager, suppress
from time import monotonic

import pytest

from gatherq.store.jobs import Release
from gatherq_worker.attempt import Attempt, State
from gatherq_worker.engine.attempts import Attempts
from gatherq_worker.execution.guarded_task import guarded

OPEN = [State.CLAIMED, State.WAITING, State.RUNNING]
CONCLUDED = [state for state in State if state not in OPEN]


@pytest.fixture
async def table():
    table = Attempts()
    yield table
    for task in table.tasks.values():
        task.cancel()


@asynccontextmanager
async def room_made(table):
    """What is done within makes room for another job."""
    room = asyncio.create_task(table.wait_for_room())
    await asyncio.sleep(0)
    assert not room.done()
    yield
    async with asyncio.timeout(5):
        await room


def claimed(table, job_id="b:0", number=1):
    attempt = Attempt(job_id, number, None, batch="b")
    table.claim(attempt)
    return attempt


def started(table, job_id="b:0", work=None):
    attempt = claimed(table, job_id)
    task = guarded(work or asyncio.sleep(60), attempt)
    table.start(attempt, task)
    task.add_done_callback(lambda task: table.ended(attempt))
    return attempt, task


def in_state(table, state):
    """Return an attempt that got there by transitions alone, and its task."""
    if state is State.CLAIMED:
        return claimed(table), None
    attempt, task = started(table)
    if state is not State.WAITING:
        table.begin(attempt)
    match state:
        case State.RECORDING:
            table.record(attempt)
        case State.RELEASING:
            table.release(attempt)
        case State.LOST:
            table.lose([attempt])
        case State.GONE:
            table.record(attempt)
            table.recorded(attempt)
    assert attempt.state is state
    return attempt, task


@pytest.mark.parametrize("state", OPEN)
@pytest.mark.parametrize(
    ("transition", "then"),
    [
        ("record", State.RECORDING),
        ("release", State.RELEASING),
    ],
)
async def test_an_open_attempt_is_concluded_once(table, state, transition, then):
    attempt, _ = in_state(table, state)
    assert not attempt.concluded
    assert getattr(table, transition)(attempt)
    assert (attempt.state, attempt.concluded) == (then, True)
    for again in (table.record, table.release):
        assert not again(attempt)
    assert attempt.state is then
    assert table.is_claimed(attempt)  # until Redis has it


@pytest.mark.parametrize("state", CONCLUDED)
async def test_a_concluded_attempt_is_neither_recorded_nor_released_nor_lost(table, state, caplog):
    attempt, _ = in_state(table, state)
    caplog.clear()
    assert not table.record(attempt)
    assert not table.release(attempt)
    table.lose([attempt])
    assert attempt.state is state
    assert not table.is_claimed(attempt)
    assert caplog.records == []


@pytest.mark.parametrize("state", OPEN)
async def test_an_open_attempt_is_lost_and_its_task_cancelled(table, state):
    attempt, task = in_state(table, state)
    table.lose([attempt])
    assert attempt.state is State.LOST
    assert not table.is_claimed(attempt)
    if task:
        await asyncio.wait([task])
        assert task.cancelled()
        assert attempt.state is State.GONE
    assert table.task_count == 0


@pytest.mark.parametrize("state", [state for state in State if state is not State.CLAIMED])
async def test_only_what_is_claimed_is_started(table, state):
    attempt, _ = in_state(table, state)
    task = guarded(asyncio.sleep(60), attempt)
    with pytest.raises(RuntimeError, match=f"no 'start' of an attempt that is {state.name}"):
        table.start(attempt, task)
    task.cancel()


@pytest.mark.parametrize("state", [state for state in State if state is not State.WAITING])
async def test_only_what_waits_begins(table, state):
    attempt, _ = in_state(table, state)
    with pytest.raises(RuntimeError, match="begin"):
        table.begin(attempt)
    assert attempt.state is state


@pytest.mark.parametrize("state", [State.CLAIMED, State.WAITING, State.RUNNING])
async def test_only_what_is_concluded_is_abandoned(table, state):
    attempt, _ = in_state(table, state)
    with pytest.raises(RuntimeError, match="abandon"):
        table.abandon(attempt)
    assert attempt.state is state


@pytest.mark.parametrize("state", list(State))
async def test_what_begins_and_finds_no_thread_waits_again(table, state):
    attempt, _ = in_state(table, state)
    table.stall(attempt)
    assert attempt.state is (State.WAITING if state is State.RUNNING else state)


async def test_a_lease_is_renewed_until_redis_has_the_outcome(table, caplog):
    attempt, task = in_state(table, State.RECORDING)
    task.cancel()
    await asyncio.wait([task])
    assert (attempt.state, table.claims(), table.task_count) == (State.RECORDING, [attempt], 0)
    table.recorded(attempt)
    assert (attempt.state, table.claims()) == (State.GONE, [])
    assert caplog.records == []


async def test_there_is_room_when_a_task_ends_and_when_an_outcome_is_recorded(table):
    attempt, task = in_state(table, State.RECORDING)
    async with room_made(table):
        task.cancel()
    async with room_made(table):
        table.recorded(attempt)


async def test_leases_that_are_lost_together_are_told_in_one_line(table, caplog):
    begun = [started(table, f"b:{n}") for n in range(3)]
    lost, tasks = zip(*begun, strict=True)
    table.lose(lost)
    table.lose(lost)  # a second time they are lost already
    assert [line.message for line in caplog.records] == [
        "job b:0 and 2 more: the lease is lost; the attempt is dropped"
    ]
    await asyncio.wait(tasks)


async def test_a_release_ends_with_its_task_or_when_redis_has_it(table):
    attempt, task = in_state(table, State.RELEASING)
    task.cancel()
    await asyncio.wait([task])
    assert (attempt.state, table.claims()) == (State.RELEASING, [])  # its lease is not renewed
    table.released(Release(attempt))
    assert attempt.state is State.GONE


async def test_what_is_abandoned_takes_no_slot_and_counts_once_it_is_long_over():
    async def swallows():
        for _ in range(2):  # the requests to end that are made below
            with suppress(asyncio.CancelledError):
                await over.wait()

    over, now = asyncio.Event(), [100.0]
    table = Attempts(clock=lambda: now[0])
    attempt, task = started(table, work=swallows())
    await asyncio.sleep(0)
    table.begin(attempt)
    table.record(attempt)
    async with room_made(table):
        table.abandon(attempt)
    assert table.task_count == 0
    assert table.abandoned_count == 0
    now[0] += 2
    assert table.abandoned_count == 1
    over.set()
    await asyncio.wait([task])
    assert table.abandoned_count == 0


def lost(table, attempt):
    table.lose([attempt])


def recorded_while_blocked(table, attempt):
    table.record(attempt)
    table.recorded(attempt)
    table.unwind(attempt)


@pytest.mark.parametrize("conclude", [lost, recorded_while_blocked])
async def test_what_runs_on_when_its_grace_is_over_is_abandoned(table, conclude):
    async def stays():
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)

    attempt, task = started(table, work=stays())
    await asyncio.sleep(0)
    table.begin(attempt)
    attempt.grace = 0.01
    conclude(table, attempt)
    async with room_made(table):
        assert table.task_count == 1
    assert table.task_count == 0
    task.cancel()
    await asyncio.wait([task])


async def test_what_is_to_be_abandoned_twice_is_so_once(table, caplog):
    """Its lease is lost, and then another life of its job begins here."""

    async def stays():
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        await over.wait()

    over, later = asyncio.Event(), asyncio.Event()
    attempt, task = started(table, work=stays())
    await asyncio.sleep(0)
    attempt.deadline, attempt.grace = 0.0, 0.01  # by which it was asked to end
    table.lose([attempt])
    started(table)
    asyncio.get_running_loop().call_later(0.05, later.set)  # behind both
    await later.wait()
    over.set()
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert [line for line in caplog.records if line.name == "asyncio"] == []


async def test_a_hook_after_the_outcome_runs_on_whatever_its_job_was_asked_to_do(table):
    over = asyncio.Event()
    attempt, task = started(table, work=over.wait())
    await asyncio.sleep(0)
    table.begin(attempt)
    attempt.has_ended = True
    table.record(attempt)
    table.abandon(attempt)
    assert table.task_count == 1
    over.set()
    await asyncio.wait([task])
    assert not task.cancelled()


async def test_another_life_of_a_job_takes_the_place_of_the_first(table):
    first, first_task = in_state(table, State.RUNNING)
    second = claimed(table)
    task = guarded(asyncio.sleep(60), second)
    table.start(second, task)
    assert (first.state, second.state) == (State.LOST, State.WAITING)
    assert table.find("b:0") is second
    await asyncio.wait([first_task])
    assert (first.state, table.find("b:0")) == (State.GONE, second)
    assert table.is_claimed(second)
    assert not table.is_claimed(first)


@pytest.mark.parametrize("state", list(State))
async def test_only_what_has_a_task_and_is_open_is_cancelled_and_once(table, state):
    attempt, _ = in_state(table, state)
    possible = state in (State.WAITING, State.RUNNING)
    assert table.cancel(attempt, "me") is possible
    assert not table.cancel(attempt, "another")
    assert attempt.cancelled_by == ("me" if possible else None)
    assert attempt.state is state


async def test_a_request_after_the_deadline_comes_too_late(table):
    attempt, _ = in_state(table, State.RUNNING)
    attempt.deadline = monotonic() - 1
    assert not table.cancel(attempt, "me")


async def test_two_threads_never_conclude_the_same_attempt(table):
    both = [claimed(table, f"b:{n}") for n in range(200)]
    won = [[], []]
    ready = threading.Barrier(2)

    def conclude(mine, transition):
        ready.wait()
        mine += [attempt for attempt in both if transition(attempt)]

    threads = [
        threading.Thread(target=conclude, args=(won[0], table.record)),
        threading.Thread(target=conclude, args=(won[1], table.release)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won[0]) + len(won[1]) == 200
    assert not {id(a) for a in won[0]} & {id(a) for a in won[1]}


async def test_who_asks_about_a_batch_or_jobs_hears_of_claims(table):
    attempt = claimed(table)
    assert table.concerned("b", frozenset())
    assert table.concerned("", frozenset(["b:0", "b:1"]))
    assert not table.concerned("c", frozenset(["c:0"]))
    table.lose([attempt])
    assert not table.concerned("b", frozenset(["b:0"]))
