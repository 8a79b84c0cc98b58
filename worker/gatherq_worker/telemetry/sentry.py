"""Tells Sentry of jobs: the transaction and the event that its `ArqIntegration` sends with arq."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from gatherq_worker.engine.observers import Observer
from gatherq_worker.job_telemetry.active import sentry_is_active


def sentry_observers(
    queue: str, functions: Mapping[str, Any], own: Container[str], control_flow: Container[type]
) -> Sequence[Observer]:
    """Return the observer that tells Sentry, if it is to be told: for when the worker begins.

    `functions` are the arq functions and the jobs by name, `own` those among them that are `@job`
    functions; errors of the types `control_flow` are none, but ask for something.
    """
    if not sentry_is_active():
        return ()
    from .sentry_reporter import SentryReporter

    reported = {name for name, function in functions.items() if _reports_itself(function)}
    return [SentryReporter(queue, own, reported, control_flow)]


def _reports_itself(function: Any) -> bool:
    """Tell whether Sentry's integration wrapped a function: in arq's own `create_worker`."""
    code = getattr(function.coroutine, "__code__", None)
    return code is not None and code.co_name == "_sentry_coroutine"
