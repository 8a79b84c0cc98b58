"""Tells Sentry of jobs: the transaction and the event that its `ArqIntegration` sends with arq."""

import logging
import sys
from collections.abc import Container, Mapping, Sequence
from typing import Any

from gatherq_worker.engine.observers import Observer
from gatherq_worker.job_telemetry.active import sentry_is_active

logger = logging.getLogger("gatherq.worker")


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


def monitor_cron_jobs(worker: Any) -> None:
    """Let Sentry monitor the cron jobs of a worker, if its integration was told to.

    It does that in arq's own `create_worker`, by a function that has no public name.
    """
    if not sentry_is_active():
        return
    integration: Any = sys.modules["sentry_sdk"].get_client().get_integration("arq")
    if not getattr(integration, "monitor_cron_jobs", False):
        return
    monitor = getattr(sys.modules[type(integration).__module__], "_monitor_cron_job", None)
    if monitor is None:
        logger.warning("cron jobs are not monitored: this version of sentry_sdk does it otherwise")
        return
    for job in worker.cron_jobs:
        monitor(integration, job, worker)


def _reports_itself(function: Any) -> bool:
    """Tell whether Sentry's integration wrapped a function: in arq's own `create_worker`."""
    code = getattr(function.coroutine, "__code__", None)
    return code is not None and code.co_name == "_sentry_coroutine"
