"""Functions of arq's table, and the handlers that they are to our engine."""

import math
from typing import Any

import arq.worker
from arq.constants import keep_cronjob_progress

from gatherq.contract.job_definition import JobDefinition
from gatherq_worker.registry import Handler


def own_handler(function: Any) -> Handler | None:
    """Return the handler of a `@job` function, or the handler that is given; None for arq's."""
    if isinstance(function, Handler):
        return function
    is_job = isinstance(getattr(function, "definition", None), JobDefinition)
    return Handler.of(function) if is_job else None


def table_entry(handler: Handler) -> arq.worker.Function:
    """Return an entry for arq's table, which takes no plain function by itself."""
    return arq.worker.Function(handler.name, handler.function, None, None, None, None)


def arq_handler(entry: Any, *, keep_forever: bool, keep: float) -> Handler:
    """Make the handler of an entry of arq's table: a function or a cron job.

    `keep_forever` and `keep`, in seconds, say how long results stay where the entry does not.
    """
    if handler := own_handler(entry.coroutine):
        return handler
    if entry.keep_result_forever is not None:
        keep_forever = entry.keep_result_forever
    if entry.keep_result_s is not None:
        keep = entry.keep_result_s
    return Handler(
        JobDefinition(entry.name, entry.timeout_s, entry.max_tries),
        entry.coroutine,
        takes_ctx=True,
        keep=math.inf if keep_forever else keep,
        keep_in_progress=keep_cronjob_progress if hasattr(entry, "next_run") else 0.0,
    )
