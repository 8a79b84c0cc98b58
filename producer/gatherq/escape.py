"""Escapes control characters in texts of others (ids, names, errors) for logs and terminals."""

import logging
import re
import traceback
from collections.abc import Callable

#: Control characters, line breaks, changes of the text's direction, and lone surrogates.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
#: The same without the newlines and tabs of a traceback.
_CONTROLS_OF_TRACEBACKS = re.compile(rf"(?![\n\t]){_CONTROLS.pattern}")
_FIRST = "Traceback (most recent call last):\n"
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str) -> str:
    """Return one line of text, its control characters written as in a Python string."""
    return _CONTROLS.sub(_escaped, text)


def escape_traceback(text: str) -> str:
    """Return lines without control characters, indented, so that none looks like a log record."""
    lines = _CONTROLS_OF_TRACEBACKS.sub(_escaped, text).rstrip("\n").replace("\n", "\n  ")
    return lines if text.startswith(_FIRST) else f"  {lines}"


class Escaping(logging.Filter):
    """Escapes the message of each record, and the text of its exception."""

    def __init__(self, show: Callable[[BaseException], str] | None = None) -> None:
        super().__init__()
        self._show = show or _shown

    def filter(self, record: logging.LogRecord) -> bool:
        """Escape the record if need be; returns True for every record."""
        try:
            message = record.getMessage()
        except Exception:  # the handlers report a record that cannot be formatted
            return True
        if _CONTROLS.search(message):
            record.msg, record.args = escape(message), ()
        if record.exc_text:
            record.exc_text = escape_traceback(record.exc_text)
        elif record.exc_info and record.exc_info[1]:
            text = getattr(record, "traceback", None) or self._show(record.exc_info[1])
            record.exc_text = escape_traceback(text)
        return True


def install(name: str, show: Callable[[BaseException], str] | None = None) -> None:
    """Let a logger escape its records; its level and handlers stay as they are."""
    logger = logging.getLogger(name)
    if not any(isinstance(known, Escaping) for known in logger.filters):
        logger.addFilter(Escaping(show))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _SHORT.get(match[0]) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def _shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
