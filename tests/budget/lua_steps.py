"""How many instructions of Lua's machine a step takes, for each job that it is about.

A real server does not tell. fakeredis runs the same scripts in the same Lua 5.1, which has a hook
for each instruction. What `redis.call` and cjson do is no part of it.
"""

from fakeredis import FakeAsyncRedis, FakeServer

from gatherq import call
from gatherq.contract import records
from gatherq.contract.batch_options import BatchOptions
from gatherq.contract.batch_origin import BatchOrigin
from gatherq.contract.keys import KeySpace
from gatherq.store.batches import BatchStore
from gatherq.store.jobs import JobStore, Release
from tests.store.outcomes import failed, succeeded
from tests.store.steps import claim

_COUNT = b"""
local n = 0
debug.sethook(function() n = n + 1 end, '', 1)
return function() local found = n; n = 0; return found end
"""


async def instructions():
    """Return the instructions a job, by step and `instructions`."""
    server = FakeServer()
    redis, keys, found = FakeAsyncRedis(server=server), KeySpace("budget"), {}
    await redis.eval("return 1", 0)  # which makes the machine
    take = server._lua_runtime.execute(_COUNT)
    batches, jobs = BatchStore(redis, keys), JobStore(redis, keys, "w1", 60.0)

    def note(step, n):
        found[step, "instructions"] = take() / n

    for batch in ("first", "then"):  # the first load the scripts
        calls = [records.encode_job(call("noop", n), batch, n, None, 60.0) for n in range(100)]
        origin = BatchOrigin("gather", by="host.1").of(["noop"] * 100)
        terms = {"options": BatchOptions(), "origin": origin, "digests": b"", "patience": 30}
        take()
        await batches.submit(batch, 100, 3600, 0, calls, life="l", **terms)
        note("submit", 100)
        held = (await claim(jobs, 100)).attempts
        note("claim", 100)
        await jobs.renew(held)
        note("renew", 100)
        await jobs.record([succeeded(each) for each in held[:40]])
        note("record", 40)
        await jobs.record([failed(each) for each in held[40:80]])
        note("record_failures", 40)
        await jobs.release([Release(each) for each in held[80:]])
        note("release", 20)
        await jobs.record([succeeded(each) for each in (await claim(jobs, 20)).attempts])
    return found
