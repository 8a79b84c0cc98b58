"""For logs that the worker does not write: structlog, and a `Worker` in a program of one's own."""

from collections.abc import MutableMapping
from typing import Any

from gatherq_worker.job_telemetry.log_records import current_fields, mark_records

__all__ = ["add_job", "mark_records"]


def add_job(
    logger: Any, method: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add the job that the calling code belongs to: a processor of structlog's.

        structlog.configure(processors=[add_job, structlog.processors.JSONRenderer()])

    The fields are `job_id`, `batch`, `slot`, `job`, `attempt` and `worker`, unless the line has
    them already. Outside of a job it adds nothing.
    """
    for name, value in current_fields().items():
        event_dict.setdefault(name, value)
    return event_dict
