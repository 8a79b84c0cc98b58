"""An observer that tells Sentry of jobs, in the words of its `ArqIntegration`.

So alerts, issues and dashboards stay as they are when an application moves over.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Container, Iterator
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.tracing import Transaction

from gatherq.contract.records import Verdict
from gatherq.contract.remote_errors.attributes import is_a
from gatherq.contract.remote_errors.capture import DescribedError
from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.events import JobDied, JobEnded, JobReleased, JobRetried, LeaseLost
from gatherq_worker.engine.observers import Observer
from gatherq_worker.job_telemetry.sentry_events import ToldJob, capture, capture_described

if TYPE_CHECKING:
    from sentry_sdk._types import Event, Hint

_OP, _ORIGIN = "queue.task.arq", "auto.queue.arq"


@dataclass(slots=True, eq=False)
class _Surrounded:
    """An attempt that is executed: the status of its transaction, and where its scopes are."""

    set_status: Callable[[str], object]
    context: Context
    #: The exception that was captured last, by the job's own code.
    captured: BaseException | None = None

    def note(self, event: "Event", hint: "Hint") -> "Event":
        """Note what is captured: Sentry does that by context, and a thread has one of its own."""
        if exc_info := hint.get("exc_info"):
            self.captured = exc_info[1]
        return event

    def has_captured(self, error: BaseException | None) -> bool:
        """Tell whether an error was captured already, and is not to be a second time."""
        if error is None or sentry_sdk.get_client().get_integration("dedupe") is None:
            return False
        return self.captured is error


class SentryReporter(Observer):
    """Puts a scope and a transaction around each attempt, and captures what does not succeed.

    Of arq's functions as with arq: an exception, unless it asks for another attempt; no timeout.
    Of `@job` functions, `own`: failures, timeouts and lost jobs; no retry, and no cancellation.
    What `reported` names is captured by Sentry's integration already.
    """

    def __init__(
        self,
        queue: str,
        own: Container[str],
        reported: Container[str],
        control_flow: Container[type],
    ) -> None:
        self._queue, self._own, self._reported = queue, own, reported
        self._control_flow = control_flow
        self._surrounded: dict[Attempt, _Surrounded] = {}

    @contextlib.contextmanager
    def around(self, attempt: Attempt) -> Iterator[None]:
        """Give the attempt scopes and a transaction of its own."""
        with sentry_sdk.isolation_scope() as scope:
            scope.clear_breadcrumbs()
            scope.add_event_processor(_processor(attempt))
            with _span(attempt, self._queue) as set_status:
                self._surrounded[attempt] = around = _Surrounded(set_status, copy_context())
                scope.add_event_processor(around.note)
                try:
                    yield
                finally:
                    if not attempt.concluded:  # it could not begin
                        set_status("aborted")
                    del self._surrounded[attempt]

    def job_retried(self, event: JobRetried) -> None:
        """Note that the attempt is followed by another: that is no error."""
        if self._is_own(event.attempt) or type(event.error) in self._control_flow:
            self._set_status(event.attempt, "aborted")

    def job_died(self, event: JobDied) -> None:
        """Note that the attempt is followed by another."""
        self._set_status(event.attempt, "aborted")

    def job_released(self, event: JobReleased) -> None:
        """Note that the attempt is followed by another, elsewhere."""
        if self._is_own(event.attempt):
            self._set_status(event.attempt, "aborted")

    def lease_lost(self, event: LeaseLost) -> None:
        """Note that another worker has the job."""
        if self._is_own(event.attempt):
            self._set_status(event.attempt, "aborted")

    def job_ended(self, event: JobEnded) -> None:
        """Capture an outcome that is an error, in the scopes of its attempt."""
        attempt, status = event.attempt, event.verdict.status
        if status == "succeeded" or _name(attempt) in self._reported:
            return
        if not self._is_own(attempt):
            self._end_of_arqs(event)
        elif status == "cancelled":
            self._set_status(attempt, "cancelled")
        elif attempt in self._surrounded or status == "lost":
            late = status == "timed_out"
            self._set_status(attempt, "deadline_exceeded" if late else "internal_error")
            self._in_scopes_of(attempt, lambda: _capture(event))

    def _end_of_arqs(self, event: JobEnded) -> None:
        error = event.attempt.raised
        if event.verdict.status != "failed" or event.attempt not in self._surrounded:
            return
        if type(error) in self._control_flow:
            self._set_status(event.attempt, "aborted")
        elif is_a(error, Exception):
            self._set_status(event.attempt, "internal_error")
            self._in_scopes_of(event.attempt, lambda: _capture(event))

    def _is_own(self, attempt: Attempt) -> bool:
        return _name(attempt) in self._own

    def _set_status(self, attempt: Attempt, status: str) -> None:
        if surrounded := self._surrounded.get(attempt):
            surrounded.set_status(status)

    def _in_scopes_of(self, attempt: Attempt, capture: Any) -> None:
        """Call `capture` where the scopes of the attempt are current."""
        surrounded = self._surrounded.get(attempt)
        if surrounded is None:  # it was not executed here
            with sentry_sdk.isolation_scope() as scope:
                scope.add_event_processor(_processor(attempt))
                capture()
        elif surrounded.has_captured(attempt.raised):
            return
        elif _is_task_of(attempt):
            capture()
        else:
            surrounded.context.run(capture)


def _is_task_of(attempt: Attempt) -> bool:
    try:
        return getattr(asyncio.current_task(), "attempt", None) is attempt
    except RuntimeError:  # in another thread, once the loop does not come back
        return False


def _name(attempt: Attempt) -> str:
    return attempt.job.name if attempt.job else attempt.name


@contextlib.contextmanager
def _span(attempt: Attempt, queue: str) -> Iterator[Callable[[str], object]]:
    """Have a transaction around an attempt; yields what sets its status."""
    name, place = _name(attempt), {"messaging.destination.name": queue}
    if _streams_spans():
        told: dict[str, Any] = {
            "sentry.op": _OP,
            "sentry.origin": _ORIGIN,
            "sentry.segment.name.source": "task",
        }
        told |= {"messaging.message.id": attempt.job_id, **place}
        with sentry_sdk.traces.start_span(name=name, attributes=told, parent_span=None):
            yield lambda status: None
        return
    transaction = Transaction(name=name, status="ok", op=_OP, source="task", origin=_ORIGIN)
    with sentry_sdk.start_transaction(transaction) as span:
        span.set_data(*next(iter(place.items())))
        yield span.set_status


def _streams_spans() -> bool:
    """Tell whether spans are sent one by one, which newer SDKs can do."""
    options: Any = sentry_sdk.get_client().options
    experiments = options.get("_experiments") or {}
    asked = options.get("trace_lifecycle") or experiments.get("trace_lifecycle")
    return asked == "stream" and hasattr(sentry_sdk, "traces")


def _processor(attempt: Attempt) -> Any:
    job = attempt.job
    args, kwargs = (job.args, job.kwargs) if job else ([], {})
    told = ToldJob(attempt.job_id, _name(attempt), attempt.job_try, args, kwargs)
    return told.processor()


def _capture(ended: JobEnded) -> None:
    attempt, verdict = ended.attempt, ended.verdict
    error = attempt.raised
    if verdict.status != "failed" or error is None:
        capture_described(_info(verdict))
    elif not is_a(error, DescribedError):
        capture(error)
    elif attempt.report is None:
        capture_described(verdict.fields["error"])
    elif attempt.report:
        _send(json.loads(attempt.report))


def _info(verdict: Verdict) -> ErrorInfo:
    """Return as an error what became of a job that raised nothing."""
    kind = {"timed_out": "TimeoutError", "lost": "JobLost"}.get(verdict.status, "Exception")
    return verdict.fields.get("error") or ErrorInfo(type=kind, message=str(verdict.result))


def _send(event: Any) -> None:
    """Send an event that the process of a job has made, as part of the trace that is current."""
    scope = sentry_sdk.get_current_scope()
    known = scope.get_trace_context() or sentry_sdk.get_isolation_scope().get_trace_context()
    trace = {key: known[key] for key in known or () if key != "dynamic_sampling_context"}
    event.setdefault("contexts", {})["trace"] = trace
    if scope.transaction is not None:
        event["transaction_info"] = {"source": "task"}
    envelope = Envelope({"event_id": event["event_id"]})
    envelope.add_event(event)
    transport = sentry_sdk.get_client().transport
    if transport is not None:
        transport.capture_envelope(envelope)
