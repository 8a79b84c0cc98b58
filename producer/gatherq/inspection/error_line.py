"""Why a job did not succeed, in a line."""

from gatherq.contract.outcomes import AnyOutcome, Cancelled, Failed, Lost, TimedOut
from gatherq.escape import escape


def error_line(outcome: AnyOutcome | None) -> str:
    """Return one line without control characters; empty for what succeeded, or has not ended."""
    return escape(_said(outcome))


def _said(outcome: AnyOutcome | None) -> str:
    match outcome:
        case Failed(error):
            return f"{error.type}: {error.message}" if error.message else error.type
        case TimedOut(which, limit):
            return f"timed out: {which} limit of {limit:g} s"
        case Cancelled(by):
            return f"cancelled by: {by}"
        case Lost(attempts):
            return f"lost after {attempts} attempts"
        case _:
            return ""
