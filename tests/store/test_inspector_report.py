"""A batch as a whole, as `Inspector` reads it from a real server."""

import pytest

from gatherq import BatchNotFound, Inspector
from gatherq.contract.keys import KeySpace
from gatherq.inspection.report.page import page_of
from gatherq.inspection.report.trace import trace_of

from .outcomes import failed, succeeded
from .steps import claim, rights

keys = KeySpace()


@pytest.fixture
async def inspector(server_url, queue):
    async with Inspector(server_url, queue=queue) as inspector:
        yield inspector


def statuses(report):
    names = [*report.columns.statuses]
    return [names[number] for number in report.columns.status]


@pytest.fixture
async def half_done(submit, store):
    """Submit five slots; one succeeds, one fails, one runs."""
    await submit(5)
    worker = store()
    first, second, _ = (await claim(worker, 3)).attempts
    await worker.record([succeeded(first), failed(second)])


@pytest.mark.usefixtures("half_done")
async def test_slots_with_and_without_an_outcome(inspector, batch):
    report = await inspector.report(batch)
    first, second, held, *others = statuses(report)
    assert (first, second, others) == ("succeeded", "failed", ["queued", "queued"])
    assert held in ("running", "retrying")  # as long as the lease holds
    assert (report.batch.id, report.batch.left) == (batch, 3)
    assert [*report.columns.workers] == ["w1"]
    assert [group.count for group in report.groups] == [1]
    assert report.span >= 1


@pytest.mark.usefixtures("half_done")
async def test_junk_in_any_key_makes_a_report_all_the_same(inspector, redis, batch):
    await redis.set(keys.result(f"{batch}:0"), b"\xff{")
    await redis.delete(keys.result(f"{batch}:1"), keys.job(f"{batch}:3"))
    await redis.hset(keys.result(f"{batch}:1"), "a", "b")
    await redis.rpush(keys.job(f"{batch}:3"), "x")
    await redis.hset(keys.batch(batch), mapping={"created": "x", "label": "\x1b[31m", "names": "["})
    report = await inspector.report(batch)
    assert len(report.columns) == 5
    assert "UnreadableResult" in report.columns.said[0]
    assert page_of(report)
    assert "".join(trace_of(report))


@pytest.mark.usefixtures("half_done")
async def test_a_user_who_may_not_read_records_of_workers(inspector, redis, batch, server_url):
    user = f"report-{batch}"
    read = [
        f"%R~{pattern}" for pattern in ("gatherq:batch*", "gatherq:attempts:*", "arq:*", "test:*")
    ]
    await redis.execute_command(
        *("ACL", "SETUSER", user, "reset", "on", ">pw", "+@read", "+time", "+ping"),
        *await rights(redis, *read),
    )
    url = server_url.replace("redis://", f"redis://{user}:pw@")
    async with Inspector(url, queue=inspector.queue) as reader:
        assert statuses(await reader.report(batch))[:2] == ["succeeded", "failed"]
    await redis.execute_command("ACL", "DELUSER", user)


async def test_no_such_batch(inspector):
    with pytest.raises(BatchNotFound, match="no batch nosuch"):
        await inspector.report("nosuch")


async def test_a_plain_arq_job_is_a_batch_of_one(inspector, redis, queue):
    id_ = f"plain-{queue}"
    await redis.set(keys.result(id_), b"\x80\x04N.", ex=60)
    report = await inspector.report(id_)
    assert statuses(report) == ["ended"]
    assert id_ in page_of(report)
