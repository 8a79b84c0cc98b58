"""Sentry in the process of one job: its error is made an event there, and sent by the worker.

Only there are the exception, its local variables, and the tags and breadcrumbs that the job set.
Only the worker knows whether the job runs again, and can wait for the network.
"""

import json
import sys
from contextlib import suppress
from typing import Any

from .active import sentry_is_active

#: Most seconds to wait until what the job's own code captured is sent.
_FLUSH = 2.0


def enter_job(job_id: str, name: str, number: int, args: Any, kwargs: Any) -> None:
    """Say whose the events are that the job captures by itself: for a process that runs one job."""
    with suppress(Exception):
        if sentry_is_active():
            _enter(job_id, name, number, args, kwargs)


def _enter(*told: Any) -> None:
    import sentry_sdk

    from .sentry_events import ToldJob

    scope = sentry_sdk.get_isolation_scope()
    scope.clear_breadcrumbs()
    scope.add_event_processor(ToldJob(*told).processor())


def event_of(error: BaseException) -> str | None:
    """Make the event of an error, as JSON, and send nothing.

    It is empty if none is to be sent (a filter of the user's said so, or the job captured the error
    itself), None where that cannot be told.
    """
    with suppress(Exception):
        return _event_of(error) if sentry_is_active() else None
    return None


def _event_of(error: BaseException) -> str:
    import sentry_sdk
    from sentry_sdk.transport import Transport

    from .sentry_events import capture

    caught: list[Any] = []

    class Catching(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            caught.append(envelope.get_event())

    client = sentry_sdk.get_client()
    sending, client.transport = client.transport, Catching()
    try:
        capture(error)
    finally:
        client.transport = sending
    return json.dumps(caught[0]) if caught and caught[0] else ""


def flush(remaining: float | None) -> None:
    """Wait until what the job's own code captured is sent, for half of the seconds that remain."""
    sdk = sys.modules.get("sentry_sdk")
    with suppress(Exception):
        if sdk is not None:
            sdk.flush(_FLUSH if remaining is None else min(_FLUSH, remaining / 2))
