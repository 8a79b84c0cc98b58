"""An exception as data, whatever its own code does."""

import builtins
import contextlib
import traceback
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from gatherq.contract.interruptions import Interruption

from .attributes import ASYNCIO, Plain, Unfit, attributes_of, is_a, is_plain, pack
from .error_info import ErrorInfo, left_out
from .error_tree import Node, traceback_lines, tree_of

#: Most characters of one text, of a message in a traceback, and of all texts of an error.
_MAX_TEXT, _MAX_LINE, _MAX_TOTAL = 32_768, 2_000, 262_144
_MAX_NOTES = 20
#: Most characters of a type's name.
_MAX_NAME = 256
#: Python's tracebacks add hints to the messages of these.
_HINTED = (SyntaxError, NameError, AttributeError, ImportError)
_SCALARS = (str, int, float, bool, type(None), bytes, complex, datetime, date, timedelta)
_COLLECTIONS = (list, tuple, set, frozenset)
_GROUPS_MESSAGE: Any = BaseExceptionGroup.__dict__["message"]
_ARGS: Any = BaseException.__dict__["args"]
_QUIET: Any = BaseException.__dict__["__suppress_context__"]
_OS_NAMES: Any = OSError.__dict__
_OS_ERRORS = [
    kind for kind in vars(builtins).values() if isinstance(kind, type) and issubclass(kind, OSError)
]


class Interrupted(Interruption):
    """Raised into a job that blocks, at its timeout."""


class DescribedError(Exception):
    """Stands for an error of another process, which was described there."""

    __match_args__ = ("info",)

    def __init__(self, info: ErrorInfo, delay: float | None = None, matches: bool = False) -> None:
        #: The error as data; the delay that a `Retry` asks for; whether `retry_on` names the error.
        self.info = info
        self.delay = delay
        self.matches = matches
        super().__init__(str(info))


def describe(error: BaseException) -> ErrorInfo:
    """Return an error and those behind it as data, cut to size. Never raises.

    Runs code of the error's class, such as `__str__`: only where a handler's code may run.
    """
    if is_a(error, DescribedError):
        return error.info
    try:
        return _Describer().describe(error)
    except BaseException as failure:  # of the error's own code, or an interruption
        message = f"<indescribable: {_type_name(type(failure))}>"
        return ErrorInfo(type=_type_name(type(error)), message=message)


def say(error: BaseException) -> str:
    """Return the text of `error`, whatever its `__str__` does."""
    return _Describer().text(lambda: str(error))


class _Describer:
    """Describes one error; all its texts share a budget of characters."""

    def __init__(self) -> None:
        self._left = _MAX_TOTAL - _MAX_TEXT  # the traceback has its own

    def describe(self, error: BaseException) -> ErrorInfo:
        tree = tree_of(error)
        info = self._info(tree)
        assert info is not None
        self._left = _MAX_TEXT
        return info.model_copy(
            update={"traceback": self.text(lambda: "".join(traceback_lines(tree)))}
        )

    def text(self, make: Callable[[], str]) -> str:
        """Return the text that `make` makes, cut to the budget, or a text about its failure."""
        try:
            text = str.__str__(make())  # of a subclass, the plain text
            size = len(text)
        except Interrupted:
            raise
        except BaseException as failure:  # a raising __str__ or __repr__
            return f"<unprintable: {_type_name(type(failure))}>"
        room = min(_MAX_TEXT, self._left)
        self._left -= min(size, room)
        return str(_clean(_cut(text, room)))

    def _info(self, node: Node | None) -> ErrorInfo | None:
        if node is None:
            return None
        error = node.error
        name, message = _type_name(type(error)), self._message(error)
        notes = self._notes(error)
        node.lines = "\n".join(_cut(text, _MAX_LINE) for text in (_line(name, message), *notes))
        if is_a(error, _HINTED) and node.alone and len(message) < _MAX_LINE:
            node.lines = self.text(lambda: _hinted(error)) or node.lines
        context = self._info(node.context)
        cause, members = self._info(node.cause), [self._info(m) for m in node.members]
        if node.missing:
            members.append(left_out(node.missing, "members"))
        if node.cut:
            notes.append("what led to this error is left out here")
        args, attributes = _plain_args(error), self._attributes(error)
        if args is None and "args" not in attributes and _says_its_args(error):
            notes.append("its arguments are left out here: they are no plain values, or too large")
        return ErrorInfo(
            type=name,
            message=message,
            args=args,
            bases=_bases(type(error)),
            attributes=attributes,
            context=context,
            suppressed=bool(_QUIET.__get__(error)),
            notes=tuple(notes),
            cause=cause,
            members=tuple(filter(None, members)),
        )

    def _attributes(self, error: BaseException) -> dict[str, Any]:
        attributes = attributes_of(error)
        if _plain_args(error) is None and not is_a(error, BaseExceptionGroup):
            with contextlib.suppress(Unfit):
                attributes["args"] = pack(_whole_args(error))
        size = sum(len(repr(value)) for value in attributes.values()) if attributes else 0
        if size > self._left:
            return {}
        self._left -= size
        return attributes

    def _message(self, error: BaseException) -> str:
        if is_a(error, BaseExceptionGroup):
            return self.text(lambda: str(_GROUPS_MESSAGE.__get__(error)))
        return self.text(lambda: str(error))

    def _notes(self, error: BaseException) -> list[str]:
        try:
            notes = getattr(error, "__notes__", None) or ()
            if not issubclass(type(notes), list | tuple):
                return [self.text(lambda: repr(notes))]  # as Python shows them
            kind: Any = list if issubclass(type(notes), list) else tuple  # not its own __len__
            first = kind.__getitem__(notes, slice(_MAX_NOTES))
            more = kind.__len__(notes) - _MAX_NOTES
        except Interrupted:
            raise
        except BaseException as failure:
            return [f"<unprintable notes: {_type_name(type(failure))}>"]
        texts = [self.text(lambda note=note: str(note)) for note in first]  # type: ignore[misc]
        return [*texts, f"{more:,} more notes are left out here"] if more > 0 else texts


