"""An exception as data, and back. Nothing that is named in Redis is ever imported."""

import builtins
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from .errors import RemoteError

if TYPE_CHECKING:
    from .outcomes import Failed

Plain = str | int | float | bool | None

# Raising these out of a coroutine means something to the interpreter, so they stay data.
_NOT_REBUILT = (StopIteration, StopAsyncIteration)


class ErrorInfo(BaseModel):
    """What a job raised: `type` is a builtin's name, or `module.name` for any other type."""

    model_config = ConfigDict(frozen=True)

    type: str
    message: str
    args: tuple[Plain, ...] | None = None
    traceback: str = ""
    notes: tuple[str, ...] = ()
    cause: "ErrorInfo | None" = None
    members: tuple["ErrorInfo", ...] = ()

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type


def rebuild(info: ErrorInfo, *, outcome: "Failed | None" = None, origin: str = "") -> Exception:
    """Make the exception again: the builtin itself, or a `RemoteError` that tells its type.

    Its notes are the original's; the last one is the remote traceback. Its cause is rebuilt too.
    """
    error = _builtin(info) or RemoteError(str(info), outcome=outcome)
    for note in info.notes:
        error.add_note(note)
    if info.traceback:
        error.add_note(f"Remote traceback of {origin or 'the job'}:\n{info.traceback.rstrip()}")
    if info.cause is not None:
        error.__cause__ = rebuild(info.cause)
    return error


def _builtin(info: ErrorInfo) -> Exception | None:
    kind: Any = getattr(builtins, info.type, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return None
    if issubclass(kind, _NOT_REBUILT):
        return None
    if issubclass(kind, BaseExceptionGroup):
        return ExceptionGroup(info.message, [rebuild(member) for member in info.members])
    try:
        return kind(*((info.message,) if info.args is None else info.args))
    except Exception:  # its constructor wants more than a message
        return None
