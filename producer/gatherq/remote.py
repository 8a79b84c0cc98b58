"""An exception as data, and back. Nothing that is named in Redis is ever imported."""

import builtins
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from .errors import RemoteError

if TYPE_CHECKING:
    from .outcomes import Failed

Plain = str | int | float | bool | None

#: Levels of causes and members that are rebuilt, and characters kept in the history of a job.
_MAX_DEPTH, _SHORT = 50, 2048
_NO_MEMBERS = "the members of this group are not known"
#: Type of what stands for errors that were left out.
LEFT_OUT = "LeftOut"

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

    def shortened(self) -> "ErrorInfo":
        """Return what a history keeps of it: its texts cut, and nothing of others."""
        notes = self.notes
        if self.cause or self.members or len(notes) > 3:
            notes = (*notes[:3], "what is not of this error alone is left out in a history")
        cut = {
            "message": _cut(self.message),
            "traceback": _cut(self.traceback, tail=True),
            "notes": tuple(map(_cut, notes)),
            "args": None if len(self.message) > _SHORT else self.args,
            "cause": None,
            "members": (),
        }
        return self.model_copy(update=cut)


def left_out(count: int, of: str) -> ErrorInfo:
    """Stand for what was left out."""
    return ErrorInfo(type=LEFT_OUT, message=f"{count:,} more {of} are left out here")


def rebuild(info: ErrorInfo, *, outcome: "Failed | None" = None, origin: str = "") -> Exception:
    """Make the exception again: the builtin itself, or a `RemoteError` that tells its type.

    Its notes are the original's; the last one is the remote traceback. Its cause is rebuilt too.
    Never raises: what cannot be made, or is nested too deep, is a `RemoteError` that says so.
    """
    return _rebuilt(info, 0, outcome, origin or "the job")


def _rebuilt(info: ErrorInfo, depth: int, outcome: "Failed | None", origin: str) -> Exception:
    if depth > _MAX_DEPTH:
        return RemoteError(f"{info}; what is behind it is nested too deep to be rebuilt")
    error = _builtin(info, depth) or RemoteError(str(info), outcome=outcome)
    for note in info.notes:
        error.add_note(note)
    if info.traceback:
        error.add_note(f"Remote traceback of {origin}:\n{info.traceback.rstrip()}")
    if info.cause is not None:
        error.__cause__ = _rebuilt(info.cause, depth + 1, None, "the job")
    return error


def _builtin(info: ErrorInfo, depth: int) -> Exception | None:
    kind: Any = getattr(builtins, info.type, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return None
    if issubclass(kind, _NOT_REBUILT):
        return None
    try:
        if issubclass(kind, BaseExceptionGroup):
            members = [_rebuilt(m, depth + 1, None, "the job") for m in info.members]
            return ExceptionGroup(info.message, members or [RemoteError(_NO_MEMBERS)])
        return kind(*((info.message,) if info.args is None else info.args))
    except Exception:  # its constructor wants more than a message
        return None


def _cut(text: str, *, tail: bool = False) -> str:
    if len(text) <= _SHORT:
        return text
    said = f"({len(text):,} characters)"
    return f"{said} ...{text[-_SHORT:]}" if tail else f"{text[:_SHORT]}... {said}"