def _line(name: str, message: str) -> str:
    return f"{name}: {message}" if message else name


def _hinted(error: BaseException) -> str:
    shown = traceback.TracebackException(type(error), error, error.__traceback__, limit=0)
    return "".join(shown.format_exception_only()).rstrip("\n")


def _type_name(kind: type) -> str:
    name: str = type.__dict__["__name__"].__get__(kind)
    if vars(builtins).get(name) is kind:
        return name
    module = type.__getattribute__(kind, "__module__")
    whole = f"{module}.{type.__dict__['__qualname__'].__get__(kind)}"
    return str(_clean(_cut(whole, _MAX_NAME)))


def _plain_args(error: BaseException) -> tuple[Plain, ...] | None:
    args = _whole_args(error)
    if len(args) > _MAX_NOTES or not all(map(is_plain, args)):
        return None
    short = sum(len(a) for a in args if isinstance(a, str)) <= _MAX_LINE
    return args if short else None


def _whole_args(error: BaseException) -> tuple[Any, ...]:
    args: tuple[Any, ...] = _ARGS.__get__(error)
    if len(args) == 2 and any(type(error) is kind for kind in _OS_ERRORS):
        filename, second = (_OS_NAMES[n].__get__(error) for n in ("filename", "filename2"))
        if second is not None:
            return (*args, filename, None, second)
        if filename is not None:
            return (*args, filename)  # OSError keeps its third argument apart
    return args


def _says_its_args(error: BaseException) -> bool:
    """Tell whether an error is rebuilt from its arguments: a builtin, but no group."""
    return "." not in _type_name(type(error)) and not is_a(error, BaseExceptionGroup)


def _bases(kind: type) -> tuple[str, ...]:
    """Return the names of the nearest builtin bases of a type that is no builtin itself."""
    name = _type_name(kind)
    if "." not in name or name in ASYNCIO:
        return ()
    mro: tuple[type, ...] = type.__dict__["__mro__"].__get__(kind)
    found: list[type] = []
    for base in mro:
        named = vars(builtins).get(type.__dict__["__name__"].__get__(base)) is base
        if named and not any(base in each.__mro__ for each in found):
            found.append(base)
    return tuple(base.__name__ for base in found if base is not object)


def _cut(text: str, room: int) -> str:
    """Return both ends of a text, and how long it was."""
    if len(text) <= room:
        return text
    head = room // 2
    return f"{text[:head]}... ({len(text):,} characters) ...{text[len(text) - head :]}"


def _clean(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def is_data(value: object, most: int = 100_000) -> bool:
    """Tell whether a value is of Python's own types throughout: encoding it runs no user's code."""
    waiting = [value]
    while waiting and most:
        most -= 1
        match waiting.pop():
            case list() | tuple() | set() | frozenset() as items if type(items) in _COLLECTIONS:
                waiting += list(items)
            case dict() as found if type(found) is dict:
                waiting += [*found, *found.values()]
            case other if type(other) not in _SCALARS:
                return False
    return not waiting
