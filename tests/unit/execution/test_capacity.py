"""Places, and what ends the wait for one."""

import asyncio
import errno

import pytest

from gatherq.contract.records import JobRecord
from gatherq_worker.attempt import Attempt, Deadline
from gatherq_worker.engine.conclusion.deadlines import limit_to_begin
from gatherq_worker.execution.capacity import Places
from gatherq_worker.execution.shortage import Shortage, is_shortage


async def test_no_more_are_held_than_there_are_and_each_is_given_back_once():
    places = Places(2)
    first, second = await places.take(), await places.take()
    third = asyncio.create_task(places.take())
    fourth = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    assert places.left == 0
    first.free()
    first.free()
    place = await third
    assert not fourth.done()
    second.free()
    (await fourth).free()
    place.free()
    assert places.left == 2


async def test_who_is_cancelled_in_the_moment_of_a_place_leaves_it_to_the_next():
    places = Places(1)
    place = await places.take()
    waiting = [asyncio.create_task(places.take()) for _ in range(2)]
    await asyncio.sleep(0)
    place.free()
    waiting[0].cancel()
    (await asyncio.wait_for(waiting[1], 1)).free()
    assert places.left == 1


def waiting(*, number=1, base=0, queue_timeout=None, deadline=None):
    job = JobRecord(f="f", a=[], k={}, et=1000, queue_timeout=queue_timeout, base=base)
    attempt = Attempt("b:0", number, job)
    attempt.batch_deadline = deadline
    return attempt


@pytest.mark.parametrize(
    ("attempt", "limit"),
    [
        (waiting(), None),
        (waiting(deadline=Deadline(3000, 2.0)), (1.0, "batch", 2.0)),
        (waiting(queue_timeout=1.5), (0.5, "queue", 1.5)),
        (waiting(queue_timeout=0.5), (0.0, "queue", 0.5)),
        (waiting(queue_timeout=5, deadline=Deadline(3000, 2.0)), (1.0, "batch", 2.0)),
        (waiting(queue_timeout=1.5, deadline=Deadline(3000, 2.0)), (0.5, "queue", 1.5)),
        (waiting(queue_timeout=1.5, number=2), None),
        (waiting(queue_timeout=1.5, number=3, base=2), (0.5, "queue", 1.5)),
    ],
)
def test_the_tighter_limit_ends_the_wait_and_that_of_the_queue_is_for_first_attempts(
    attempt, limit
):
    assert limit_to_begin(attempt, 2000) == limit


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("no"), False),
        (OSError(errno.EAGAIN, ""), True),
        (OSError(errno.EMFILE, ""), True),
        (OSError(errno.ENOENT, ""), False),
        (MemoryError(), True),
        (Shortage(), True),
        (ValueError(), False),
    ],
)
def test_a_shortage_is_told_from_a_fault(error, short):
    assert is_shortage(error) is short
