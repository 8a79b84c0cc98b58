"""One set of verbs for two worlds: asyncio's own functions here, and gatherq on a real pool.

What jobs do stands in a log in Redis, and what they wait for are gates there: no scenario knows
how long anything takes.
"""

import asyncio
import os
import secrets
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from gatherq import Cancelled, Producer, Succeeded
from gatherq.contract.outcomes import exception_of
from gatherq.store.server.connection import connection_pool

KEEP = 600


class World:
    """Gates and a log of its own; `call(job, ...)` names a job that uses them."""

    def __init__(self, redis, name):
        self.redis, self.name = redis, name

    def call(self, job, *args):
        return job.call(f"{self.where}/{self.name}", *args)

    async def tell(self, event, name):
        key = f"parity:{self.name}:log"
        await self.redis.xadd(key, {"said": f"{event} {name}"})
        await self.redis.expire(key, KEEP)

    async def open(self, *names):
        """Let the jobs held at these gates go on."""
        for name in names:
            await self.redis.xadd(self._gate(name), {"open": 1})
            await self.redis.expire(self._gate(name), KEEP)

    async def passed(self, name):
        """Wait until a gate is open."""
        await self.redis.xread({self._gate(name): "0"}, block=0)

    async def log(self):
        """Return all that jobs have told, in order."""
        entries = await self.redis.xrange(f"parity:{self.name}:log")
        return [fields[b"said"].decode() for _, fields in entries]

    async def seen(self, *said):
        """Wait until jobs have told all of this."""
        missing, after = set(said), "0"
        while missing:
            ((_, entries),) = await self.redis.xread({f"parity:{self.name}:log": after}, block=0)
            after = entries[-1][0]
            missing -= {fields[b"said"].decode() for _, fields in entries}

    def _gate(self, name):
        return f"parity:{self.name}:gate:{name}"


def coroutine(call):
    """Run a call here."""
    made = call.function(*call.args, **(call.kwargs or {}))
    return made if call.timeout is None else asyncio.wait_for(made, call.timeout)


class Local(World):
    """asyncio's tasks."""

    where = "local"

    async def start(self, call, **options):
        return asyncio.create_task(coroutine(call), **options)

    async def gather(self, *calls, timeout=None, return_exceptions=False):
        coroutines = [
            coroutine(call if call.timeout else _limited(call, timeout)) for call in calls
        ]
        return await asyncio.gather(*coroutines, return_exceptions=return_exceptions)

    def task_group(self):
        return _LocalGroup()

    async def submit(self, calls):
        return _LocalBatch([asyncio.create_task(coroutine(call)) for call in calls])


class _LocalGroup(asyncio.TaskGroup):
    def create_task(self, call, **options):
        made = coroutine(call)
        try:
            return super().create_task(made, **options)
        except RuntimeError:
            made.close()
            raise


class _LocalBatch:
    def __init__(self, tasks):
        self.tasks = tasks

    def handles(self):
        return self.tasks

    async def wait(self, **options):
        return await asyncio.wait(self.tasks, **options)

    async def as_completed(self, timeout=None):
        for each in asyncio.as_completed(self.tasks, timeout=timeout):
            try:
                yield "value", await each
            except TimeoutError as error:
                if not error.args and not all(task.done() for task in self.tasks):
                    raise
                yield told(error)
            except (Exception, asyncio.CancelledError) as error:
                yield told(error)

    async def outcomes(self):
        await asyncio.wait(self.tasks)
        return [ending(task) for task in self.tasks]

    async def cancel(self, *slots):
        for task in [self.tasks[slot] for slot in slots] or self.tasks:
            task.cancel()


class Pool(World):
    """gatherq."""

    where = "pool"

    def __init__(self, redis, name, producer):
        super().__init__(redis, name)
        self.producer = producer
        self.start, self.gather = producer.submit_one, producer.gather
        self.task_group = producer.task_group

    async def submit(self, calls):
        return _PoolBatch(await self.producer.submit(calls))


class _PoolBatch:
    def __init__(self, batch):
        self.batch = batch
        self.handles, self.wait, self.cancel = batch.handles, batch.wait, batch.cancel

    async def as_completed(self, timeout=None):
        async for outcome in self.batch.as_completed(timeout=timeout):
            yield _of(outcome)

    async def outcomes(self):
        return [_of(outcome) for outcome in await self.batch.outcomes()]


def told(error):
    """Say an error so that two can be compared."""
    if isinstance(error, asyncio.CancelledError):
        return ("cancelled",)
    if isinstance(error, TimeoutError) and type(error) is not TimeoutError:
        return "error", "TimeoutError", ()  # ours is a TimeoutError that tells more
    return "error", type(error).__name__, error.args


def ending(future):
    """Say how a task or a handle ended."""
    if future.cancelled():
        return told(asyncio.CancelledError())
    error = future.exception()
    return told(error) if error else ("value", future.result())


def _of(outcome):
    match outcome:
        case Succeeded(value):
            return "value", value
        case Cancelled():
            return ("cancelled",)
        case _:
            return told(exception_of(outcome))


def _limited(call, timeout):
    return call if timeout is None else call.with_timeout(timeout)


@asynccontextmanager
async def world(where, name=None):
    """Open a world; `where` is local or pool, on the server and queue of the environment."""
    name = name or secrets.token_hex(4)
    # Not `Redis.from_url`: before Python 3.11.3 its connections cannot be used in a task that was
    # cancelled, as jobs and scenarios here do.
    pool = connection_pool(os.environ["GATHERQ_REDIS_URL"])
    async with Redis.from_pool(pool) as redis:
        if where == "local":
            yield Local(redis, name)
        else:
            async with Producer() as producer:
                yield Pool(redis, name, producer)
