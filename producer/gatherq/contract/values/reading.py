"""Arguments read as a worker will read them, for `@job(validate=True)`."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from inspect import BoundArguments, Parameter
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from typing_extensions import Unpack, is_typeddict

from gatherq.contract.interruptions import INTERRUPTIONS

from .annotations import annotation_text, hints_of
from .codec import Decoder, codec_of
from .error_text import text_of


class WrongValue(ValueError):
    """An argument would not be of its annotation; `wanted` is that, as it is written."""

    def __init__(self, name: str, wanted: str, problem: str) -> None:
        self.name = name
        self.wanted = wanted
        super().__init__(problem)


class ArgumentReader:
    """Reads the arguments of one function, each by its annotation.

    By those that JSON's own types do not suffice for, as a worker does. A worker hands over JSON's
    own types as they come: these must be of their annotation already.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._hints, _ = hints_of(function)
        self._shown = partial(annotation_text, function)
        self._keys: dict[str, Any] = {}
        for name, hint in self._hints.items():
            if get_origin(hint) is Unpack and is_typeddict(get_args(hint)[0]):
                self._keys = get_type_hints(get_args(hint)[0], include_extras=True)
                del self._hints[name]
                break
        self._readers: dict[str, Decoder | None] = {}

    def check(self, arguments: BoundArguments) -> None:
        """Raise WrongValue for the first of these arguments, JSON's types, that is of another."""
        for name, hint, value in self._each(arguments):
            read = self._reader(name, hint)
            if read is None:
                continue
            try:
                read(value)
            except INTERRUPTIONS:
                raise
            except BaseException as error:  # the annotation's own code may raise any
                raise WrongValue(name, self._shown(hint), text_of(error)) from None

    def _each(self, arguments: BoundArguments) -> Iterator[tuple[str, Any, Any]]:
        """Yield the name, the annotation and the value of each argument that has one."""
        for name, value in arguments.arguments.items():
            kind = arguments.signature.parameters[name].kind
            if kind is Parameter.VAR_KEYWORD:
                yield from self._named(name, value)
            elif name in self._hints:
                values = value if kind is Parameter.VAR_POSITIONAL else [value]
                yield from ((name, self._hints[name], each) for each in values)

    def _named(self, others: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
        for name, value in values.items():
            hints = self._keys if name in self._keys else self._hints
            hint_of = name if name in self._keys else others
            if hint_of in hints:
                yield name, hints[hint_of], value

    def _reader(self, name: str, hint: Any) -> Decoder | None:
        if name not in self._readers:
            self._readers[name] = _reader_of(hint)
        return self._readers[name]


def _reader_of(hint: Any) -> Decoder | None:
    """Return what reads a value by an annotation; None for one that cannot be used."""
    try:
        codec = codec_of(hint)
        return _as_it_is(TypeAdapter(list[hint])) if codec is None else codec.decode
    except Exception:  # pydantic's, or of the annotation's own code: the worker uses it neither
        return None


def _as_it_is(adapter: TypeAdapter[list[Any]]) -> Decoder:
    """Return what refuses a value that pydantic would have to change: no worker does."""

    def read(value: Any) -> Any:
        try:
            return adapter.validate_python([value], strict=True)[0]
        except ValidationError:
            if adapter.validate_python([value]) != [value]:
                raise
            return value  # a bool for an int

    return read
