"""The way of one batch into Redis, over a store that is scripted, and over fakeredis."""

import asyncio

import pytest
from redis.exceptions import ResponseError

from gatherq import call, job
from gatherq.client.submission import Submission
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.keys import KeySpace, job_id
from gatherq.errors import BatchConflict, BatchNotFound, InvalidCall, RedisUnavailable
from gatherq.store.batches import SubmitReply
from tests.conftest import until

from .conftest import QUEUE


def submission(session, calls, batch_id=None):
    return Submission(session, calls, batch_id, None, None)


async def write(session, calls, batch_id=None, options=None):
    each = submission(session, calls, batch_id)
    await each.write(options or BatchOptions(), 60.0, 1.0)
    return each


def jobs(count, name="f"):
    return [call(name, n) for n in range(count)]


@pytest.fixture
def scripted(monkeypatch, store):
    """Answer writes one after the other with these replies; return (first slot, jobs) of each."""

    def script(*replies):
        left, written = list(replies), []

        async def submit(batch, size, keep, first, jobs, **options):
            written.append((first, len(jobs)))
            reply = left.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return reply

        monkeypatch.setattr(store, "submit", submit)
        return written

    return script


async def test_all_chunks_of_a_batch_are_written(session, redis):
    batch = await write(session, jobs(900))
    keys = [KeySpace().job(job_id(batch.batch_id, n)) for n in range(900)]
    assert await redis.exists(*keys) == 900
    assert await redis.zcard(QUEUE) == 200  # the others wait outside
    assert (await session.store.counts(batch.batch_id)).size == 900


async def test_a_bad_call_is_refused_before_anything_is_written(session, redis):
    with pytest.raises(InvalidCall, match="slot 1"):
        submission(session, [call("f"), call("f", object())])
    assert await redis.dbsize() == 0


async def test_a_named_batch_is_written_once(session, redis, batch_id):
    for _ in range(2):
        await write(session, jobs(3), batch_id)
    assert await redis.zcard(QUEUE) == 3


@pytest.mark.parametrize(
    ("others", "difference", "slot"),
    [
        (jobs(2), "with 3 jobs and not 2", None),
        ([call("f", 0), call("g", 1), call("f", 2)], r"slot 1 is f\(...\), not g\(...\)", 1),
        ([call("f", 0), call("f", 9), call("f", 2)], "slot 1 is f.* with other arguments", 1),
    ],
)
async def test_other_jobs_under_its_name_are_a_conflict(
    session, batch_id, others, difference, slot
):
    await write(session, jobs(3), batch_id)
    with pytest.raises(BatchConflict, match=difference) as caught:
        await write(session, others, batch_id)
    assert (caught.value.batch_id, caught.value.slot) == (batch_id, slot)


async def test_it_goes_back_where_redis_has_lost_writes(session, scripted):
    whole = SubmitReply(900, -1, False)
    written = scripted(whole, whole, SubmitReply(900, -1, False, behind=400), whole, whole)
    await write(session, jobs(900))
    assert written == [(0, 400), (400, 400), (800, 100), (400, 400), (800, 100)]


async def test_a_batch_that_goes_while_it_is_written_is_an_error(session, scripted):
    scripted(SubmitReply(900, -1, False), SubmitReply(-1, -1, False))
    with pytest.raises(BatchNotFound, match="gone from Redis while it was submitted"):
        await write(session, jobs(900), "named")


@pytest.mark.parametrize("named", [True, False])
async def test_what_was_written_of_a_failed_submission_runs_only_if_it_can_be_continued(
    session, store, redis, monkeypatch, batch_id, named
):
    submit, writes = store.submit, []

    async def refuses_the_second(*args, **options):
        writes.append(args)
        if len(writes) == 2:
            raise ResponseError("NOPERM")
        return await submit(*args, **options)

    monkeypatch.setattr(store, "submit", refuses_the_second)
    with pytest.raises(RedisUnavailable):
        await write(session, jobs(500), batch_id if named else None)
    assert await redis.zcard(QUEUE) == (200 if named else 0)


@pytest.mark.parametrize("named", [True, False])
async def test_cancelled_it_ends_with_its_chunk_and_cancels_what_nobody_can_find(
    session, store, redis, monkeypatch, batch_id, named
):
    submit = store.submit

    async def cancelled_meanwhile(*args, **options):
        submitting.cancel()
        await asyncio.sleep(0)
        return await submit(*args, **options)

    monkeypatch.setattr(store, "submit", cancelled_meanwhile)
    work = write(session, jobs(500), batch_id if named else None)
    submitting = asyncio.create_task(work)
    async with until(5):
        with pytest.raises(asyncio.CancelledError):
            await submitting
    assert await redis.zcard(QUEUE) == (200 if named else 0)


async def test_a_lease_is_renewed_from_the_write_on(session, store, monkeypatch):
    renewed = asyncio.Event()

    async def renew(batch):
        renewed.set()
        return False

    monkeypatch.setattr(store, "renew_lease", renew)
    session.begin()
    await write(session, jobs(1), options=BatchOptions(lease=0.03))
    async with until(5):
        await renewed.wait()


async def test_a_batch_that_is_cancelled_already_is_swept(session, store, scripted, monkeypatch):
    swept = []

    async def sweep(batch, *, force):
        swept.append((batch, force))

    monkeypatch.setattr(store.maintenance, "sweep", sweep)
    scripted(SubmitReply(1, -1, True))
    await write(session, jobs(1), "named")
    assert swept == [("named", True)]


@pytest.mark.parametrize("warns", [True, False])
async def test_an_annotation_of_no_use_is_told_once_unless_workers_tell_it(session, caplog, warns):
    @job(name="f")
    def f(x: "Unknown"):  # noqa: F821
        pass

    session.warns = warns
    submission(session, [f.call(1), f.call(2)])
    submission(session, [f.call(3)])
    said = "job f: the annotation of parameter 'x' cannot be used"
    assert [text[: len(said)] for text in caplog.messages] == [said] * warns
