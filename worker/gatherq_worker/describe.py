"""An exception as data, whatever the exception does about it."""

import builtins
import traceback
from collections.abc import Callable
from typing import Any

from gatherq.remote import ErrorInfo, Plain

_MAX_TEXT = 32_768
_MAX_DEPTH = 5
_MAX_MEMBERS = 20


class Described(Exception):
    """An error that was described where it happened, in another process."""

    __match_args__ = ("info",)

    def __init__(self, info: ErrorInfo, delay: float | None = None, matches: bool = False) -> None:
        #: What it was; the delay that it asked for, if it did; whether `retry_on` names it.
        self.info, self.delay, self.matches = info, delay, matches
        super().__init__(str(info))


def describe(error: BaseException) -> ErrorInfo:
    """Return what `error` says; its text is cut at 32 KiB, its chain at five. Never raises."""
    try:
        return _describe(error, 0)
    except BaseException as failure:  # properties and classes that resist
        name = type.__getattribute__(type(error), "__name__")
        return ErrorInfo(type=name, message=f"<indescribable: {type(failure).__name__}>")


def say(error: BaseException) -> str:
    """Return the text of `error`, whatever its `__str__` does."""
    return _text(lambda: str(error))


def _describe(error: BaseException, depth: int) -> ErrorInfo:
    deeper = depth < _MAX_DEPTH
    cause = error.__cause__ if deeper else None
    members = error.exceptions[:_MAX_MEMBERS] if isinstance(error, BaseExceptionGroup) else ()
    return ErrorInfo(
        type=_type_name(type(error)),
        message=_message(error),
        args=_plain_args(error),
        traceback=_text(lambda: "".join(traceback.format_exception(error))) if depth == 0 else "",
        notes=tuple(_text(lambda note=note: str(note)) for note in _notes(error)),  # type: ignore[misc]
        cause=None if cause is None else _describe(cause, depth + 1),
        members=tuple(_describe(e, depth + 1) for e in members) if deeper else (),
    )


def _message(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        message: str = error.message
        return _text(lambda: message)
    return _text(lambda: str(error))


def _type_name(kind: type) -> str:
    name = kind.__name__
    if vars(builtins).get(name) is kind:
        return name
    return f"{kind.__module__}.{kind.__qualname__}"


def _notes(error: BaseException) -> list[Any]:
    notes = getattr(error, "__notes__", ())
    return list(notes)[:_MAX_MEMBERS] if isinstance(notes, list | tuple) else []


def _plain_args(error: BaseException) -> tuple[Plain, ...] | None:
    args = error.args
    if isinstance(error, OSError) and error.filename is not None and len(args) == 2:
        args = (*args, error.filename)  # OSError keeps its third argument apart
    plain = all(type(a) in (str, int, float, bool, type(None)) for a in args)
    short = sum(len(a) for a in args if isinstance(a, str)) <= _MAX_TEXT
    return tuple(map(_clean, args)) if plain and short else None


def _clean(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _text(make: Callable[[], str]) -> str:
    try:
        text = make()
    except BaseException as failure:  # a raising __str__ or __repr__
        return f"<unprintable: {type(failure).__name__}>"
    if len(text) > _MAX_TEXT:
        text = f"{text[:_MAX_TEXT]}... ({len(text):,} characters)"
    return text.encode("utf-8", "replace").decode()
