"""Whether jobs have spans: where the user's code has set up OpenTelemetry's SDK."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gatherq.settings import Settings
from gatherq.telemetry import span_names
from gatherq.telemetry.tracers import Tracers
from gatherq_worker.engine.observers import Observer


def trace_observers(
    queue: str,
    worker: str,
    functions: Mapping[str, Any],
    address: Callable[[], tuple[str, int | None]],
) -> Sequence[Observer]:
    """Return the observer that makes spans, if there are to be any: for when the worker begins.

    `worker` is its id, `functions` are what runs, by name of the job, and `address` tells host and
    port of the server. Raises InvalidSetting for what `GATHERQ_TRACE` must not be.
    """
    tracer = Tracers().get()
    if tracer is None or Settings.read().trace == "off":
        return ()
    from .job_spans import JobSpans

    names = {name: _name_of(function) for name, function in functions.items()}
    return [JobSpans(tracer, queue, span_names.server(worker, *address()), names)]


def _name_of(function: Any) -> str:
    """Return the full name of a function, as `code.function.name` has it."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', None) or type(function).__module__}.{name}"
