"""What an error is called where programs read: in JSON of the shell and of the page."""

from gatherq.errors import (
    BatchConflict,
    BatchNotFound,
    InvalidCall,
    InvalidSelector,
    InvalidSetting,
    RedisUnavailable,
)

#: The first that fits.
_CODES: list[tuple[type[BaseException], str]] = [
    (BatchNotFound, "batch_not_found"),
    (LookupError, "not_found"),
    (RedisUnavailable, "redis_unavailable"),
    (TimeoutError, "timeout"),
    (InvalidSelector, "invalid_selector"),
    (InvalidSetting, "invalid_setting"),
    (InvalidCall, "invalid_call"),
    (BatchConflict, "batch_conflict"),
]


def code_of(error: BaseException) -> str:
    """Return the code of an error, `error` for any other."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), "error")


def error_record(code: str, text: str) -> dict[str, dict[str, str]]:
    """Return an error as an object of JSON: what it is, and behind a semicolon what helps."""
    message, _, hint = text.partition("; ")
    said = {"code": code, "message": message, "hint": hint}
    return {"error": {name: each for name, each in said.items() if each}}
