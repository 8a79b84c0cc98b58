"""The spans of a producer: one for each batch that it writes, one for each verb that waits."""

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any

from gatherq.contract.batch_origin import BatchOrigin
from gatherq.settings import TracePolicy

from . import span_names, trace_field
from .tracers import Tracers

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

#: Jobs of one verb that belong to its trace: more would make a trace that nothing can show.
MOST_CHILDREN = 1000

_UNTRACED = nullcontext("")


class Waiting:
    """The span of a verb that waits for the jobs that it submits; nothing where there is no SDK.

    It is the parent of what the verb sends, but not current in the code of its caller.
    """

    def __init__(self, tracer: "Tracer | None", verb: str) -> None:
        self._tracer, self._verb = tracer, verb
        self._span: Span | None = None
        #: What the span is current in.
        self.context: Context | None = None
        #: How many jobs it has sent.
        self.jobs = 0

    def __enter__(self) -> "Waiting":
        if self._tracer is not None:
            from opentelemetry.trace import set_span_in_context

            self._span = self._tracer.start_span(self._verb)
            self.context = set_span_in_context(self._span)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._span is not None:
            self._span.set_attribute(span_names.BATCH_JOBS, self.jobs)
            _end(self._span, error)


class ProducerSpans:
    """Makes the spans of one producer; all that it gives does nothing where there is no SDK."""

    def __init__(self, policy: TracePolicy, queue: str, address: str, port: int | None) -> None:
        self._policy, self._queue = policy, queue
        self._server = address, port
        self._tracers = Tracers()

    def waiting(self, verb: str) -> Waiting:
        """Return the span of a verb that waits, to be entered when it begins."""
        return Waiting(self._tracer(), verb)

    def sending(
        self, batch: str, size: int, origin: BatchOrigin, waiting: Waiting | None = None
    ) -> AbstractContextManager[str]:
        """Return the span of the writing of a batch; as a context manager it gives its `trace`.

        `waiting` is the span of the verb that submits it.
        """
        tracer = self._tracer()
        if tracer is None:
            return _UNTRACED
        total = size
        if waiting is not None:
            waiting.jobs += size
            total = waiting.jobs
        span = tracer.start_span(
            span_names.send_name(self._queue),
            waiting.context if waiting else None,
            _kind_of_send(),
            self._attributes(batch, size, origin),
        )
        return _Sending(span, trace_field.encode(span, child=self._are_children(total, origin)))

    def current(self) -> tuple[int, int] | None:
        """Return the ids of the span that is current where this is called; None for none."""
        if self._tracer() is None:
            return None
        from opentelemetry.trace import get_current_span

        context = get_current_span().get_span_context()
        return (context.trace_id, context.span_id) if context.is_valid else None

    def _tracer(self) -> "Tracer | None":
        return None if self._policy == "off" else self._tracers.get()

    def _are_children(self, total: int, origin: BatchOrigin) -> bool:
        """Tell whether jobs belong to the trace of the code that submits them.

        Those that end with it do: not those of `submit`, which is durable, nor too many.
        """
        if self._policy == "auto":
            return origin.kind != "submit" and total <= MOST_CHILDREN
        return self._policy == "child"

    def _attributes(self, batch: str, size: int, origin: BatchOrigin) -> dict[str, Any]:
        attributes: dict[str, Any] = {
            **span_names.messaging("send", self._queue),
            **span_names.server(origin.by, *self._server),
            span_names.CONVERSATION_ID: batch,
            span_names.BATCH_JOBS: size,
        }
        if size != 1:  # the conventions want no count of one message
            attributes[span_names.MESSAGE_COUNT] = size
        if origin.label:
            attributes[span_names.BATCH_LABEL] = origin.label
        return attributes


class _Sending:
    def __init__(self, span: "Span", trace: str) -> None:
        self._span, self._trace = span, trace

    def __enter__(self) -> str:
        return self._trace

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _end(self._span, error)


def _end(span: "Span", error: BaseException | None) -> None:
    """End a span; a cancellation is no error."""
    if isinstance(error, Exception):
        from opentelemetry.trace import StatusCode

        name = error_type(error)
        span.set_attribute(span_names.ERROR_TYPE, name)
        span.record_exception(error)
        span.set_status(StatusCode.ERROR, f"{name}: {error}")
    span.end()


def error_type(error: BaseException) -> str:
    """Return the full name of the type of an error."""
    kind = type(error)
    name = kind.__qualname__
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"


def _kind_of_send() -> Any:
    from opentelemetry.trace import SpanKind

    return SpanKind.PRODUCER
