"""Functions of an arq application."""

import asyncio
import time

from arq.worker import Retry, RetryJob


async def add(ctx, a, b=0):
    return a + b


async def give(ctx, value=None):
    return value


async def fail(ctx, kind=ValueError, *args):
    raise kind(*args)


async def tries(ctx, until, defer=0):
    """Ask for another try until this one is number `until`."""
    if ctx["job_try"] < until:
        raise Retry(defer=defer)
    return ctx["job_try"]


async def retry_job(ctx):
    if ctx["job_try"] == 1:
        raise RetryJob
    return ctx["job_try"]


async def cancel_itself(ctx):
    if ctx["job_try"] == 1:
        raise asyncio.CancelledError
    return ctx["job_try"]


async def sleep(ctx, seconds):
    await asyncio.sleep(seconds)
    return seconds


async def facts(ctx):
    return {name: ctx[name] for name in ("job_id", "job_try", "enqueue_time", "score")}


async def nested(ctx, value):
    return (await ctx["redis"].enqueue_job("give", value)).job_id


class Own(Exception):
    def extra(self):
        return {"x": "y"}


class Unpicklable:
    def __getstate__(self):
        raise TypeError("this does not pickle")


class Unreadable:
    """Can be written, but not be read."""

    def __reduce__(self):
        return broken, ()


def broken():
    raise ValueError("broken")


class Slow(Exception):
    """Takes its time to be written, as a value and as an error."""

    def __reduce__(self):
        time.sleep(self.args[0])
        return Slow, (0,)

    def __str__(self):
        time.sleep(self.args[0])
        return "slow"

    __repr__ = __str__


async def slow_to_write(ctx, seconds, fails=False):
    if fails:
        raise Slow(seconds)
    return Slow(seconds)
