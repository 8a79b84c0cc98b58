"""What `error.type` says of an attempt, in spans and in metrics; empty for what is no error."""

from gatherq.contract.records import Verdict
from gatherq_worker.engine.events import JobRetried

#: Exceptions that ask for another attempt, and say of no error: ours, and arq's.
_ASKS = {"gatherq.errors.Retry", "arq.worker.Retry", "arq.worker.RetryJob"}


def of_outcome(verdict: Verdict) -> str:
    """Return the type of an outcome: that of its exception, or which limit it was."""
    match verdict.status:
        case "failed":
            return str(verdict.fields["error"].type)
        case "timed_out":
            return f"timeout.{verdict.fields['which']}"
        case "lost":
            return "lost"
    return ""


def of_retry(event: JobRetried) -> str:
    """Return the type of what ended an attempt that another follows; empty if it asked for that."""
    if is_late(event):
        return f"timeout.{event.attempt.which}"
    return "" if event.info.type in _ASKS else event.info.type


def is_late(event: JobRetried) -> bool:
    """Tell whether a limit ended the attempt."""
    return event.info.type == "timed_out"
