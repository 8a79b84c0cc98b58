"""Names of OpenTelemetry's instruments: of the semantic conventions for messaging, and ours.

The table in docs/telemetry.md says the same; a test compares them.
"""

from typing import NamedTuple

from . import span_names


class MeterRow(NamedTuple):
    """An instrument."""

    name: str
    kind: str
    unit: str
    what: str
    attributes: tuple[str, ...]


#: Bounds that the conventions advise for durations, in seconds, and some for jobs that take longer.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60, 300)

_COMMON = (
    span_names.MESSAGING_SYSTEM,
    span_names.OPERATION_NAME,
    span_names.OPERATION_TYPE,
    span_names.DESTINATION_NAME,
    span_names.SERVER_ADDRESS,
    span_names.SERVER_PORT,
)
_SENT = (*_COMMON, span_names.ERROR_TYPE)
_JOB = (*_COMMON, span_names.JOB_NAME)

SENT = MeterRow(
    "messaging.client.sent.messages", "counter", "{message}", "jobs that were submitted", _SENT
)
SEND_DURATION = MeterRow(
    "messaging.client.operation.duration", "histogram", "s", "how long a submission took", _SENT
)
CONSUMED = MeterRow(
    "messaging.client.consumed.messages", "counter", "{message}", "attempts that began", _JOB
)
PROCESS_DURATION = MeterRow(
    "messaging.process.duration",
    "histogram",
    "s",
    "how long an attempt took that gave an outcome, or that an error or a timeout ended",
    (*_JOB, span_names.ERROR_TYPE),
)
QUEUE_TIME = MeterRow(
    "gatherq.job.queue_time",
    "histogram",
    "s",
    "how long a job waited for its first attempt, from when it could begin",
    _JOB,
)

#: All instruments that there are.
METERS = (SENT, SEND_DURATION, CONSUMED, PROCESS_DURATION, QUEUE_TIME)
