"""The span of an attempt: current while its code runs, ended with what became of it."""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace import NonRecordingSpan as RemoteSpan

from gatherq.contract.remote_errors.error_info import ErrorInfo
from gatherq.telemetry import span_names, trace_field
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.events import JobDied, JobEnded, JobReleased, JobRetried, LeaseLost
from gatherq_worker.engine.observers import Observer

from . import error_types

if TYPE_CHECKING:
    from contextvars import Token


class JobSpans(Observer):
    """Makes a span of each attempt that is executed.

    It is a child of the span that submitted its batch, where the batch says so, and linked to it
    in any case; linked to the attempt before it, where that has told its span.
    """

    def __init__(
        self,
        tracer: Tracer,
        queue: str,
        place: Mapping[str, str | int],
        functions: Mapping[str, str],
    ) -> None:
        self._tracer, self._queue, self._functions = tracer, queue, functions
        self._common = {**span_names.messaging("process", queue), **place}
        self._spans: dict[Attempt, Span] = {}

    def around(self, attempt: Attempt) -> "_Current":
        """Begin the span of an attempt, and make it current."""
        return _Current(self, attempt)

    def begin(self, attempt: Attempt) -> Context:
        """Begin a span; return the context in which it is current."""
        parent, links = _origin(attempt)
        span = self._tracer.start_span(
            span_names.process_name(self._queue, attempt.name),
            parent,
            SpanKind.CONSUMER,
            {**self._common, **self._attributes(attempt)},
            links,
        )
        self._spans[attempt] = span
        attempt.span = trace_field.traceparent(span)
        return set_span_in_context(span, Context())

    def job_ended(self, event: JobEnded) -> None:
        """End the span with the outcome of its job."""
        attempt, verdict = event.attempt, event.verdict
        if verdict.status == "failed":
            self._fail(attempt, verdict.status, verdict.fields["error"])
            return
        late = verdict.status == "timed_out"
        more = {span_names.TIMEOUT_WHICH: verdict.fields["which"]} if late else {}
        error = error_types.of_outcome(verdict)
        self._end(attempt, verdict.status, error, str(verdict.result) if error else "", more)

    def job_retried(self, event: JobRetried) -> None:
        """End the span of an attempt that another follows."""
        attempt, info = event.attempt, event.info
        if not event.granted:
            return  # how the job ended is told next
        if error_types.is_late(event):
            more = {span_names.TIMEOUT_WHICH: attempt.which}
            self._end(attempt, "retried", error_types.of_retry(event), info.message, more)
        elif error_types.of_retry(event):
            self._fail(attempt, "retried", info)
        else:
            self._end(attempt, "retried")

    def job_died(self, event: JobDied) -> None:
        """End the span of an attempt that took its process down."""
        self._end(event.attempt, "died", "died", event.how)

    def job_released(self, event: JobReleased) -> None:
        """End the span of an attempt that goes back to the queue."""
        self._end(event.attempt, "released")

    def lease_lost(self, event: LeaseLost) -> None:
        """End the span of an attempt that another worker has now."""
        self._end(event.attempt, "lease_lost", "lease_lost", "another worker has the job")

    def leave(self, attempt: Attempt) -> None:
        """End the span of an attempt of which nothing was told: it could not begin."""
        self._end(attempt, "released")

    def _attributes(self, attempt: Attempt) -> dict[str, Any]:
        found: dict[str, Any] = {
            span_names.MESSAGE_ID: attempt.job_id,
            span_names.BODY_SIZE: attempt.size,
            span_names.JOB_NAME: attempt.name,
            span_names.JOB_ATTEMPT: attempt.number,
        }
        if attempt.batch is not None:
            found[span_names.CONVERSATION_ID] = attempt.batch
            found[span_names.JOB_SLOT] = attempt.slot
        if function := self._functions.get(attempt.name):
            found[span_names.FUNCTION_NAME] = function
        if attempt.score and attempt.started:
            found[span_names.JOB_QUEUE_TIME] = max(attempt.started - attempt.score, 0)
        return found

    def _fail(self, attempt: Attempt, outcome: str, error: ErrorInfo) -> None:
        """End a span with an error, which is an event of the span, too."""
        if span := self._spans.get(attempt):
            told = {
                span_names.EXCEPTION_TYPE: error.type,
                span_names.EXCEPTION_MESSAGE: error.message,
                span_names.EXCEPTION_STACKTRACE: error.traceback,
            }
            span.add_event(
                span_names.EXCEPTION, {name: text for name, text in told.items() if text}
            )
        self._end(attempt, outcome, error.type, str(error))

    def _end(
        self,
        attempt: Attempt,
        outcome: str,
        error: str = "",
        text: str = "",
        more: Mapping[str, str] | None = None,
    ) -> None:
        """End a span, unless it has ended; `error` is its type, and `text` what it says."""
        span = self._spans.pop(attempt, None)
        if span is None:
            return
        span.set_attributes({span_names.JOB_OUTCOME: outcome, **(more or {})})
        if attempt.where:
            span.set_attribute(span_names.JOB_ISOLATION, attempt.where)
        if error:
            span.set_attribute(span_names.ERROR_TYPE, error)
            span.set_status(StatusCode.ERROR, text)
        span.end()


class _Current:
    """Makes the span of an attempt current: in its task, and so in a thread that it starts."""

    __slots__ = ("_attempt", "_spans", "_token")

    def __init__(self, spans: JobSpans, attempt: Attempt) -> None:
        self._spans, self._attempt = spans, attempt
        self._token: Token[Context] | None = None

    def __enter__(self) -> None:
        self._token = attach(self._spans.begin(self._attempt))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._token is not None:
            detach(self._token)
        self._spans.leave(self._attempt)


def _origin(attempt: Attempt) -> tuple[Context, list[Link]]:
    """Return the context that the span of an attempt begins in, and its links."""
    context, links = Context(), []
    found = trace_field.decode(attempt.trace) if attempt.trace else None
    if found is not None:
        links.append(Link(found.sender))
        if found.child and not _is_redriven(attempt):
            context = set_span_in_context(RemoteSpan(found.sender), context)
    if before := _attempt_before(attempt):
        links.append(Link(before))
    return context, links


def _is_redriven(attempt: Attempt) -> bool:
    """Tell whether a redrive has queued it: long after the code that waited, as a rule."""
    return attempt.job is not None and attempt.job.base > 0


def _attempt_before(attempt: Attempt) -> SpanContext | None:
    """Return the span of the attempt before this one, if its history has it."""
    told = attempt.history[-1].get("trace") if attempt.history else None
    return trace_field.span_context(told) if isinstance(told, str) else None
