"""Names of spans and their attributes: those of the semantic conventions for messaging, and ours.

The table in docs/telemetry.md says the same; a test compares them.
"""

from typing import NamedTuple

#: What the conventions call us: they have no name for a queue in Redis.
SYSTEM = "gatherq"

# Of the semantic conventions (1.4x, status "development"), as strings: their package is for SDKs.

MESSAGING_SYSTEM = "messaging.system"
OPERATION_NAME = "messaging.operation.name"
OPERATION_TYPE = "messaging.operation.type"
DESTINATION_NAME = "messaging.destination.name"
MESSAGE_COUNT = "messaging.batch.message_count"
MESSAGE_ID = "messaging.message.id"
BODY_SIZE = "messaging.message.body.size"
CONVERSATION_ID = "messaging.message.conversation_id"
CLIENT_ID = "messaging.client.id"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
FUNCTION_NAME = "code.function.name"
ERROR_TYPE = "error.type"
EXCEPTION = "exception"
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EXCEPTION_STACKTRACE = "exception.stacktrace"

# Ours.

BATCH_JOBS = "gatherq.batch.jobs"
BATCH_LABEL = "gatherq.batch.label"
JOB_NAME = "gatherq.job.name"
JOB_SLOT = "gatherq.job.slot"
JOB_ATTEMPT = "gatherq.job.attempt"
JOB_OUTCOME = "gatherq.job.outcome"
JOB_ISOLATION = "gatherq.job.isolation"
JOB_QUEUE_TIME = "gatherq.job.queue_time_ms"
TIMEOUT_WHICH = "gatherq.timeout.which"


class SpanRow(NamedTuple):
    """A kind of span, for the table of the documentation."""

    name: str
    kind: str
    what: str
    attributes: tuple[str, ...]


_COMMON = (MESSAGING_SYSTEM, OPERATION_NAME, OPERATION_TYPE, DESTINATION_NAME)
_SERVER = (CLIENT_ID, SERVER_ADDRESS, SERVER_PORT)

#: All spans that there are.
SPANS = (
    SpanRow(
        "send <queue>",
        "PRODUCER",
        "the writing of one batch: one a `submit` or `gather`, and one for the calls that a "
        "`task_group`, `map` or `submit_one` makes in one turn of the loop; not one a job",
        (*_COMMON, MESSAGE_COUNT, CONVERSATION_ID, *_SERVER, BATCH_JOBS, BATCH_LABEL, ERROR_TYPE),
    ),
    SpanRow(
        "gather, task_group, map",
        "INTERNAL",
        "code that waits for the jobs that it submits, until the last has ended",
        (BATCH_JOBS, ERROR_TYPE),
    ),
    SpanRow(
        "process <queue>:<job>",
        "CONSUMER",
        "an attempt, while its code runs",
        (
            *_COMMON,
            MESSAGE_ID,
            BODY_SIZE,
            CONVERSATION_ID,
            *_SERVER,
            FUNCTION_NAME,
            JOB_NAME,
            JOB_SLOT,
            JOB_ATTEMPT,
            JOB_OUTCOME,
            JOB_ISOLATION,
            JOB_QUEUE_TIME,
            TIMEOUT_WHICH,
            ERROR_TYPE,
        ),
    ),
)


def send_name(queue: str) -> str:
    """Return the name of the span of a submission."""
    return f"send {queue}"


def process_name(queue: str, job: str) -> str:
    """Return the name of the span of an attempt; `queue:job` as RabbitMQ's exchange:routing_key."""
    return f"process {queue}:{job}"


def messaging(operation: str, queue: str) -> dict[str, str | int]:
    """Return the attributes that all spans about jobs on their way have."""
    values = (SYSTEM, operation, operation, queue)
    return dict(zip(_COMMON, values, strict=True))


def server(client_id: str, address: str, port: int | None) -> dict[str, str | int]:
    """Return the attributes that say who speaks to which server; what is not known is left out."""
    known = {CLIENT_ID: client_id, SERVER_ADDRESS: address, SERVER_PORT: port}
    return {name: value for name, value in known.items() if value}
