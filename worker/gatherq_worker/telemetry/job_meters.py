"""What a worker counts and measures of its attempts, where the application collects metrics."""

from collections.abc import Mapping
from typing import Any

from gatherq.contract.records import Times
from gatherq.telemetry import span_names
from gatherq.telemetry.meter_names import CONSUMED, PROCESS_DURATION, QUEUE_TIME
from gatherq.telemetry.meters import Meters
from gatherq_worker.attempt import Attempt
from gatherq_worker.engine.events import JobEnded, JobRetried, JobStarted
from gatherq_worker.engine.observers import Observer

from . import error_types


class JobMeters(Observer):
    """Counts attempts, and measures how long they took and waited."""

    def __init__(self, queue: str, place: Mapping[str, str | int]) -> None:
        self._common = {**span_names.messaging("process", queue), **place}
        self._meters = Meters((CONSUMED, PROCESS_DURATION, QUEUE_TIME))

    def job_started(self, event: JobStarted) -> None:
        """Count an attempt, and measure how long its job waited for the first one."""
        attempt = event.attempt
        attributes = self._attributes(attempt)
        if consumed := self._meters.counter(CONSUMED):
            consumed.add(1, attributes)
        waited = self._meters.histogram(QUEUE_TIME)
        if waited and attempt.number == 1 and attempt.score:
            waited.record(max(event.now - attempt.score, 0) / 1000, attributes)

    def job_ended(self, event: JobEnded) -> None:
        """Measure the attempt that gave an outcome."""
        self._measure(event.attempt, event.times, error_types.of_outcome(event.verdict))

    def job_retried(self, event: JobRetried) -> None:
        """Measure an attempt that another follows."""
        if event.granted:
            self._measure(event.attempt, event.times, error_types.of_retry(event))

    def _measure(self, attempt: Attempt, times: Times, error: str) -> None:
        duration = self._meters.histogram(PROCESS_DURATION)
        if duration is None or times.started is None:
            return  # its code never ran
        attributes = self._attributes(attempt)
        if error:
            attributes[span_names.ERROR_TYPE] = error
        duration.record((times.finished - times.started) / 1000, attributes)

    def _attributes(self, attempt: Attempt) -> dict[str, Any]:
        return {**self._common, span_names.JOB_NAME: attempt.name}
