"""Attributes and arguments of an exception as JSON, and back."""

import asyncio
import concurrent.futures
import math
import re
from typing import Any, TypeGuard, TypeVar

E = TypeVar("E", bound=BaseException)
Plain = str | int | float | bool | None

#: Attributes that Python's and asyncio's own exceptions hold apart from their arguments.
_ATTRIBUTES: tuple[tuple[type[BaseException], tuple[str, ...]], ...] = (
    (OSError, ("errno", "strerror", "filename", "filename2")),
    (BlockingIOError, ("characters_written",)),
    (AttributeError, ("name", "obj")),
    (NameError, ("name",)),
    (ImportError, ("msg", "name", "path", "name_from")),
    (
        SyntaxError,
        (
            *("msg", "filename", "lineno", "offset", "text"),
            *("end_lineno", "end_offset", "print_file_and_line"),
        ),
    ),
    (StopIteration, ("value",)),
    (SystemExit, ("code",)),
    *(
        (kind, ("encoding", "object", "start", "end", "reason"))
        for kind in (UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError)
    ),
    (asyncio.IncompleteReadError, ("partial", "expected")),
    (asyncio.LimitOverrunError, ("consumed",)),
)
#: All their names: nothing else is set on an exception that is rebuilt.
HELD = frozenset(name for _, names in _ATTRIBUTES for name in names)
#: asyncio's own exceptions, by the names that they travel under: nothing is imported by name.
ASYNCIO: dict[str, type[Exception]] = {
    f"{kind.__module__}.{kind.__qualname__}": kind
    for kind in (
        asyncio.InvalidStateError,
        asyncio.IncompleteReadError,
        asyncio.LimitOverrunError,
        asyncio.SendfileNotAvailableError,
        asyncio.BrokenBarrierError,
        asyncio.QueueEmpty,
        asyncio.QueueFull,
        concurrent.futures.InvalidStateError,
        concurrent.futures.BrokenExecutor,
    )
}
#: Most characters or bytes of one exception's values, most items, and deepest nesting of tuples.
_MAX_SIZE, _MAX_ITEMS, _MAX_DEPTH = 32_768, 100, 3
_MAX_INT = 10**1000
_SURROGATES = re.compile("[\ud800-\udfff]")


class Unfit(ValueError):
    """A value is not plain, or too large to travel with an error."""


def is_a(error: BaseException | None, kind: type[E] | tuple[type[E], ...]) -> TypeGuard[E]:
    """Tell whether `except kind` catches an error: `isinstance` trusts a false `__class__`."""
    return issubclass(type(error), kind)


def is_plain(value: object) -> bool:
    """Tell whether JSON gives a value back as it is."""
    match value:
        case str() if type(value) is str:
            return value.isascii() or not _SURROGATES.search(value)
        case float() if type(value) is float:
            return math.isfinite(value)
        case int() if type(value) is int:
            return -_MAX_INT < value < _MAX_INT
    return value is None or value is True or value is False


def attributes_of(error: BaseException) -> dict[str, Any]:
    """Return the attributes that builtin classes give an error, packed; unfit ones are left out."""
    packed: dict[str, Any] = {}
    for kind, names in _ATTRIBUTES:
        if not is_a(error, kind):
            continue
        for name in names:
            try:  # through the builtin's own descriptor, which a subclass may have replaced
                own: Any = vars(kind).get(name)
                value = own.__get__(error) if hasattr(own, "__set__") else vars(error)[name]
                if value is not None:
                    packed[name] = pack(value)
            except (AttributeError, KeyError, TypeError, ValueError):
                continue  # never set, or unfit
    return packed


def pack(value: object) -> Any:
    """Return a plain value, bytes or a tuple of these as JSON's types; raises Unfit."""
    return _packed(value, [_MAX_SIZE, _MAX_ITEMS], _MAX_DEPTH)


def unpack(value: Any) -> Any:
    """Return the value that was packed."""
    match value:
        case {"bytes": str(text)}:
            return text.encode("latin-1", "replace")
        case {"text": str(text)}:
            return text.encode("latin-1", "replace").decode("utf-8", "surrogatepass")
        case {"float": str(text)}:
            return float(text)
        case {"tuple": list(items)}:
            return tuple(map(unpack, items))
    return value


def _packed(value: object, left: list[int], deep: int) -> Any:
    if isinstance(value, str | bytes) and type(value) in (str, bytes):
        left[0] -= len(value)
        if left[0] < 0:
            raise Unfit("it is too long")
        if isinstance(value, bytes):
            return {"bytes": value.decode("latin-1")}
        if not is_plain(value):  # the name of a file, as Python reads it
            return {"text": value.encode("utf-8", "surrogatepass").decode("latin-1")}
        return value
    if type(value) is tuple and deep:
        left[1] -= len(value)
        if left[1] < 0:
            raise Unfit("it is too many")
        return {"tuple": [_packed(item, left, deep - 1) for item in value]}
    if is_plain(value):
        return value
    if type(value) is float:
        return {"float": repr(value)}
    raise Unfit("it is not plain")
