"""The jobs of the rows, for gatherq."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import bodies
from notes import note

from gatherq import current_job, job


def noted(body: Callable[..., Awaitable[Any]], what: str = "") -> Callable[..., Awaitable[Any]]:
    """Write each execution into the ledger."""

    @functools.wraps(body)
    async def noting(*args: Any) -> Any:
        me = current_job()
        note(what or "start", me.job_id, me.attempt)
        value = await body(*args)
        note("end", me.job_id, me.attempt)
        return value

    noting.__module__ = __name__  # a process of its own finds it here
    return noting


nap = job()(noted(bodies.nap))
once = job(name="once", max_attempts=1)(noted(bodies.nap))
leave = job()(noted(bodies.leave))
crash = job()(noted(bodies.crash))
exit_politely = job()(noted(bodies.exit_politely))
fail = job()(noted(bodies.fail))
give_back = job()(noted(bodies.give_back))
make = job()(noted(bodies.make))
tell_time = job()(noted(bodies.tell_time))
block = job(timeout=1.0)(noted(bodies.block))
spin = job(timeout=1.0)(noted(bodies.spin))
swallow = job(timeout=1.0)(noted(bodies.swallow))
resist = job(timeout=1.0)(noted(bodies.resist))
probe = job()(noted(bodies.probe, "probe"))
narrow = job(name="narrow", max_at_once=2, per="gate")(noted(bodies.nap_at))
placed = job(name="placed", concurrency=2)(noted(bodies.nap))
