"""What others wrote, made harmless for a log or a terminal: ids, names and errors."""

import logging
import re
import traceback
from collections.abc import Callable

#: Control characters, what breaks lines, what turns the direction of text, halves of characters.
_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
#: As before, but for the newlines and tabs of a traceback.
_CONTROLS_OF_TRACEBACKS = re.compile(rf"(?![\n\t]){_CONTROLS.pattern}")
_FIRST = "Traceback (most recent call last):\n"
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str) -> str:
    """Return one line of text without control characters: each as it is written in Python."""
    return _CONTROLS.sub(_escaped, text)


def escape_traceback(text: str) -> str:
    """Return lines without control characters; none but a heading can pass for a line of a log."""
    lines = _CONTROLS_OF_TRACEBACKS.sub(_escaped, text).rstrip("\n").replace("\n", "\n  ")
    return lines if text.startswith(_FIRST) else f"  {lines}"


class Escaping(logging.Filter):
    """Escapes what goes by: the message, and the text of its exception."""

    def __init__(self, show: Callable[[BaseException], str] | None = None) -> None:
        super().__init__()
        self._show = show or _shown

    def filter(self, record: logging.LogRecord) -> bool:
        """Change what needs it; lets everything through."""
        try:
            message = record.getMessage()
        except Exception:  # the handlers say what is wrong with it
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
    """Let a logger escape what goes through it; its level and its handlers stay as they are."""
    logger = logging.getLogger(name)
    if not any(isinstance(known, Escaping) for known in logger.filters):
        logger.addFilter(Escaping(show))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _SHORT.get(match[0]) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def _shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
