"""A worker inside of the test, which does what the test says."""

import asyncio

from gatherq.contract import records
from gatherq.store.jobs import Record

from .steps import claim


def succeeded(attempt, value=None):
    """Write the result of an attempt; its value is its first argument unless given."""
    id_ = attempt.job_id
    return records.encode_result(
        records.Verdict("succeeded", attempt.job.args[0] if value is None else value),
        job_id=id_,
        attempt=attempt.number,
        worker="w1",
        job=attempt.job,
        batch=id_.rpartition(":")[0],
        slot=int(id_.rpartition(":")[2]),
        times=records.Times(1_700_000_000_000, 1_700_000_000_005),
        queue="q",
    )


async def serve(store, jobs, result=succeeded):
    """Take so many jobs, and record what `result` writes for each."""
    while jobs > 0:
        attempts = (await claim(store, min(jobs, 100))).attempts
        await store.record([Record(a, "succeeded", result(a), 60) for a in attempts])
        jobs -= len(attempts)
        if not attempts:
            await asyncio.sleep(0.005)
