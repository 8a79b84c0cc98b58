"""The trace context of a batch, as its hash has it.

That is a W3C traceparent, `00-<trace id>-<span id>-<flags>`; then " child" where the jobs belong to
that trace. Without it each of their attempts has a trace of its own, linked to it.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from .tracers import provider_set

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanContext

_CHILD = "child"
#: Its place in a traceparent.
_TRACE_ID = slice(3, 35)


class TraceField(NamedTuple):
    """Where the jobs of a batch come from: the span that submitted it."""

    sender: "SpanContext"
    #: Whether they belong to its trace, and are not only linked to it.
    child: bool


def encode(span: "Span", *, child: bool) -> str:
    """Return the field for a span; empty for one that is of no trace."""
    parent = traceparent(span)
    return f"{parent} {_CHILD}" if parent and child else parent


def decode(text: str) -> TraceField | None:
    """Read the field, by OpenTelemetry's API; None for what is none, whatever it is."""
    parent, _, relation = text.partition(" ")
    sender = span_context(parent)
    return None if sender is None else TraceField(sender, relation == _CHILD)


def trace_id(text: str) -> str:
    """Return the trace id in the field, as its 32 hex digits; empty for what is no such field."""
    parent = text.partition(" ")[0]
    found = parent[_TRACE_ID]
    is_one = len(parent) == 55 and parent[2] == parent[35] == "-" and set(found) <= _HEX
    return found if is_one else ""


def traceparent(span: "Span") -> str:
    """Return the context of a span as W3C writes it; empty for one that is of no trace."""
    from opentelemetry.trace import set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, set_span_in_context(span))
    return carrier.get("traceparent", "")


def span_context(text: str) -> "SpanContext | None":
    """Read a traceparent; None for what is none."""
    from opentelemetry.trace import get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({"traceparent": text[:100]})
    found = get_current_span(context).get_span_context()
    return found if found.is_valid else None


def current_traceparent() -> str:
    """Return the context of the span that is current here; empty for none, and without an SDK."""
    if provider_set() is None:
        return ""
    from opentelemetry.trace import get_current_span

    return traceparent(get_current_span())


def continue_trace(text: str) -> None:
    """Make the span of a traceparent current here, from now on: spans that follow are children."""
    if provider_set() is None or (sender := span_context(text)) is None:
        return
    from opentelemetry.context import attach
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    attach(set_span_in_context(NonRecordingSpan(sender)))


_HEX: Any = frozenset("0123456789abcdef")
