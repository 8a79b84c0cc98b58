"""The same jobs, for arq as it is."""

import functools
import os
from collections.abc import Awaitable, Callable
from typing import Any

import bodies
import harm
import leftovers
import results
from arq import func
from notes import note
from places import redis_settings as settings_of


def noted(body: Callable[..., Awaitable[Any]], what: str = "") -> Callable[..., Awaitable[Any]]:
    """Write each execution into the ledger."""

    @functools.wraps(body)
    async def noting(ctx: dict[Any, Any], *args: Any) -> Any:
        note(what or "start", ctx["job_id"], ctx["job_try"])
        value = await body(*args)
        note("end", ctx["job_id"], ctx["job_try"])
        return value

    return noting


def in_loop(body: Callable[..., Any], **options: Any) -> Any:
    """Make a function for arq of a plain one: `NAME_in_loop`."""

    async def running(*args: Any) -> Any:
        return body(*args)

    return func(noted(running), name=f"{body.__name__}_in_loop", **options)


async def startup(ctx: dict[Any, Any]) -> None:
    """Say that the worker is up."""
    note("up", "worker", 0)


PLAIN = (bodies.nap, bodies.leave, bodies.crash, bodies.exit_politely, bodies.fail)
PLAIN += (bodies.give_back, bodies.make, bodies.tell_time)
TIMED = (bodies.block, bodies.spin, bodies.swallow, bodies.resist)


class WorkerSettings:
    """As arq's documentation has them; its shortest lease is a timeout and ten seconds."""

    functions = [  # noqa: RUF012 (as arq's users write it)
        *(func(noted(body), name=body.__name__) for body in PLAIN),
        *(func(noted(body), name=body.__name__, timeout=1) for body in TIMED),
        *(in_loop(body) for body in (*harm.POISONS, *results.ENDS)),
        *(in_loop(body, timeout=1) for body in (*harm.BLOCKERS, leftovers.leave)),
        func(noted(leftovers.leave_in_its_loop), name="leave_in_its_loop"),
        func(noted(bodies.nap), name="once", max_tries=1),
        func(noted(bodies.probe, "probe"), name="probe"),
    ]
    redis_settings = settings_of(os.environ.get("REDIS_URL", "redis://127.0.0.1/0"))
    on_startup = startup
    max_jobs = 100
    max_tries = 2
    job_timeout = 5
    keep_result = 600
