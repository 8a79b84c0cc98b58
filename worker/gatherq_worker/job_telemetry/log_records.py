"""Which job a log record is of: fields of every record that is made inside of one.

    job_id, batch, slot, job (its name), attempt, worker, and trace_id, span_id of a current span

Users' own loggers, handlers and formats have them, however and whenever they are configured.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gatherq.contract.current_job import CurrentJob, running_job

_TRACING = "opentelemetry.trace"
#: Where a record keeps them until it is formatted.
_KEPT = "_of_job"


def current_fields() -> dict[str, Any]:
    """Return the fields of the job that the calling code belongs to; none outside of a job."""
    job = running_job()
    return {} if job is None else {**_fields(job), **_span()}


def _fields(job: CurrentJob) -> dict[str, Any]:
    """Return what is known of the job: a plain arq job has no batch and no slot."""
    found: dict[str, Any] = {"job_id": job.job_id}
    if job.batch_id is not None:
        found |= {"batch": job.batch_id, "slot": job.slot}
    found |= {"job": job.name, "attempt": job.attempt}
    return {**found, "worker": job.worker} if job.worker else found


def _span() -> dict[str, str]:
    tracing: Any = sys.modules.get(_TRACING)
    span = tracing and tracing.get_current_span().get_span_context()
    if not span or not span.is_valid:
        return {}
    return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}


class RecordOfJob(logging.LogRecord):
    """A record that gets the fields when it is formatted, or when one of them is asked for.

    Not when it is made: `Logger.info(..., extra={"job_id": ...})` is an error where a new record
    has such a field already. What the caller gives so wins.
    """

    def getMessage(self) -> str:
        """Return the message; every formatter asks for it first."""
        self._fill()
        return super().getMessage()

    def __getattr__(self, name: str) -> Any:
        """Return a field that was not filled in yet; for filters."""
        if _KEPT in self.__dict__ and name in self.__dict__[_KEPT]:
            self._fill()
            return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _fill(self) -> None:
        for name, value in self.__dict__.pop(_KEPT, {}).items():
            self.__dict__.setdefault(name, value)


def mark_records(*words: str) -> None:
    """Give the fields to all records that this process makes inside of jobs, from now on.

    `words` say how this process logs, for those that it starts.
    """
    made = logging.getLogRecordFactory()
    if not isinstance(made, _Factory):
        logging.setLogRecordFactory(_Factory(made, words))


def words_of_records() -> Sequence[str]:
    """Return the words that records were marked with, if they are."""
    made = logging.getLogRecordFactory()
    return made.words if isinstance(made, _Factory) else ()


class _Factory:
    """Makes records as another factory does, and lets those of jobs have the fields."""

    def __init__(self, make: Callable[..., logging.LogRecord], words: Sequence[str]) -> None:
        self._make, self.words = make, words

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._make(*args, **kwargs)
        if (fields := current_fields()) and type(record) is logging.LogRecord:
            record.__class__ = RecordOfJob
            record.__dict__[_KEPT] = fields
        return record
