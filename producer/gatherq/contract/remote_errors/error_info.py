"""`ErrorInfo`, an exception as data, and the exception rebuilt from it.

Nothing that is named in Redis is ever imported.
"""

import builtins
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from gatherq.contract.short_repr import PlainText, short_repr
from gatherq.errors import RemoteError

from .attributes import ASYNCIO, HELD, Plain, unpack
from .remote_types import bare, remote_kind

if TYPE_CHECKING:
    from gatherq.contract.outcomes import Failed

#: Deepest nesting of causes and members that is rebuilt; characters of a text in a history.
_MAX_DEPTH, _SHORT = 50, 2048
_NO_MEMBERS = "the members of this group are not known"
#: Type name that takes the place of errors that were left out.
LEFT_OUT = "LeftOut"


class ErrorInfo(BaseModel):
    """An error of a job, as data: whatever its class, reading it runs no code of the job's.

        match outcome:
            case Failed(error):
                print(error.traceback or str(error))

    `type` is a builtin's name, or `module.name` for any other type, and "UnknownJob",
    "ResultTooLarge" and the like where gatherq itself says why a job has failed. `cause`,
    `context` and the `members` of an exception group are errors too. What was too large is left
    out, and says so.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True)

    type: str
    message: str
    args: tuple[Plain, ...] | None = None
    traceback: str = ""
    notes: tuple[str, ...] = ()
    cause: "ErrorInfo | None" = None
    members: tuple["ErrorInfo", ...] = ()
    #: Names of the nearest builtin bases of a type that is no builtin.
    bases: tuple[str, ...] = ()
    #: Attributes of its builtin class apart from its arguments, as `attributes.pack` returns them.
    attributes: dict[str, Any] = {}
    context: "ErrorInfo | None" = None
    #: Whether `__suppress_context__` is set: raised `from` another error or None.
    suppressed: bool = False

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Tell pydantic, and rich, what to show: the type and the message, in a short line."""
        yield "type", PlainText(short_repr(self.type, 40))
        yield "message", PlainText(short_repr(self.message, 60))

    def shortened(self) -> "ErrorInfo":
        """Return the part for a history: texts cut, and none of the errors behind it."""
        notes = self.notes
        if self.cause or self.context or self.members or len(notes) > 3:
            notes = (*notes[:3], "what is not of this error alone is left out in a history")
        cut: dict[str, Any] = {
            "message": _cut(self.message),
            "traceback": _cut(self.traceback, tail=True),
            "notes": tuple(map(_cut, notes)),
            "args": None if len(self.message) > _SHORT else self.args,
            "cause": None,
            "context": None,
            "attributes": {},
            "members": (),
        }
        return self.model_copy(update=cut)


def left_out(count: int, of: str) -> ErrorInfo:
    """Return an entry that takes the place of errors that were left out."""
    return ErrorInfo(type=LEFT_OUT, message=f"{count:,} more {of} are left out here")


def rebuild(info: ErrorInfo, *, outcome: "Failed | None" = None, origin: str = "") -> Exception:
    """Make the exception again: the builtin itself, or a `RemoteError` that names its type.

    The latter is also of the original's nearest builtin bases. The notes are the original's and,
    last, the remote traceback. Cause, context and members are rebuilt too. Never raises: an error
    that cannot be made, or is nested too deep, is a `RemoteError` that says so.
    """
    error = _rebuilt(info, 0, outcome, origin or "the job")
    if isinstance(error, StopIteration):  # no coroutine and no future can raise it
        outer = _remote(f"job raised {info.type}", (RuntimeError,), outcome)
        outer.__cause__ = error
        return outer
    return error


def _rebuilt(info: ErrorInfo, depth: int, outcome: "Failed | None", origin: str) -> Exception:
    if depth > _MAX_DEPTH:
        return RemoteError(f"{info}; what is behind it is nested too deep to be rebuilt")
    error = _made(info, depth, outcome)
    for note in info.notes:
        error.add_note(note)
    if info.traceback:
        error.add_note(f"Remote traceback of {origin}:\n{info.traceback.rstrip()}")
    if info.cause is not None:
        error.__cause__ = _rebuilt(info.cause, depth + 1, None, "the job")
    if info.context is not None:
        error.__context__ = _rebuilt(info.context, depth + 1, None, "the job")
    error.__suppress_context__ = info.suppressed or info.cause is not None
    return error


def _made(info: ErrorInfo, depth: int, outcome: "Failed | None") -> Exception:
    kinds = _kinds((info.type,)) or _kinds(info.bases)
    members = []
    if any(issubclass(kind, BaseExceptionGroup) for kind in kinds):
        members = [_rebuilt(m, depth + 1, None, "the job") for m in info.members]
        members = members or [RemoteError(_NO_MEMBERS)]
    same = _same(info, members)
    error = same or _remote(str(info), kinds, outcome, info.message, members)
    for name, value in info.attributes.items():
        if name not in HELD:
            continue
        try:
            setattr(error, name, unpack(value))
        except Exception:  # a damaged record
            continue
    return error


def _same(info: ErrorInfo, members: list[Exception]) -> Exception | None:
    """Return an exception of the very type, or None if that is no builtin."""
    kind = ASYNCIO.get(info.type)
    if kind is not None:
        return kind.__new__(kind, info.message)
    kinds = _kinds((info.type,))
    if not kinds:
        return None
    try:
        if members:
            return ExceptionGroup(info.message, members)
        packed = info.attributes.get("args")
        args = unpack(packed) if packed else info.args
        error: Exception = kinds[0](*((info.message,) if args is None else args))
        return error
    except Exception:  # its constructor wants more than a message
        return None


def _remote(
    text: str,
    kinds: tuple[Any, ...],
    outcome: "Failed | None",
    message: str = "",
    members: list[Exception] | None = None,
) -> RemoteError:
    kind = remote_kind(kinds)
    error: RemoteError = bare(kind, message, members) if members else bare(kind, text)
    error.args, error.outcome, error._text = (text,), outcome, text
    return error


def _kinds(names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the builtin exceptions of these names; a group of any is a group of exceptions."""
    kinds = []
    for name in names:
        kind: Any = getattr(builtins, name, None)
        if kind is BaseExceptionGroup:
            kind = ExceptionGroup
        if isinstance(kind, type) and issubclass(kind, Exception):
            kinds.append(kind)
    return tuple(kinds)


def _cut(text: str, *, tail: bool = False) -> str:
    if len(text) <= _SHORT:
        return text
    length = f"({len(text):,} characters)"
    return f"{length} ...{text[-_SHORT:]}" if tail else f"{text[:_SHORT]}... {length}"
