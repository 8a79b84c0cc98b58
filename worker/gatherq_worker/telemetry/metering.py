"""Whether attempts are measured: where the user's code has set up OpenTelemetry's metrics."""

from collections.abc import Callable, Sequence

from gatherq.telemetry import span_names
from gatherq.telemetry.meters import meter_provider_set
from gatherq_worker.engine.observers import Observer


def meter_observers(
    queue: str, address: Callable[[], tuple[str, int | None]]
) -> Sequence[Observer]:
    """Return the observer that measures, if one is to: for when the worker begins."""
    if meter_provider_set() is None:
        return ()
    from .job_meters import JobMeters

    return [JobMeters(queue, span_names.server("", *address()))]
