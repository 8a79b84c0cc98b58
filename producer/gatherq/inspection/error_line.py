"""Why a job did not succeed, in a line."""

from gatherq.contract.outcomes import AnyOutcome, Cancelled, Failed, Lost, TimedOut


def error_line(outcome: AnyOutcome | None) -> str:
    """Return the line; empty for what succeeded, or has not ended."""
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
